"""A real PostgreSQL of this machine, and the script that runs beside an agent in the database's image."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from memoapp_operator.agent.neighbour import SCRIPT


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


def programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


@contextmanager
def started(programs: Path, base: Path, **parameters: str) -> Iterator[Server]:
    """A server that ends with the block, in a new folder of ``base``."""
    folder = base / f"pg-{uuid.uuid4().hex[:8]}"
    folder.mkdir(mode=0o755)
    prefix: list[str] = []
    if os.geteuid() == 0:
        # The server refuses to run as root.
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    server = Server(programs, folder)
    data = folder / "data"
    options = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
    subprocess.run([*prefix, programs / "initdb", "-D", data, *options], check=True, capture_output=True)
    settings = f"-k {folder} -c listen_addresses= -c fsync=off -c autovacuum=off"
    settings += "".join(f" -c {name}={value}" for name, value in parameters.items())
    control: list[str | Path] = [*prefix, programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w"]
    subprocess.run([*control, "-o", settings, "start"], check=True, capture_output=True)
    try:
        yield server
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


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
