"""A reverse proxy between the operator and the API server, which does what a plan says.

It speaks plain HTTP on a loopback address to the operator and TLS to the API server, there with the credentials that
it was given: the operator holds none.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Self, assert_never

import aiohttp
from aiohttp import web
from yarl import URL

from tests.faults.calls import Call, Write
from tests.faults.hands import Hands
from tests.faults.plans import (
    PASS,
    Action,
    Away,
    DropWatches,
    Freeze,
    Jump,
    Kill,
    Pass,
    Plan,
    Reply,
    Silence,
    Stale,
    Strike,
    Undisturbed,
    Wait,
)

_DROPPED = frozenset({"host", "connection", "authorization", "transfer-encoding", "content-length", "accept-encoding"})
_REASONS = {409: "Conflict", 429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable"}


@dataclass(frozen=True, slots=True)
class Upstream:
    """The API server, and who the proxy is there."""

    url: str
    tls: ssl.SSLContext | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said."""

    status: int
    body: bytes
    content_type: str


class Cut(Exception):  # noqa: N818 -- no error: the connection is to be cut off without an answer
    """The operator is answered nothing."""


class Proxy:
    """One proxy with an event loop of its own in a thread; its methods are for other threads.

    Args:
        upstream: the API server.
        listen: makes the listening socket, given the port (0: any).
        hands: for what a plan does to others than the proxy.
    """

    def __init__(self, upstream: Upstream, listen: Callable[[int], socket.socket], hands: Hands) -> None:
        self._upstream = upstream
        self._listen = listen
        self._hands = hands
        self._frozen_callers = 0
        self._plan: Plan = Undisturbed()
        self._number = 0
        self._writes: list[Write] = []
        self._noted: list[str] = []
        self._last_write = time.monotonic()
        self._leads_since: dict[str, float] = {}
        self._passes: Counter[str] = Counter()
        self._silent_until = 0.0
        self._stale_until = 0.0
        self._stale_lists_only = True
        self._answers: dict[tuple[str, str], Answer] = {}
        self._frozen: dict[tuple[str, str], Answer] = {}
        self._open: set[asyncio.Transport] = set()
        self._watches: set[asyncio.Transport] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._soon(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._soon(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def arm(self, plan: Plan) -> None:
        """Count from here, by this plan."""
        self._soon(self._arm(plan))

    @property
    def writes(self) -> tuple[Write, ...]:
        """The counted writes since the proxy was armed."""
        return tuple(self._writes)

    @property
    def noted(self) -> tuple[str, ...]:
        """What the plan did, a line each."""
        return tuple(self._noted)

    def quiet_for(self, running: Collection[str], passes: int = 0) -> float:
        """Seconds in which one of these processes could have written, and none did.

        None while one of them is frozen, before one leads, and before so many passes have begun since the last write:
        it may yet have something to do.
        """
        leads = [since for name, since in self._leads_since.items() if name in running]
        begun = sum(count for name, count in self._passes.items() if name in running)
        if self._frozen_callers or not leads or begun < passes:
            return 0.0
        return time.monotonic() - max(self._last_write, *leads)

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)
        done.result()

    async def _arm(self, plan: Plan) -> None:
        self._plan, self._number, self._writes, self._noted = plan, 0, [], []
        self._last_write = time.monotonic()

    async def _start(self) -> None:
        connector = aiohttp.TCPConnector(ssl=self._upstream.tls or True, limit=0)
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
        server = web.Server(self._handle)
        self._runner = web.ServerRunner(server, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._open_port(0)

    async def _open_port(self, port: int) -> None:
        listening = await self._loop.run_in_executor(None, self._listen, port)
        self.port = listening.getsockname()[1]
        self._site = web.SockSite(self._runner, listening)
        await self._site.start()

    async def _stop(self) -> None:
        self._cut_all()
        await self._runner.cleanup()
        await self._session.close()
        await self._loop.shutdown_default_executor()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        if transport is None:
            raise web.HTTPServiceUnavailable
        self._open.add(transport)
        try:
            call = self._call(request, await request.read())
            action = self._plan.on(call)
            if action != PASS:
                self._noted.append(f"{call.number:3} {call.verb:6} {call.target}: {action}")
            if call.is_watch:
                return await self._watch(request, call, action)
            return await self._once(request, call, action)
        except Cut:
            transport.abort()
            return web.Response(status=503)
        finally:
            self._open = {item for item in self._open if not item.is_closing()}

    def _call(self, request: web.BaseRequest, body: bytes) -> Call:
        by = request.headers.get("Authorization", "").removeprefix("Bearer ")
        call = Call(request.method, request.path, request.rel_url.raw_query_string, body, by=by)
        if call.plural == "memoapps":
            self._leads_since.setdefault(by, time.monotonic())  # Only a leader looks at them.
            self._passes[by] += call.is_read and call.target != call.plural
        if not call.counts:
            return call
        self._passes.clear()
        self._number += 1
        self._last_write = time.monotonic()
        return replace(call, number=self._number)

    async def _once(self, request: web.BaseRequest, call: Call, action: Action) -> web.Response:
        """A call with one answer; what the plan does to it is noted with the write."""
        answer: Answer | None = None
        told: Answer | None = None
        try:
            answer, told = await self._done(request, call, action)
        finally:
            if call.counts:
                self._writes.append(Write(call, answer.status if answer else 0, told.status if told else 0))
        if told is None:
            raise Cut
        headers = {"Content-Type": told.content_type}
        if isinstance(action, Reply) and action.retry_after is not None:
            headers["Retry-After"] = str(action.retry_after)
        return web.Response(status=told.status, body=told.body, headers=headers)

    async def _done(self, request: web.BaseRequest, call: Call, action: Action) -> tuple[Answer | None, Answer | None]:
        """The API server's answer (None: not asked), and what the operator is told (None: nothing)."""
        match action:
            case Kill(sent, told):
                return await self._killed(request, call, sent=sent, told=told)
            case Reply(code, sent):
                answer = await self._ask(request, call) if sent else None
                return answer, _status(code)
            case Away(seconds):
                answer = await self._ask(request, call)
                await self._leave(seconds)
                return answer, None
            case Strike() | Freeze():
                answer = await self._ask(request, call)
                await self._hit(call, action)
                return answer, answer
            case _:
                await self._prepare(action)
        answer = await self._read(request, call)
        return answer, answer

    async def _prepare(self, action: Pass | Wait | Silence | DropWatches | Stale | Jump) -> None:
        """What is done before the call is sent on."""
        match action:
            case Pass():
                pass
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case Jump(seconds):
                await self._elsewhere(self._hands.jump, seconds)
            case Silence(seconds):
                self._silent_until = time.monotonic() + seconds
            case DropWatches():
                self._cut(self._watches)
            case Stale(seconds, lists_only):
                self._frozen, self._stale_lists_only = dict(self._answers), lists_only
                self._stale_until = time.monotonic() + seconds
            case _:
                assert_never(action)

    async def _hit(self, call: Call, action: Strike | Freeze) -> None:
        """What is done once the API server has answered, before the operator hears of it."""
        match action:
            case Strike():
                await self._elsewhere(self._hands.strike)
            case Freeze(seconds):
                await self._elsewhere(self._hands.freeze, call.by)
                self._frozen_callers += 1
                self._loop.call_later(seconds, lambda: self._loop.create_task(self._wake(call.by)))
            case _:
                assert_never(action)

    async def _killed(
        self, request: web.BaseRequest, call: Call, *, sent: bool, told: bool
    ) -> tuple[Answer | None, Answer | None]:
        answer = await self._ask(request, call) if sent else None
        if told and answer is not None:
            # The answer is on its way; the operator has a moment to act on it.
            self._loop.call_later(0.01, lambda: self._elsewhere(self._hands.kill, call.by))
            return answer, answer
        await self._elsewhere(self._hands.kill, call.by)
        return answer, None

    async def _wake(self, name: str) -> None:
        await self._elsewhere(self._hands.wake, name)
        self._noted.append(f"    {name} woke after write {self._number}")
        self._frozen_callers, self._last_write = self._frozen_callers - 1, time.monotonic()

    def _elsewhere(self, act: Callable[..., None], *details: object) -> asyncio.Future[None]:
        return self._loop.run_in_executor(None, act, *details)

    async def _read(self, request: web.BaseRequest, call: Call) -> Answer:
        """The API server's answer, or for reads an older one while the plan says so."""
        key = (call.path, call.query)
        stale = time.monotonic() < self._stale_until and call.is_read
        if stale and key in self._frozen and not (self._stale_lists_only and _is_single(self._frozen[key])):
            return self._frozen[key]
        answer = await self._ask(request, call)
        if call.is_read:
            self._answers[key] = answer
        return answer

    async def _ask(self, request: web.BaseRequest, call: Call) -> Answer:
        try:
            async with self._session.request(
                call.verb, self._url(call), data=call.body or None, headers=self._headers(request)
            ) as answer:
                return Answer(answer.status, await answer.read(), answer.content_type or "application/json")
        except aiohttp.ClientError as error:
            raise Cut from error

    async def _watch(self, request: web.BaseRequest, call: Call, action: Action) -> web.StreamResponse:
        """A stream of events, passed on as it comes."""
        if isinstance(action, Reply):
            told = _status(action.code)
            return web.Response(status=told.status, body=told.body, content_type=told.content_type)
        transport = request.transport
        if transport is None:
            raise Cut
        self._watches.add(transport)
        try:
            async with self._session.get(self._url(call), headers=self._headers(request)) as answer:
                response = web.StreamResponse(status=answer.status, headers={"Content-Type": "application/json"})
                await response.prepare(request)
                await self._pass_on(answer, response)
                return response
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Cut from error
        finally:
            self._watches.discard(transport)

    async def _pass_on(self, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        lost = False
        async for chunk in answer.content.iter_any():
            if time.monotonic() < self._silent_until:
                lost = True
            elif lost:
                raise Cut  # Events are missing from the stream: it cannot go on.
            else:
                await response.write(chunk)
        # A silent stream does not end in good order either.
        await asyncio.sleep(self._silent_until - time.monotonic())
        await response.write_eof()

    async def _leave(self, seconds: float) -> None:
        port = self.port
        await self._site.stop()
        self._cut_all()
        self._loop.call_later(seconds, lambda: self._loop.create_task(self._open_port(port)))

    def _cut_all(self) -> None:
        self._cut(self._open | self._watches)

    @staticmethod
    def _cut(transports: set[asyncio.Transport]) -> None:
        for transport in list(transports):
            transport.abort()

    def _url(self, call: Call) -> URL:
        return URL(f"{self._upstream.url}{call.path}{'?' + call.query if call.query else ''}", encoded=True)

    def _headers(self, request: web.BaseRequest) -> dict[str, str]:
        found = {key: value for key, value in request.headers.items() if key.lower() not in _DROPPED}
        if self._upstream.token:
            found["Authorization"] = f"Bearer {self._upstream.token}"
        return found


def _is_single(answer: Answer) -> bool:
    return b'"items":' not in answer.body


def _status(code: int) -> Answer:
    document = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": _REASONS.get(code, "Unknown"),
        "message": "a fault on purpose",
        "code": code,
    }
    return Answer(code, json.dumps(document).encode(), "application/json")
