"""Restores as a person sees them: a drill that proves, data destroyed and brought back, an undo, operators killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx
import pytest
from pyrage import x25519

from tests.e2e import objects
from tests.e2e.app import WITHIN, App, status_field
from tests.e2e.conftest import MakeApp
from tests.e2e.elsewhere import postgres, secret
from tests.e2e.objects import Shelf
from tests.e2e.objects import sql as asked
from tests.e2e.test_backups import order, saving, settled
from tests.kube import Kube, Object
from tools.testbed import leadership, nodes, sample

KIND = "memoapp.dev/v1alpha1/MemoRestore"
BACKUP = "memoapp.dev/v1alpha1/MemoBackup"


def restore(app: App, name: str, **spec: Any) -> None:
    metadata = {"name": name, "namespace": app.namespace}
    body = {"appRef": {"name": app.name}, **spec}
    app.kube.create({"apiVersion": "memoapp.dev/v1alpha1", "kind": "MemoRestore", "metadata": metadata, "spec": body})


def in_phase(app: App, name: str, *phases: str, within: float = WITHIN) -> Object:
    """The status of the MemoRestore once it is in one of the phases."""

    def so(found: Object | None) -> bool:
        return ((found or {}).get("status") or {}).get("phase") in phases

    found = app.kube.wait(KIND, name, app.namespace, until=so, timeout=within)
    assert found is not None
    status: Object = found["status"]
    return status


def sql(app: App, text: str, database: str = "memo_app") -> str:
    return asked(app.namespace, text, database)


class Visitors:
    """Somebody who looks at the app all the while.

    Attributes:
        seen: every answer but 200.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.seen: list[httpx.Response] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            answer = self._app.http("GET", "/api/memos")
            if answer.status_code != httpx.codes.OK:
                self.seen.append(answer)
            time.sleep(0.05)


def test_data_is_destroyed_brought_back_and_the_way_back_undone(memoapp: MakeApp, images: dict[str, str]) -> None:
    checks = [{"name": "has-memos", "query": "SELECT count(*) > 0 FROM memos"}]
    app = memoapp("memo", saving(images, drill={"checks": checks, "backend": True, "storage": {"size": "1Gi"}}))
    app.ready()
    for number in range(3):
        app.write_memo(f"memo {number}")
    order(app, "good")
    settled(app, "good")
    app.shows("RestoreProved", "Unknown", "NoProofYet")

    restore(app, "try", source={"backup": "good"})
    told = in_phase(app, "try", "Completed", "Failed")
    assert told["phase"] == "Completed", told
    assert (told["evidence"]["tables"], told["evidence"]["checks"]) == (2, 1)
    assert told["evidence"]["health"].startswith("/api/health answers 200 after ")
    proved = settled_as(app, "good", "Proved")["status"]["proved"]
    assert (proved["by"], proved["tables"]) == ("try", 2)
    app.shows("RestoreProved", "True", "Proved")
    app.eventually(lambda: claims(app), lambda now: now == {"memo-backups", "memo-database"})

    sql(app, "DELETE FROM memos")
    app.write_memo("after the accident")
    restore(app, "back", source={"backup": "good"}, mode="InPlace")
    told = in_phase(app, "back", "ConsentNeeded")
    assert told["loss"]["tables"] >= 1
    assert app.memos() == ["after the accident"]
    app.kube.patch(KIND, "back", app.namespace, body={"spec": {"dataLoss": "Accept"}})
    told = in_phase(app, "back", "Completed", "Failed")
    assert told["phase"] == "Completed", told
    assert sorted(app.memos()) == ["memo 0", "memo 1", "memo 2"]
    assert settled(app, "back-before")["spec"]["reason"] == "Restore"
    assert sql(app, "SELECT text FROM memos", told["kept"]) == "after the accident"
    app.ready()
    app.write_memo("after the restore")

    restore(app, "undo", source={"undoOf": "back"}, mode="InPlace", dataLoss="Accept", undoFor="0s")
    told = in_phase(app, "undo", "Completed", "Failed")
    assert told["phase"] == "Completed", told
    assert app.memos() == ["after the accident"]
    app.eventually(lambda: databases(app), lambda now: now == {"memo_app", "postgres"})
    app.ready()


def settled_as(app: App, name: str, phase: str) -> Object:
    def so(found: Object | None) -> bool:
        return ((found or {}).get("status") or {}).get("phase") == phase

    found = app.kube.wait(BACKUP, name, app.namespace, until=so, timeout=WITHIN)
    assert found is not None
    return found


def claims(app: App) -> set[str]:
    return {item["metadata"]["name"] for item in app.kube.list("v1/PersistentVolumeClaim", app.namespace)}


def databases(app: App) -> set[str]:
    return set(sql(app, "SELECT datname FROM pg_database WHERE NOT datistemplate", "postgres").split())


def test_sealed_backups_are_proved_by_their_own_key_alone_and_a_flip_is_found(
    kube: Kube, memoapp: MakeApp, images: dict[str, str], namespace: str
) -> None:
    shelf = objects.store(kube, namespace, images["objects"])
    key = x25519.Identity.generate()
    secret(kube, namespace, "vault", recipients=f"{key.to_public()}\n", identity=f"{x25519.Identity.generate()}\n")
    recipients = {"recipientsSecretRef": {"name": "vault", "key": "recipients"}}
    declared = {"destination": objects.destination(namespace), "drill": {"storage": {"size": "1Gi"}}}
    app = memoapp("memo", saving(images, **declared, encryption=recipients))
    app.ready()
    order(app, "sealed")
    folder = settled(app, "sealed")["status"]["location"]["folder"]
    app.shows("RestoreProved", "Unknown", "NoIdentity")
    restore(app, "without", source={"backup": "sealed"})
    assert in_phase(app, "without", "Failed")["reason"] == "NoIdentity"
    app.change(backup={"encryption": {"identitySecretRef": {"name": "vault", "key": "identity"}}})
    app.ready()
    restore(app, "wrong", source={"backup": "sealed"})
    told = in_phase(app, "wrong", "Failed")
    assert (told["reason"], "does not open it" in told["message"]) == ("NoIdentity", True)
    assert settled(app, "sealed")["status"].get("proved") is None
    secret(kube, namespace, "vault", recipients=f"{key.to_public()}\n", identity=f"{key}\n")
    restore(app, "right", source={"backup": "sealed"})
    told = in_phase(app, "right", "Completed", "Failed")
    assert told["phase"] == "Completed", told
    settled_as(app, "sealed", "Proved")
    shelf.flip(f"{folder}database.dump.age")
    restore(app, "flipped", source={"backup": "sealed"}, mode="InPlace", dataLoss="Accept")
    told = in_phase(app, "flipped", "Completed", "Failed")
    assert (told["phase"], told["reason"]) == ("Failed", "NotVerified"), told
    assert databases(app) == {"memo_app", "postgres"}


class Writer:
    """Somebody who writes all the while, and notes what was acknowledged when.

    Attributes:
        journal: text and moment of each memo that was acknowledged.
        refused: answers of other kinds.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.journal: dict[str, datetime] = {}
        self.refused: list[int] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _write(self) -> None:
        number = 0
        while not self._over.is_set():
            text, number = f"memo {number}", number + 1
            answer = self._app.http("POST", "/api/memos", {"text": text})
            if answer.status_code == httpx.codes.CREATED:
                self.journal[text] = datetime.now(UTC)
            else:
                self.refused.append(answer.status_code)


@pytest.mark.long
def test_what_is_missing_afterwards_is_what_was_written_after_the_snapshot(
    memoapp: MakeApp, images: dict[str, str]
) -> None:
    app = memoapp("memo", saving(images))
    app.ready()
    with Writer(app) as writer:
        time.sleep(5)
        order(app, "good")
        saved = settled(app, "good")["status"]
        time.sleep(5)
        restore(app, "back", source={"backup": "good"}, mode="InPlace", dataLoss="Accept")
        told = in_phase(app, "back", "Completed", "Failed")
        assert told["phase"] == "Completed", told
        back = datetime.now(UTC)
        time.sleep(5)
    began, verified = (datetime.fromisoformat(saved[key]) for key in ("startedAt", "verifiedAt"))
    swapped = datetime.fromisoformat(told["swappedAt"])
    found = set(sql(app, "SELECT text FROM memos").splitlines())
    before = {text for text, at in writer.journal.items() if at < began}
    between = {text for text, at in writer.journal.items() if verified + timedelta(seconds=1) < at < swapped}
    after = {text for text, at in writer.journal.items() if at > back}
    assert len(before) > 20
    assert before - found == set(), "acknowledged before the snapshot, and missing"
    assert between & found == set(), "written after the snapshot"
    assert after - found == set(), "written since it was restored"
    assert between <= set(sql(app, "SELECT text FROM memos", told["kept"]).splitlines()), "kept for an undo"
    assert set(writer.refused) <= {httpx.codes.SERVICE_UNAVAILABLE}


@pytest.mark.loaded
def test_operators_killed_and_visitors_who_see_the_page(
    kube: Kube, cluster: str, memoapp: MakeApp, images: dict[str, str]
) -> None:
    app = memoapp("memo", saving(images))
    app.ready()
    app.write_memo("saved")
    order(app, "good")
    settled(app, "good")
    sql(app, "DELETE FROM memos")
    with Visitors(app) as visitors:
        restore(app, "back", source={"backup": "good"}, mode="InPlace", dataLoss="Accept")
        for phase in ("Restoring", "Swapping"):
            later = {"Restoring": ("Restoring", "Announcing"), "Swapping": ("Announcing", "Swapping", "Checking")}
            in_phase(app, "back", *later[phase], "Completed")
            nodes.signal(cluster, leadership.leader(kube, pods=1), "KILL")
        told = in_phase(app, "back", "Completed", "Failed", within=2 * WITHIN)
    assert told["phase"] == "Completed", told
    assert app.memos() == ["saved"]
    assert databases(app) == {"memo_app", "postgres", told["kept"]}
    app.ready()
    pages = [answer for answer in visitors.seen if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE]
    shown = [answer for answer in pages if "retry-after" in answer.headers]
    assert shown, [(answer.status_code, answer.text[:100]) for answer in visitors.seen]
    assert shown[0].json()["error"] == "maintenance"
    assert 0 < int(shown[0].headers["retry-after"]) <= 900
    assert len(visitors.seen) == len(pages), [(answer.status_code, answer.text[:100]) for answer in visitors.seen]


def test_a_dump_of_the_old_scripts_comes_back_and_one_with_a_command_does_not(
    kube: Kube, memoapp: MakeApp, images: dict[str, str], namespace: str
) -> None:
    shelf = objects.store(kube, namespace, images["objects"])
    app = memoapp("memo", saving(images, drill={"storage": {"size": "1Gi"}}))
    app.ready()
    app.write_memo("of the old days")
    database = Shelf(app.namespace, "memo-database-0", "/tmp")  # noqa: S108 -- the pod's own
    old = database.sh("pg_dump --username=memo_user --host=/var/run/postgresql memo_app | gzip | base64 -w0")
    bad = database.sh(r"printf 'SELECT 1;\n\\! touch /tmp/it-ran\n' | gzip | base64 -w0")
    for name, data in (("memo_app_20231101_020000.sql.gz", old), ("memo_app_20231102_020000.sql.gz", bad)):
        shelf.sh(f"mkdir -p old; echo '{data}' | base64 -d > old/{name}")
    shelf.sh("printf \"POSTGRES_PASSWORD='pa ss'\\nLOG_LEVEL=info\\n\" > old/.env")
    sql(app, "DELETE FROM memos")
    dump = {"destination": objects.destination(namespace), "file": "old/memo_app_20231102_020000.sql.gz"}
    restore(app, "bad", source={"dump": dump}, mode="InPlace", dataLoss="Accept")
    told = in_phase(app, "bad", "Failed", "Completed")
    assert (told["reason"], "line 2 has the command" in told["message"]) == ("ScriptRefused", True), told

    dump = {**dump, "file": "old/memo_app_20231101_020000.sql.gz", "env": "old/.env"}
    restore(app, "old", source={"dump": dump}, mode="InPlace", dataLoss="Accept")
    told = in_phase(app, "old", "Failed", "Completed")
    assert told["phase"] == "Completed", told
    assert (told["takenAt"], told["configuration"]) == ("2023-11-01T02:00:00Z", "made: Secret/old-env")
    assert app.memos() == ["of the old days"]
    assert sorted(kube.get("v1/Secret", "old-env", app.namespace)["data"]) == ["LOG_LEVEL", "POSTGRES_PASSWORD"]
    assert settled_as(app, "old-imported", "Proved")["spec"]["reason"] == "Imported"
    app.write_memo("written by the app's own user")
    app.ready()


def test_a_migration_that_destroyed_the_data_is_undone_with_consent(memoapp: MakeApp, images: dict[str, str]) -> None:
    app = memoapp("memo", saving(images))
    app.ready()
    app.write_memo("before the release")
    version = sample.version(images, "1.1.0", FAULT="migration-destroys")
    smoke = {"name": "smoke", **sample.CHECKS}
    app.change(**version, release={"tests": [smoke], "migration": {"reversible": False}, "onFailure": "RestoreBackup"})
    app.wait(lambda found: (status_field(found, "release") or {}).get("phase") == "Rejected")
    told = in_phase(app, "memo-r2-back", "ConsentNeeded")
    assert told["loss"]["tables"] >= 1
    app.shows("Stalled", "True", "TestFailed")
    assert app.http("GET", "/api/memos").status_code != httpx.codes.OK, "the old version cannot live on what is left"
    app.kube.patch(KIND, "memo-r2-back", app.namespace, body={"spec": {"dataLoss": "Accept"}})
    told = in_phase(app, "memo-r2-back", "Completed", "Failed")
    assert told["phase"] == "Completed", told
    assert app.memos() == ["before the release"]
    found = app.wait(lambda now: bool(((status_field(now, "release") or {}).get("restore") or {}).get("done")))
    release = found["status"]["release"]
    assert (release["phase"], release["migration"]["outcome"]) == ("Rejected", "Undone")


def test_a_database_elsewhere_comes_back_with_the_rights_that_it_takes(
    kube: Kube, memoapp: MakeApp, images: dict[str, str], namespace: str
) -> None:
    postgres(kube, namespace, images["postgres"])
    server = Shelf(namespace, "postgres", "/tmp")  # noqa: S108 -- the pod's own
    kube.wait("v1/Pod", "postgres", namespace, until=_is_running, timeout=WITHIN)

    def as_superuser(text: str, database: str = "memo_app") -> str:
        return server.sh(f'psql -h 127.0.0.1 -U memo_user -qAt {database} -c "{text}"').strip()

    _answered(lambda: as_superuser("CREATE ROLE plain LOGIN PASSWORD 'pl41n'"))
    as_superuser("CREATE DATABASE elsewhere OWNER plain")
    secret(kube, namespace, "mine", uri=f"postgresql://plain:pl41n@postgres.{namespace}.svc/elsewhere")
    backup = {"clientImage": images["postgres"], "destination": {"volume": {"size": "1Gi"}}}
    declared = {"external": {"secretRef": {"name": "mine"}}, "name": "elsewhere", "user": "plain"}
    app = memoapp("memo", {**sample.small(images), "database": declared, "backup": backup})
    app.ready()
    app.write_memo("before")
    order(app, "good")
    settled(app, "good")
    app.write_memo("after")
    restore(app, "without", source={"backup": "good"}, mode="InPlace", dataLoss="Accept")
    told = in_phase(app, "without", "Completed", "Failed")
    assert (told["reason"], "CREATEDB" in told["message"], "pg_signal_backend" in told["message"]) == (
        "RightsMissing",
        True,
        True,
    )
    as_superuser("ALTER ROLE plain CREATEDB")
    as_superuser("GRANT pg_signal_backend TO plain")
    restore(app, "back", source={"backup": "good"}, mode="InPlace", dataLoss="Accept", undoFor="0s")
    told = in_phase(app, "back", "Completed", "Failed")
    assert told["phase"] == "Completed", told
    assert app.memos() == ["before"]
    app.write_memo("later")
    names = "SELECT count(*) FROM pg_database WHERE datname LIKE 'elsewhere%'"
    app.eventually(lambda: as_superuser(names), lambda now: now == "1")


def _is_running(pod: Object | None) -> bool:
    return pod is not None and pod["status"].get("phase") == "Running"


def _answered(ask: Callable[[], str]) -> None:
    """Asked until it is answered: the server comes up."""
    deadline = time.monotonic() + WITHIN
    while True:
        try:
            ask()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(1)


@pytest.mark.long
@pytest.mark.loaded
def test_a_node_that_starts_anew_in_the_middle_costs_a_try_and_no_data(
    cluster: str, memoapp: MakeApp, images: dict[str, str]
) -> None:
    app = memoapp("memo", saving(images))
    app.ready()
    app.write_memo("before")
    order(app, "good")
    settled(app, "good")
    app.write_memo("after")
    restore(app, "cut-off", source={"backup": "good"}, mode="InPlace", dataLoss="Accept")
    in_phase(app, "cut-off", "Restoring")
    (pod,) = app.pods("database")
    # As a node does that loses its power for a moment: every process of every pod ends at once.
    script = "systemctl stop kubelet; crictl rmp --all --force >/dev/null 2>&1; systemctl start kubelet"
    nodes.inside(cluster, pod["spec"]["nodeName"], "sh", "-c", script)
    told = in_phase(app, "cut-off", "Completed", "Failed", within=600)
    app.ready(within=600)
    assert set(app.memos()) == ({"before"} if told["phase"] == "Completed" else {"before", "after"})
    assert databases(app) <= {"memo_app", "postgres", told.get("kept") or ""}, "nothing half-made stays"
    restore(app, "again", source={"backup": "good"}, mode="InPlace", dataLoss="Accept")
    assert in_phase(app, "again", "Completed", "Failed", within=600)["phase"] == "Completed"
    assert app.memos() == ["before"]
