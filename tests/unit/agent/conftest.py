"""A real PostgreSQL of this machine, and the script that runs beside the agent in the database's image."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from memoapp_operator.agent.neighbour import SCRIPT, Neighbour
from memoapp_operator.agent.take import Source
from psycopg import sql


@dataclass(frozen=True)
class Server:
    """A PostgreSQL that listens on a socket in a folder alone."""

    programs: Path
    folder: Path

    def conninfo(self, database: str) -> str:
        return f"host={self.folder} user=postgres dbname={database}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(self.conninfo(database), autocommit=True)

    def environment(self, database: str) -> dict[str, str]:
        path = f"{self.programs}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PGHOST": str(self.folder), "PGUSER": "postgres", "PGDATABASE": database}

    def run(self, *command: str, database: str = "postgres", **more: Any) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, env=self.environment(database), check=True, capture_output=True, **more)


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed here")
    folder = Path(tmp_path_factory.mktemp("pg").parent.parent / f"pg-{uuid.uuid4().hex[:8]}")
    folder.mkdir(mode=0o755)
    prefix: list[str] = []
    if os.geteuid() == 0:
        # The server refuses to run as root.
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
    server = Server(programs, folder)
    data = folder / "data"
    options = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
    subprocess.run([*prefix, programs / "initdb", "-D", data, *options], check=True, capture_output=True)
    settings = f"-k {folder} -c listen_addresses= -c fsync=off -c autovacuum=off"
    control = [*prefix, programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w"]
    subprocess.run([*control, "-o", settings, "start"], check=True, capture_output=True)
    try:
        yield server
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


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


@contextmanager
def beside(folder: Path, environment: dict[str, str], script: str = SCRIPT) -> Iterator[subprocess.Popen[bytes]]:
    """The script, as the container runs it."""
    folder.mkdir(exist_ok=True)
    with subprocess.Popen(
        ["sh", "-c", script, "neighbour", folder], env=environment, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


MakeTools = Callable[..., Neighbour]


@pytest.fixture
def tools(postgres: Server, database: str, tmp_path: Path) -> Iterator[Neighbour]:
    environment = {**postgres.environment(database), "LOCK_WAIT_TIMEOUT": "2s"}
    with beside(tmp_path / "work", environment):
        neighbour = Neighbour(tmp_path / "work", patience=20)
        yield neighbour
        neighbour.end()
