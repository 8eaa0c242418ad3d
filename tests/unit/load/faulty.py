"""A MemoApp on this machine that misbehaves as told: what the load tool must see."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web

from tests.load.target import Target

Misdeed: TypeAlias = Callable[["FaultyApp", web.BaseRequest], Awaitable[web.StreamResponse | None]]


@dataclass
class FaultyApp:
    """Answers as the sample does, but for the requests whose numbers stand in ``misdeeds``.

    Attributes:
        misdeeds: what happens to the n-th request that arrives, from 0; None as key: to all.
        version: what the headers tell.
        arrived: the moments on the loop's clock.
        rows: by journal id.
        cookies: those that clients sent.
    """

    misdeeds: dict[int | None, Misdeed] = field(default_factory=dict)
    version: str = "1.0.0"
    arrived: list[float] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    cookies: list[str] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/api/journal":
            prefix = request.query["prefix"]
            return web.json_response({"counts": {key: n for key, n in self.rows.items() if key.startswith(prefix)}})
        number = len(self.arrived)
        self.arrived.append(asyncio.get_running_loop().time())
        self.cookies += [request.cookies["memoapp"]] if "memoapp" in request.cookies else []
        misdeed = self.misdeeds.get(number, self.misdeeds.get(None))
        answer = await misdeed(self, request) if misdeed is not None else None
        return answer if answer is not None else await self.proper(request)

    async def proper(self, request: web.BaseRequest) -> web.Response:
        if request.method == "POST":
            self.rows[(await request.json())["journal"]] += 1
        headers = {"X-Frontend-Version": self.version}
        if request.path != "/":
            headers["X-Memo-Version"] = self.version
        answer = web.json_response({}, status=201 if request.method == "POST" else 200, headers=headers)
        if "memoapp" not in request.cookies:
            answer.set_cookie("memoapp", "somebody")
        return answer


@contextlib.asynccontextmanager
async def served(app: FaultyApp) -> AsyncIterator[Target]:
    """The app on a free port of this machine."""
    runner = web.ServerRunner(web.Server(app.handle), shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield Target("127.0.0.1", runner.addresses[0][1])
    finally:
        await runner.cleanup()


async def reset_in_mid_answer(_: FaultyApp, request: web.BaseRequest) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf of it")
    await asyncio.sleep(0.02)
    request.transport.abort()
    return web.Response()


async def unavailable(_: FaultyApp, __: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=503, text="not\n today")


async def not_found(_: FaultyApp, __: web.BaseRequest) -> web.StreamResponse:
    return web.Response(status=404, text="not today")


async def slow(_: FaultyApp, __: web.BaseRequest) -> None:
    await asyncio.sleep(2.5)


async def stall(_: FaultyApp, __: web.BaseRequest) -> None:
    await asyncio.sleep(1.5)


async def lose(_: FaultyApp, __: web.BaseRequest) -> web.StreamResponse:
    return web.json_response({}, status=201)


async def double(app: FaultyApp, request: web.BaseRequest) -> web.StreamResponse:
    await app.proper(request)
    return await app.proper(request)


async def store_and_say_nothing(app: FaultyApp, request: web.BaseRequest) -> web.StreamResponse:
    await app.proper(request)
    return await reset_in_mid_answer(app, request)


async def answer_without_length(_: FaultyApp, request: web.BaseRequest) -> web.StreamResponse:
    answer = web.StreamResponse()
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    await answer.write(b"in two ")
    await asyncio.sleep(0.01)
    await answer.write(b"parts")
    await answer.write_eof()
    return answer
