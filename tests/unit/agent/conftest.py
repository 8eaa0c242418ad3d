"""A real PostgreSQL of this machine, and the script that runs beside the agent in the database's image."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from memoapp_operator.agent.neighbour import Neighbour
from memoapp_operator.agent.take import Source
from psycopg import sql

from .server import Server, beside, programs, started


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Not in pytest's own folder: the next session that begins takes other users' way into it."""
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server is installed here")
    with started(found, Path(tempfile.gettempdir())) as server:
        yield server


@pytest.fixture(scope="module")
def scratch() -> Iterator[Server]:
    """Another server, on which nobody of the first is known."""
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server is installed here")
    with started(found, Path(tempfile.gettempdir())) as server:
        yield server


@pytest.fixture
def database(postgres: Server) -> Iterator[str]:
    """An empty database of its own, of the user memo_user."""
    name = f"memo_{uuid.uuid4().hex[:8]}"
    with postgres.connect() as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = 'memo_user'").fetchall():
            connection.execute("CREATE ROLE memo_user LOGIN")
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER memo_user").format(sql.Identifier(name)))
    yield name
    with postgres.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def source(postgres: Server, database: str) -> Source:
    return Source(postgres.conninfo(database), lock_timeout="2s")


MakeTools = Callable[..., Neighbour]


@pytest.fixture
def tools(postgres: Server, database: str, tmp_path: Path) -> Iterator[Neighbour]:
    environment = {**postgres.environment(database), "LOCK_WAIT_TIMEOUT": "2s"}
    with beside(tmp_path / "work", environment):
        neighbour = Neighbour(tmp_path / "work", patience=20)
        yield neighbour
        neighbour.end()
