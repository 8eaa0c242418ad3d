"""The last word of a drill that starts the backend."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from memoapp_operator.agent.rehearsing import DRILLED, rehearse_one
from memoapp_operator.agent.settings import SettingsError

LINE = {"reason": "Proved", "tables": 2, "folder": "prod/memo/x/"}


class Backend(BaseHTTPRequestHandler):
    """Answers with one code after another, and with the last for good."""

    answers: list[int] = []  # noqa: RUF012 -- of the one test that runs

    def do_GET(self) -> None:
        self.send_response(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it so
        del format, args


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Backend) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api/health"
        server.shutdown()
        thread.join()


def said(folder: Path, url: str, line: dict[str, Any]) -> dict[str, Any]:
    (folder / DRILLED).write_text(json.dumps(line))
    return rehearse_one({"MEMOAPP_WORK": str(folder), "MEMOAPP_HEALTH": url}, patience=1.5)


def test_it_waits_until_the_backend_is_healthy_and_tells_what_was_restored(tmp_path: Path, url: str) -> None:
    Backend.answers = [503, 503, 200]
    found = said(tmp_path, url, LINE)
    assert found["reason"] == "Proved"
    assert found["tables"] == 2
    assert found["health"].startswith("/api/health answers 200 after ")


def test_one_that_never_is_says_nothing_against_the_data(tmp_path: Path, url: str) -> None:
    Backend.answers = [503]
    found = said(tmp_path, url, LINE)
    assert (found["reason"], found["health"]) == ("NotHealthy", "/api/health answers 503")
    assert "the data was as in the backup" in found["message"]
    assert said(tmp_path, "http://127.0.0.1:1/health", LINE)["health"] == "/health gives no answer"


def test_what_was_not_proved_is_not_asked(tmp_path: Path) -> None:
    line = {"reason": "NotProved", "message": "table public.memos has other rows"}
    assert said(tmp_path, "http://127.0.0.1:1/", line) == line


def test_a_container_that_said_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="drilled: FileNotFoundError"):
        rehearse_one({"MEMOAPP_WORK": str(tmp_path), "MEMOAPP_HEALTH": "http://127.0.0.1:1/"})
