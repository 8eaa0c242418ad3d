"""PostgreSQL's own numbers, out of a real server: a deadlock, a lock, a slow statement, and rights that are missing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from memoapp_operator.adapters import postgres
from memoapp_operator.domain.observation import Probe
from memoapp_operator.domain.usage import DatabaseStats
from memoapp_operator.ports import Login

from tests.unit.agent.server import Server, programs, started

SLOW = 100
"""Milliseconds."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server is installed here")
    parameters = {
        "shared_preload_libraries": "pg_stat_statements",
        "deadlock_timeout": "100ms",
        "max_connections": "20",
        "wal_level": "logical",
    }
    with started(found, Path(tempfile.gettempdir()), **parameters) as running:
        with running.connect() as admin:
            admin.execute("CREATE ROLE memo_user LOGIN")
            admin.execute("CREATE ROLE memoapp_monitor LOGIN IN ROLE pg_monitor")
            admin.execute("CREATE DATABASE memo_app OWNER memo_user")
            admin.execute("CREATE DATABASE bare OWNER memo_user")
        with running.connect("memo_app") as admin:
            admin.execute("CREATE SCHEMA stats; CREATE EXTENSION pg_stat_statements SCHEMA stats")
            admin.execute("GRANT USAGE ON SCHEMA stats TO PUBLIC")
        yield running


@pytest.fixture
def monitor(server: Server) -> Login:
    return Login(str(server.folder), 5432, "memoapp_monitor", "", "memo_app")


@pytest.fixture
def app(server: Server) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(f"host={server.folder} user=memo_user dbname=memo_app", autocommit=True) as connection:
        yield connection
        connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public") if not connection.broken else None


@pytest.fixture(autouse=True)
def _ours(server: Server) -> None:
    with server.connect("memo_app") as admin:
        admin.execute("GRANT ALL ON SCHEMA public TO memo_user; ALTER SCHEMA public OWNER TO memo_user")


def again(server: Server, **more: Any) -> psycopg.Connection[Any]:
    return psycopg.connect(f"host={server.folder} user=memo_user dbname=memo_app", **more)


def until_full(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """Every connection that can be had."""
    try:
        while True:
            yield again(server)
    except psycopg.OperationalError:
        return


async def numbers(login: Login, user: str = "memo_user", slow: int = SLOW) -> DatabaseStats:
    found = await postgres.statistics(login, user, slow)
    assert isinstance(found, DatabaseStats), found
    return found


async def test_connections_count_against_those_that_there_can_be(server: Server, monitor: Login) -> None:
    before = await numbers(monitor)
    with again(server), again(server):
        found = await numbers(monitor)
    assert (found.connections - before.connections, found.most) == (2, 17)


async def test_one_that_is_full_says_so(server: Server, monitor: Login) -> None:
    held = list(until_full(server))
    try:
        found = await postgres.statistics(monitor, "memo_user", SLOW)
        assert isinstance(found, Probe)
        assert found.reason == "TooManyConnections"
    finally:
        for connection in held:
            connection.close()


async def test_a_transaction_that_stays_open_ages(server: Server, monitor: Login) -> None:
    assert (await numbers(monitor)).transaction == 0
    with again(server) as connection:
        connection.execute("SELECT 1")
        await asyncio.sleep(0.3)
        assert 0.3 <= (await numbers(monitor)).transaction < 30


async def test_what_waits_for_a_lock_is_told(server: Server, monitor: Login, app: psycopg.Connection[Any]) -> None:
    app.execute("CREATE TABLE memo (id int)")
    with again(server) as holder, again(server) as waiter:
        holder.execute("LOCK TABLE memo")
        waiting = asyncio.create_task(asyncio.to_thread(waiter.execute, "LOCK TABLE memo"))
        await asyncio.sleep(0.5)
        found = await numbers(monitor)
        holder.commit()
        await waiting
    assert 0.2 < found.lock_wait < 30


async def test_a_deadlock_made_on_purpose_is_counted(
    server: Server, monitor: Login, app: psycopg.Connection[Any]
) -> None:
    app.execute("CREATE TABLE one (id int); CREATE TABLE two (id int)")
    before = await numbers(monitor)

    def lock(connection: psycopg.Connection[Any], table: str) -> bool:
        try:
            connection.execute(f"LOCK TABLE {table}")
        except psycopg.errors.DeadlockDetected:
            connection.rollback()
            return True
        connection.commit()
        return False

    with again(server) as first, again(server) as second:
        first.execute("LOCK TABLE one")
        second.execute("LOCK TABLE two")
        found = await asyncio.gather(asyncio.to_thread(lock, first, "two"), asyncio.to_thread(lock, second, "one"))
    assert sum(found) == 1
    assert (await numbers(monitor)).deadlocks - before.deadlocks == 1


async def test_a_slow_statement_of_the_application_is_told_without_its_values(
    monitor: Login, app: psycopg.Connection[Any]
) -> None:
    before = await numbers(monitor)
    app.execute("SELECT pg_sleep(0.15), 'geheim' AS word")
    app.execute("SELECT pg_sleep(0.15), 'geheim' AS word")
    found = await numbers(monitor)
    assert found.statements is not None
    [key] = found.statements.keys() - (before.statements or {}).keys()
    assert found.statements[key].calls == 2
    assert 300 <= found.statements[key].milliseconds < 5000
    text = await postgres.statement(monitor, key)
    assert text == "SELECT pg_sleep($1), $2 AS word"


async def test_statements_of_others_and_quick_ones_are_not(
    server: Server, monitor: Login, app: psycopg.Connection[Any]
) -> None:
    with server.connect("memo_app") as admin:
        admin.execute("SELECT pg_sleep(0.2), 1 AS of_the_superuser")
    app.execute("SELECT 1 AS quick")
    found = await numbers(monitor)
    texts = [await postgres.statement(monitor, key) for key in found.statements or {}]
    assert not any("superuser" in text or "quick" in text for text in texts)


async def test_without_the_extension_it_is_lacking(monitor: Login) -> None:
    found = await numbers(replace(monitor, dbname="bare"))
    assert found.statements is None
    assert "pg_stat_statements" in found.lacking["slowQuery"]


async def test_no_replica_has_no_lag(monitor: Login) -> None:
    found = await numbers(monitor)
    assert found.lacking == {"replicationLag": "there is no replica"}
    assert found.lag is None


async def test_a_role_without_rights_tells_what_it_may(server: Server) -> None:
    """The login of an external database: the application's own."""
    login = Login(str(server.folder), 5432, "memo_user", "", "memo_app")
    found = await numbers(login)
    assert found.connections >= 1
    assert found.statements is not None, "its own statements"


async def test_one_that_takes_no_writes_says_so(server: Server, monitor: Login) -> None:
    assert not (await numbers(monitor)).read_only
    with server.connect() as admin:
        admin.execute("ALTER DATABASE memo_app SET default_transaction_read_only = on")
        try:
            assert (await numbers(monitor)).read_only
        finally:
            admin.execute("ALTER DATABASE memo_app RESET default_transaction_read_only")


async def test_one_that_is_not_there_is_no_number(tmp_path: Path) -> None:
    found = await postgres.statistics(Login(str(tmp_path), 5432, "a", "", "b"), "a", SLOW)
    assert isinstance(found, Probe)
    assert found.reason == "NotReachable"
    assert await postgres.statement(Login(str(tmp_path), 5432, "a", "", "b"), "1") == ""
    assert await postgres.definitions(Login(str(tmp_path), 5432, "a", "", "b")) is None


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE memo ADD COLUMN done bool NOT NULL DEFAULT false",
        "ALTER TABLE memo ALTER COLUMN body TYPE varchar(100)",
        "ALTER TABLE memo ALTER COLUMN body SET DEFAULT 'x'",
        "CREATE INDEX ON memo (body)",
        "ALTER TABLE memo ADD CHECK (id > 0)",
        "CREATE VIEW short AS SELECT id FROM memo",
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE TYPE mood AS ENUM ('good', 'bad')",
        "CREATE SEQUENCE numbers",
        "ALTER TABLE memo ENABLE ROW LEVEL SECURITY",
        "DROP TABLE memo",
    ],
)
async def test_the_digest_of_definitions_changes_with_each_of_them(
    monitor: Login, app: psycopg.Connection[Any], change: str
) -> None:
    app.execute("CREATE TABLE memo (id int PRIMARY KEY, body text)")
    before = await postgres.definitions(monitor)
    app.execute("INSERT INTO memo VALUES (1, 'a row changes nothing')")
    assert before == await postgres.definitions(monitor)
    assert before is not None
    app.execute(change)
    assert await postgres.definitions(monitor) != before


async def test_the_questions_do_not_show_among_the_slowest(server: Server, monitor: Login) -> None:
    """A minute of gates, at one round in ten seconds, against an application that is hardly busy."""
    with server.connect("memo_app") as admin:
        admin.execute("SELECT stats.pg_stat_statements_reset()")
    with again(server, autocommit=True) as connection:
        for number in range(600):
            connection.execute("SELECT count(*) FROM pg_class, generate_series(1, %s)", (20 + number % 2,))
    for _ in range(6):
        await numbers(monitor)
    with server.connect("memo_app") as admin:
        rows = admin.execute(
            "SELECT userid::regrole::text, sum(total_exec_time) FROM stats.pg_stat_statements GROUP BY 1"
        ).fetchall()
    spent = {role: float(total) for role, total in rows}
    assert spent["memoapp_monitor"] < 0.1 * spent["memo_user"]
