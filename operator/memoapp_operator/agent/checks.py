"""Questions that people ask a restored database: each is one SQL query that answers true, or the copy is not proved."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from .scratch import connected, one_line

TIMEOUT = 60
"""Seconds for one query."""


@dataclass(frozen=True, slots=True)
class Check:
    """A question.

    Attributes:
        name: for people.
        query: one SQL query whose answer is one row with one column, true or false.
    """

    name: str
    query: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of it; ``message`` is empty where it is true."""

    name: str
    message: str = ""


def checks_in(text: str) -> tuple[Check, ...]:
    """The checks in a JSON list.

    Raises:
        ValueError: it is none.
    """
    found = json.loads(text or "[]")
    try:
        return tuple(Check(str(item["name"]), str(item["query"])) for item in found)
    except (TypeError, KeyError):
        raise ValueError("it is no list of checks") from None


def ask(conninfo: str, checks: Iterable[Check], role: str, password: str | None = None) -> tuple[Answer, ...]:
    """Ask each as ``role``, where a superuser asks, in a transaction that writes nothing."""
    return tuple(_asked(conninfo, check, role, password) for check in checks)


def _become(connection: psycopg.Connection[Any], role: str) -> None:
    """A superuser asks as the owner does; who has fewer rights, as himself."""
    superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if superuser is not None and superuser[0]:
        connection.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))


def _asked(conninfo: str, check: Check, role: str, password: str | None) -> Answer:
    try:
        with closing(connected(conninfo, password)) as connection:
            connection.execute(f"SET statement_timeout = '{TIMEOUT}s'".encode())
            _become(connection, role)
            connection.execute("BEGIN READ ONLY")
            # Prepared: that takes one statement and no more.
            found = connection.execute(check.query.encode(), prepare=True)
            rows = found.fetchmany(2) if found.description else []
    except psycopg.Error as error:
        return Answer(check.name, one_line(error)[:200])
    if len(rows) != 1 or len(rows[0]) != 1 or not isinstance(rows[0][0], bool):
        return Answer(check.name, "it does not answer with one row of one boolean")
    return Answer(check.name, "" if rows[0][0] else "it answers false")
