"""Promise 2: whatever becomes of the database in whichever phase, no bad step is taken, and one version serves on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from memoapp_operator.domain.observation import Probe
from memoapp_operator.domain.usage import DatabaseReading, DatabaseStats

from tests.sim import migrations
from tests.sim.migrations import NEW, births

WELL = DatabaseStats(5, 100, statements={})
TROUBLES: dict[str, DatabaseReading] = {
    "down": Probe(healthy=False, reason="NotReachable", message="Connection refused"),
    "out of connections": Probe(healthy=False, reason="TooManyConnections", message="too many clients already"),
    "read-only": replace(WELL, read_only=True),
    "full of connections": replace(WELL, connections=95),
}
PHASES = ("Migrating", "Preparing", "Testing", "Shifting", "Soaking")
RELEASE: dict[str, Any] = {
    "tests": [{"name": "smoke"}],
    "steps": [{"weight": 50, "hold": "1m"}],
    "soak": "1m",
    "deadline": "10m",
}


@pytest.mark.parametrize("name", TROUBLES)
@pytest.mark.parametrize("phase", PHASES)
async def test_it_serves_on_and_ends_well(phase: str, name: str) -> None:
    sim = await migrations.migrating(**RELEASE)
    sim.world.statistics_told = WELL
    sim.world.agents.seconds |= {"migration": 5.0, "smoke": 5.0}
    sim.declare(migrations.spec(NEW, **RELEASE))
    for _ in range(300):
        if sim.phase == phase:
            break
        await sim.run_for(1)
    assert sim.phase == phase
    sim.world.statistics_told = TROUBLES[name]
    await sim.run_for(300)
    assert sim.condition("Available")["status"] == "True"
    sim.world.statistics_told = WELL
    await sim.until_rest()
    await sim.run_for(2 * 3600)
    assert sim.condition("Available")["status"] == "True"
    assert sim.phase in {"Completed", "Retired", "RolledBack"}
    assert set(births(sim).values()) == {1}, "no migration runs twice"
    assert not sim.watch.unserved
