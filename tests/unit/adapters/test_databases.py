"""A restored database takes the place of the live one on a real server, whoever is connected and whoever comes back."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from memoapp_operator.adapters import databases
from memoapp_operator.adapters.services import LiveServices
from memoapp_operator.ports import LeaseLostError, Login
from psycopg import sql

from tests.unit.agent.server import Server, programs, started

LIVE, FRESH, KEPT = "memo_app", "memo_app_fresh_1", "memo_app_before_1"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server is installed here")
    with started(found, Path(tempfile.gettempdir()), log_statement="all", log_line_prefix="%d:") as running:
        with running.connect() as admin:
            admin.execute("CREATE ROLE memo_user LOGIN")
        yield running


@pytest.fixture(autouse=True)
def _fresh(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(databases, "SWAP_TIMEOUT", 3.0)
    with server.connect() as admin:
        for name in (LIVE, FRESH):
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER memo_user").format(sql.Identifier(name)))
    for name in (LIVE, FRESH):
        with server.connect(name) as connection:
            connection.execute("CREATE TABLE whose (name text)")
            connection.execute("INSERT INTO whose VALUES (%s)", (name,))
            connection.execute("GRANT ALL ON whose TO memo_user")
    yield
    with server.connect() as admin:
        for (name,) in admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'memo%'").fetchall():
            admin.execute(sql.SQL("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def login(server: Server) -> Login:
    return Login(str(server.folder), 5432, "postgres", "", "postgres")


def as_the_app(server: Server, name: str = LIVE) -> psycopg.Connection[Any]:
    return psycopg.connect(f"host={server.folder} user=memo_user dbname={name}", autocommit=True)


def whose(server: Server, name: str = LIVE) -> str:
    with as_the_app(server, name) as connection:
        (found,) = connection.execute("SELECT name FROM whose").fetchone() or ("nobody",)
        return str(found)


async def swapped(login: Login, live: str = LIVE, fresh: str = FRESH, kept: str = KEPT) -> None:
    await LiveServices().swap(login, live, fresh, kept)


async def test_both_have_their_new_names_and_take_connections(server: Server, login: Login) -> None:
    assert await databases.names(login) == {"postgres": True, LIVE: True, FRESH: True}
    await swapped(login)
    assert await databases.names(login) == {"postgres": True, LIVE: True, KEPT: True}
    assert (whose(server), whose(server, KEPT)) == (FRESH, LIVE)
    await swapped(login, LIVE, KEPT, FRESH)
    assert (whose(server), whose(server, FRESH)) == (LIVE, FRESH)


async def test_connections_are_ended_and_those_that_come_back_in_the_middle_keep_nothing_up(
    server: Server, login: Login
) -> None:
    idle = [as_the_app(server) for _ in range(5)]
    busy = as_the_app(server)
    busy.execute("BEGIN")
    busy.execute("INSERT INTO whose VALUES ('not committed')")
    over, lost = threading.Event(), []

    def come_back() -> None:
        while not over.is_set():
            try:
                with as_the_app(server) as connection:
                    connection.execute("SELECT count(*) FROM whose")
            except psycopg.OperationalError as error:
                lost.append(str(error))

    pool = [threading.Thread(target=come_back) for _ in range(4)]
    for thread in pool:
        thread.start()
    try:
        await asyncio.sleep(0.2)
        await swapped(login)
        assert await databases.names(login) == {"postgres": True, LIVE: True, KEPT: True}
    finally:
        over.set()
        for thread in pool:
            thread.join()
    assert whose(server) == FRESH
    with as_the_app(server, KEPT) as connection:
        assert connection.execute("SELECT count(*) FROM whose").fetchone() == (1,)
    for connection in (*idle, busy):
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


async def test_one_who_cannot_be_ended_changes_nothing_and_leaves_the_database_open(
    server: Server, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nobody(connection: psycopg.AsyncConnection, name: str) -> None:
        del connection, name

    monkeypatch.setattr(databases, "_end", nobody)
    with as_the_app(server) as stays:
        await swapped(login)
        assert stays.execute("SELECT name FROM whose").fetchone() == (LIVE,)
    assert await databases.names(login) == {"postgres": True, LIVE: True, FRESH: True}
    assert whose(server) == LIVE


async def test_a_prepared_or_missing_copy_changes_nothing(server: Server, login: Login) -> None:
    await swapped(login, fresh="not_there")
    assert await databases.names(login) == {"postgres": True, LIVE: True, FRESH: True}
    await swapped(login, kept=FRESH)
    assert await databases.names(login) == {"postgres": True, LIVE: True, FRESH: True}
    assert whose(server) == LIVE


async def test_without_the_lease_nothing_is_renamed_or_dropped(server: Server, login: Login) -> None:
    late = LiveServices(remaining=lambda: 0.0)
    with pytest.raises(LeaseLostError):
        await late.swap(login, LIVE, FRESH, KEPT)
    with pytest.raises(LeaseLostError):
        await late.drop(login, LIVE)
    assert await databases.names(login) == {"postgres": True, LIVE: True, FRESH: True}
    assert whose(server) == LIVE


async def test_cut_off_in_the_middle_it_is_seen_and_mended(server: Server, login: Login) -> None:
    """Killed after the live database was closed: whoever comes next sees it, and may open it or go on."""
    with server.connect() as admin:
        admin.execute(f"ALTER DATABASE {LIVE} WITH ALLOW_CONNECTIONS false".encode())
    assert (await databases.names(login) or {})[LIVE] is False
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        as_the_app(server)
    await LiveServices().open(login, LIVE)
    assert whose(server) == LIVE
    with server.connect() as admin:
        admin.execute(f"ALTER DATABASE {LIVE} WITH ALLOW_CONNECTIONS false".encode())
    await swapped(login)
    assert (whose(server), whose(server, KEPT)) == (FRESH, LIVE)


async def test_a_database_is_dropped_whoever_looks_at_it(server: Server, login: Login) -> None:
    with as_the_app(server, FRESH):
        await LiveServices().drop(login, FRESH)
    assert await databases.names(login) == {"postgres": True, LIVE: True}
    await LiveServices().drop(login, FRESH)


async def test_a_server_that_is_away_tells_nothing_and_nothing_is_raised(tmp_path: Path) -> None:
    nobody = Login(str(tmp_path), 5432, "postgres", "", "postgres")
    assert await databases.names(nobody) is None
    await swapped(nobody)
    await LiveServices().open(nobody, LIVE)
    await LiveServices().drop(nobody, LIVE)


async def test_nothing_is_said_to_the_live_database_itself(server: Server, login: Login) -> None:
    """The server's own log: every statement of a swap comes from another database."""
    log = server.folder / "log"
    before = log.stat().st_size
    await swapped(login)
    said = [line for line in log.read_text()[before:].splitlines() if "statement:" in line or "execute" in line]
    assert any("RENAME TO" in line for line in said)
    assert {line.partition(":")[0] for line in said} == {"postgres"}
