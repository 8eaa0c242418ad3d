"""What a backup costs beside a bare ``pg_dump`` of the same database, in time and memory.

A PostgreSQL of this machine, whatever it is; ratios within one run, each by the better of several rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pyrage import x25519

from tests.unit.agent.server import Server, beside, programs, started
from tools.bench.figures import Fact, Figure

PLAIN, SEALED, MEMORY = 1.3, 1.5, 150.0
"""Limits: times that of a bare dump; MiB of the agent's process."""
_ROW = 1024
_MIB = 1024.0
_APP = {"metadata": {"name": "memo", "namespace": "bench", "uid": "1"}, "spec": {"version": "1"}}


def main() -> int:
    """Print one line a figure."""
    parser = argparse.ArgumentParser(prog="tools.bench.backups", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1024, help="of the database (1024)")
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement (3)")
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
    filled(server, "small", 10)
    filled(server, "large", megabytes)
    key = x25519.Identity.generate()
    recipients = folder / "recipients"
    recipients.write_text(f"{key.to_public()}\n")
    bare: list[float] = []
    plain: list[float] = []
    sealed: list[float] = []
    memory: list[float] = []
    for number in range(rounds):
        bare.append(_bare(server, folder))
        for told, times in ((None, plain), (recipients, sealed)):
            seconds, used = _taken(server, folder, "large", f"b{number}-{told is not None}", told)
            times.append(seconds)
            memory.append(used)
    small = _taken(server, folder, "small", "small", recipients)[1]
    yield Fact(f"bare pg_dump of {megabytes} MB", round(min(bare), 1), "seconds")
    yield Figure("backup by bare pg_dump", round(min(plain) / min(bare), 2), PLAIN, "times")
    yield Figure("sealed backup by bare pg_dump", round(min(sealed) / min(bare), 2), SEALED, "times")
    yield Figure(f"memory of the agent at {megabytes} MB", round(max(memory)), MEMORY, "MiB")
    yield Figure("memory of the agent at 10 MB", round(small), MEMORY, "MiB")


def filled(server: Server, database: str, megabytes: int) -> None:
    """Memos as people write them: half of it compresses."""
    with server.connect() as connection:
        connection.execute(f"CREATE DATABASE {database}")
    with server.connect(database) as connection:
        connection.execute("CREATE TABLE memo (id bigserial PRIMARY KEY, text text, created timestamptz DEFAULT now())")
        half = "(SELECT string_agg(md5(g::text || i), '') FROM generate_series(1, 16) AS i)"
        connection.execute(
            f"INSERT INTO memo (text) SELECT {half} || repeat('word ', 100) FROM generate_series(1, %s) AS g",  # noqa: S608
            (megabytes * 1024 * 1024 // _ROW,),
        )
        connection.execute("VACUUM ANALYZE memo")


def _bare(server: Server, folder: Path) -> float:
    """Seconds of pg_dump to a file that is brought to the disk, as a backup is."""
    target = folder / "bare.dump"
    began = time.monotonic()
    server.run("pg_dump", "--format=custom", f"--file={target}", database="large")
    with target.open("rb") as file:
        os.fsync(file.fileno())
    seconds = time.monotonic() - began
    target.unlink()
    return seconds


def _taken(server: Server, folder: Path, database: str, name: str, recipients: Path | None) -> tuple[float, float]:
    """Seconds of a backup by the agent, and MiB that its process had at most."""
    work, backups, app = folder / f"work-{name}", folder / f"backups-{name}", folder / "app.json"
    backups.mkdir()
    app.write_text(json.dumps(_APP))
    environment = {
        **server.environment(database),
        "PYTHONPATH": "operator",
        "MEMOAPP_BACKUP_NAME": name,
        "MEMOAPP_APP": str(app),
        "MEMOAPP_VOLUME": str(backups),
        "MEMOAPP_WORK": str(work),
        **({"MEMOAPP_RECIPIENTS": str(recipients)} if recipients is not None else {}),
    }
    with beside(work, environment):
        began = time.monotonic()
        command = [sys.executable, "-m", "memoapp_operator.agent", "take"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as agent:
            said = agent.stdout.read() if agent.stdout is not None else b""
            _, status, usage = os.wait4(agent.pid, 0)
            agent.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
    if agent.returncode != 0:
        raise SystemExit(f"the backup failed: {said.decode()}")
    subprocess.run(["rm", "-rf", backups], check=True)
    return seconds, usage.ru_maxrss / _MIB


if __name__ == "__main__":
    sys.exit(main())
