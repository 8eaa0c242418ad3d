"""The work queue, in virtual time: every number of seconds below is exact."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from memoapp_operator.ports import LeaseLostError, Unavailable
from memoapp_operator.runtime.queue import BACKOFF_FIRST, BACKOFF_MOST, SETTLE, Key, WorkQueue

pytestmark = pytest.mark.looptime

MEMO = Key("prod", "memo")
OTHER = Key("prod", "other")
FAILURE = Unavailable(503, "ServiceUnavailable", "try later")


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Work:
    """Passes that take ``seconds`` and end as told: a delay, None (gone) or an error. The last end stays."""

    ends: list[float | Exception | None] = field(default_factory=lambda: [1000.0])
    seconds: float = 0.0
    started: list[tuple[Key, float]] = field(default_factory=list)
    finished: list[tuple[Key, float]] = field(default_factory=list)
    running: list[Key] = field(default_factory=list)
    most: int = 0
    doubled: bool = False

    async def __call__(self, key: Key) -> float | None:
        self.doubled |= key in self.running
        self.running.append(key)
        self.most = max(self.most, len(self.running))
        self.started.append((key, now()))
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self.running.remove(key)
        self.finished.append((key, now()))
        end = self.ends.pop(0) if len(self.ends) > 1 else self.ends[0]
        if isinstance(end, Exception):
            raise end
        return end

    def times(self, key: Key = MEMO) -> list[float]:
        return [time for each, time in self.started if each == key]


@asynccontextmanager
async def running(
    work: Callable[[Key], Awaitable[float | None]], workers: int = 2, on_retry: Callable[[], None] = lambda: None
) -> AsyncIterator[WorkQueue]:
    queue = WorkQueue(work, on_retry)
    task = asyncio.create_task(queue.run(workers))
    try:
        yield queue
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_a_key_that_is_added_often_is_worked_on_once() -> None:
    work = Work()
    async with running(work) as queue:
        for _ in range(10):
            queue.add(MEMO)
        await asyncio.sleep(10)
    assert work.times() == [0.0]


async def test_two_keys_are_worked_on_at_once_and_one_key_never() -> None:
    work = Work(seconds=5)
    async with running(work) as queue:
        for key in (MEMO, OTHER, MEMO):
            queue.add(key)
        await asyncio.sleep(1)
        queue.add(MEMO)
        await asyncio.sleep(20)
    assert work.times() == [0.0, 5.0]
    assert work.times(OTHER) == [0.0]
    assert work.most == 2
    assert not work.doubled


async def test_no_more_passes_run_at_once_than_there_are_workers() -> None:
    work = Work(seconds=1)
    async with running(work, workers=3) as queue:
        for number in range(9):
            queue.add(Key("prod", f"app-{number}"))
        await asyncio.sleep(10)
    assert work.most == 3
    assert len(work.finished) == 9


async def test_events_during_a_pass_cause_one_more() -> None:
    work = Work(seconds=5)
    async with running(work) as queue:
        queue.add(MEMO)
        for _ in range(4):
            await asyncio.sleep(1)
            queue.add(MEMO)
        await asyncio.sleep(20)
    assert work.times() == [0.0, 5.0]


async def test_a_burst_of_events_is_one_pass() -> None:
    work = Work()
    async with running(work) as queue:
        for _ in range(20):
            queue.add(MEMO)
            await asyncio.sleep(SETTLE / 100)
        await asyncio.sleep(10)
    assert work.times() == [0.0, SETTLE]


async def test_two_passes_of_a_key_start_no_closer_than_the_settling_time() -> None:
    work = Work(ends=[0.0])
    async with running(work) as queue:
        queue.add(MEMO)
        await asyncio.sleep(SETTLE * 4.5)
    assert work.times() == pytest.approx([0.0, SETTLE, SETTLE * 2, SETTLE * 3, SETTLE * 4])


async def test_the_next_pass_comes_after_the_delay_that_the_last_one_gave() -> None:
    work = Work(ends=[2.0, 7.0, 1000.0], seconds=1)
    async with running(work) as queue:
        queue.add(MEMO)
        await asyncio.sleep(50)
    assert work.times() == pytest.approx([0.0, 3.0, 11.0])


async def test_an_event_comes_before_the_delay_and_does_not_add_a_pass() -> None:
    work = Work(ends=[10.0, 100.0])
    async with running(work) as queue:
        queue.add(MEMO)
        await asyncio.sleep(3)
        queue.add(MEMO)
        await asyncio.sleep(50)
    assert work.times() == [0.0, 3.0]


async def test_a_later_wish_does_not_put_an_earlier_one_off() -> None:
    work = Work(ends=[5.0, 1000.0])
    async with running(work) as queue:
        queue.add(MEMO)
        await asyncio.sleep(1)
        queue.add(MEMO, delay=100)
        await asyncio.sleep(50)
    assert work.times() == pytest.approx([0.0, 5.0])


async def test_a_delayed_key_waits_for_its_time() -> None:
    work = Work()
    async with running(work) as queue:
        queue.add(MEMO, delay=4)
        queue.add(OTHER, delay=2)
        await asyncio.sleep(10)
    assert (work.times(), work.times(OTHER)) == ([4.0], [2.0])


@pytest.mark.parametrize("rest", [1e-3, 1e-6, 1e-7, 1e-9, 1e-12])
async def test_a_key_that_is_all_but_due_is_not_waited_for_in_a_loop(rest: float) -> None:
    work = Work(ends=[1.0 + rest, 1000.0])
    async with running(work) as queue:
        queue.add(MEMO)
        await asyncio.sleep(10)
    assert work.times() == pytest.approx([0.0, 1.0], abs=0.002)


async def test_a_key_that_is_gone_is_forgotten() -> None:
    work = Work(ends=[None])
    async with running(work) as queue:
        queue.add(MEMO)
        await asyncio.sleep(1000)
        assert len(queue) == 0
    assert work.times() == [0.0]


async def test_an_event_during_the_pass_that_found_a_key_gone_is_not_lost() -> None:
    work = Work(ends=[None], seconds=2)
    async with running(work) as queue:
        queue.add(MEMO)
        await asyncio.sleep(1)
        queue.add(MEMO)
        await asyncio.sleep(50)
    assert work.times() == [0.0, 2.0]


async def test_failures_are_tried_again_after_twice_as_long_each_time() -> None:
    work, told = Work(ends=[FAILURE]), []
    async with running(work, on_retry=lambda: told.append(1)) as queue:
        queue.add(MEMO)
        await asyncio.sleep(1000)
    times = work.times()
    pauses = [later - sooner for sooner, later in pairwise(times)]
    for number, pause in enumerate(pauses):
        least = min(BACKOFF_MOST, BACKOFF_FIRST * 2**number)
        assert max(SETTLE, least) <= pause + 0.001
        assert pause <= max(SETTLE, least * 1.5) + 0.001
    assert max(pauses) <= BACKOFF_MOST * 1.5 + 0.001
    assert len(told) == len(times)


async def test_failing_keys_do_not_all_come_back_at_once() -> None:
    work = Work(ends=[FAILURE])
    keys = [Key("prod", f"app-{number}") for number in range(20)]
    async with running(work, workers=20) as queue:
        for key in keys:
            queue.add(key)
        await asyncio.sleep(3)
    third = [work.times(key)[2] for key in keys]
    assert len(set(third)) > 10


async def test_a_pass_that_succeeds_ends_the_back_off() -> None:
    work = Work(ends=[FAILURE, FAILURE, FAILURE, 100.0, FAILURE, 1000.0])
    async with running(work) as queue:
        queue.add(MEMO)
        await asyncio.sleep(200)
    last_but_one, last = work.times()[-2:]
    assert last - last_but_one <= BACKOFF_FIRST * 1.5 + 0.001


async def test_a_failing_key_does_not_hold_up_another() -> None:
    class Mixed(Work):
        async def __call__(self, key: Key) -> float | None:
            await super().__call__(key)
            if key == MEMO:
                raise FAILURE
            return 1.0

    work = Mixed()
    async with running(work, workers=1) as queue:
        queue.add(MEMO)
        queue.add(OTHER)
        await asyncio.sleep(10.5)
    assert len(work.times(OTHER)) == 11


async def test_stopping_finishes_the_passes_under_way_and_begins_none() -> None:
    work = Work(seconds=5)
    queue = WorkQueue(work)
    for key in (MEMO, OTHER, Key("prod", "third")):
        queue.add(key)
    task = asyncio.create_task(queue.run(2))
    await asyncio.sleep(1)
    queue.stop()
    queue.add(Key("prod", "fourth"))
    await task
    assert now() == 5.0
    assert [key for key, _ in work.finished] == [MEMO, OTHER]
    assert len(work.started) == 2


async def test_stopping_an_idle_queue_ends_it_at_once() -> None:
    queue = WorkQueue(Work())
    task = asyncio.create_task(queue.run(4))
    await asyncio.sleep(1)
    queue.stop()
    await task
    assert now() == 1.0


async def test_a_lost_lease_ends_the_queue_and_every_pass_with_it() -> None:
    class Losing(Work):
        async def __call__(self, key: Key) -> float | None:
            if key == OTHER:
                await asyncio.sleep(1)
                raise LeaseLostError
            return await super().__call__(key)

    work = Losing(seconds=100)
    queue = WorkQueue(work)
    queue.add(MEMO)
    queue.add(OTHER)
    with pytest.raises(ExceptionGroup) as caught:
        await queue.run(2)
    assert caught.group_contains(LeaseLostError)
    assert now() == 1.0
    assert work.finished == []


async def test_depth_counts_what_waits_for_a_worker_and_nothing_else() -> None:
    work = Work(seconds=5)
    async with running(work, workers=1) as queue:
        for key in (MEMO, OTHER, Key("prod", "third")):
            queue.add(key)
        queue.add(Key("prod", "later"), delay=50)
        await asyncio.sleep(1)
        assert queue.depth() == 2
        await asyncio.sleep(20)
        assert queue.depth() == 0


async def test_the_longest_pass_under_way_is_known() -> None:
    work = Work(seconds=10)
    async with running(work) as queue:
        assert queue.oldest_pass() == 0.0
        queue.add(MEMO)
        queue.add(OTHER, delay=3)
        await asyncio.sleep(5)
        assert queue.oldest_pass() == 5.0
        await asyncio.sleep(20)
        assert queue.oldest_pass() == 0.0
