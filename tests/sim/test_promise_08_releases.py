"""Promise 8: a release that is disturbed ends as if nothing had happened, with nothing made or deleted twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator

import pytest
from memoapp_operator.domain.manifest import Manifest

from tests.sim import releases
from tests.sim.faults import ConflictEvery, Faults, KillAfter, KillAfterEach, KillBefore, UnavailableEvery
from tests.sim.releases import STORIES
from tests.sim.runner import Simulation

EACH = pytest.mark.parametrize("name", STORIES)


async def _measured() -> dict[str, range]:
    return {name: (await releases.undisturbed(name)).writes for name in STORIES}


def _kills() -> Iterator[object]:
    for name, writes in asyncio.run(_measured()).items():
        for number in writes:
            yield pytest.param(name, number, id=f"{name}, write {number - writes.start + 1}")


@pytest.mark.parametrize("kill", [KillBefore, KillAfter])
@pytest.mark.parametrize(("name", "number"), [*_kills()])
async def test_killed_at_any_write_it_ends_the_same(name: str, number: int, kill: Callable[[int], Faults]) -> None:
    undisturbed = await releases.undisturbed(name)
    told = await releases.told(STORIES[name], kill(number))
    assert told.state == undisturbed.state
    assert told.history == undisturbed.history


@EACH
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(KillAfterEach, id="one write a life"),
        pytest.param(lambda: ConflictEvery(2), id="every second write conflicts"),
        pytest.param(lambda: UnavailableEvery(3, takes_effect=False), id="every third write is lost"),
        pytest.param(lambda: UnavailableEvery(3, takes_effect=True), id="every third answer is lost"),
    ],
)
async def test_disturbed_again_and_again_it_ends_the_same(name: str, faults: Callable[[], Faults]) -> None:
    undisturbed = await releases.undisturbed(name)
    told = await releases.told(STORIES[name], faults())
    assert told.state == undisturbed.state
    assert told.repeats(undisturbed) == {}


def mixed(seed: int) -> Callable[[Simulation], None]:
    """The calls of several operators mix in an order of the seed's."""
    order = random.Random(seed)  # noqa: S311 -- an order that can be repeated

    async def pause() -> None:
        for _ in range(order.randrange(4)):
            await asyncio.sleep(0)

    def arrange(sim: Simulation) -> None:
        sim.cluster.pause = pause

    return arrange


@EACH
@pytest.mark.parametrize("seed", range(6))
async def test_two_that_both_believe_to_lead_end_where_one_does(name: str, seed: int) -> None:
    undisturbed = await releases.undisturbed(name)
    told = await releases.told(STORIES[name], leaders=2, disturb=mixed(seed))
    assert told.state == undisturbed.state
    assert told.repeats(undisturbed) == {}


class Cache:
    """Lists that lag: of several in a row, all but the last give what the first gave."""

    def __init__(self, every: int) -> None:
        self._every = every
        self._kept: dict[str, tuple[int, list[Manifest]]] = {}

    def __call__(self, asked: str, found: list[Manifest]) -> list[Manifest]:
        count, old = self._kept.get(asked, (0, found))
        if count % self._every == 0:
            old = found
        self._kept[asked] = (count + 1, old)
        return old


@EACH
@pytest.mark.parametrize("every", [2, 3])
async def test_a_cache_that_lags_delays_it_and_no_more(name: str, every: int) -> None:
    def lagging(sim: Simulation) -> None:
        sim.cluster.view = Cache(every)

    undisturbed = await releases.undisturbed(name)
    told = await releases.told(STORIES[name], disturb=lagging)
    assert told.state == undisturbed.state
    assert told.repeats(undisturbed) == {}
