"""A backup is brought back by hand: the commands of docs/backup-format.md, one after the other, as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from memoapp_operator.agent.facts import snapshot
from memoapp_operator.agent.neighbour import Neighbour
from memoapp_operator.agent.sealing import Seal
from memoapp_operator.agent.stores import Volume
from memoapp_operator.agent.take import Source, take
from psycopg import sql
from pyrage import x25519

from .content import fill
from .server import Server
from .test_take import ORDER

PAGE = Path(__file__).resolve().parents[3] / "docs" / "backup-format.md"
COMMANDS = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("sealed", [False, True])
def test_the_commands_of_the_page(
    postgres: Server, database: str, source: Source, tools: Neighbour, tmp_path: Path, sealed: bool
) -> None:
    for name in ("jq", *(["age"] if sealed else [])):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed here")
    with postgres.connect(database) as connection:
        fill(connection)
    (tmp_path / "backups").mkdir()
    key = x25519.Identity.generate()
    seal = Seal.to([str(key.to_public())]) if sealed else None
    taken = take(ORDER, source, Volume(tmp_path / "backups"), tools, seal)
    folder = tmp_path / "backups" / taken.folder
    (folder / "identity.txt").write_text(f"{key}\n")
    said = ""
    try:
        for command in COMMANDS:
            if (command.startswith("age ") and not sealed) or command.startswith("createuser"):
                if command.startswith("age "):
                    continue
                command = command.replace("createuser memo_user\n", "")  # noqa: PLW2901 -- the server has it
            said += _run(command, folder, postgres)
        with snapshot(postgres.conninfo("memo_app_restored")) as moment:
            assert moment.database().model_copy(update={"name": database}).digest == taken.manifest.database.digest
    finally:
        with postgres.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS memo_app_restored WITH (FORCE)"))
    assert taken.manifest.digest in said
    table = next(table for table in taken.manifest.database.tables if table.name == "memo")
    assert f"{table.rows}|{table.digest}" in said
    assert f'{table.rows}\n"{table.digest}"' in said


def _run(command: str, folder: Path, postgres: Server) -> str:
    environment = {**os.environ, **postgres.environment("postgres")}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout
