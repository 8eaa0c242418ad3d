"""A backup of a real database: what it holds, that a restore of it is alike; and of one that failed nothing is left."""

from __future__ import annotations

import io
import random
import subprocess
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import psycopg
import pytest
from memoapp_operator.agent.facts import FactsError, snapshot
from memoapp_operator.agent.manifest import App, Database, Kind, Manifest
from memoapp_operator.agent.neighbour import Neighbour, NeighbourError
from memoapp_operator.agent.sealing import Seal, opened
from memoapp_operator.agent.stores import Store, Stored, StoreError, Trouble, Volume
from memoapp_operator.agent.streams import buffered
from memoapp_operator.agent.take import Order, Source, take
from memoapp_operator.agent.verify import NotVerifiedError, check, manifest_of
from psycopg import sql
from pyrage import x25519

from .content import fill
from .server import Server, beside

APP = App(name="memo", namespace="prod", uid="0b5e", version="1.4.0")
ORDER = Order("memo-20261123-020000", APP, "Manual", b"kind: MemoApp\n")


@pytest.fixture
def filled(postgres: Server, database: str) -> str:
    with postgres.connect(database) as connection:
        fill(connection)
    return database


@pytest.fixture
def store(tmp_path: Path) -> Volume:
    (tmp_path / "backups").mkdir()
    return Volume(tmp_path / "backups")


def facts(postgres: Server, database: str) -> Database:
    """Without its size: that is the server's own business."""
    with snapshot(postgres.conninfo(database)) as moment:
        return unsized(moment.database())


def unsized(database: Database) -> Database:
    return database.model_copy(update={"bytes": None})


@contextmanager
def restored(postgres: Server, archive: Path) -> Iterator[str]:
    name = "restored"
    with postgres.connect() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER memo_user").format(sql.Identifier(name)))
    try:
        postgres.run("pg_restore", "--exit-on-error", "--dbname", name, str(archive))
        yield name
    finally:
        with postgres.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def the_archive(
    store: Store, folder: str, manifest: Manifest, target: Path, key: x25519.Identity | None = None
) -> Path:
    part = next(part for part in manifest.parts if part.kind is Kind.DATABASE)
    with store.get(folder + part.object) as file:
        source = buffered(opened(file, [key])) if key is not None else file
        target.write_bytes(source.read())
    return target


@pytest.mark.parametrize("sealed", [False, True])
def test_a_restore_of_it_is_alike(
    postgres: Server, filled: str, source: Source, tools: Neighbour, store: Volume, tmp_path: Path, sealed: bool
) -> None:
    key = x25519.Identity.generate() if sealed else None
    taken = take(ORDER, source, store, tools, Seal.to([str(key.to_public())]) if key is not None else None)
    manifest = manifest_of(store, taken.folder)
    assert taken.manifest == manifest
    assert taken.entries > 40
    original = unsized(manifest.database)
    assert original == facts(postgres, filled).model_copy(update={"sequences": original.sequences})
    assert manifest.database.rows == 500 + 3 + 3 + 6 + 2 + 1
    assert manifest.database.large_objects is not None
    assert manifest.database.large_objects.count == 2
    archive = the_archive(store, taken.folder, manifest, tmp_path / "archive", key)
    with restored(postgres, archive) as copy:
        found = facts(postgres, copy)
        assert found.model_copy(update={"name": filled}) == original
        assert found.model_copy(update={"name": filled}).digest == manifest.database.digest


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE types SET d = 2 WHERE a IS NULL AND d IS NULL",
        "DELETE FROM memo WHERE id = 7",
        "INSERT INTO parted VALUES ('2026-05-05', 1)",
        'UPDATE "odd ""name"" of; a table" SET "select" = \'x\' WHERE memoapp_row IS NULL AND ctid = \'(0,2)\'',
        "DROP INDEX memo_text",
        "ALTER TABLE memo DROP CONSTRAINT memo_pkey",
        "ALTER TABLE memo DISABLE TRIGGER touch",
        "ALTER TABLE types OWNER TO memo_user",
        "REVOKE SELECT ON types FROM memo_user",
        "ALTER TABLE memo ALTER text DROP NOT NULL",
        "DROP VIEW happy",
        "ALTER TYPE mood ADD VALUE 'odd'",
        "CREATE OR REPLACE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "DROP POLICY mine ON memo",
        "SELECT lo_unlink(min(oid)) FROM pg_largeobject_metadata",
        "ALTER SEQUENCE counter INCREMENT 4",
        "DROP EXTENSION hstore CASCADE",
    ],
)
def test_anything_that_is_otherwise_has_another_digest(postgres: Server, filled: str, change: str) -> None:
    before = facts(postgres, filled)
    with postgres.connect(filled) as connection:
        connection.execute(change.encode())
    assert facts(postgres, filled).digest != before.digest


def test_settings_of_the_database_change_no_digest(postgres: Server, filled: str) -> None:
    before = facts(postgres, filled)
    with postgres.connect(filled) as connection:
        for setting in ("TimeZone TO 'Asia/Tokyo'", "DateStyle TO 'German'", "bytea_output TO 'escape'"):
            connection.execute(sql.SQL("ALTER DATABASE {} SET " + setting).format(sql.Identifier(filled)))  # type: ignore[arg-type]
        connection.execute("VACUUM FULL")
    assert facts(postgres, filled) == before


def test_it_is_of_one_moment_while_others_write(
    postgres: Server, filled: str, source: Source, tools: Neighbour, store: Volume, tmp_path: Path
) -> None:
    over = threading.Event()

    def write() -> None:
        with postgres.connect(filled) as connection:
            while not over.is_set():
                connection.execute("INSERT INTO memo (text) SELECT 'more' FROM generate_series(1, 50)")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        taken = take(ORDER, source, store, tools, None)
    finally:
        over.set()
        writer.join()
    with restored(postgres, the_archive(store, taken.folder, taken.manifest, tmp_path / "archive")) as copy:
        assert facts(postgres, copy).tables == taken.manifest.database.tables


def test_where_it_lies_can_be_listed_by_date(filled: str, source: Source, tools: Neighbour, store: Volume) -> None:
    taken = take(ORDER, source, store, tools, None)
    year, month = taken.manifest.taken_at[:4], taken.manifest.taken_at[5:7]
    folder = f"prod/memo/{year}/{month}/{ORDER.name}/"
    assert taken.folder == folder
    assert [item.key for item in store.list("")] == [
        f"{folder}{name}" for name in ("config.yaml", "database.dump", "manifest.json")
    ]
    assert sum(item.size for item in store.list(folder) if "manifest" not in item.key) == taken.size


class Failing:
    """A store in which something goes wrong at the n-th byte of an object."""

    def __init__(self, store: Store, name: str, at: int) -> None:
        self._store, self._name, self._at = store, name, at

    def put(self, key: str, source: BinaryIO) -> None:
        if key.endswith(self._name):
            source.read(self._at)
            raise StoreError(Trouble.FULL, f"{key}: no space left")
        self._store.put(key, source)

    def get(self, key: str) -> AbstractContextManager[BinaryIO]:
        return self._store.get(key)

    def list(self, prefix: str) -> Iterator[Stored]:
        return self._store.list(prefix)

    def delete(self, key: str) -> None:
        self._store.delete(key)


@pytest.mark.parametrize(
    ("name", "at"), [("database.dump", 0), ("database.dump", 3000), ("config.yaml", 1), ("manifest.json", 9)]
)
def test_a_destination_that_fails_leaves_nothing(
    filled: str, source: Source, tools: Neighbour, store: Volume, name: str, at: int
) -> None:
    with pytest.raises(StoreError, match="no space left") as caught:
        take(ORDER, source, Failing(store, name, at), tools, None)
    assert caught.value.trouble is Trouble.FULL
    assert list(store.list("")) == []


def test_another_one_of_the_same_name_is_left_as_it_is(
    filled: str, source: Source, tools: Neighbour, store: Volume
) -> None:
    first = take(ORDER, source, store, tools, None)
    before = [(item, item.size) for item in store.list("")]
    with pytest.raises(StoreError) as caught:
        take(ORDER, source, store, tools, None)
    assert caught.value.trouble is Trouble.EXISTS
    assert [(item, item.size) for item in store.list("")] == before
    assert manifest_of(store, first.folder) == first.manifest


def test_a_dump_that_dies_half_way_is_none(
    postgres: Server, filled: str, source: Source, store: Volume, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    dying = programs / "pg_dump"
    dying.write_text(
        f'#!/bin/sh\n{postgres.programs}/pg_dump "$@" | head -c 2000\necho "killed by somebody" >&2\nexit 137\n'
    )
    dying.chmod(0o755)
    environment = postgres.environment(filled)
    with (
        beside(tmp_path / "work", {**environment, "PATH": f"{programs}:{environment['PATH']}"}),
        pytest.raises(NeighbourError, match=r"pg_dump ended with 137: .*killed by somebody"),
    ):
        take(ORDER, source, store, Neighbour(tmp_path / "work", 20), None)
    assert list(store.list("")) == []


def test_a_container_that_is_killed_in_the_dump_is_noticed(
    postgres: Server, filled: str, source: Source, store: Volume, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    dying = programs / "pg_dump"
    dying.write_text('#!/bin/sh\nprintf PGDMP; kill -9 "$PPID"\n')
    dying.chmod(0o755)
    environment = postgres.environment(filled)
    with (
        beside(tmp_path / "work", {**environment, "PATH": f"{programs}:{environment['PATH']}"}),
        pytest.raises(NeighbourError, match="says nothing"),
    ):
        take(ORDER, source, store, Neighbour(tmp_path / "work", 2), None)
    assert list(store.list("")) == []


def test_a_database_that_is_away(postgres: Server, store: Volume, tools: Neighbour) -> None:
    with pytest.raises(FactsError, match=r"does not exist|No such file"):
        take(ORDER, Source(postgres.conninfo("nowhere")), store, tools, None)


def test_a_table_that_somebody_changes_is_waited_for_and_then_it_fails(
    postgres: Server, filled: str, source: Source, tools: Neighbour, store: Volume
) -> None:
    with psycopg.connect(postgres.conninfo(filled)) as migration:
        migration.execute("LOCK TABLE memo IN ACCESS EXCLUSIVE MODE")
        with pytest.raises((NeighbourError, FactsError), match=r"(?i)lock"):
            take(ORDER, source, store, tools, None)
    assert list(store.list("")) == []
    take(ORDER, source, store, tools, None)


@pytest.mark.parametrize("sealed", [False, True])
def test_every_flipped_bit_is_found(
    filled: str, source: Source, tools: Neighbour, store: Volume, tmp_path: Path, sealed: bool
) -> None:
    key = x25519.Identity.generate()
    taken = take(ORDER, source, store, tools, Seal.to([str(key.to_public())]) if sealed else None)
    chance = random.Random(1)  # noqa: S311 -- which bits is no secret
    folder = tmp_path / "backups" / taken.folder
    for name in [part.object for part in taken.manifest.parts] + ["manifest.json"]:
        path = folder / name
        whole = path.read_bytes()
        for _ in range(200):
            altered = bytearray(whole)
            altered[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
            path.write_bytes(altered)
            with pytest.raises(NotVerifiedError):
                verified(store, taken.folder, key if sealed else None)
        # A line's end more or less at the end of the manifest is nothing that it says.
        for cut in (whole[:-2], whole[: len(whole) // 2], b"", whole + b"."):
            path.write_bytes(cut)
            with pytest.raises(NotVerifiedError):
                verified(store, taken.folder, key if sealed else None)
        path.unlink()
        with pytest.raises(NotVerifiedError, match=r"missing|never finished"):
            verified(store, taken.folder, None)
        path.write_bytes(whole)
    verified(store, taken.folder, key if sealed else None)


def verified(store: Store, folder: str, key: x25519.Identity | None) -> None:
    manifest = manifest_of(store, folder)
    for part in manifest.parts:
        check(store, folder, part, (lambda file: opened(file, [key])) if key is not None else None, None)


def test_nothing_of_it_holds_what_is_secret_in_clear(
    filled: str, source: Source, tools: Neighbour, store: Volume, tmp_path: Path
) -> None:
    order = replace(ORDER, config=b"password: correct-horse-battery\n")
    take(order, source, store, tools, Seal.to([str(x25519.Identity.generate().to_public())]))
    found = subprocess.run(["grep", "-rl", "correct-horse-battery", tmp_path], capture_output=True, check=False)
    assert found.stdout == b""
    assert b"memo 499" not in b"".join(
        path.read_bytes() for path in (tmp_path / "backups").rglob("*") if path.is_file()
    )


def test_what_is_in_a_sealed_one_is_opened_by_its_recipient_alone(
    filled: str, source: Source, tools: Neighbour, store: Volume
) -> None:
    key = x25519.Identity.generate()
    taken = take(ORDER, source, store, tools, Seal.to([str(key.to_public())]))
    part = next(part for part in taken.manifest.parts if part.kind is Kind.CONFIG)
    with store.get(taken.folder + part.object) as file:
        assert buffered(opened(io.BytesIO(file.read()), [key])).read() == ORDER.config
    verified(store, taken.folder, key)
    with pytest.raises(NotVerifiedError):
        verified(store, taken.folder, x25519.Identity.generate())
