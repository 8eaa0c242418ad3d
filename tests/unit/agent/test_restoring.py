"""A restore of a real backup on a real server, and everything in a copy of it that would come out as not the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from memoapp_operator.agent.comparing import Restored, differences, shown
from memoapp_operator.agent.facts import snapshot
from memoapp_operator.agent.manifest import App, parse
from memoapp_operator.agent.neighbour import Neighbour
from memoapp_operator.agent.restoring import (
    Backup,
    IdentityError,
    NotRestoredError,
    ServerError,
    WrongAppError,
    archived,
    restore,
)
from memoapp_operator.agent.roles import roles_in
from memoapp_operator.agent.sealing import Seal
from memoapp_operator.agent.stores import Volume
from memoapp_operator.agent.take import Order, Source, take
from memoapp_operator.agent.verify import NotVerifiedError
from psycopg import sql
from pyrage import x25519

from .content import fill
from .server import Server

APP = App(name="memo", namespace="prod", uid="0b5e", version="1.4.0")
ORDER = Order("memo-20261123-020000", APP, "Manual", b"kind: MemoApp\n")
COPY = "memo_copy"


@pytest.fixture
def filled(postgres: Server, database: str) -> str:
    with postgres.connect(database) as connection:
        fill(connection)
        connection.execute("ALTER TABLE memo DISABLE ROW LEVEL SECURITY")
        connection.execute("CREATE TABLE counted_up (id serial PRIMARY KEY, n int)")
        connection.execute("INSERT INTO counted_up (n) SELECT n FROM generate_series(1, 9) n")
        connection.execute('CREATE SEQUENCE "odd \'s"')
    return database


@pytest.fixture
def store(tmp_path: Path) -> Volume:
    (tmp_path / "backups").mkdir()
    return Volume(tmp_path / "backups")


@contextmanager
def empty(postgres: Server, name: str = COPY) -> Iterator[str]:
    with postgres.connect() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER memo_user TEMPLATE template0").format(sql.Identifier(name))
        )
    try:
        yield name
    finally:
        with postgres.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def taken(source: Source, store: Volume, tools: Neighbour, key: x25519.Identity | None = None) -> str:
    return take(ORDER, source, store, tools, Seal.to([str(key.to_public())]) if key is not None else None).folder


@pytest.mark.parametrize("sealed", [False, True])
def test_a_copy_is_like_the_original(
    postgres: Server, filled: str, source: Source, tools: Neighbour, store: Volume, sealed: bool
) -> None:
    key = x25519.Identity.generate() if sealed else None
    folder = taken(source, store, tools, key)
    backup = Backup.verified(store, folder, [key] if key is not None else [], tools, ("prod", "memo"))
    with postgres.connect() as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO memo_user").format(sql.Identifier(filled)))
    with empty(postgres) as copy:
        found = restore(backup, tools, copy, postgres.conninfo(copy))
    assert found.differences == ()
    assert found.restored.behind == ()
    assert set(found.seconds) == {"restore", "compare"}
    assert {item.name: (item.value, item.called) for item in found.restored.archived} == {
        "counter": (16, True),
        "memo_id_seq": (500, True),
        "counted_up_id_seq": (9, True),
        "odd 's": (1, False),
    }


CHANGES = {
    "UPDATE memo SET text = 'other' WHERE id = 7": "table public.memo has other rows",
    "DELETE FROM memo WHERE id = 7": "table public.memo has 499 rows instead of 500",
    "DROP TABLE parent CASCADE": "table public.child is missing; table public.parent is missing; its definitions",
    "CREATE TABLE more (n int)": "table public.more was not in the backup; its definitions",
    "DROP INDEX memo_text": "its definitions (indexes, constraints, views, functions, owners, rights) are not the same",
    "ALTER TABLE memo DROP CONSTRAINT memo_pkey": "its definitions",
    "ALTER TABLE types OWNER TO memo_user": "its definitions",
    "REVOKE SELECT ON types FROM memo_user": "its definitions",
    "SELECT setval('counter', 13)": "sequence public.counter is at 13 instead of 16",
    "SELECT setval('counted_up_id_seq', 8)": "sequence public.counted_up_id_seq is at 8 instead of 9",
    "SELECT nextval('\"odd ''s\"')": "sequence public.odd 's is at 1 instead of 1 (not used yet)",
    "DROP SEQUENCE counter": "sequence public.counter is missing",
    "SELECT lo_unlink(min(oid)) FROM pg_largeobject_metadata": "there are 1 large objects instead of 2",
    "SELECT lo_put(min(oid), 1, '\\x00') FROM pg_largeobject_metadata": "the large objects have another content",
    "DROP EXTENSION hstore CASCADE": "table public.types has other rows; its extensions is none instead of hstore",
    "ALTER DATABASE memo_copy OWNER TO postgres": "its owner is postgres instead of memo_user",
}


def test_whatever_is_not_as_it_was_is_told(
    postgres: Server, filled: str, source: Source, tools: Neighbour, store: Volume
) -> None:
    folder = taken(source, store, tools)
    backup = Backup.verified(store, folder, [], tools)
    with empty(postgres) as copy:
        restore(backup, tools, copy, postgres.conninfo(copy))
        with backup.beginning() as file:
            script = tools.sequences(file)
        for change, expected in CHANGES.items():
            with empty_from(postgres, copy) as changed:
                text = change.replace(COPY, changed)
                with postgres.connect(changed) as connection:
                    connection.execute(text.encode())
                with snapshot(postgres.conninfo(changed)) as moment:
                    found = Restored(moment.database(), archived(moment, script), moment.behind())
                assert shown(differences(backup.manifest.database, found)).startswith(expected), change


@contextmanager
def empty_from(postgres: Server, template: str) -> Iterator[str]:
    with postgres.connect() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE memo_changed OWNER memo_user TEMPLATE {}").format(sql.Identifier(template))
        )
    try:
        yield "memo_changed"
    finally:
        with postgres.connect() as connection:
            connection.execute("DROP DATABASE memo_changed WITH (FORCE)")


def test_a_sequence_that_is_behind_its_column_is_told_and_is_no_difference(
    postgres: Server, filled: str, source: Source, tools: Neighbour, store: Volume
) -> None:
    with postgres.connect(filled) as connection:
        connection.execute("INSERT INTO counted_up (id, n) VALUES (40, 1)")
    backup = Backup.verified(store, taken(source, store, tools), [], tools)
    with empty(postgres) as copy:
        found = restore(backup, tools, copy, postgres.conninfo(copy))
    assert found.differences == ()
    assert found.restored.behind == (("public", "counted_up_id_seq"),)


def test_every_flipped_byte_is_found_before_anything_is_restored(
    filled: str, source: Source, tools: Neighbour, store: Volume, tmp_path: Path
) -> None:
    folder = taken(source, store, tools)
    for name in ("database.dump", "config.yaml", "manifest.json"):
        path = tmp_path / "backups" / folder / name
        good = path.read_bytes()
        for position in (0, len(good) // 2, len(good) - 2):
            path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
            with pytest.raises(NotVerifiedError):
                Backup.verified(store, folder, [], tools)
        path.write_bytes(good)
    Backup.verified(store, folder, [], tools)


def test_a_sealed_one_wants_its_own_key(filled: str, source: Source, tools: Neighbour, store: Volume) -> None:
    key = x25519.Identity.generate()
    folder = taken(source, store, tools, key)
    with pytest.raises(IdentityError, match="there is no identity"):
        Backup.verified(store, folder, [], tools)
    with pytest.raises(IdentityError, match="does not open it: it is sealed to age1"):
        Backup.verified(store, folder, [x25519.Identity.generate()], tools)


def test_that_of_another_app_is_refused(filled: str, source: Source, tools: Neighbour, store: Volume) -> None:
    folder = taken(source, store, tools)
    with pytest.raises(WrongAppError, match="is a backup of prod/memo, and not of prod/other"):
        Backup.verified(store, folder, [], tools, ("prod", "other"))


def test_an_archive_that_is_not_taken_says_why(
    postgres: Server, filled: str, source: Source, tools: Neighbour, store: Volume
) -> None:
    backup = Backup.verified(store, taken(source, store, tools), [], tools)
    with empty(postgres) as copy:
        with postgres.connect(copy) as connection:
            connection.execute("CREATE TABLE memo (n int)")
        with pytest.raises(NotRestoredError, match='relation "memo" already exists'):
            restore(backup, tools, copy, postgres.conninfo(copy))
    with pytest.raises(ServerError, match="does not exist"):
        restore(backup, tools, "not_there", postgres.conninfo("not_there"))


def test_bytes_that_are_others_than_those_that_were_checked_are_not_restored(
    postgres: Server, filled: str, source: Source, tools: Neighbour, store: Volume, tmp_path: Path
) -> None:
    folder = taken(source, store, tools)
    backup = Backup.verified(store, folder, [], tools)
    path = tmp_path / "backups" / folder / "database.dump"
    path.write_bytes(path.read_bytes() + b"more")
    with empty(postgres) as copy, pytest.raises(NotVerifiedError, match="instead of"):
        restore(backup, tools, copy, postgres.conninfo(copy))


def test_a_manifest_of_before_the_size_was_noted_keeps_its_digest(
    filled: str, source: Source, tools: Neighbour, store: Volume
) -> None:
    manifest = Backup.verified(store, taken(source, store, tools), [], tools).manifest
    assert manifest.database.bytes
    old = manifest.model_copy(update={"database": manifest.database.model_copy(update={"bytes": None})})
    assert b'"bytes"' in manifest.dump()
    assert b'"bytes"' not in old.dump()
    assert parse(old.dump()) == old
    assert json.loads(old.dump())["digest"] == old.digest
    assert old.database.digest == manifest.database.digest


def test_definitions_of_another_major_are_not_compared(
    postgres: Server, filled: str, source: Source, tools: Neighbour, store: Volume
) -> None:
    backup = Backup.verified(store, taken(source, store, tools), [], tools)
    with snapshot(postgres.conninfo(filled)) as moment:
        found = moment.database().model_copy(update={"version": "99.1", "schema_digest": "0" * 64})
    restored = Restored(found, found.sequences)
    assert differences(backup.manifest.database, restored) == ()


def test_roles_are_those_that_statements_name() -> None:
    script = """
ALTER TABLE public.memo OWNER TO memo_user;
GRANT SELECT ON TABLE public.types TO "odd ""name"" of" WITH GRANT OPTION;
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT ALL ON SCHEMA public TO pg_monitor;
CREATE POLICY mine ON public.memo TO reader, writer USING (true);
ALTER DEFAULT PRIVILEGES FOR ROLE maker IN SCHEMA public GRANT SELECT ON TABLES TO taker;
    SELECT 'GRANT nothing TO nobody';
"""
    assert roles_in(script) == ("maker", "memo_user", 'odd "name" of', "reader", "taker", "writer")
