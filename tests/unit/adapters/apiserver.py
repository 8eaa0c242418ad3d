"""A local HTTP server that answers like the Kubernetes API, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    verb: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


def answers(body: Any, code: int = 200) -> Answer:
    """The same JSON to every request."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=code)

    return answer


def text(body: str, code: int = 200) -> Answer:
    """What a proxy on the way might say."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body, status=code)

    return answer


def fails(code: int, reason: str, message: str = "it cannot be done", cause: str = "") -> Answer:
    """A metav1.Status; ``cause`` is the field that it finds invalid."""
    found: dict[str, Any] = {"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code}
    if cause:
        found["details"] = {"causes": [{"reason": "FieldValueInvalid", "message": message, "field": cause}]}
    return answers(found, code)


async def resets(request: web.Request) -> web.StreamResponse:
    """The connection is gone in the middle."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def breaks_off(request: web.Request) -> web.StreamResponse:
    """The answer begins and never ends."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"kind":')
    assert request.transport is not None
    request.transport.close()
    return response


@dataclass
class ApiServer:
    """The server; ``answer`` may be exchanged at any time, ``open`` lets waiting requests go."""

    url: str = ""
    answer: Answer = field(default_factory=lambda: answers({"metadata": {}}))
    asked: list[Asked] = field(default_factory=list)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    waiting: int = 0
    most: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw) if raw else None
        self.asked.append(Asked(request.method, request.path, dict(request.query), dict(request.headers), body))
        async with self.arrived:
            self.arrived.notify_all()
        return await self.answer(request)

    async def hangs(self, _: web.Request) -> web.StreamResponse:
        """Answers once it may."""
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        try:
            await self.open.wait()
        finally:
            self.waiting -= 1
        return web.json_response({"metadata": {}})

    @property
    def last(self) -> Asked:
        return self.asked[-1]

    async def until_asked(self, number: int) -> None:
        """Wait until so many requests have arrived."""
        async with asyncio.timeout(20), self.arrived:
            await self.arrived.wait_for(lambda: len(self.asked) >= number)


@asynccontextmanager
async def serving() -> AsyncIterator[ApiServer]:
    found = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    async with TestServer(app) as server:
        found.url = str(server.make_url("")).rstrip("/")
        yield found
        found.open.set()


@asynccontextmanager
async def connected(url: str, token: str | None = None) -> AsyncIterator[ApiClient]:
    configuration = Configuration(host=url)
    if token is not None:
        configuration.api_key["BearerToken"] = token
        configuration.api_key_prefix["BearerToken"] = "Bearer"
    client = ApiClient(configuration=configuration)
    try:
        yield client
    finally:
        await client.close()
