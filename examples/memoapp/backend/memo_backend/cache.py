"""The newest memos in Redis, for two seconds; the application runs as well without it."""

import logging
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from redis.asyncio import Redis
from redis.exceptions import RedisError

LOG = logging.getLogger(__name__)

_LIST = "memo:v1:newest"
_READS = "memo:v1:reads"
_LIFETIME_MS = 2000
_TIMEOUT = 0.2  # seconds
_PAUSE = 2.0  # seconds without a try after a failure: a lost cache must not slow every request

Result = TypeVar("Result")


class RedisCache:
    """A MemoCache in Redis, with a pause after each failure."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT)
        self._not_before = 0.0

    async def close(self) -> None:
        """End all connections."""
        await self._redis.aclose()

    async def get(self) -> tuple[bytes | None, int | None]:
        """Count a read and give list and count."""

        async def ask() -> tuple[bytes | None, int | None]:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.get(_LIST)
                pipeline.incr(_READS)
                content, reads = await pipeline.execute()
                return content, reads

        return await self._try(ask) or (None, None)

    async def put(self, content: bytes) -> None:
        """Keep the list for two seconds."""
        await self._try(lambda: self._redis.set(_LIST, content, px=_LIFETIME_MS))

    async def forget(self) -> None:
        """Drop the list."""
        await self._try(lambda: self._redis.delete(_LIST))

    async def _try(self, call: Callable[[], Awaitable[Result]]) -> Result | None:
        if time.monotonic() < self._not_before:
            return None
        try:
            return await call()
        except (RedisError, OSError, TimeoutError) as error:
            LOG.warning("no cache for %g s: %s", _PAUSE, type(error).__name__)
            self._not_before = time.monotonic() + _PAUSE
            return None


class NoCache:
    """A MemoCache where no Redis is configured."""

    async def get(self) -> tuple[bytes | None, int | None]:
        """Nothing is kept."""
        return None, None

    async def put(self, content: bytes) -> None:
        """Nothing is kept."""

    async def forget(self) -> None:
        """Nothing is kept."""
