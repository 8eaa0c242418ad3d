"""A PostgreSQL that is there for one restore alone, in the same pod: it is made ready, and thrown away with it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import psycopg
from psycopg import sql

from .manifest import Database
from .restoring import ServerError

_PAUSE = 0.2


def wait(conninfo: str, patience: float) -> str:
    """Wait until it takes connections; its version.

    Raises:
        ServerError: it does not come up in ``patience`` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            with closing(connected(conninfo)) as connection:
                row = connection.execute("SELECT current_setting('server_version')").fetchone()
                return str(row[0]) if row is not None else ""
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise ServerError(f"the scratch server does not come up: {one_line(error)}") from None
        time.sleep(_PAUSE)


def prepare(conninfo: str, name: str, original: Database, roles: Iterable[str]) -> None:
    """Make an empty database like the original, and the roles that the archive names.

    Raises:
        ServerError: the server does not take it: it has not the locale, or is gone.
    """
    try:
        with closing(connected(conninfo)) as connection:
            make_roles(connection, {original.owner, *roles})
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {}").format(
                    sql.Identifier(name),
                    sql.Identifier(original.owner),
                    *map(sql.Literal, (original.encoding, original.collate, original.ctype)),
                )
            )
    except psycopg.Error as error:
        raise ServerError(f"no database like the original can be made: {one_line(error)}") from None


def make_roles(connection: psycopg.Connection[Any], roles: set[str]) -> None:
    """Roles that are not there yet; nobody can connect as one of them."""
    known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    for role in sorted(roles - known):
        connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role)))


def let_in(conninfo: str, role: str) -> None:
    """Let a role connect: the app is started on what was restored.

    Raises:
        ServerError: the server does not take it.
    """
    try:
        with closing(connected(conninfo)) as connection:
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(sql.Identifier(role)))
    except psycopg.Error as error:
        raise ServerError(one_line(error)) from None


def connected(conninfo: str, password: str | None = None) -> psycopg.Connection[Any]:
    """A connection on which every statement is a transaction of its own."""
    return psycopg.connect(conninfo, password=password, connect_timeout=10, autocommit=True, client_encoding="UTF8")


def one_line(error: Exception) -> str:
    """What it says, as one line of at most 500 characters."""
    return " ".join(str(error).split())[:500]
