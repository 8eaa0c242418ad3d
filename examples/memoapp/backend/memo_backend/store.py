"""Memos in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from .ports import Memo, StoreUnavailableError

_INSERT = "INSERT INTO memos (text, journal) VALUES (%s, %s) RETURNING id, text, journal, created_at"
_NEWEST = "SELECT id, text, journal, created_at FROM memos ORDER BY id DESC LIMIT %s"
_SLOWLY = "SELECT id, text, journal, created_at FROM memos, pg_sleep(%s) ORDER BY id DESC LIMIT %s"
_JOURNAL = """
    SELECT journal, count(*) FROM memos
    WHERE journal IS NOT NULL AND starts_with(journal, %s)
    GROUP BY journal ORDER BY journal LIMIT %s
"""
_HEALTH_TIMEOUT = 1.0  # seconds
_QUERY_TIMEOUT = 5.0


class PostgresStore:
    """A MemoStore on a pool of connections.

    Every connection is tried before it is lent: so a restarted, restored or renamed database costs no request.

    Args:
        url: of the database.
        size: most connections.
        slow: seconds that reading takes longer, within the database: a query that is bad on purpose.
    """

    def __init__(self, url: str, *, size: int = 10, slow: float = 0.0) -> None:
        self._slow = slow
        self._pool = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=size,
            open=False,
            timeout=2.0,
            reconnect_timeout=0,
            check=AsyncConnectionPool.check_connection,
            kwargs={"autocommit": True, "connect_timeout": 2, "application_name": "memo-backend"},
        )

    async def open(self) -> None:
        """Begin to connect, without waiting for it."""
        await self._pool.open(wait=False)

    async def close(self) -> None:
        """End all connections."""
        await self._pool.close()

    async def add(self, text: str, journal: str | None) -> Memo:
        """Write a memo."""
        rows = await self._memos(_INSERT, text, journal)
        return rows[0]

    async def newest(self, limit: int) -> Sequence[Memo]:
        """The last memos, newest first."""
        if self._slow:
            return await self._memos(_SLOWLY, self._slow, limit)
        return await self._memos(_NEWEST, limit)

    async def journal_counts(self, prefix: str, limit: int) -> dict[str, int]:
        """Rows by journal id."""
        async with self._connection() as connection:
            cursor = await connection.execute(_JOURNAL, [prefix, limit])
            return dict(await cursor.fetchall())

    async def answers(self) -> bool:
        """Whether a query comes back within a second."""
        try:
            async with asyncio.timeout(_HEALTH_TIMEOUT), self._pool.connection() as connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, PoolTimeout, TimeoutError, OSError):
            return False
        return True

    async def _memos(self, query: LiteralString, *values: object) -> list[Memo]:
        async with self._connection() as connection, connection.cursor(row_factory=class_row(Memo)) as cursor:
            await cursor.execute(query, values)
            return await cursor.fetchall()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[psycopg.AsyncConnection[tuple[Any, ...]]]:
        """A connection; whatever the database says in its use becomes StoreUnavailableError."""
        try:
            async with asyncio.timeout(_QUERY_TIMEOUT), self._pool.connection() as connection:
                yield connection
        except (psycopg.Error, PoolTimeout, TimeoutError, OSError) as error:
            raise StoreUnavailableError(f"{type(error).__name__}: {error}".splitlines()[0]) from error
