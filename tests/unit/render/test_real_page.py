"""The maintenance page, served by HAProxy itself where 3.0 or later is installed; it falls with nobody's help."""

from __future__ import annotations

import html
import re
import socket
import string
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.render import haproxy, page
from memoapp_operator.render.context import Context

from tests.unit.render import apps

from .test_real_haproxy import certificate, installed


class _App(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"the app{self.headers.get('X-MemoApp-Staff', '')}".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Says nothing."""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def routed(folder: Path, until: int, message: str = "", staff: str | None = None) -> Iterator[str]:
    """The router of an app, whose page falls at that epoch second; its address."""
    binary = installed()
    if binary is None:
        pytest.skip("no HAProxy 3.0 or later on PATH")
    server = HTTPServer(("127.0.0.1", 0), _App)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = free_port()
    text = haproxy.configuration(_declared(staff))
    assert text is not None
    for path in (page.STAFF_PATH, haproxy.TLS_PATH, haproxy.STATE_PATH, haproxy.RUN_PATH):
        text = text.replace(path, str(folder))
    text = re.sub(r"server service \S+", f"server service 127.0.0.1:{server.server_port}", text)
    for own in (haproxy.ROUTER_PORT, haproxy.ROUTER_HEALTH_PORT, haproxy.ROUTER_ADMIN_PORT):
        text = text.replace(f"bind :{own}", f"bind 127.0.0.1:{port if own == haproxy.ROUTER_PORT else free_port()}")
    certificate(folder)
    (folder / "state.map").write_text(f"weight 0\nmaintenance {until}\nconfirmed 1\n")
    strings = "".join(f"{key} {value}\n" for key, value in page.texts(message).items())
    (folder / "release.map").write_text(f"release one\n{strings}")
    (folder / "value").write_text(f"{staff}\n")
    (folder / "haproxy.cfg").write_text(text)
    with subprocess.Popen([binary, "-f", folder / "haproxy.cfg"], stdout=subprocess.DEVNULL) as process:
        try:
            _wait(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            server.shutdown()


def _declared(staff: str | None) -> Context:
    found = apps.full()
    if staff is None:
        return found
    declared = apps.with_spec(found, "traffic.staff", {"secretRef": {"name": "staff", "key": "value"}})
    return replace(declared, credentials=replace(found.credentials, staff=staff))


def _wait(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)


def test_it_is_seen_until_its_end_and_not_a_moment_longer(tmp_path: Path) -> None:
    until = int(time.time()) + 3
    with routed(tmp_path, until) as address:
        answer = httpx.get(address)
        assert (answer.status_code, answer.headers["cache-control"]) == (503, "no-store")
        assert 0 < int(answer.headers["retry-after"]) <= 3
        assert "We are working on it" in answer.text
        assert "%[" not in answer.text
        seen = {}
        while time.time() < until + 1.5:
            seen[time.time()] = httpx.get(address).status_code
            time.sleep(0.05)
    # HAProxy compares whole seconds.
    assert {code for moment, code in seen.items() if moment < until - 1} == {503}
    assert {code for moment, code in seen.items() if moment > until + 1} == {200}


def test_those_who_ask_for_json_get_it(tmp_path: Path) -> None:
    with routed(tmp_path, int(time.time()) + 30) as address:
        for path, headers in (("/", {"Accept": "application/json"}), ("/api", {}), ("/api/memos?x=1", {})):
            answer = httpx.get(address + path, headers=headers)
            told = answer.json()
            assert (answer.status_code, told["error"]) == (503, "maintenance")
            assert abs(told["retryAfterSeconds"] - int(answer.headers["retry-after"])) <= 1
            assert told["until"].endswith("Z")
        assert "text/html" in httpx.get(address + "/apis").headers["content-type"]


def test_without_an_end_there_is_no_page(tmp_path: Path) -> None:
    with routed(tmp_path, 0) as address:
        assert httpx.get(address).text == "the app"


MESSAGES = [
    "The database moves to another disk.",
    'Wir ziehen um, bis 2:00 Uhr; "bitte" <b>nicht</b> & 100%[var(txn.id)] $HOME \\n',
    "ü" * 256,
    '"' * 256,
    "\U0001f6e0" * 256,
]


@pytest.mark.parametrize("message", MESSAGES)
def test_what_a_person_wrote_is_read_as_it_was_written(tmp_path: Path, message: str) -> None:
    with routed(tmp_path, int(time.time()) + 30, message) as address:
        told = httpx.get(address)
        assert f"<p>{html.escape(message)}</p>" in told.text
        assert told.status_code == 503
        assert httpx.get(f"{address}/api").json()["message"] == message


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=256))
def test_a_message_comes_back_from_the_routers_map_as_it_was(message: str) -> None:
    found = page.texts(message)
    assert page.message_in(found) == message
    assert all(set(value) <= set("%-._~") | set(string.ascii_letters + string.digits) for value in found.values())


def test_where_nobody_wrote_anything_there_is_no_message() -> None:
    assert page.message_in(page.texts("")) == page.message_in({}) == ""
    assert page.message_in({"page-html": "x", "page-json": "%22"}) == ""


def test_staff_sees_the_app_and_nobody_else(tmp_path: Path) -> None:
    value = "correct-horse-battery"
    with routed(tmp_path, int(time.time()) + 30, staff=value) as address:
        assert httpx.get(address).status_code == 503
        for wrong in ("", value[:-1], f"{value}x", value.upper(), "*"):
            assert httpx.get(address, headers={"X-MemoApp-Staff": wrong}).status_code == 503
        behind = httpx.get(address, headers={"x-memoapp-staff": value})
        assert (behind.status_code, behind.text) == (200, "the app"), "and the app does not see the value"
