"""Faults on purpose, so that a release can be seen to fail."""

import asyncio
from itertools import count

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from .settings import Fault

_EVERY = 5
_DELAY = 1.5  # seconds
_PATH = "/api/memos"


class Faulty:
    """ASGI middleware: spoils the memo API as `fault` says."""

    def __init__(self, app: ASGIApp, fault: Fault) -> None:
        self._app = app
        self._fault = fault
        self._calls = count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, late or not at all."""
        if scope["type"] == "http" and scope["path"] == _PATH:
            if self._fault is Fault.SLOW:
                await asyncio.sleep(_DELAY)
            if self._fault is Fault.ERRORS and next(self._calls) % _EVERY == 0:
                await JSONResponse({"error": "broken on purpose"}, 500)(scope, receive, send)
                return
        await self._app(scope, receive, send)
