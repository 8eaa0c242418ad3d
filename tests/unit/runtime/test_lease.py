"""The lease: one process acts, and none acts after its lease's end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import pytest
from memoapp_operator.runtime.lease import Lease, Timing

from tests.unit.runtime.leases import LENGTH, Api, Fault, Process

pytestmark = pytest.mark.looptime

DEADLINE = Timing(LENGTH).deadline
RENEW = Timing(LENGTH).renew


def now() -> float:
    return asyncio.get_running_loop().time()


async def taken(process: Process) -> Lease:
    lease = process.lease()
    await lease.acquire()
    return lease


async def kept(lease: Lease, seconds: float) -> bool:
    """Whether the lease is still being kept after so many seconds."""
    task = asyncio.create_task(lease.keep())
    done, _ = await asyncio.wait({task}, timeout=seconds)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return not done


async def test_a_lease_that_is_not_there_is_made() -> None:
    api = Api()
    lease = await taken(Process(api, "one"))
    assert api.stored is not None
    assert api.stored["metadata"]["name"] == "memoapp-operator"
    assert api.stored["spec"] == {
        "holderIdentity": "one",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-03-01T00:00:00.000000Z",
        "renewTime": "2026-03-01T00:00:00.000000Z",
        "leaseTransitions": 1,
    }
    assert lease.remaining() == DEADLINE


async def test_before_it_is_taken_nothing_may_be_written() -> None:
    assert Process(Api(), "one").lease().remaining() == 0


async def test_a_kept_lease_is_renewed_every_third_and_never_runs_low() -> None:
    api = Api()
    lease = await taken(Process(api, "one"))
    assert await kept(lease, 100.5 * RENEW)
    assert len(api.writes) == 101
    assert lease.remaining() >= DEADLINE - RENEW
    assert api.writes[-1]["spec"]["leaseTransitions"] == 1


async def test_a_second_candidate_waits_while_the_first_renews() -> None:
    api = Api()
    first = await taken(Process(api, "one"))
    second = Process(api, "two").lease()
    waiting = asyncio.create_task(second.acquire())
    assert await kept(first, 20 * LENGTH)
    assert not waiting.done()
    assert second.remaining() == 0
    waiting.cancel()


async def test_a_silent_leader_is_followed_a_length_after_it_was_last_seen_to_renew() -> None:
    api = Api()
    first = await taken(Process(api, "one"))
    await asyncio.sleep(3)
    second = await taken(Process(api, "two"))
    assert api.holder == "two"
    assert now() >= 3 + LENGTH
    assert now() <= 3 + LENGTH + 2.1
    assert first.remaining() <= -LENGTH / 3
    assert second.remaining() == DEADLINE


@pytest.mark.parametrize("wrong", [timedelta(days=-400), timedelta(days=400)])
async def test_the_wall_clocks_do_not_count(wrong: timedelta) -> None:
    api = Api()
    first = await taken(Process(api, "one", wall=wrong))
    waiting = asyncio.create_task(Process(api, "two").lease().acquire())
    assert await kept(first, 10 * LENGTH)
    assert not waiting.done()
    await asyncio.wait_for(waiting, LENGTH + 5)
    assert api.holder == "two"


async def test_the_length_that_counts_is_the_one_that_the_holder_wrote() -> None:
    api = Api()
    await Process(api, "one").lease(60).acquire()
    await taken(Process(api, "two"))
    assert now() >= 60


async def test_a_deposed_leader_learns_it_and_stops() -> None:
    api = Api()
    first = await taken(Process(api, "one"))
    assert api.stored is not None
    api.store({**api.stored, "spec": {**api.stored["spec"], "holderIdentity": "two"}})
    assert not await kept(first, LENGTH)
    assert first.remaining() <= 0
    assert now() <= RENEW
    assert api.holder == "two"


async def test_a_lease_that_somebody_deleted_is_lost() -> None:
    api = Api()
    first = await taken(Process(api, "one"))
    api.stored = None
    assert not await kept(first, LENGTH)
    assert first.remaining() <= 0


async def test_a_released_lease_is_taken_over_at_once() -> None:
    api = Api()
    first = await taken(Process(api, "one"))
    waiting = asyncio.create_task(taken(Process(api, "two")))
    await asyncio.sleep(5)
    released = now()
    await first.release()
    assert first.remaining() == 0
    await waiting
    assert now() - released <= 2.0
    assert api.holder == "two"
    assert api.writes[-1]["spec"]["leaseTransitions"] == 2


async def test_what_is_not_held_is_not_released() -> None:
    api = Api()
    first = await taken(Process(api, "one"))
    await asyncio.sleep(LENGTH)
    await taken(Process(api, "two"))
    await first.release()
    await Process(api, "three").lease().release()
    assert api.holder == "two"


async def test_a_release_that_fails_ends_the_process_all_the_same() -> None:
    api = Api()
    first = await taken(Process(api, "one", [(Fault.NONE, 0), (Fault.NONE, 0), (Fault.ERROR, 0)]))
    await first.release()
    assert first.remaining() == 0


OUTAGES = {
    "errors": [(Fault.ERROR, 0.1)] * 4,
    "one call without an answer": [(Fault.SILENT, 0.0)],
    "an answer that is lost": [(Fault.DEAF, 0.0)],
    "slow answers": [(Fault.NONE, 1.0)] * 4,
}


@pytest.mark.parametrize("outage", OUTAGES.values(), ids=OUTAGES)
async def test_a_short_outage_does_not_cost_the_lease(outage: list[tuple[Fault, float]]) -> None:
    api = Api()
    lease = await taken(Process(api, "one", [(Fault.NONE, 0), (Fault.NONE, 0), *outage]))
    assert await kept(lease, 10 * LENGTH)


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.SILENT])
async def test_a_long_outage_ends_it_before_another_may_take_over(fault: Fault) -> None:
    api = Api()
    lease = await taken(Process(api, "one", [(Fault.NONE, 0), (Fault.NONE, 0), *[(fault, 0.5)] * 100]))
    assert not await kept(lease, 10 * LENGTH)
    assert lease.remaining() <= 0
    assert now() <= DEADLINE + 1.5


async def test_a_label_that_somebody_wrote_does_not_cost_the_lease() -> None:
    api = Api()
    lease = await taken(Process(api, "one"))
    assert api.stored is not None
    api.store(api.stored)
    assert await kept(lease, 10 * LENGTH)
    assert api.holder == "one"


async def test_a_lease_that_was_made_without_an_answer_is_taken_at_once() -> None:
    api = Api()
    lease = await taken(Process(api, "one", [(Fault.NONE, 0), (Fault.DEAF, 0)]))
    assert now() <= 12.5
    assert lease.remaining() == DEADLINE


async def test_an_answer_counts_from_when_it_was_asked_for() -> None:
    lease = await taken(Process(Api(), "one", [(Fault.NONE, 1.0), (Fault.NONE, 1.5)]))
    assert now() == 5.0
    assert lease.remaining() == DEADLINE - 5.0


async def test_a_renewal_counts_from_when_it_was_asked_for_too() -> None:
    lease = await taken(Process(Api(), "one", [(Fault.NONE, 0), (Fault.NONE, 0), (Fault.NONE, 1.0)]))
    assert await kept(lease, RENEW + 2.5)
    assert lease.remaining() == DEADLINE - 2.5


async def test_a_process_that_was_stopped_for_longer_than_its_lease_may_do_nothing_when_it_wakes() -> None:
    api = Api()
    process = Process(api, "one")
    lease = await taken(process)
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(1)
    process.stop(3 * LENGTH)
    await asyncio.sleep(3 * LENGTH)
    assert lease.remaining() <= 0
    await keeping
    assert lease.remaining() <= 0


async def test_a_renewal_that_was_answered_while_the_process_was_stopped_gives_it_no_time() -> None:
    api = Api()
    process = Process(api, "one", [(Fault.NONE, 0), (Fault.NONE, 0), (Fault.NONE, 0.5)])
    lease = await taken(process)
    keeping = asyncio.create_task(lease.keep())
    await asyncio.sleep(RENEW + 0.75)
    process.stop(2 * LENGTH)
    await asyncio.sleep(2 * LENGTH)
    assert len(api.writes) == 2
    await asyncio.sleep(0.1)
    assert lease.remaining() <= 0
    await keeping


async def test_two_candidates_for_a_free_lease_get_it_one_after_the_other() -> None:
    api = Api()
    one, two = Process(api, "one", [(Fault.NONE, 0.1)] * 4), Process(api, "two", [(Fault.NONE, 0.1)] * 4)
    first, second = one.lease(), two.lease()
    tasks = [asyncio.create_task(each.acquire()) for each in (first, second)]
    await asyncio.sleep(5)
    assert [task.done() for task in tasks].count(True) == 1
    assert [lease.remaining() > 0 for lease in (first, second)].count(True) == 1
    for task in tasks:
        task.cancel()
