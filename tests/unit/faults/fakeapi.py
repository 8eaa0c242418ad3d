"""A small API server for the proxy's tests: counts what it is asked, and streams events."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

from tests.faults.network import listener


@dataclass
class FakeApi:
    """Runs in a thread of its own.

    Attributes:
        asked: ``VERB path`` of every request but watches.
        tokens: what stood in the Authorization headers.
        lists: answers to lists, one after another; the last one stays.
    """

    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    lists: list[str] = field(default_factory=lambda: ["first", "second"])
    url: str = ""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=0.1)
        await self._runner.setup()
        listening = listener(None)
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        await web.SockSite(self._runner, listening).start()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.tokens.add(request.headers.get("Authorization", ""))
        if "watch" in request.query:
            return await self._stream(request)
        self.asked.append(f"{request.method} {request.path}")
        if request.method == "POST":
            return web.json_response({"made": (await request.json())["metadata"]["name"]}, status=201)
        if request.method == "GET" and request.path.endswith("configmaps"):
            content = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
            return web.json_response({"kind": "ConfigMapList", "items": [content]}, dumps=_compact)
        return web.json_response({"count": len(self.asked)})

    @staticmethod
    async def _stream(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(200):
            await response.write(b'{"number": %d}\n' % number)
            await asyncio.sleep(0.02)
        return response


def _compact(document: object) -> str:
    return json.dumps(document, separators=(",", ":"))
