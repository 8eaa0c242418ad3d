"""Restores as a person sees them: a drill that proves, data destroyed and brought back, an undo, operators killed."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx
import pytest
from pyrage import x25519

from tests.e2e import objects
from tests.e2e.app import WITHIN, App
from tests.e2e.conftest import MakeApp
from tests.e2e.elsewhere import secret
from tests.e2e.objects import Shelf
from tests.e2e.test_backups import order, saving, settled
from tests.kube import Kube, Object
from tools.testbed import leadership, nodes

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
    script = f'psql -U postgres -qAt {database} -c "{text}"'
    return Shelf(app.namespace, "memo-database-0", "/tmp").sh(script).strip()  # noqa: S108 -- the pod's own


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
    app = memoapp("memo", saving(images, drill={"checks": checks, "storage": {"size": "1Gi"}}))
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
