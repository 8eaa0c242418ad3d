"""HTTP/1.1 on one connection, one request at a time, and nothing done twice.

The usual clients send a request again when a kept connection turns out closed. A user who writes does not get that, and
a count of failures must not either: so this client is a small one of its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_END_OF_HEAD = b"\r\n\r\n"
_LARGEST = 16 * 1024 * 1024
_BODILESS = {204, 304}


class ClosedError(ConnectionError):
    """The connection ended before the answer did."""


class GarbledError(ValueError):
    """The answer is no HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer; header names are lower-case, of a repeated header the last counts."""

    status: int
    headers: dict[str, str]
    body: bytes
    keep: bool


class Connection(asyncio.Protocol):
    """One connection. ``idle`` is true while another request may be sent on it."""

    def __init__(self) -> None:
        self.idle = False
        self.idle_since = 0.0
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Answer] | None = None
        self._data = bytearray()

    async def exchange(self, request: bytes) -> Answer:
        """Send the request and wait for the whole answer.

        Raises:
            ClosedError, OSError: the connection ended first.
            GarbledError: what came is no answer.
        """
        if self._transport is None or self._transport.is_closing():
            raise ClosedError("closed before the request was sent")
        self.idle = False
        self._waiting = self._loop.create_future()
        self._transport.write(request)
        return await self._waiting

    @property
    def begun(self) -> bool:
        """A part of an answer is there."""
        return bool(self._data)

    def abort(self) -> None:
        """End the connection now."""
        self.idle = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        self._read(ended=False)

    def eof_received(self) -> None:
        self._read(ended=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self.idle = False
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ClosedError("closed by the other side"))

    def _read(self, *, ended: bool) -> None:
        if self._waiting is None or self._waiting.done():
            self.idle = False
            return
        try:
            answer = parse(bytes(self._data), ended=ended)
        except GarbledError as error:
            self._waiting.set_exception(error)
            self.abort()
            return
        if answer is not None:
            self._finish(self._waiting, answer, ended=ended)

    def _finish(self, waiting: asyncio.Future[Answer], answer: Answer, *, ended: bool) -> None:
        self._data.clear()
        self.idle, self.idle_since = answer.keep and not ended, self._loop.time()
        if not self.idle and self._transport is not None:
            # The other side closes first, so that the used port waits there and not here.
            self._loop.call_later(1.0, self._transport.close)
        waiting.set_result(answer)


def parse(data: bytes, *, ended: bool) -> Answer | None:
    """The answer that ``data`` holds; None as long as it is not whole. ``ended``: no more will come.

    Raises:
        GarbledError: if it can be none.
    """
    head, mark, rest = data.partition(_END_OF_HEAD)
    if not mark:
        if len(data) > _LARGEST:
            raise GarbledError("a head without end")
        return None
    status, headers = _head(head)
    body = _body(status, headers, rest, ended=ended)
    if body is None:
        return None
    keep = headers.get("connection", "").lower() != "close" and _is_framed(status, headers)
    return Answer(status, headers, body, keep)


def _head(head: bytes) -> tuple[int, dict[str, str]]:
    lines = head.decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    if version != "HTTP/1.1" or not rest[:3].isdecimal():
        raise GarbledError(f"no status line: {lines[0][:80]!r}")
    fields = (line.partition(":") for line in lines[1:])
    return int(rest[:3]), {name.lower(): value.strip() for name, _, value in fields}


def _is_framed(status: int, headers: dict[str, str]) -> bool:
    return status in _BODILESS or "content-length" in headers or "transfer-encoding" in headers


def _body(status: int, headers: dict[str, str], rest: bytes, *, ended: bool) -> bytes | None:
    if status in _BODILESS:
        return b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _chunks(rest)
    if "content-length" not in headers:
        return rest if ended else None
    if not headers["content-length"].isdecimal():
        raise GarbledError("a length that is no number")
    length = int(headers["content-length"])
    return rest[:length] if len(rest) >= length else None


def _chunks(rest: bytes) -> bytes | None:
    parts: list[bytes] = []
    while True:
        line, mark, rest = rest.partition(b"\r\n")
        if not mark:
            return None
        try:
            length = int(line.split(b";")[0], 16)
        except ValueError:
            raise GarbledError(f"no chunk: {line[:40]!r}") from None
        if len(rest) < length + 2:
            return None
        if length == 0:
            return b"".join(parts)
        parts.append(rest[:length])
        rest = rest[length + 2 :]
