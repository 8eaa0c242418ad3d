"""Each fault of a server is counted as what it is, and once.

Whether the tool came late depends on how busy this machine is: so it is not asked here for a pass.
"""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest

from tests.load.log import read
from tests.load.plan import Plan
from tests.load.result import Result, Verdict
from tests.load.run import run
from tests.load.target import Target
from tests.unit.load import faulty
from tests.unit.load.faulty import FaultyApp, Misdeed, served

FIRST_WRITE = 3
A_READ = 7
SETTLE = 0.1


async def after(
    misdeeds: dict[int | None, Misdeed], folder: Path, plan: Plan | None = None
) -> tuple[Result, FaultyApp]:
    app = FaultyApp(misdeeds)
    async with served(app) as target:
        return await run(target, plan or Plan(50, 1), folder / "log", settle=SETTLE), app


def only(result: Result) -> dict[str, int]:
    return {name: count for name, count in result.counts.items() if count and name != "total"}


async def test_nothing_fails_at_a_server_that_is_well(tmp_path: Path) -> None:
    result, app = await after({}, tmp_path)
    assert only(result) == {}
    assert result.failed == 0
    assert result.counts["total"] == len(app.arrived) == 50
    assert result.writes is not None
    assert result.writes.acknowledged == sum(app.rows.values()) == 10


async def test_refused(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    target, stop = Target("127.0.0.1", port), asyncio.Event()
    asyncio.get_running_loop().call_later(0.5, stop.set)
    result = await run(target, Plan(50, 60), tmp_path / "log", stop, settle=SETTLE, patience=0.2)
    assert only(result) == {"refused": len(result.requests)}
    assert result.verdict is Verdict.FAIL
    assert "the journal could not be read" in result.reasons


@pytest.mark.parametrize("number", [FIRST_WRITE, A_READ, 10])
async def test_reset_in_mid_answer(tmp_path: Path, number: int) -> None:
    result, app = await after({number: faulty.reset_in_mid_answer}, tmp_path)
    assert only(result) == {"reset": 1}
    assert "in mid-answer" in result.failures[0].detail
    assert len(app.arrived) == 50, "it was sent twice"


@pytest.mark.parametrize(("misdeed", "counted"), [(faulty.unavailable, "5xx"), (faulty.not_found, "other")])
async def test_bad_answers(tmp_path: Path, misdeed: Misdeed, counted: str) -> None:
    result, app = await after({A_READ: misdeed}, tmp_path)
    assert only(result) == {counted: 1}
    assert result.failures[0].detail == "not today"
    assert result.verdict is Verdict.FAIL
    assert len(app.arrived) == 50


async def test_an_answer_after_two_seconds_is_none(tmp_path: Path) -> None:
    result, app = await after({A_READ: faulty.slow}, tmp_path)
    assert only(result) == {"over 2 s": 1}
    assert result.percentile(100) == pytest.approx(2.0, abs=0.2)
    assert len(app.arrived) == 50


async def test_a_lost_write(tmp_path: Path) -> None:
    result, _ = await after({FIRST_WRITE: faulty.lose}, tmp_path)
    assert only(result) == {"lost": 1}
    assert result.failed == 1
    assert result.verdict is Verdict.FAIL
    assert result.writes is not None
    assert result.writes.lost[0].endswith(f"-{FIRST_WRITE:06d}")


async def test_a_doubled_write(tmp_path: Path) -> None:
    result, _ = await after({FIRST_WRITE: faulty.double}, tmp_path)
    assert only(result) == {"doubled": 1}
    assert result.verdict is Verdict.FAIL


async def test_a_write_that_was_stored_but_not_acknowledged_is_told_apart(tmp_path: Path) -> None:
    result, _ = await after({FIRST_WRITE: faulty.store_and_say_nothing}, tmp_path)
    assert only(result) == {"reset": 1}
    assert result.writes is not None
    assert len(result.writes.stored_unacknowledged) == 1


async def test_chunked_answers_are_understood(tmp_path: Path) -> None:
    result, _ = await after({A_READ: faulty.answer_without_length, 12: faulty.answer_without_length}, tmp_path)
    assert only(result) == {}


async def test_cookies_go_back_from_those_that_keep_them(tmp_path: Path) -> None:
    result, app = await after({}, tmp_path, Plan(200, 1))
    kept = [request for request in result.requests if request.cookie]
    assert 0 < len(app.cookies) == len(kept) - 8
    assert set(app.cookies) == {"somebody"}


async def test_the_log_tells_the_same(tmp_path: Path) -> None:
    result, _ = await after({A_READ: faulty.unavailable, FIRST_WRITE: faulty.lose}, tmp_path)
    again = read(tmp_path / "log")
    assert again.counts == result.counts
    assert again.writes == result.writes
    assert again.verdict is result.verdict
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if "planned" in json.loads(line)]) == 50


async def test_a_log_that_was_cut_off_proves_nothing(tmp_path: Path) -> None:
    await after({}, tmp_path)
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    (tmp_path / "log").write_text("\n".join(lines[:-1]), encoding="utf-8")
    assert read(tmp_path / "log").verdict is Verdict.INCONCLUSIVE
