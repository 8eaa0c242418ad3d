"""What a drill costs beside a bare ``pg_restore`` of the same backup, and how long a swap keeps connections out.

A PostgreSQL of this machine, whatever it is; ratios within one run, each by the better of several rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from memoapp_operator.adapters.services import LiveServices
from memoapp_operator.ports import Login

from tests.unit.agent.server import Server, beside, programs, started
from tools.bench.backups import filled
from tools.bench.figures import Fact, Figure

DRILL, MEMORY, OUT = 1.3, 150.0, 5.0
"""Limits: times that of a bare restore; MiB of the agent's process; seconds without a connection in a swap."""
_MIB = 1024.0
_APP = {"metadata": {"name": "memo", "namespace": "bench", "uid": "1"}, "spec": {"version": "1"}}
_CLIENTS = 8


def main() -> int:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(prog="tools.bench.restores", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1024, help="of the database (1024)")
    parser.add_argument("--rounds", type=int, default=2, help="of each measurement (2)")
    given = parser.parse_args()
    found = programs()
    if found is None:
        print("error: no PostgreSQL server is installed here", file=sys.stderr)
        return 2
    kept = True
    with tempfile.TemporaryDirectory() as folder:
        # The server's user has to find its own folder in it.
        Path(folder).chmod(0o755)
        with started(found, Path(folder)) as server:
            for figure in _figures(server, Path(folder), given.megabytes, given.rounds):
                print(figure, flush=True)
                kept &= figure.holds
    return 0 if kept else 1


def _figures(server: Server, folder: Path, megabytes: int, rounds: int) -> Iterator[Figure | Fact]:
    filled(server, "large", megabytes)
    told = _agent(server, folder, "take", {})[2]
    archive = folder / "backups" / told["folder"] / "database.dump"
    bare: list[float] = []
    drilled: list[float] = []
    restored: list[float] = []
    memory: list[float] = []
    for _ in range(rounds):
        bare.append(_bare(server, archive))
        seconds, used, said = _agent(server, folder, "drill", {"MEMOAPP_FOLDER": told["folder"]})
        if said["reason"] != "Proved":
            raise SystemExit(f"the drill failed: {said}")
        drilled.append(seconds)
        restored.append(said["seconds"]["restore"])
        memory.append(used)
        _drop(server, "restored")
    yield Fact(f"bare pg_restore of {megabytes} MB", round(min(bare), 1), "seconds")
    yield Fact("drill: restored and compared, row by row", round(min(drilled), 1), "seconds")
    yield Fact("of it, restoring", min(restored), "seconds")
    yield Figure("restoring in a drill by bare pg_restore", round(min(restored) / min(bare), 2), DRILL, "times")
    yield Figure("memory of the agent in a drill", round(max(memory)), MEMORY, "MiB")
    yield Figure(f"longest time without a connection in a swap, {_CLIENTS} clients", _out(server), OUT, "seconds")


def _bare(server: Server, archive: Path) -> float:
    with server.connect() as connection:
        connection.execute("CREATE DATABASE bare TEMPLATE template0")
    began = time.monotonic()
    server.run("pg_restore", "--exit-on-error", "--no-owner", "--dbname", "bare", str(archive))
    seconds = time.monotonic() - began
    _drop(server, "bare")
    return seconds


def _drop(server: Server, name: str) -> None:
    with server.connect() as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _agent(server: Server, folder: Path, command: str, more: dict[str, str]) -> tuple[float, float, dict[str, Any]]:
    """Seconds, MiB at most, and what it said."""
    work, backups, app = folder / "work", folder / "backups", folder / "app.json"
    backups.mkdir(exist_ok=True)
    shutil.rmtree(work, ignore_errors=True)
    app.write_text(json.dumps(_APP))
    environment = {
        **server.environment("large"),
        "PYTHONPATH": "operator",
        "MEMOAPP_BACKUP_NAME": "one",
        "MEMOAPP_APP": str(app),
        "MEMOAPP_APP_NAME": "memo",
        "MEMOAPP_APP_NAMESPACE": "bench",
        "MEMOAPP_DATABASE": "restored",
        "MEMOAPP_VOLUME": str(backups),
        "MEMOAPP_WORK": str(work),
        **more,
    }
    with beside(work, environment):
        began = time.monotonic()
        words = [sys.executable, "-m", "memoapp_operator.agent", command]
        with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE) as agent:
            said = agent.stdout.read() if agent.stdout is not None else b""
            _, status, usage = os.wait4(agent.pid, 0)
            agent.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
    if agent.returncode != 0:
        raise SystemExit(f"{command} failed: {said.decode()}")
    return seconds, usage.ru_maxrss / _MIB, json.loads(said)


def _out(server: Server) -> float:
    """Clients that come back at once find the live database closed, and then the restored one: for how long at most."""
    for name in ("live", "fresh"):
        with server.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
    over, gaps = threading.Event(), []

    def client() -> None:
        since, longest = time.monotonic(), 0.0
        while not over.is_set():
            try:
                with psycopg.connect(server.conninfo("live"), autocommit=True) as connection:
                    while not over.is_set():
                        connection.execute("SELECT 1")
                        longest, since = max(longest, time.monotonic() - since), time.monotonic()
                        time.sleep(0.01)
            except psycopg.OperationalError:
                continue
        gaps.append(longest)

    pool = [threading.Thread(target=client) for _ in range(_CLIENTS)]
    for thread in pool:
        thread.start()
    time.sleep(1)
    asyncio.run(
        LiveServices().swap(Login(str(server.folder), 5432, "postgres", "", "postgres"), "live", "fresh", "kept")
    )
    time.sleep(1)
    over.set()
    for thread in pool:
        thread.join()
    return round(max(gaps), 2)


if __name__ == "__main__":
    sys.exit(main())
