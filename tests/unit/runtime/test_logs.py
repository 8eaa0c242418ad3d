"""Logs: JSON lines, each with the app and the pass that it belongs to."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from memoapp_operator.runtime import logs

logger = logging.getLogger("memoapp_operator.test")
QUIET = ("kopf", "aiohttp.access", "asyncio")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, root.handlers[:], {name: logging.getLogger(name).level for name in QUIET})
    yield
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_a_line_is_json_with_time_level_and_logger(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logger.info("applied %s", "Service/memo")
    (line,) = lines(capsys)
    assert line.pop("time")
    assert line == {"level": "INFO", "logger": "memoapp_operator.test", "message": "applied Service/memo"}


async def test_lines_of_a_pass_say_which_app_and_which_pass(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")

    async def work(app: str, number: int) -> None:
        logs.current_app.set(app)
        logs.current_pass.set(number)
        await asyncio.sleep(0)
        logger.info("applied")

    await asyncio.gather(asyncio.create_task(work("prod/memo", 1)), asyncio.create_task(work("prod/other", 2)))
    logger.info("between passes")
    found = [(line.get("app"), line.get("pass")) for line in lines(capsys)]
    assert sorted(found[:2]) == [("prod/memo", 1), ("prod/other", 2)]
    assert found[2] == (None, None)


def test_an_app_that_is_told_with_the_record_wins(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logger.info("the pass failed", extra={"app": "prod/memo"})
    assert lines(capsys)[0]["app"] == "prod/memo"


def test_an_error_is_one_line_with_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    try:
        int("no")
    except ValueError:
        logger.exception("the pass failed")
    (line,) = lines(capsys)
    assert "ValueError: invalid literal" in line["exc_info"]


def test_the_level_is_kept_and_the_frameworks_chatter_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO")
    logger.debug("detail")
    logging.getLogger("kopf.objects").info("handler succeeded")
    logging.getLogger("kopf.objects").warning("watch failed")
    assert [line["message"] for line in lines(capsys)] == ["watch failed"]


def test_an_error_level_silences_warnings_of_the_framework_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("ERROR")
    logging.getLogger("kopf").warning("watch failed")
    assert lines(capsys) == []
