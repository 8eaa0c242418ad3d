"""A server's databases as a whole: which there are, and a restored one that takes the place of the live one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import psycopg
from psycopg import sql

from memoapp_operator.ports import Login

from .postgres import connected

TIMEOUT = 5.0
"""Seconds for a connection and one question."""
SWAP_TIMEOUT = 20.0
"""Seconds in which all connections end and both databases have their new names; else nothing has changed."""
DROP_TIMEOUT = 60.0
_PAUSE = 0.05


async def names(login: Login) -> Mapping[str, bool] | None:
    """Databases by name, and whether they take connections; None where the server does not tell."""
    try:
        async with asyncio.timeout(TIMEOUT), connected(login, TIMEOUT) as connection:
            found = await connection.execute("SELECT datname, datallowconn FROM pg_database WHERE NOT datistemplate")
            return {str(name): bool(allowed) for name, allowed in await found.fetchall()}
    except (psycopg.Error, TimeoutError, ValueError):
        return None


async def swap(login: Login, live: str, fresh: str, kept: str, allowed: Callable[[], None]) -> None:
    """Rename ``live`` to ``kept`` and ``fresh`` to ``live``, in one transaction and with nobody connected.

    Connections that come back in the middle find the live database closed; it is opened again whatever happens, unless
    this process is killed: then whoever comes next sees to it.
    """
    try:
        async with asyncio.timeout(SWAP_TIMEOUT), connected(login, TIMEOUT) as connection:
            allowed()
            try:
                await _renamed(connection, live, fresh, kept, allowed)
            finally:
                async with asyncio.timeout(TIMEOUT):
                    for name in (live, kept, fresh):
                        await _allow(connection, name, there=True)
    except (psycopg.Error, TimeoutError, ValueError):
        return


async def _renamed(
    connection: psycopg.AsyncConnection, live: str, fresh: str, kept: str, allowed: Callable[[], None]
) -> None:
    for name in (live, fresh):
        await _allow(connection, name, there=False)
        await _end(connection, name)
    allowed()
    async with connection.transaction():
        for old, new in ((live, kept), (fresh, live)):
            text = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(old), sql.Identifier(new))
            await connection.execute(text)


async def _allow(connection: psycopg.AsyncConnection, name: str, *, there: bool) -> None:
    """Open or close a database; one that is not there is left alone."""
    found = await connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
    if await found.fetchone() is None:
        return
    word = sql.SQL("true" if there else "false")
    await connection.execute(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS {}").format(sql.Identifier(name), word))


async def _end(connection: psycopg.AsyncConnection, name: str) -> None:
    """End every connection to a database, and wait until they are gone."""
    ended = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'"
    )
    while True:
        found = await connection.execute(ended, (name,))
        if not await found.fetchall():
            return
        await asyncio.sleep(_PAUSE)


async def open_(login: Login, name: str) -> None:
    """Let a database take connections."""
    try:
        async with asyncio.timeout(TIMEOUT), connected(login, TIMEOUT) as connection:
            await _allow(connection, name, there=True)
    except (psycopg.Error, TimeoutError, ValueError):
        return


async def drop(login: Login, name: str, allowed: Callable[[], None]) -> None:
    """Drop a database, whoever is connected to it. Whether it is gone is seen by asking for the databases."""
    try:
        async with asyncio.timeout(DROP_TIMEOUT), connected(login, TIMEOUT) as connection:
            allowed()
            await connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
    except (psycopg.Error, TimeoutError, ValueError):
        return
