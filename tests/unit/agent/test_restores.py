"""The commands that restore, as pods run them, on real servers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from memoapp_operator.agent.facts import snapshot
from memoapp_operator.agent.neighbour import SCRIPT
from psycopg import sql
from pyrage import x25519

from .content import fill
from .server import Server, beside, programs, started

ROOT = Path(__file__).resolve().parents[3]
APP = {
    "apiVersion": "memoapp.dev/v1alpha1",
    "kind": "MemoApp",
    "metadata": {"name": "memo", "namespace": "prod", "uid": "0b5e"},
    "spec": {"version": "1.4.0"},
}
BESIDE = "memo_beside"


@pytest.fixture
def filled(postgres: Server, database: str) -> str:
    with postgres.connect(database) as connection:
        fill(connection)
    return database


@pytest.fixture
def environment(postgres: Server, filled: str, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "app.json").write_text(json.dumps(APP))
    (tmp_path / "backups").mkdir()
    return {
        **postgres.environment(filled),
        "PYTHONPATH": str(ROOT / "operator"),
        "MEMOAPP_BACKUP_NAME": "memo-1",
        "MEMOAPP_APP": str(tmp_path / "app.json"),
        "MEMOAPP_APP_NAME": "memo",
        "MEMOAPP_APP_NAMESPACE": "prod",
        "MEMOAPP_VOLUME": str(tmp_path / "backups"),
        "MEMOAPP_WORK": str(tmp_path / "work"),
        "MEMOAPP_DATABASE": filled,
        "MEMOAPP_BESIDE": BESIDE,
        "LOCK_WAIT_TIMEOUT": "2s",
    }


def run(command: str, environment: Mapping[str, str], script: str = SCRIPT) -> tuple[int, dict[str, Any]]:
    words = [sys.executable, "-m", "memoapp_operator.agent", command]
    with beside(Path(environment["MEMOAPP_WORK"]), dict(environment), script) as neighbour:
        done = subprocess.run(words, env=dict(environment), capture_output=True, text=True, check=False)
        assert neighbour.wait(10) == 0, "the container beside it goes on"
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)


@pytest.fixture
def taken(environment: dict[str, str]) -> dict[str, str]:
    """The environment, with a backup in it."""
    code, said = run("take", environment)
    assert (code, said["reason"]) == (0, "Verified")
    return {**environment, "MEMOAPP_FOLDER": said["folder"]}


@pytest.fixture
def on_scratch(taken: dict[str, str], scratch: Server) -> Iterator[dict[str, str]]:
    yield {**taken, **{key: scratch.environment("postgres")[key] for key in ("PGHOST", "PGUSER", "PGDATABASE")}}
    with scratch.connect() as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(taken["MEMOAPP_DATABASE"])))


def exists(postgres: Server, name: str) -> bool:
    with postgres.connect() as connection:
        return bool(connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchall())


def test_a_drill_proves_a_backup_on_a_server_that_knows_nobody(on_scratch: dict[str, str]) -> None:
    code, said = run("drill", on_scratch)
    assert (code, said["reason"]) == (0, "Proved"), said
    assert (said["tables"], said["rows"], said["largeObjects"], said["sequences"]) == (9, 515, 2, 2)
    assert set(said["seconds"]) == {"verify", "prepare", "restore", "compare", "check"}
    assert "message" not in said


def test_checks_are_asked_as_the_owner_and_write_nothing(on_scratch: dict[str, str]) -> None:
    checks = {
        "good": "SELECT count(*) = 500 FROM memo",
        "none": "SELECT count(*) = 0 FROM memo",
        "many": "SELECT 1; SELECT true",
        "text": "SELECT 'true'",
        "writes": "DELETE FROM memo RETURNING true",
        "rows": "SELECT true FROM memo",
        "program": "COPY memo TO PROGRAM 'cat'",
    }
    told = json.dumps([{"name": name, "query": query} for name, query in checks.items()])
    code, said = run("drill", {**on_scratch, "MEMOAPP_CHECKS": told})
    assert (code, said["reason"], said["checks"]) == (0, "NotProved", 7)
    assert "check good" not in said["message"]
    for words in (
        "check none: it answers false",
        "check many: cannot insert multiple commands",
        "check text: it does not answer with one row of one boolean",
        "check writes: cannot execute DELETE in a read-only transaction",
        "check rows: it does not answer with one row of one boolean",
        "check program: ",
    ):
        assert words in said["message"]
    assert run("drill", {**on_scratch, "MEMOAPP_CHECKS": "{"})[0] == 2


def test_a_drill_without_or_with_a_wrong_key_says_so(environment: dict[str, str], tmp_path: Path) -> None:
    key = x25519.Identity.generate()
    (tmp_path / "recipients").write_text(f"{key.to_public()}\n")
    code, said = run("take", {**environment, "MEMOAPP_RECIPIENTS": str(tmp_path / "recipients")})
    sealed = {**environment, "MEMOAPP_FOLDER": said["folder"]}
    assert run("drill", sealed) == (
        1,
        {"reason": "NoIdentity", "message": "it is sealed, and there is no identity that could open it"},
    )
    (tmp_path / "identity").write_text(str(x25519.Identity.generate()))
    code, said = run("drill", {**sealed, "MEMOAPP_IDENTITY": str(tmp_path / "identity")})
    assert (code, said["reason"]) == (1, "NoIdentity")
    assert "does not open it" in said["message"]
    (tmp_path / "identity").write_text("AGE-SECRET-KEY-1NONSENSE")
    code, said = run("drill", {**sealed, "MEMOAPP_IDENTITY": str(tmp_path / "identity")})
    assert (code, said["reason"]) == (1, "NoIdentity")
    assert "NONSENSE" not in json.dumps(said)


def test_a_drill_tells_what_the_archive_does_not_bring_back(on_scratch: dict[str, str]) -> None:
    """The tools lose a row, an index and a step of a sequence on the way."""
    for losing, words in (
        ("DELETE FROM memo WHERE id = 7", "table public.memo has 499 rows instead of 500"),
        ("DROP INDEX memo_text", "its definitions"),
        ("SELECT setval('counter', 13)", "sequence public.counter is at 13 instead of 16"),
    ):
        after = f'-c "{losing}"'
        script = SCRIPT.replace(
            "< archive > said 2>&1 || code=$?\n      ;;",
            f'< archive > said 2>&1 || code=$?\n      psql -q -d "$argument" {after} > /dev/null\n      ;;',
            1,
        )
        assert script != SCRIPT
        code, said = run("drill", on_scratch, script)
        assert (code, said["reason"]) == (0, "NotProved")
        assert said["message"].startswith(words), losing
        with psycopg.connect(f"host={on_scratch['PGHOST']} user=postgres dbname=postgres", autocommit=True) as admin:
            admin.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(on_scratch["MEMOAPP_DATABASE"])))


def test_what_a_restore_in_place_would_cost(taken: dict[str, str], postgres: Server, filled: str) -> None:
    code, said = run("assess", taken)
    assert (code, said["reason"]) == (0, "Assessed")
    assert {key: said[key] for key in ("minutes", "rows", "back", "tables")} == dict.fromkeys(
        ("minutes", "rows", "back", "tables"), 0
    )
    with postgres.connect(filled) as connection:
        connection.execute("INSERT INTO memo (text) SELECT 'new' FROM generate_series(1, 30)")
        connection.execute("DELETE FROM types WHERE a = 1")
        connection.execute("CREATE TABLE young AS SELECT 1 AS n")
        connection.execute("UPDATE parent SET n = 5 WHERE n = 1")
    code, said = run("assess", taken)
    assert (said["rows"], said["back"], said["tables"]) == (31, 1, 4)
    with postgres.connect(filled) as connection:
        connection.execute("DELETE FROM memo WHERE text <> 'new'")
    code, said = run("assess", taken)
    assert (said["rows"], said["back"]) == (30, 471), "rows that took the place of others are told by the sequence"
    assert said["bytes"] > 1_000_000
    assert said["liveBytes"] > 1_000_000


def test_what_stands_in_the_way_is_told_before_anything_starts(
    taken: dict[str, str], postgres: Server, filled: str
) -> None:
    with postgres.connect(filled) as connection:
        connection.execute("DROP ROLE IF EXISTS plain")
        connection.execute("CREATE ROLE plain LOGIN")
    code, said = run("assess", {**taken, "PGUSER": "plain"})
    assert (code, said["reason"]) == (1, "RightsMissing")
    assert said["message"] == (
        "the user has not CREATEDB, membership of memo_user, who owns the database, membership of pg_signal_backend"
    )
    code, said = run("assess", {**taken, "MEMOAPP_APP_NAME": "other"})
    assert (code, said["reason"]) == (1, "WrongApp")
    path = Path(taken["MEMOAPP_VOLUME"]) / taken["MEMOAPP_FOLDER"] / "database.dump"
    path.write_bytes(path.read_bytes()[:-1])
    code, said = run("restore", taken)
    assert (code, said["reason"]) == (1, "NotVerified")
    assert not exists(postgres, BESIDE)


def test_a_copy_beside_the_live_one_is_like_it(taken: dict[str, str], postgres: Server, filled: str) -> None:
    live = sql.Identifier(filled)
    with postgres.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS reader")
        connection.execute("CREATE ROLE reader")
        for text in (
            "REVOKE ALL ON DATABASE {} FROM PUBLIC",
            "GRANT CONNECT ON DATABASE {} TO reader WITH GRANT OPTION",
            "ALTER DATABASE {} SET search_path TO \"$user\", 'Second Schema', public",
            "ALTER DATABASE {} SET work_mem TO '7MB'",
            "ALTER DATABASE {} SET my.own TO 'a, b'",
            "ALTER ROLE memo_user IN DATABASE {} SET statement_timeout TO '9s'",
            "ALTER DATABASE {} CONNECTION LIMIT 77",
            "COMMENT ON DATABASE {} IS 'it''s ours'",
        ):
            connection.execute(sql.SQL(text).format(live))  # type: ignore[arg-type]
        # What an earlier try left that was killed.
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(BESIDE)))
    before = facts(postgres, filled)
    try:
        code, said = run("restore", taken)
        assert (code, said["reason"], said["database"]) == (0, "Proved", BESIDE), said
        assert whole(postgres, BESIDE) == whole(postgres, filled)
        assert facts(postgres, BESIDE) == before
        assert facts(postgres, filled) == before
    finally:
        with postgres.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(BESIDE)))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM reader").format(live))
            connection.execute("DROP ROLE reader")


def facts(postgres: Server, name: str) -> Any:
    with snapshot(postgres.conninfo(name)) as moment:
        return moment.database().model_copy(update={"name": "", "bytes": 0})


def whole(postgres: Server, name: str) -> Any:
    """Everything that is of the database as a whole."""
    query = """
    SELECT pg_get_userbyid(datdba), encoding, datlocprovider, datcollate, datctype, dattablespace, datconnlimit,
           datacl::text, shobj_description(d.oid, 'pg_database'),
           (SELECT array_agg(setrole::regrole::text || ' ' || setconfig::text ORDER BY 1) FROM pg_db_role_setting s
            WHERE s.setdatabase = d.oid)
    FROM pg_database d WHERE datname = %s"""
    with postgres.connect() as connection:
        return connection.execute(query, (name,)).fetchall()


@pytest.mark.parametrize(
    "words",
    [
        "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
        "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'",
        "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LC_COLLATE 'C' LC_CTYPE 'C'",
    ],
)
def test_other_encodings_and_locales_go_along(environment: dict[str, str], postgres: Server, words: str) -> None:
    name = "memo_elsewhere"
    with postgres.connect() as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 OWNER memo_user {words}".encode())
    try:
        with postgres.connect(name) as connection:
            connection.execute("SET client_encoding = 'UTF8'")
            connection.execute("CREATE TABLE memo (id serial, text text)")
            connection.execute("INSERT INTO memo (text) VALUES ('Größe'), ('plain')")
        there = {**environment, "PGDATABASE": name, "MEMOAPP_DATABASE": name}
        code, said = run("take", there)
        assert code == 0, said
        code, said = run("restore", {**there, "MEMOAPP_FOLDER": said["folder"]})
        assert (code, said["reason"]) == (0, "Proved"), said
        assert whole(postgres, BESIDE) == whole(postgres, name)
        assert facts(postgres, BESIDE) == facts(postgres, name)
    finally:
        with postgres.connect() as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(f"DROP DATABASE IF EXISTS {BESIDE} WITH (FORCE)".encode())


def test_one_with_few_rights_restores_what_is_its_own(environment: dict[str, str], postgres: Server) -> None:
    """An external database's user: no superuser, but CREATEDB, the owner, and one who may end connections."""
    name = "memo_external"
    with postgres.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS tenant")
        connection.execute("CREATE ROLE tenant LOGIN CREATEDB IN ROLE pg_signal_backend")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 OWNER tenant".encode())
    try:
        with psycopg.connect(f"host={postgres.folder} user=tenant dbname={name}", autocommit=True) as connection:
            connection.execute("CREATE TABLE memo (id serial PRIMARY KEY, text text)")
            connection.execute("INSERT INTO memo (text) SELECT 'x' FROM generate_series(1, 9)")
        checks = json.dumps([{"name": "some", "query": "SELECT count(*) = 9 FROM memo"}])
        there = {**environment, "PGUSER": "tenant", "PGDATABASE": name, "MEMOAPP_DATABASE": name}
        _, said = run("take", there)
        there |= {"MEMOAPP_FOLDER": said["folder"], "MEMOAPP_CHECKS": checks}
        code, said = run("assess", there)
        assert (code, said["reason"]) == (0, "Assessed"), said
        code, said = run("restore", there)
        assert (code, said["reason"], said["checks"]) == (0, "Proved", 1), said
        assert "large objects were not compared" in said["notes"]
        assert whole(postgres, BESIDE) == whole(postgres, name)
        # Something that only a superuser may bring back says nothing against the backup.
        with postgres.connect(name) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
        _, said = run("take", {**there, "MEMOAPP_BACKUP_NAME": "memo-2"})
        code, said = run("restore", {**there, "MEMOAPP_FOLDER": said["folder"]})
        assert (code, said["reason"]) == (1, "RightsMissing"), said
    finally:
        with postgres.connect() as connection:
            for each in (name, BESIDE):
                connection.execute(f"DROP DATABASE IF EXISTS {each} WITH (FORCE)".encode())
            connection.execute("DROP ROLE tenant")


def test_a_copy_that_is_not_like_the_backup_does_not_stay(taken: dict[str, str], postgres: Server) -> None:
    checks = json.dumps([{"name": "empty", "query": "SELECT count(*) = 0 FROM memo"}])
    code, said = run("restore", {**taken, "MEMOAPP_CHECKS": checks})
    assert (code, said["reason"]) == (0, "NotProved")
    assert not exists(postgres, BESIDE)


def test_prepared_transactions_stand_in_the_way(environment: dict[str, str], tmp_path: Path) -> None:
    found = programs()
    assert found is not None
    with started(found, Path("/tmp"), max_prepared_transactions="2") as server:  # noqa: S108 -- sockets have short names
        with server.connect() as connection:
            connection.execute("CREATE ROLE memo_user LOGIN")
            connection.execute("CREATE DATABASE memo OWNER memo_user")
        there = {**environment, **server.environment("memo"), "MEMOAPP_DATABASE": "memo"}
        there = {**environment, **{key: there[key] for key in ("PGHOST", "PGDATABASE", "MEMOAPP_DATABASE")}}
        _, said = run("take", there)
        with server.connect("memo") as connection:
            connection.execute("BEGIN")
            connection.execute("CREATE TABLE prepared ()")
            connection.execute("PREPARE TRANSACTION 'one'")
        code, said = run("assess", {**there, "MEMOAPP_FOLDER": said["folder"]})
        assert (code, said["reason"]) == (1, "PreparedTransactions")


def test_what_undoing_would_cost(environment: dict[str, str], postgres: Server, filled: str) -> None:
    kept = "memo_kept"
    with postgres.connect() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER memo_user TEMPLATE {}").format(
                sql.Identifier(kept), sql.Identifier(filled)
            )
        )
    try:
        with postgres.connect(filled) as connection:
            connection.execute("INSERT INTO memo (text) VALUES ('since')")
        there = {**environment, "MEMOAPP_KEPT": kept, "MEMOAPP_SINCE": "2026-01-01T00:00:00Z"}
        words = [sys.executable, "-m", "memoapp_operator.agent", "assess"]
        done = subprocess.run(words, env=there, capture_output=True, text=True, check=False)
        said = json.loads(done.stdout)
        assert (done.returncode, said["rows"], said["tables"]) == (0, 1, 1)
        assert said["minutes"] > 1000
    finally:
        with postgres.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(kept)))
