"""The plan is kept whatever the server does; where the tool itself is late, it says so."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.load.plan import Plan
from tests.load.result import Verdict
from tests.load.run import run
from tests.unit.load import faulty
from tests.unit.load.faulty import FaultyApp, served

SETTLE = 0.1


async def test_a_server_that_stalls_does_not_slow_the_sending(tmp_path: Path) -> None:
    app = FaultyApp({None: faulty.stall})
    async with served(app) as target:
        result = await run(target, Plan(100, 2), tmp_path / "log", settle=SETTLE)
    assert len(app.arrived) == 200
    assert app.arrived[-1] - app.arrived[0] < 6, "with 16 clients that wait for their answers it would be 19 s"
    assert result.percentile(50) >= 1.5


async def test_a_generator_that_falls_behind_is_inconclusive(tmp_path: Path) -> None:
    async with served(FaultyApp()) as target:
        # The server shares the loop: it stalls with the tool, and nothing fails.
        asyncio.get_running_loop().call_later(0.5, time.sleep, 0.4)
        result = await run(target, Plan(100, 2), tmp_path / "log", settle=SETTLE)
    assert result.failures == ()
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "s late" in result.reasons[0]
    assert result.late > 20


async def test_it_can_be_stopped_before_its_end(tmp_path: Path) -> None:
    stop = asyncio.Event()
    async with served(FaultyApp()) as target:
        asyncio.get_running_loop().call_later(0.5, stop.set)
        result = await run(target, Plan(100, 60), tmp_path / "log", stop, settle=SETTLE)
    assert result.failures == ()
    assert 20 < result.counts["total"] < 200
