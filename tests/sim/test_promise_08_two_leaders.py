"""Promise 8: two processes that both believe to lead undo nothing of each other's."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.sim import apps, stage
from tests.sim.endstate import end_state
from tests.sim.faults import Faults, Write
from tests.sim.runner import Simulation


def mixed(sim: Simulation, seed: int) -> None:
    """The calls of the operators mix in an order of the seed's."""
    order = random.Random(seed)  # noqa: S311 -- an order that can be repeated

    async def pause() -> None:
        for _ in range(order.randrange(4)):
            await asyncio.sleep(0)

    sim.cluster.pause = pause


@pytest.mark.parametrize("seed", range(6))
async def test_they_end_where_one_ends_and_then_rest(seed: int) -> None:
    sim = stage.simulation(leaders=2)
    mixed(sim, seed)
    sim.declare(apps.full())
    await sim.until_rest()
    assert end_state(sim) == (await stage.undisturbed(apps.full)).state
    assert all(sim.cluster.births(ref) == 1 for ref in sim.children())
    written = sim.written
    await sim.run_for(120)
    assert sim.written == written


@pytest.mark.parametrize("seed", range(3))
async def test_they_agree_on_a_changed_spec(seed: int) -> None:
    sim = stage.simulation(leaders=2)
    mixed(sim, seed)
    sim.declare(apps.full())
    await sim.until_rest()
    sim.declare({**apps.full(), "version": "1.5.0"})
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.status["active"]["version"] == "1.5.0"


class Meanwhile(Faults):
    """Something happens between a pass' look and its first write."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._done = False

    def before(self, write: Write) -> None:
        del write
        if not self._done:
            self._done = True
            self._sim.declare({**apps.full(), "version": "1.5.0"})


async def test_a_decision_on_an_old_view_is_not_carried_out() -> None:
    """A release is about to be committed when the spec moves on: that release never begins."""
    sim = await stage.serving(apps.full())
    written = len(sim.writes())
    sim.cluster.faults = Meanwhile(sim)
    sim.declare({**apps.full(), "version": "1.4.9"})
    await sim.until_rest()
    first, second = sim.writes()[written : written + 2]
    assert (first.verb, first.outcome) == ("status", "Conflict")
    assert (second.verb, second.outcome) == ("status", "written")
    assert sim.status["active"]["version"] == "1.5.0"
    begun = [event["message"] for event in sim.cluster.events() if event["reason"] == "ReleaseStarted"]
    assert not [message for message in begun if "1.4.9" in message]
