"""Promise 8, of migrations: killed at any write, the operator runs each migration once, or is Held and says so."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sim.faults import Faults, KillAfter, KillBefore
from tests.sim.migrations import NEW, births, migrating, spec, told

RELEASE = {"tests": [{"name": "smoke"}, {"name": "whole", "when": "AfterSwitch"}]}
WRITES = 22
"""Of such a release, the Lease and the notes among them."""


@pytest.mark.parametrize("kill", [KillBefore, KillAfter])
@pytest.mark.parametrize("number", range(1, WRITES + 3))
async def test_killed_at_any_write_it_ends_as_ever(number: int, kill: Callable[[int], Faults]) -> None:
    sim = await migrating(**RELEASE)
    sim.declare({**spec(**RELEASE), "backup": {}})
    await sim.until_rest()
    sim.cluster.faults = kill(sim.written + number)
    sim.declare({**spec(NEW, **RELEASE), "backup": {}})
    await sim.until_rest()
    assert (sim.phase, sim.colour, told(sim)["outcome"]) == ("Completed", "green", "Succeeded")
    assert set(births(sim).values()) == {1}
    assert (len(births(sim)), sim.world.agents.migrated) == (2, 2)


@pytest.mark.parametrize("kill", [KillBefore, KillAfter])
@pytest.mark.parametrize("number", range(1, 12))
async def test_killed_at_any_write_one_that_was_lost_is_held(number: int, kill: Callable[[int], Faults]) -> None:
    sim = await migrating()
    sim.world.agents.endings["migration"] = None
    sim.cluster.faults = kill(sim.written + number)
    sim.declare(spec(NEW))
    await sim.until_rest()
    assert (sim.phase, sim.colour, sim.status["release"]["reason"]) == ("Held", "blue", "MigrationLost")
    assert set(births(sim).values()) == {1}
