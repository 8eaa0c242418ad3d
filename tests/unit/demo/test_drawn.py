"""The bar of the demo shows what was answered."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.load.record import Request
from tests.unit.load.fine import FINE
from tools.demo import drawn
from tools.demo.drawn import Drawn, bar

ONE = replace(FINE, path="/api/memos", kind="api")


def answers(old: int, new: int, **how: object) -> list[Request]:
    return [ONE] * old + [replace(ONE, version="1.1.0", **how)] * new  # type: ignore[arg-type]


@pytest.mark.parametrize(("old", "new", "filled"), [(9, 1, 4), (5, 5, 20), (0, 10, 40), (10, 0, 0), (0, 0, 0)])
def test_the_share_of_the_new_version_is_filled(old: int, new: int, filled: int) -> None:
    line = bar(answers(old, new), "1.0.0", "1.1.0")
    assert (line.count("█"), line.count("░")) == (filled, 40 - filled)
    assert f"{old + new:>3} requests, 0 failed" in line


def test_failures_are_counted_and_only_new_clients_of_the_api_are_drawn() -> None:
    more = answers(0, 60, connection="kept") + answers(0, 30, kind="page")
    line = bar(answers(5, 5, status=500) + more, "1.0.0", "1.1.0")
    assert "50 %" in line
    assert line.endswith("100 requests, 5 failed")


def test_it_draws_what_came_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drawn, "EVERY", 0.05)
    log = tmp_path / "log.jsonl"
    log.write_text('{"run": "x"}\n' + ONE.line() + "\n")

    def drew(filled: int) -> None:
        """Waits for a bar of one request."""
        deadline = time.monotonic() + 30
        while "  1 requests" not in (line := capsys.readouterr().out):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert line.count("█") == filled

    with Drawn(log, "1.0.0", "1.1.0"), log.open("a") as file:
        while "  0 requests" not in capsys.readouterr().out:  # it has begun
            time.sleep(0.01)
        file.write(answers(0, 1)[0].line() + "\n" + ONE.line()[:40])
        file.flush()
        drew(40)
        file.write(ONE.line()[40:] + "\n")
        file.flush()
        drew(0)
