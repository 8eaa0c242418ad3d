"""Faults on purpose, so that a release can be seen to fail."""

import asyncio
from itertools import count

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .settings import Fault

_PATH = "/api/memos"


class Faulty:
    """ASGI middleware: spoils the memo API as `fault` says; `amount` is percent of errors, or milliseconds."""

    def __init__(self, app: ASGIApp, fault: Fault, amount: int) -> None:
        self._app = app
        self._fault = fault
        self._amount = amount
        self._calls = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, late or not at all."""
        if scope["type"] == "http" and scope["path"] == _PATH:
            if self._fault is Fault.SLOW:
                await asyncio.sleep(self._amount / 1000)
            if self._fault is Fault.ERRORS and is_spoiled(next(self._calls), self._amount):
                await JSONResponse({"error": "broken on purpose"}, 500)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def is_spoiled(call: int, percent: int) -> bool:
    """Whether the call of this number, from 1 on, is one of `percent` percent that are spread evenly."""
    return call * percent // 100 > (call - 1) * percent // 100
