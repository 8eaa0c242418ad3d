"""Whatever happens to processes and calls, no two processes may act at the same instant."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import looptime
from hypothesis import given, settings
from hypothesis import strategies as st
from memoapp_operator.runtime.lease import Lease

from tests.unit.runtime.leases import LENGTH, Api, Fault, Process, unending

SECONDS = 90.0
HEALED = 7 * LENGTH
STEP = 0.25
FAULTS = st.lists(
    st.tuples(st.sampled_from([Fault.NONE, Fault.NONE, Fault.ERROR, Fault.SILENT, Fault.DEAF]), st.floats(0, 4)),
    max_size=15,
)


@dataclass(frozen=True)
class Fate:
    """What happens to one process: faults of its calls, when it is stopped and for how long, how its clocks go."""

    faults: list[tuple[Fault, float]]
    stops: list[tuple[float, float]]
    rate: float
    wall: float


FATES = st.builds(
    Fate,
    FAULTS,
    st.lists(st.tuples(st.floats(0, SECONDS), st.floats(1, 3 * LENGTH)), max_size=3),
    # Crystals differ by far less than a twentieth; the third of the length that lies between is there for it.
    st.floats(0.95, 1.05),
    st.floats(-1000, 1000),
)


class Candidate:
    """A process that is started again each time it has lost the lease, as a Deployment does."""

    def __init__(self, api: Api, name: str, fate: Fate) -> None:
        self.process = Process(api, name, fate.faults, fate.rate, timedelta(seconds=fate.wall))
        self.fate = fate
        self.leases: list[Lease] = []

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for at, seconds in self.fate.stops:
            loop.call_at(at, self.process.stop, seconds)
        name = self.process.name
        for start in range(1000):
            self.process.name = f"{name}-{start}"
            lease = self.process.lease()
            self.leases.append(lease)
            await lease.acquire()
            await lease.keep()
            await self.process.sleep(1)

    def acts(self) -> int:
        """How many of its leases, the present one and those that it lost, let it act now."""
        return sum(lease.remaining() > 0 for lease in self.leases)


async def most_that_act(candidates: list[Candidate]) -> tuple[int, int]:
    """The most that ever act at once, and how many act once all faults are over."""
    tasks = [asyncio.create_task(candidate.run()) for candidate in candidates]
    most = 0
    loop = asyncio.get_running_loop()
    while loop.time() < SECONDS + HEALED:
        await asyncio.sleep(STEP)
        most = max(most, sum(candidate.acts() for candidate in candidates))
        if loop.time() > SECONDS:
            for candidate in candidates:
                candidate.process.faults = unending(())
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    return most, sum(candidate.acts() for candidate in candidates)


def in_virtual_time(work: Coroutine[Any, Any, tuple[int, int]]) -> tuple[int, int]:
    loop = looptime.new_event_loop(start=0, noop_cycles=2)
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


@given(st.lists(FATES, min_size=2, max_size=3))
@settings(max_examples=40)
def test_never_two_may_act_at_once_and_one_acts_in_the_end(fates: list[Fate]) -> None:
    api = Api()
    candidates = [Candidate(api, f"process-{number}", fate) for number, fate in enumerate(fates)]
    most, last = in_virtual_time(most_that_act(candidates))
    assert most <= 1
    assert last == 1
