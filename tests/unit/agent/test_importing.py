"""Dumps of the old scripts, run on a real server and taken from there: as backups that are proved like any other."""

from __future__ import annotations

import gzip
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from memoapp_operator.agent.cluster import ApiError, Object
from memoapp_operator.agent.drill import Scratch, Watch, drill
from memoapp_operator.agent.importing import Dump, Into, bring_in, offer
from memoapp_operator.agent.inplace import RefusedError
from memoapp_operator.agent.manifest import App
from memoapp_operator.agent.neighbour import SCRIPT, Neighbour
from memoapp_operator.agent.restoring import Backup
from memoapp_operator.agent.sealing import Seal
from memoapp_operator.agent.stores import Volume
from memoapp_operator.agent.verify import NotVerifiedError
from psycopg import sql
from pyrage import x25519

from .content import fill
from .server import Server, beside

APP = App(name="memo", namespace="prod", uid="0b5e", version="unknown")
FILE = "old/memo_app_20231101_020000.sql.gz"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "dumps" / "old").mkdir(parents=True)
    (tmp_path / "backups").mkdir()
    return tmp_path


def lay(root: Path, text: bytes, file: str = FILE) -> Dump:
    """A dump in its destination."""
    data = gzip.compress(text) if file.endswith(".gz") else text
    (root / "dumps" / file).write_bytes(data)
    return Dump(Volume(root / "dumps"), file)


def into(root: Path, key: x25519.Identity | None = None) -> Into:
    seal = Seal.to([str(key.to_public())]) if key is not None else None
    return Into(Volume(root / "backups"), APP, "old-imported", "memo_app", "memo_user", seal)


@contextmanager
def tools_at(server: Server, root: Path, script: str = SCRIPT) -> Iterator[Neighbour]:
    with beside(root / "work", server.environment("memo_app"), script):
        neighbour = Neighbour(root / "work", patience=20)
        yield neighbour
        neighbour.end()


def conninfo(server: Server) -> str:
    return f"host={server.folder} user=postgres"


@pytest.fixture
def text(postgres: Server, database: str) -> bytes:
    """What the old script made of a database with a bit of everything, owned by its user."""
    with postgres.connect(database) as connection:
        fill(connection)
        # Whoever restores an extension owns it, and what belongs to it: a dump does not say who did before.
        connection.execute("CREATE EXTENSION pg_stat_statements")
    return postgres.run("pg_dump", "--no-password", database).stdout


@pytest.mark.parametrize("sealed", [False, True])
def test_it_becomes_a_backup_of_its_own_moment_that_a_drill_proves(
    root: Path, scratch: Server, text: bytes, sealed: bool
) -> None:
    key = x25519.Identity.generate() if sealed else None
    with tools_at(scratch, root) as tools:
        taken = bring_in(lay(root, text), into(root, key), tools, conninfo(scratch))
        assert taken.folder == "prod/memo/2023/11/old-imported/"
        manifest = taken.manifest
        assert (manifest.taken_at, manifest.reason, manifest.secrets) == ("2023-11-01T02:00:00Z", "Imported", False)
        assert (len(manifest.database.tables), manifest.database.owner) == (9, "memo_user")
        again = bring_in(lay(root, text), into(root, key), tools, conninfo(scratch))
        assert again.folder == taken.folder, "whoever was killed after it was taken"
        keys = [key] if key is not None else []
        backup = Backup.verified(Volume(root / "backups"), taken.folder, keys, tools, ("prod", "memo"))
        line = drill(backup, tools, Scratch(conninfo(scratch), "drilled"), (), Watch())
    assert line["reason"] == "Proved", line.get("message")
    with scratch.connect() as connection:
        connection.execute("DROP DATABASE drilled")


def test_tables_of_nobody_are_the_users(root: Path, scratch: Server) -> None:
    text = b"CREATE TABLE memos (id int);\nCOPY memos FROM stdin;\n1\n2\n\\.\n"
    dump = lay(root, text, "old/memo-20231101-020000.sql")
    with tools_at(scratch, root) as tools:
        taken = bring_in(dump, into(root), tools, conninfo(scratch))
    assert taken.manifest.database.rows == 2
    with scratch.connect("memo_app") as connection:
        assert connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'memos'").fetchone() == (
            "memo_user",
        )


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        (b"SELECT 1;\n\\! touch /tmp/it-ran\n", "ScriptRefused", r"line 2 has the command \\!"),
        (b"CREATE TABLE a (i int);\nCREATE TABLE a (i int);\n", "ScriptFailed", 'relation "a" already exists'),
        (b"CREATE TABLE a (i int);\nCOPY a FROM stdin;\nx\n\\.\n", "ScriptFailed", "invalid input syntax"),
        (b"SELECT 1;\n", "NothingInIt", "made no table"),
    ],
)
def test_what_is_no_dump_says_so_and_leaves_no_backup(
    root: Path, scratch: Server, text: bytes, reason: str, words: str
) -> None:
    with tools_at(scratch, root) as tools, pytest.raises(RefusedError, match=words) as caught:
        bring_in(lay(root, text), into(root), tools, conninfo(scratch))
    assert caught.value.reason == reason
    assert not Path("/tmp/it-ran").exists()  # noqa: S108
    assert [*(root / "backups").rglob("*.*")] == []


def test_what_is_not_whole_or_not_there_or_without_a_moment_is_told(root: Path, scratch: Server, text: bytes) -> None:
    dump = lay(root, text)
    path = root / "dumps" / FILE
    path.write_bytes(path.read_bytes()[:-100])
    with tools_at(scratch, root) as tools:
        with pytest.raises(NotVerifiedError, match="is not whole"):
            bring_in(dump, into(root), tools, conninfo(scratch))
        path.unlink()
        with pytest.raises(RefusedError, match="is not there"):
            bring_in(dump, into(root), tools, conninfo(scratch))
        for name in ("old/memo.sql.gz", "old/memo_20231341_020000.sql.gz"):
            with pytest.raises(RefusedError, match="does not say when"):
                bring_in(lay(root, text, name), into(root), tools, conninfo(scratch))


def test_psql_itself_obeys_no_command_even_if_one_came_through(root: Path, scratch: Server) -> None:
    """Where it knows restricted mode; the reader is passed by here."""
    mark = root / "it-ran"
    with scratch.connect() as connection:
        connection.execute(sql.SQL("CREATE DATABASE aside"))
    with tools_at(scratch, root) as tools, pytest.raises(Exception, match="restrict"):
        tools.script(iter([b"SELECT 1;\n", f"\\! touch {mark}\n".encode()]), "postgres", "aside")
    assert not mark.exists()
    with scratch.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE aside"))


class Api:
    def __init__(self, code: int = 0) -> None:
        self.code, self.made = code, list[Object]()

    def create(self, plural: str, body: Object) -> bool:
        assert plural == "secrets"
        if self.code:
            raise ApiError(self.code, "forbidden")
        self.made.append(body)
        return len(self.made) == 1


def test_old_variables_are_offered_as_they_are(root: Path) -> None:
    text = "# old\nPOSTGRES_PASSWORD='pa ss#w$ord'\nexport REDIS_URL=redis://x:1 # here\n\nEMPTY=\n"
    (root / "dumps" / "old" / ".env").write_text(text)
    store, api = Volume(root / "dumps"), Api()
    assert offer(api, store, "old/.env", "prod", "back-env") == "made: Secret/back-env"
    assert offer(api, store, "old/.env", "prod", "back-env") == "there already: Secret/back-env"
    values = {key: b64decode(value).decode() for key, value in api.made[0]["data"].items()}
    assert values == {"POSTGRES_PASSWORD": "pa ss#w$ord", "REDIS_URL": "redis://x:1", "EMPTY": ""}


@pytest.mark.parametrize(
    ("data", "code", "reason"),
    [
        (None, 0, "EnvNotFound"),
        (b"\xff\xfe", 0, "EnvRefused"),
        (b"no variables\n", 0, "EnvRefused"),
        (b"A=" + b"x" * 2**20, 0, "EnvRefused"),
        (b"A=1\n", 403, "ConfigurationRefused"),
    ],
)
def test_variables_that_cannot_be_a_secret_say_so_without_a_value(
    root: Path, data: bytes | None, code: int, reason: str
) -> None:
    if data is not None:
        (root / "dumps" / "old" / ".env").write_bytes(data)
    with pytest.raises(RefusedError) as caught:
        offer(Api(code), Volume(root / "dumps"), "old/.env", "prod", "back-env")
    assert caught.value.reason == reason
    assert len(str(caught.value)) < 100
