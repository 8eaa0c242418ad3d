"""A lost lease is no defect, also where the workers tell it as a group."""

from __future__ import annotations

import pytest
from memoapp_operator.__main__ import is_loss
from memoapp_operator.ports import LeaseLostError
from memoapp_operator.runtime.queue import Key, WorkQueue

from tests.unit.faults.conftest import in_a_thread


def test_the_workers_tell_a_lost_lease() -> None:
    async def work(_: Key) -> None:
        raise LeaseLostError

    async def run() -> None:
        queue = WorkQueue(work)
        queue.add(Key("one", "memo"))
        await queue.run(2)

    with pytest.raises(BaseExceptionGroup) as found:
        in_a_thread(run())
    assert is_loss(found.value)


def test_anything_else_is_a_defect() -> None:
    assert is_loss(LeaseLostError())
    assert not is_loss(ValueError())
    assert not is_loss(BaseExceptionGroup("both", [LeaseLostError(), ValueError()]))
