"""Backups as a person sees them: ordered, by a schedule, before a release; hidden, removed, and never lost."""

from __future__ import annotations

import json
import time

import pytest
from pyrage import x25519

from tests.e2e import objects
from tests.e2e.app import WITHIN, App
from tests.e2e.conftest import MakeApp
from tests.e2e.elsewhere import secret
from tests.e2e.objects import Shelf
from tests.e2e.report import OPERATOR_NAMESPACE
from tests.kube import Kube, Object
from tools.testbed import sample

KIND = "memoapp.dev/v1alpha1/MemoBackup"
SEALED = {"config.yaml", "database.dump", "redis.rdb"}
PARTS = {"config.yaml", "database.dump", "manifest.json"}


def order(app: App, name: str, **spec: object) -> None:
    metadata = {"name": name, "namespace": app.namespace}
    body = {"appRef": {"name": app.name}, **spec}
    app.kube.create({"apiVersion": "memoapp.dev/v1alpha1", "kind": "MemoBackup", "metadata": metadata, "spec": body})


def settled(app: App, name: str, phase: str = "Verified", within: float = WITHIN) -> Object:
    """The MemoBackup once it is in that phase."""

    def so(found: Object | None) -> bool:
        status = (found or {}).get("status") or {}
        ready = [item["status"] for item in status.get("conditions", []) if item["type"] == "Ready"]
        return status.get("phase") == phase and ready == [str(phase == "Verified")]

    found = app.kube.wait(KIND, name, app.namespace, until=so, timeout=within)
    assert found is not None
    return found


def backups(app: App) -> list[str]:
    return sorted(item["metadata"]["name"] for item in app.kube.list(KIND, app.namespace))


def gone(app: App, name: str) -> None:
    app.kube.delete(KIND, name, app.namespace)
    app.kube.wait(KIND, name, app.namespace, until=lambda found: found is None, timeout=WITHIN)


def saving(images: dict[str, str], **backup: object) -> Object:
    spec = sample.small(images)
    return {**spec, "backup": {"destination": {"volume": {"size": "1Gi"}}, **backup}}


def names(shelf: Shelf, folder: str) -> set[str]:
    return {key.removeprefix(folder) for key in shelf.objects() if key.startswith(folder)}


def test_on_a_volume_by_object_by_annotation_and_before_a_release(
    kube: Kube, memoapp: MakeApp, images: dict[str, str]
) -> None:
    app = memoapp("memo", saving(images))
    app.ready()
    app.write_memo("to be saved")
    order(app, "by-hand")
    found = settled(app, "by-hand")["status"]
    assert (found["tables"], found["rows"], found["sealed"], found["secrets"]) == (2, 2, False, False), (
        "memos, and what is migrated"
    )
    shown = app.wait(lambda now: ((now or {})["status"].get("backups") or {}).get("last") is not None)
    assert shown["status"]["backups"]["last"]["name"] == "by-hand"
    app.shows("BackupHealthy", "True", "Verified")

    app.order("backup")
    app.eventually(lambda: backups(app), lambda now: len(now) == 2)
    (ordered,) = [name for name in backups(app) if name != "by-hand"]
    settled(app, ordered)

    app.change(**sample.version(images, "1.1.0"), release={"backupMaxAge": "0s"})
    app.wait(lambda now: (now or {})["status"]["release"]["phase"] == "BackingUp")
    done = app.ready()
    assert done["status"]["release"]["backup"] == "memo-r2-pre"
    assert done["status"]["history"][0]["backup"] == "memo-r2-pre"
    settled(app, "memo-r2-pre")

    shelf = objects.looker(kube, app.namespace, images["objects"], "memo-backups")
    folder = found["location"]["folder"]
    assert names(shelf, folder) == PARTS
    manifest = json.loads(shelf.sh(f"cat {folder}manifest.json"))
    assert manifest["digest"] == found["digest"]

    gone(app, "by-hand")
    assert names(shelf, folder) == {*PARTS, "hidden"}
    kube.patch(KIND, ordered, app.namespace, body={"spec": {"deletionPolicy": "Delete"}})
    folder = settled(app, ordered)["status"]["location"]["folder"]
    gone(app, ordered)
    assert names(shelf, folder) == set()

    shelf.flip(f"{settled(app, 'memo-r2-pre')['status']['location']['folder']}database.dump")
    record = settled(app, "memo-r2-pre")["status"]["location"]
    order(app, "looked-at-again", reason="Release", location=record)
    failed = settled(app, "looked-at-again", "Failed", within=WITHIN)["status"]
    assert failed["reason"] == "NotVerified"
    assert "database.dump" in failed["message"]


def test_in_a_store_sealed_by_a_schedule_without_an_operator_and_found_again(
    kube: Kube, memoapp: MakeApp, images: dict[str, str], namespace: str
) -> None:
    shelf = objects.store(kube, namespace, images["objects"])
    key = x25519.Identity.generate()
    secret(kube, namespace, "vault", recipients=f"{key.to_public()}\n")
    declared = {
        "destination": objects.destination(namespace),
        "encryption": {"recipientsSecretRef": {"name": "vault", "key": "recipients"}},
        "schedule": "* * * * *",
        "redis": True,
    }
    redis = {"managed": {"image": images["redis"], "storage": {"size": "1Gi"}}}
    app = memoapp("memo", {**saving(images, **declared), "redis": redis})
    app.ready()
    app.eventually(lambda: backups(app), lambda now: len(now) > 0, within=180)
    name = backups(app)[0]
    assert name.startswith("memo-2")
    found = settled(app, name)
    assert found["spec"]["reason"] == "Scheduled"
    status = found["status"]
    assert (status["sealed"], status["secrets"]) == (True, True)
    assert names(shelf, status["location"]["folder"]) == {f"{part}.age" for part in SEALED} | {"manifest.json"}
    app.change(backup={"suspend": True})
    app.eventually(lambda: _running(app), lambda now: not now)

    # Nothing of it is told that is secret.
    password = _value(kube, namespace, "memo-database", "password")
    told = json.dumps(
        [*kube.list(KIND, namespace), app.read(), *kube.list("v1/Event", namespace), *kube.list("v1/Pod", namespace)]
    )
    assert password not in told
    assert objects.SECRET not in json.dumps(
        [*kube.list(KIND, namespace), app.read(), *kube.list("batch/v1/CronJob", namespace)]
    )

    # Records are lost, and foreign files lie about: the catalogue brings back what is good, and nothing that is hidden.
    for ordered in ("hidden", "lost"):
        order(app, ordered)
        settled(app, ordered)
    gone(app, "hidden")
    shelf.sh("mkdir -p foreign && echo x > foreign/x")
    shelf.sh(f"cd {namespace}/memo/2026 && mkdir -p 01/foreign && echo x > 01/foreign/manifest.json")
    known = backups(app)
    for record in known:
        kube.patch(KIND, record, namespace, body={"metadata": {"finalizers": None}})
        gone(app, record)
    secret(kube, namespace, "other-ca", **{"ca.crt": _value(kube, namespace, "store-ca", "ca.crt")})
    app.change(backup={"destination": {"s3": {"caSecretRef": {"name": "other-ca"}}}})
    app.eventually(lambda: backups(app), lambda now: now == known)
    for record in known:
        settled(app, record)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ("read-only", "DestinationFailed"),
        ("credentials", "DestinationForbidden"),
        ("down", "DestinationUnreachable"),
    ],
)
def test_a_store_that_does_not_take_it_is_told_and_nothing_is_left(
    kube: Kube, memoapp: MakeApp, images: dict[str, str], namespace: str, spoil: str, reason: str
) -> None:
    shelf = objects.store(kube, namespace, images["objects"])
    app = memoapp("memo", saving(images, destination=objects.destination(namespace)))
    app.ready()
    app.wait(lambda now: ((now or {})["status"].get("backups") or {}).get("catalogued") is not None)
    if spoil == "credentials":
        secret(kube, namespace, "store", **{"access-key": "somebody", "secret-key": "else"})
    elif spoil == "down":
        kube.delete("v1/Pod", "objects", namespace)
        kube.wait("v1/Pod", "objects", namespace, until=lambda found: found is None)
    else:
        Shelf(namespace, "objects", "/data/objects").sh(f"chmod 500 {objects.BUCKET}")
    order(app, "by-hand")
    failed = settled(app, "by-hand", "Failed")["status"]
    assert failed["reason"] == reason
    told = app.shows("BackupHealthy", "False", reason)
    assert "by-hand" in told["message"]
    assert app.ready()
    if spoil != "down":
        assert shelf.objects() == []


def test_a_pod_that_is_killed_in_the_middle_leaves_nothing_that_hinders_the_next(
    kube: Kube, memoapp: MakeApp, images: dict[str, str]
) -> None:
    app = memoapp("memo", saving(images))
    app.ready()
    _lock(app)
    order(app, "first")
    app.eventually(lambda: app.pods("backup"), lambda pods: any(_is_at_work(pod) for pod in pods))
    (pod,) = [pod for pod in app.pods("backup") if _is_at_work(pod)]
    # As a node does that is drained: the pod has a condition that says so, and is no failure of its Job.
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod["metadata"]["name"], "namespace": app.namespace},
    }
    kube.request("POST", f"/api/v1/namespaces/{app.namespace}/pods/{pod['metadata']['name']}/eviction", body=eviction)
    _unlock(app)
    settled(app, "first")


@pytest.mark.long
def test_a_schedule_goes_on_without_an_operator(kube: Kube, memoapp: MakeApp, images: dict[str, str]) -> None:
    app = memoapp("memo", saving(images, schedule="* * * * *"))
    app.ready()
    before = len(backups(app))
    _operators(kube, 0)
    try:
        app.eventually(lambda: backups(app), lambda now: len(now) >= before + 3, within=300)
        for name in backups(app)[before : before + 3]:
            found = kube.get(KIND, name, app.namespace)["status"]
            assert (found["phase"], found["tables"]) == ("Verified", 2)
    finally:
        _operators(kube, 2)
    app.change(backup={"suspend": True})
    app.shows("BackupHealthy", "True", "Verified")
    app.wait(lambda now: (now or {})["status"]["backups"]["last"]["name"] == backups(app)[-1])


def _operators(kube: Kube, count: int) -> None:
    where = ("apps/v1/Deployment", "memoapp-operator", OPERATOR_NAMESPACE)
    kube.patch(*where, body={"spec": {"replicas": count}})
    kube.wait(*where, until=lambda found: ((found or {}).get("status") or {}).get("readyReplicas", 0) == count)


def _lock(app: App) -> None:
    """Somebody changes a table, and takes his time."""
    held = "BEGIN; LOCK TABLE memos IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(300)"
    script = f"nohup psql -U postgres memo_app -c '{held}' >/dev/null 2>&1 &"
    Shelf(app.namespace, "memo-database-0", "/tmp").sh(script)  # noqa: S108 -- in a pod
    time.sleep(1)


def _unlock(app: App) -> None:
    which = "query LIKE '%pg_sleep(300)%' AND pid <> pg_backend_pid()"
    query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {which}"  # noqa: S608 -- nothing from outside
    Shelf(app.namespace, "memo-database-0", "/tmp").sh(f'psql -U postgres memo_app -c "{query}"')  # noqa: S108


def _is_at_work(pod: Object) -> bool:
    return bool(pod["status"].get("phase") == "Running" and "-take-" in pod["metadata"]["name"])


def _running(app: App) -> list[str]:
    jobs = app.kube.list("batch/v1/Job", app.namespace)
    return [job["metadata"]["name"] for job in jobs if not (job.get("status") or {}).get("conditions")]


def _value(kube: Kube, namespace: str, name: str, key: str) -> str:
    from base64 import b64decode  # noqa: PLC0415

    return b64decode(kube.get("v1/Secret", name, namespace)["data"][key]).decode()
