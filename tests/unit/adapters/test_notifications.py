"""Messages by a real SMTP server and a real HTTP receiver on this machine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from memoapp_operator.adapters import notifications
from memoapp_operator.adapters.notifications import SCHEMES, AppriseNotifier

from tests.unit.render.test_real_page import free_port

TITLE = "INCIDENT ALERT: memo: visitors are not served"
TEXT = "Severity: P1\nApp: memo in prod\n<b>no pod</b> of blue is ready & more"


class _Mailbox:
    def __init__(self) -> None:
        self.letters: list[Any] = []

    async def handle_DATA(self, _: object, __: object, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        self.letters.append((envelope.rcpt_tos, message_from_bytes(envelope.content, policy=default)))
        return "250 taken"


class _Receiver(BaseHTTPRequestHandler):
    heard: list[dict[str, Any]]
    status = 200

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.heard.append(json.loads(self.rfile.read(length)))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Says nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[type[_Receiver], int]]:
    kind = type("Receiver", (_Receiver,), {"heard": []})
    server = HTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield kind, server.server_port
    server.shutdown()


async def test_a_letter_arrives_as_it_was_written() -> None:
    box = _Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        url = f"mailto://127.0.0.1:{server.port}?from=memoapp@example.com&to=ops@example.com"
        assert await AppriseNotifier().send(url, TITLE, TEXT) == ""
    finally:
        server.stop()
    ((to, letter),) = box.letters
    assert (to, letter["Subject"]) == (["ops@example.com"], TITLE)
    body = letter.get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n").strip() == TEXT


async def test_a_receiver_gets_title_and_text(receiver: tuple[type[_Receiver], int]) -> None:
    kind, port = receiver
    assert await AppriseNotifier().send(f"json://127.0.0.1:{port}/hook", TITLE, TEXT) == ""
    (message,) = kind.heard
    assert (message["title"], message["message"]) == (TITLE, TEXT)


async def test_one_that_refuses_or_is_down_is_told_without_its_secret(receiver: tuple[type[_Receiver], int]) -> None:
    kind, port = receiver
    kind.status = 500
    for url in (f"json://user:geheim@127.0.0.1:{port}/hook", "json://user:geheim@127.0.0.1:1/hook", "mailto://geheim"):
        said = await AppriseNotifier().send(url, TITLE, TEXT)
        assert said
        assert "geheim" not in said


@pytest.mark.parametrize("url", ["file:///etc/passwd", "dbus://", "syslog://", "geheim", "", "macosx://", "windows://"])
async def test_only_what_is_reached_over_a_network_is_a_target(url: str) -> None:
    said = await AppriseNotifier().send(url, TITLE, TEXT)
    assert said.startswith("no such kind of target: one of ")
    assert "geheim" not in said


def test_every_kind_is_one_that_apprise_knows() -> None:
    from apprise import Apprise  # noqa: PLC0415 -- it takes a while

    known = {scheme for item in Apprise().details()["schemas"] for scheme in _schemes(item)}
    assert known >= SCHEMES


def _schemes(item: dict[str, Any]) -> list[str]:
    return [*(item["protocols"] or ()), *(item["secure_protocols"] or ())]


async def test_one_that_does_not_answer_is_waited_for_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(notifications, "TIMEOUT", 0.5)
    server = await asyncio.start_server(listens, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    said = await AppriseNotifier().send(f"json://127.0.0.1:{port}/?rto=2&cto=2", TITLE, TEXT)
    assert said == "it did not answer within 0.5 s"
    server.close()
