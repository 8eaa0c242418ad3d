"""The clients of a run: those that keep a connection, and those that bring a new one each time. Nobody tries twice."""

from __future__ import annotations

import asyncio
import errno
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from .plan import Planned
from .record import LIMIT, Fault, Request
from .target import Target
from .wire import Answer, ClosedError, Connection, GarbledError

_IDLE = 4.0
"""Seconds after which a client closes its connection: before the router would, or both might act at once."""
_COOKIE = "memoapp"
_BAD = 400
_SHOWN = 100
_OWN = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}


@dataclass(slots=True)
class _Attempt:
    """How far one request came."""

    sent: float
    connected: float | None = None
    connection: Connection | None = None
    stage: str = "connecting"


@dataclass(slots=True)
class Clients:
    """All clients of one target.

    Attributes:
        target: where they send.
        clock: seconds since the epoch.
    """

    target: Target
    clock: Callable[[], float] = time.time
    _free: dict[int, list[Connection]] = field(default_factory=lambda: defaultdict(list))
    _cookies: dict[int, str] = field(default_factory=dict)

    async def send(self, planned: Planned, at: float) -> Request:
        """Send it now, and tell what became of it; ``at`` is when it was to be sent."""
        attempt = _Attempt(self.clock())
        answer: Answer | None = None
        fault: Fault | None = None
        detail = ""
        try:
            async with asyncio.timeout(LIMIT):
                answer = await self._exchange(planned, attempt)
        except (OSError, GarbledError) as error:
            fault, detail = _fault(error), f"{attempt.stage}: {_named(error)}"
            if attempt.connection is not None:
                attempt.connection.abort()
        finished = self.clock()
        if answer is not None:
            self._keep(planned, answer, attempt.connection)
        return _record(planned, at, attempt, finished, answer, fault, detail)

    def close(self) -> None:
        """End all kept connections."""
        for connections in self._free.values():
            for connection in connections:
                connection.abort()
        self._free.clear()

    async def _exchange(self, planned: Planned, attempt: _Attempt) -> Answer:
        connection = self._kept(planned.client)
        if connection is None:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_connection(Connection, self.target.address, self.target.port)
            attempt.connected = self.clock()
        attempt.connection = connection
        attempt.stage = "on a new connection" if attempt.connected else "on a kept connection"
        try:
            return await connection.exchange(self._request(planned))
        finally:
            attempt.stage += ", in mid-answer" if connection.begun else ""

    def _kept(self, client: int | None) -> Connection | None:
        """A connection of this client that is free; none for a client that keeps none."""
        if client is None:
            return None
        oldest = asyncio.get_running_loop().time() - _IDLE
        while self._free[client]:
            connection = self._free[client].pop()
            if connection.idle and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    def _keep(self, planned: Planned, answer: Answer, connection: Connection | None) -> None:
        if planned.client is None:
            return
        if connection is not None and connection.idle:
            self._free[planned.client].append(connection)
        name, _, value = answer.headers.get("set-cookie", "").partition(";")[0].partition("=")
        if planned.cookie and name == _COOKIE:
            self._cookies[planned.client] = value

    def _request(self, planned: Planned) -> bytes:
        lines = [f"{planned.method} {planned.path} HTTP/1.1", f"Host: {self.target.host}"]
        if planned.client is None:
            lines.append("Connection: close")
        elif planned.cookie and planned.client in self._cookies:
            lines.append(f"Cookie: {_COOKIE}={self._cookies[planned.client]}")
        body = ""
        if planned.journal:
            body = json.dumps({"text": f"written under load, {planned.journal}", "journal": planned.journal})
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join([*lines, "", body]).encode()


def _fault(error: Exception) -> Fault:
    if isinstance(error, TimeoutError):
        return Fault.TIMEOUT
    if isinstance(error, ConnectionRefusedError):
        return Fault.REFUSED
    if isinstance(error, ConnectionResetError | BrokenPipeError | ClosedError):
        return Fault.RESET
    return Fault.CLIENT if isinstance(error, OSError) and error.errno in _OWN else Fault.OTHER


def _named(error: Exception) -> str:
    """What the system calls it; the text of asyncio alone may name addresses, and tells no more."""
    number = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(number, str(number)) if number else str(error) or type(error).__name__


def _said(answer: Answer | None) -> str:
    """How a bad answer begins: it tells which of all those on the way gave it."""
    if answer is None or answer.status < _BAD:
        return ""
    return " ".join(answer.body[:_SHOWN].decode("utf-8", "replace").split())


def _record(
    planned: Planned,
    at: float,
    attempt: _Attempt,
    finished: float,
    answer: Answer | None,
    fault: Fault | None,
    detail: str,
) -> Request:
    headers = answer.headers if answer is not None else {}
    frontend = headers.get("x-frontend-version", "")
    return Request(
        planned=at,
        sent=attempt.sent,
        connected=attempt.connected,
        finished=finished,
        method=planned.method,
        path=planned.path,
        kind="api" if planned.path.startswith("/api") else "page",
        connection="new" if planned.client is None else "kept",
        cookie=planned.cookie,
        status=answer.status if answer is not None else None,
        fault=fault,
        detail=detail or _said(answer),
        version=headers.get("x-memo-version", frontend),
        frontend=frontend,
        colour=headers.get("x-memo-colour", ""),
        journal=planned.journal,
    )
