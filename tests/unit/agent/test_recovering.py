"""A full recovery's agent: which backup it takes, what it makes, and what it leaves as it is."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml
from memoapp_operator.agent.catalogue import HIDDEN, PROVED, mark_proved
from memoapp_operator.agent.cluster import ApiError, Object
from memoapp_operator.agent.drill import Watch
from memoapp_operator.agent.inplace import Place, RefusedError, beside, is_empty
from memoapp_operator.agent.manifest import NAME, App, Database, Manifest
from memoapp_operator.agent.neighbour import Neighbour
from memoapp_operator.agent.recovering import ANNOTATION, bring, choose
from memoapp_operator.agent.restoring import Backup
from memoapp_operator.agent.sealing import Seal
from memoapp_operator.agent.stores import StoreError, Trouble, Volume
from memoapp_operator.agent.take import Order, Source, take
from psycopg import sql
from pyrage import x25519

from .content import fill
from .server import Server
from .server import beside as running

APP = App(name="memo", namespace="prod", uid="0b5e", version="1.4.0")
MEMO = ("prod", "memo")
INTO = ("rescue", "memo")
SPEC = {"apiVersion": "memoapp.dev/v1alpha1", "kind": "MemoApp", "metadata": {"name": "memo"}, "spec": {"version": "1"}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "backups").mkdir()
    return tmp_path / "backups"


@pytest.fixture
def store(root: Path) -> Volume:
    return Volume(root)


def lay(root: Path, name: str, taken_at: str, *marks: str) -> str:
    """A finished backup without parts, as far as its choice is concerned."""
    database = Database(
        version="17.2",
        name="memo_app",
        owner="memo_user",
        encoding="UTF8",
        collate="C",
        ctype="C",
        extensions=(),
        tables=(),
        sequences=(),
        large_objects=None,
        schema_digest="0" * 64,
    )
    manifest = Manifest(name=name, app=APP, reason="Scheduled", taken_at=taken_at, database=database, parts=())
    folder = f"prod/memo/{taken_at[:4]}/{taken_at[5:7]}/{name}/"
    path = root / folder
    path.mkdir(parents=True)
    (path / NAME).write_bytes(manifest.dump())
    for mark in marks:
        (path / mark).write_text("x")
    return folder


def test_it_takes_the_newest_that_was_proved_and_says_how_many_newer_ones_there_are(root: Path, store: Volume) -> None:
    lay(root, "memo-a", "2026-10-31T02:00:00Z", PROVED)
    best = lay(root, "memo-z", "2026-11-01T02:00:00Z", PROVED)
    lay(root, "memo-b", "2026-11-20T02:00:00Z")
    lay(root, "memo-c", "2026-11-21T02:00:00Z", PROVED, HIDDEN)
    found = choose(store, MEMO, "")
    assert (found.folder, found.why) == (best, "the newest of 2 that are proved; 1 newer one is not")
    lay(root, "memo-0", "2026-11-22T02:00:00Z", PROVED)
    assert choose(store, MEMO, "").folder.endswith("/memo-0/"), "by the moment of the data, and not by name"


def test_one_that_was_altered_or_never_finished_is_not_the_newest(root: Path, store: Volume) -> None:
    best = lay(root, "memo-a", "2026-11-01T02:00:00Z", PROVED)
    folder = lay(root, "memo-b", "2026-11-20T02:00:00Z", PROVED)
    (root / folder / NAME).write_text("{}")
    (root / "prod/memo/2026/12/memo-c").mkdir(parents=True)
    (root / "prod/memo/2026/12/memo-c" / PROVED).write_text("x")
    assert choose(store, MEMO, "").folder == best


def test_a_name_is_taken_whether_or_not_it_was_proved(root: Path, store: Volume) -> None:
    folder = lay(root, "memo-a", "2026-10-31T02:00:00Z", HIDDEN)
    assert choose(store, MEMO, "memo-a").folder == folder
    with pytest.raises(RefusedError, match="there is no backup memo-b in prod/memo/: it has 1"):
        choose(store, MEMO, "memo-b")
    with pytest.raises(RefusedError, match=r"none of the 1 backups in prod/memo/ was proved: name one .*, as memo-a"):
        choose(store, MEMO, "")
    with pytest.raises(RefusedError, match="none of the 0 backups in prod/other/"):
        choose(store, ("prod", "other"), "")


def test_a_mark_is_made_once_and_its_trouble_is_told(root: Path, store: Volume) -> None:
    folder = lay(root, "memo-a", "2026-10-31T02:00:00Z")
    assert mark_proved(store, folder) == ""
    assert mark_proved(store, folder) == ""
    assert choose(store, MEMO, "").folder == folder

    class ReadOnly(Volume):
        def put(self, key: str, source: Any) -> None:
            del key, source
            raise StoreError(Trouble.FORBIDDEN, "403")

    assert mark_proved(ReadOnly(root), folder) == "it could not be marked as proved: 403"


class Api:
    """An API server that has some objects already, and refuses some."""

    def __init__(self, *there: str, refused: str = "") -> None:
        self.there, self.refused, self.made = {*there}, refused, dict[str, Object]()

    def create(self, plural: str, body: Object) -> bool:
        name = f"{body['kind']}/{body['metadata']['name']}"
        assert plural == f"{body['kind'].lower()}s"
        if name == self.refused:
            raise ApiError(403, "exceeded quota")
        if name in self.there or name in self.made:
            return False
        self.made[name] = body
        return True


def coded(**values: str) -> dict[str, str]:
    return {key.replace("__", "."): b64encode(value.encode()).decode() for key, value in values.items()}


def saved(kind: str, name: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "prod"}, "data": data}


DOCUMENTS: list[dict[str, Any]] = [
    SPEC,
    {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "texts", "namespace": "prod"},
        "data": {"a": "---\n"},
    },
    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "mail", "namespace": "prod"}, "data": coded(token="t")},
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "pull", "namespace": "prod"},
        "data": coded(__dockerconfigjson="{}"),
    },
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "host", "namespace": "prod"},
        "data": coded(tls__crt="c", tls__key="k"),
    },
    {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "memo-database", "namespace": "prod"},
        "data": coded(p="p"),
    },
]


def stream(documents: list[dict[str, Any]]) -> bytes:
    return b"".join(b"---\n" + json.dumps(item, indent=1).encode() + b"\n" for item in documents)


CONFIG = stream(DOCUMENTS)
KEY = x25519.Identity.generate()


@pytest.fixture
def backup(source: Source, store: Volume, tools: Neighbour) -> Backup:
    seal = Seal.to([str(KEY.to_public())])
    folder = take(Order("memo-1", APP, "Manual", CONFIG), source, store, tools, seal).folder
    return Backup.verified(store, folder, [KEY], tools, MEMO)


def test_what_is_not_there_is_made_and_what_is_there_stays(backup: Backup) -> None:
    api = Api("Secret/mail")
    said = bring(api, backup, INTO, ["memo-database", "memo-redis"])
    assert (
        said
        == "made: ConfigMap/memo-restored-spec, ConfigMap/texts, Secret/pull, Secret/host; there already: Secret/mail"
    )
    assert {item["metadata"]["namespace"] for item in api.made.values()} == {"rescue"}
    assert all(item["metadata"]["annotations"] == {ANNOTATION: backup.folder} for item in api.made.values())
    assert api.made["ConfigMap/texts"]["data"] == {"a": "---\n"}
    assert api.made["Secret/pull"]["type"] == "kubernetes.io/dockerconfigjson"
    assert (api.made["Secret/host"]["type"], b64decode(api.made["Secret/host"]["data"]["tls.key"])) == (
        "kubernetes.io/tls",
        b"k",
    )
    offered = api.made["ConfigMap/memo-restored-spec"]["data"]["memoapp.yaml"]
    assert yaml.safe_load(offered) == SPEC
    again = bring(api, backup, INTO, ["memo-database", "memo-redis"])
    assert again.startswith("made: nothing; there already: ConfigMap/memo-restored-spec, ")


def test_what_the_api_server_refuses_is_told_by_its_name(backup: Backup) -> None:
    with pytest.raises(RefusedError, match="Secret/pull: exceeded quota") as caught:
        bring(Api(refused="Secret/pull"), backup, INTO, [])
    assert caught.value.reason == "ConfigurationRefused"


def test_one_that_was_not_sealed_says_that_no_secrets_are_in_it(
    source: Source, store: Volume, tools: Neighbour
) -> None:
    without = stream(DOCUMENTS[:2])
    folder = take(Order("memo-1", APP, "Manual", without), source, store, tools, None).folder
    found = Backup.verified(store, folder, [], tools, MEMO)
    said = bring(Api(), found, INTO, [])
    assert (
        said
        == "made: ConfigMap/memo-restored-spec, ConfigMap/texts; the backup was not sealed, so no Secrets are in it"
    )


@pytest.fixture(scope="module")
def elsewhere(scratch: Server) -> Server:
    """A server of a new cluster: it knows the app's user and an empty database."""
    with scratch.connect() as connection:
        connection.execute("CREATE ROLE memo_user LOGIN")
        connection.execute("CREATE DATABASE memo_app OWNER memo_user ENCODING 'UTF8' TEMPLATE template0")
    return scratch


def test_a_database_is_empty_as_long_as_nobody_put_anything_into_it(
    elsewhere: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    _at(elsewhere, monkeypatch)
    place = Place("memo_app", "copy", empty=True)
    assert is_empty(place, "memo_user")
    with elsewhere.connect("memo_app") as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        assert is_empty(place, "memo_user"), "an extension's views are nobody's data"
        for make, drop in (
            ("CREATE TABLE t ()", "DROP TABLE t"),
            ("CREATE SEQUENCE s", "DROP SEQUENCE s"),
            ("CREATE SCHEMA x; CREATE VIEW x.v AS SELECT 1", "DROP SCHEMA x CASCADE"),
            ("SELECT lo_create(7)", "SELECT lo_unlink(7)"),
        ):
            connection.execute(make)  # type: ignore[arg-type]
            assert not is_empty(place, "memo_user"), make
            connection.execute(drop)  # type: ignore[arg-type]
        assert is_empty(place, "memo_user")
        connection.execute("DROP EXTENSION pg_stat_statements")


def _at(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("PGHOST", "PGUSER"):
        monkeypatch.setenv(key, server.environment("postgres")[key])


def test_a_copy_of_a_foreign_database_has_its_locale_and_its_roles(
    source: Source,
    store: Volume,
    tools: Neighbour,
    postgres: Server,
    database: str,
    elsewhere: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with postgres.connect() as connection:
        connection.execute("DROP ROLE IF EXISTS reporting")
        connection.execute("CREATE ROLE reporting")
    with postgres.connect(database) as connection:
        fill(connection)
        connection.execute("GRANT SELECT ON types TO reporting")
    folder = take(Order("memo-1", APP, "Manual", CONFIG), source, store, tools, None).folder
    _at(elsewhere, monkeypatch)
    work = tmp_path / "work-elsewhere"
    place = Place("memo_app", "memo_app_fresh", empty=True)
    with running(work, elsewhere.environment("postgres")):
        there = Neighbour(work)
        found = Backup.verified(store, folder, [], there, MEMO)
        with pytest.raises(RefusedError, match=r"and database\.user is somebody"):
            is_empty(place, "somebody", found.manifest.database)
        assert is_empty(place, "memo_user", found.manifest.database)
        line = beside(found, there, place, (), Watch())
        there.end()
    assert line["reason"] == "Proved", line
    with elsewhere.connect() as connection:
        owner = connection.execute(
            "SELECT pg_get_userbyid(datdba), datcollate FROM pg_database WHERE datname = 'memo_app_fresh'"
        ).fetchone()
        assert owner == ("memo_user", "C.UTF-8")
        assert connection.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'reporting'").fetchone() == (False,)
        connection.execute(sql.SQL("DROP DATABASE memo_app_fresh"))
    with postgres.connect(database) as connection:
        connection.execute("DROP OWNED BY reporting")
        connection.execute("DROP ROLE reporting")
