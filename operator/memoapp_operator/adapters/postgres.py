"""PostgreSQL, asked by the operator: whether it answers, and what is defined in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import psycopg
from psycopg import sql

from memoapp_operator.domain.observation import Probe
from memoapp_operator.domain.usage import DatabaseReading, DatabaseStats, Statement
from memoapp_operator.ports import Login

TIMEOUT = 3.0
"""Seconds for one question: a probe that hangs must not hold a pass."""
APPLICATION = "memoapp-operator"

T = TypeVar("T")

# What a person would call the schema: in one statement, so in one snapshot, and as one value.
_DEFINITIONS = r"""
WITH space AS (
    SELECT oid, nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
), member AS (
    SELECT classid::oid, objid FROM pg_depend WHERE deptype = 'e'
), relation AS (
    SELECT c.oid, concat_ws('.', nspname, relname) AS name, c.relkind, c.relowner, c.relrowsecurity
    FROM pg_class c JOIN space ON space.oid = c.relnamespace
    WHERE c.relpersistence <> 't' AND ('pg_class'::regclass::oid, c.oid) NOT IN (TABLE member)
), line AS (
    SELECT concat_ws(chr(31), 'relation', name, relkind, relowner::regrole, relrowsecurity) AS text
    FROM relation WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT concat_ws(chr(31), 'column', name, row_number() OVER (PARTITION BY r.oid ORDER BY attnum), attname,
                     format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
                     pg_get_expr(adbin, adrelid))
    FROM relation r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION ALL
    SELECT concat_ws(chr(31), 'constraint', name, conname, pg_get_constraintdef(o.oid), convalidated)
    FROM relation r JOIN pg_constraint o ON o.conrelid = r.oid WHERE o.contype <> 'n'
    UNION ALL
    SELECT concat_ws(chr(31), 'index', name, pg_get_indexdef(i.indexrelid), indisvalid)
    FROM relation r JOIN pg_index i ON i.indrelid = r.oid
    UNION ALL
    SELECT concat_ws(chr(31), 'view', name, pg_get_viewdef(oid)) FROM relation WHERE relkind IN ('v', 'm')
    UNION ALL
    SELECT concat_ws(chr(31), 'trigger', name, tgname, pg_get_triggerdef(t.oid), tgenabled)
    FROM relation r JOIN pg_trigger t ON t.tgrelid = r.oid WHERE NOT tgisinternal
    UNION ALL
    SELECT concat_ws(chr(31), 'function', nspname, CASE WHEN prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid)
                     ELSE proname || ' ' || pg_get_function_identity_arguments(p.oid) END)
    FROM pg_proc p JOIN space ON space.oid = p.pronamespace
    WHERE ('pg_proc'::regclass::oid, p.oid) NOT IN (TABLE member)
    UNION ALL
    SELECT concat_ws(chr(31), 'type', nspname, typname, typtype, format_type(typbasetype, typtypmod),
                     (SELECT string_agg(enumlabel, ',' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid))
    FROM pg_type t JOIN space ON space.oid = t.typnamespace
    WHERE typtype IN ('e', 'd', 'r') AND ('pg_type'::regclass::oid, t.oid) NOT IN (TABLE member)
    UNION ALL
    SELECT concat_ws(chr(31), 'extension', extname) FROM pg_extension
)
SELECT encode(sha256(convert_to(coalesce(string_agg(text, chr(10) ORDER BY text COLLATE "C"), ''), 'UTF8')), 'hex')
FROM line
"""


async def probe(login: Login) -> Probe:
    """One connection, one query."""
    return await _asked(login, _is_well)


async def _asked(login: Login, ask: Callable[[psycopg.AsyncConnection], Awaitable[T]]) -> T | Probe:
    """The answer, or why there is none."""
    try:
        return await _within(login, ask)
    except TimeoutError:
        return Probe(healthy=False, reason="Timeout", message=f"PostgreSQL gave no answer in {TIMEOUT:g}s")
    except psycopg.OperationalError as error:
        return Probe(healthy=False, reason=_reason(error), message=first_line(error, login))
    except psycopg.Error as error:
        return Probe(healthy=False, reason="QueryFailed", message=first_line(error, login))
    except ValueError:
        return Probe(healthy=False, reason="NotReachable", message="nobody can connect with what the Secret holds")


async def _is_well(connection: psycopg.AsyncConnection) -> Probe:
    row = await (await connection.execute("SELECT pg_is_in_recovery()")).fetchone()
    if row is not None and row[0]:
        return Probe(healthy=False, reason="InRecovery", message="PostgreSQL is in recovery and takes no writes")
    return Probe(healthy=True, reason="Answering")


_ACTIVITY = r"""
SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0),
       current_setting('default_transaction_read_only')::bool OR pg_is_in_recovery(),
       (SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()),
       (SELECT coalesce(extract(epoch FROM max(clock_timestamp() - waitstart)), 0) FROM pg_locks
        WHERE NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
       (SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0) FROM pg_stat_activity
        WHERE usename = %(user)s AND datname = current_database() AND pid <> pg_backend_pid()
              AND application_name NOT IN ('pg_dump', 'memoapp-agent')),
       (SELECT count(*) FROM pg_stat_replication),
       (SELECT extract(epoch FROM max(coalesce(replay_lag, interval '0'))) FROM pg_stat_replication),
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'),
       (SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
        WHERE extname = 'pg_stat_statements')
"""
# Without their texts: those lie in a file that is read whole.
_STATEMENTS = """
SELECT queryid::text, sum(calls)::bigint, sum(total_exec_time) FROM {}.pg_stat_statements(false)
WHERE userid = to_regrole(quote_ident(%(user)s)) AND queryid IS NOT NULL
      AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
GROUP BY queryid HAVING sum(total_exec_time) >= %(slow)s
"""
_TEXT = "SELECT query FROM {}.pg_stat_statements WHERE queryid = %(query)s::bigint AND query IS NOT NULL LIMIT 1"
_SCHEMA = """
SELECT nspname FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'pg_stat_statements'
"""
_LONGEST = 200
"""Characters of a statement's text that are told."""


async def statistics(login: Login, user: str, slow: int) -> DatabaseReading:
    """The numbers that the gates need, as far as they may be read; or why there are none. See the port."""
    return await _asked(login, lambda connection: _statistics(connection, user, slow))


async def _statistics(connection: psycopg.AsyncConnection, user: str, slow: int) -> DatabaseReading:
    row = await (await connection.execute(_ACTIVITY, {"user": user})).fetchone()
    if row is None:
        return Probe(healthy=False, reason="QueryFailed", message="PostgreSQL tells no numbers")
    connections, most, read_only, deadlocks, lock_wait, transaction, replicas, lag, sees_all, schema = row
    lacking = {}
    if not replicas:
        lacking["replicationLag"] = "there is no replica"
    elif not sees_all:
        lacking["replicationLag"] = f"{user} has no right to pg_read_all_stats"
    statements = None
    if schema is None:
        lacking["slowQuery"] = "the extension pg_stat_statements is not there"
    else:
        statements = await _read_statements(connection, schema, user, slow)
        if statements is None:
            lacking["slowQuery"] = "pg_stat_statements cannot be read: it is not loaded, or there is no right to it"
    return DatabaseStats(
        connections=connections,
        most=most,
        read_only=read_only,
        lag=float(lag) if lag is not None and sees_all else None,
        deadlocks=deadlocks or 0,
        lock_wait=float(lock_wait),
        transaction=float(transaction),
        statements=statements,
        lacking=lacking,
    )


async def _read_statements(
    connection: psycopg.AsyncConnection, schema: str, user: str, slow: int
) -> dict[str, Statement] | None:
    query = sql.SQL(_STATEMENTS).format(sql.Identifier(schema))
    try:
        rows = await (await connection.execute(query, {"user": user, "slow": slow})).fetchall()
    except (psycopg.errors.ObjectNotInPrerequisiteState, psycopg.errors.InsufficientPrivilege):
        return None
    return {key: Statement(int(calls), float(spent)) for key, calls, spent in rows}


async def statement(login: Login, query: str) -> str:
    """The normalised text of one statement, in one line."""
    try:
        return await _within(login, lambda connection: _text(connection, query))
    except (psycopg.Error, TimeoutError, ValueError):
        return ""


async def _text(connection: psycopg.AsyncConnection, query: str) -> str:
    schema = await (await connection.execute(_SCHEMA)).fetchone()
    if schema is None:
        return ""
    asked = sql.SQL(_TEXT).format(sql.Identifier(schema[0]))
    row = await (await connection.execute(asked, {"query": query})).fetchone()
    return " ".join(str(row[0]).split())[:_LONGEST] if row is not None else ""


async def definitions(login: Login) -> str | None:
    """SHA-256 (hexadecimal) of all definitions in the database; None where it does not tell."""
    try:
        return await _within(login, _digest)
    except (psycopg.Error, TimeoutError, ValueError):
        return None


async def _digest(connection: psycopg.AsyncConnection) -> str | None:
    row = await (await connection.execute(_DEFINITIONS)).fetchone()
    return str(row[0]) if row is not None else None


async def _within(login: Login, ask: Callable[[psycopg.AsyncConnection], Awaitable[T]]) -> T:
    async with asyncio.timeout(TIMEOUT), connected(login) as connection:
        return await ask(connection)


@asynccontextmanager
async def connected(login: Login, seconds: float = TIMEOUT) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection whose statements are transactions of their own; ``seconds`` is how long it may take to come up."""
    connection = await psycopg.AsyncConnection.connect(
        host=login.host,
        port=login.port,
        user=login.user,
        password=login.password,
        dbname=login.dbname,
        connect_timeout=max(2, int(seconds)),
        application_name=APPLICATION,
        autocommit=True,
    )
    try:
        yield connection
    finally:
        await connection.close()


def _reason(error: psycopg.OperationalError) -> str:
    if "password authentication failed" in str(error):
        return "AuthenticationFailed"
    full = any(words in str(error) for words in ("too many", "remaining connection slots"))
    return "TooManyConnections" if full else "NotReachable"


def first_line(error: psycopg.Error, login: Login) -> str:
    """The server's answer without its address (which changes) and, should it ever stand there, the password."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    text = lines[0].rsplit("failed: ", 1)[-1]
    return text.replace(login.password, "***") if login.password else text
