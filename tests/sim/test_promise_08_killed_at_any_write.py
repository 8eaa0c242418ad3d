"""Promise 8: killed at any instant, the operator goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.sim import apps, stage
from tests.sim.endstate import end_state
from tests.sim.faults import Faults, KillAfter, KillAfterEach, KillBefore
from tests.sim.runner import Simulation

FULL = asyncio.run(stage.undisturbed(apps.full))
BACKEND_ONLY = asyncio.run(stage.undisturbed(apps.backend_only))


async def created(shape: apps.Shape, faults: Faults) -> Simulation:
    sim = stage.simulation()
    sim.cluster.faults = faults
    sim.declare(shape())
    await sim.until_rest()
    return sim


def born_once(sim: Simulation) -> bool:
    return all(sim.cluster.births(ref) == 1 for ref in sim.children())


def each_write(undisturbed: stage.Undisturbed) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("number", range(1, undisturbed.writes + 1))


@pytest.mark.parametrize("kill", [KillBefore, KillAfter])
@each_write(FULL)
async def test_a_full_app_ends_as_if_nothing_had_happened(number: int, kill: Callable[[int], Faults]) -> None:
    sim = await created(apps.full, kill(number))
    assert sim.operators[0].restarts == 1
    assert end_state(sim) == FULL.state
    assert born_once(sim)


@pytest.mark.parametrize("kill", [KillBefore, KillAfter])
@each_write(BACKEND_ONLY)
async def test_a_backend_alone_ends_as_if_nothing_had_happened(number: int, kill: Callable[[int], Faults]) -> None:
    sim = await created(apps.backend_only, kill(number))
    assert sim.operators[0].restarts == 1
    assert end_state(sim) == BACKEND_ONLY.state
    assert born_once(sim)


async def test_it_gets_there_by_one_write_a_life() -> None:
    sim = await created(apps.full, KillAfterEach())
    told = [write.verb for write in sim.writes() if write.verb == "steer"]
    assert sim.written - len(told) <= sim.operators[0].restarts <= sim.written, "the routers are told side by side"
    assert end_state(sim) == FULL.state
    assert born_once(sim)


async def test_a_restart_repeats_no_write() -> None:
    """The one write whose answer was lost is not sent again: it is seen."""
    sim = await created(apps.full, KillAfterEach())
    assert len(set(sim.child_writes())) == len(sim.child_writes())
