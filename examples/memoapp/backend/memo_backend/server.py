"""Runs the application under uvicorn."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Iterator
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from .app import make_app
from .cache import NoCache, RedisCache
from .settings import Fault, Settings
from .store import PostgresStore

# Longer than any proxy in front keeps an idle connection: so it is never this side that closes one in use.
_KEEP_ALIVE = 120


class AbruptServer(uvicorn.Server):
    """Ends at once on SIGTERM, open requests or not, as the application that this one stands for does.

    That is why its pods need a pause between leaving the Service and this signal.
    """

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals, instead of uvicorn's graceful stop."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _exit)
        yield


def _exit(_: int, __: FrameType | None) -> None:
    os._exit(0)


def serve(settings: Settings) -> None:
    """Serve until the process is ended."""
    slow = settings.amount / 1000 if settings.fault is Fault.SLOW_QUERY else 0.0
    store = PostgresStore(settings.database_url, slow=slow)
    cache = RedisCache(settings.redis_url) if settings.redis_url else NoCache()

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await store.open()
        if settings.fault is Fault.CRASH:
            asyncio.get_running_loop().call_later(settings.amount, os._exit, 1)
        yield
        await store.close()

    app = make_app(settings, store, cache, lifespan=lifespan)
    config = uvicorn.Config(
        app,
        host="0.0.0.0",  # noqa: S104 a container serves its pod's address
        port=settings.port,
        access_log=False,
        server_header=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE,
    )
    logging.getLogger(__name__).info("memo-backend %s on port %d", settings.version, settings.port)
    AbruptServer(config).run()
