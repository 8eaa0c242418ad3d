"""Promise 12: the maintenance page goes up at once, has an end, and falls by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from memoapp_operator.domain.conditions import timestamp

from tests.sim import apps, releases
from tests.sim.faults import KillAfter, KillBefore
from tests.sim.runner import Simulation


def page(sim: Simulation, seconds: float, version: str = releases.OLD, message: str = "Back soon.") -> dict[str, Any]:
    until = sim.world.clock.now() + timedelta(seconds=seconds)
    return {**apps.version(version), "maintenance": {"until": timestamp(until), "message": message}}


def shown(sim: Simulation) -> set[tuple[int, str]]:
    """What the routers have: the end of the page, or 0, and its message."""
    found = [sim.world.routers.held(pod) for pod in sim.pods("router").values()]
    return {(told.until, told.message) for told in found if told is not None}


async def test_it_goes_up_at_once_and_falls_without_an_operator() -> None:
    sim = await releases.serving()
    sim.declare(page(sim, 120))
    ends = int(sim.world.clock.now().timestamp()) + 120
    await sim.run_for(5)
    assert shown(sim) == {(ends, "Back soon.")}
    assert sim.status["maintenance"]["since"]
    assert sim.condition("Available")["reason"] == "Maintenance"
    written = sim.written
    await sim.run_for(100)
    assert sim.written == written, "while it is up nothing is written"
    sim.world.clock.advance_to(sim.world.clock.seconds + 60)
    assert ends < sim.world.clock.now().timestamp(), "its end lies in the routers"
    await sim.until_rest()
    assert "maintenance" not in sim.status
    assert sim.condition("Available")["status"] == "True"


async def test_another_end_or_message_and_taken_away() -> None:
    sim = await releases.serving()
    sim.declare(page(sim, 600))
    await sim.run_for(5)
    sim.declare(page(sim, 900, message="It takes longer."))
    ends = int(sim.world.clock.now().timestamp()) + 900
    await sim.run_for(5)
    assert shown(sim) == {(ends, "It takes longer.")}
    sim.declare(apps.version(releases.OLD))
    await sim.run_for(5)
    assert shown(sim) == {(0, "")}
    assert "maintenance" not in sim.status


async def test_a_new_version_waits_behind_it() -> None:
    sim = await releases.serving()
    sim.declare(page(sim, 120, releases.NEW))
    await sim.run_for(60)
    assert (sim.ready, sim.colour) == ("Maintenance", "blue")
    await sim.run_for(120)
    await sim.until_rest()
    assert (sim.ready, sim.colour) == ("True", "green")


@pytest.mark.parametrize("fault", [KillBefore, KillAfter])
async def test_killed_at_any_write_it_is_up_and_falls(fault: Any) -> None:
    undisturbed = await releases.serving()
    began = undisturbed.written
    undisturbed.declare(page(undisturbed, 60))
    await undisturbed.run_for(120)
    for number in range(began + 1, undisturbed.written + 1):
        sim = await releases.serving()
        sim.cluster.faults = fault(number)
        sim.declare(page(sim, 60))
        await sim.run_for(20)
        assert {message for _, message in shown(sim)} == {"Back soon."}
        await sim.run_for(100)
        assert "maintenance" not in sim.status
        assert sim.ready == "True"
