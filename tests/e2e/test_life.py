"""Changes, repairs and the end of a MemoApp."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from copy import deepcopy

from tests.e2e.app import WITHIN, App
from tests.e2e.conftest import MakeApp
from tests.e2e.elsewhere import secret
from tests.kube import Kube, Object, Predicate, condition
from tools.testbed import sample

CLAIM = "v1/PersistentVolumeClaim"
KEPT = {("PersistentVolumeClaim", "memo-database"), ("Secret", "memo-database")}


def test_every_child_that_is_deleted_comes_back(memoapp: MakeApp, images: dict[str, str]) -> None:
    spec = sample.full(images)
    for tier in ("frontend", "backend", "traffic"):
        spec[tier]["replicas"] = 1
    app = memoapp("memo", spec)
    app.ready()
    before = {_id(child): child for child in app.children()}
    # A claim in use is not deleted, and a database's Secret is not made anew: both would be the end of the data.
    victims = [child for key, child in before.items() if key not in KEPT and key[0] != "PersistentVolumeClaim"]
    # Redis' password comes back out of what the pods connect with; with both gone there would be a new one to release.
    connecting = [child for child in victims if child["metadata"]["name"].startswith("memo-connection")]
    for some in ([child for child in victims if child not in connecting], connecting):
        for child in some:
            app.kube.delete(f"{child['apiVersion']}/{child['kind']}", child["metadata"]["name"], app.namespace)
        after = app.eventually(
            app.children,
            lambda found, some=some: _uids(found).isdisjoint(_uids(some)) and _ids(found) == set(before),
        )
    app.ready()
    addresses = {key: child["spec"]["clusterIP"] for key, child in before.items() if key[0] == "Service"}
    coloured = {key: address for key, address in addresses.items() if "blue" in key[1] or "green" in key[1]}
    assert len(coloured) == 4
    assert {_id(child): child["spec"]["clusterIP"] for child in after if _id(child) in coloured} == coloured
    app.write_memo("still here")
    assert "still here" in app.memos()


def test_every_child_that_is_edited_is_repaired(kube: Kube, memoapp: MakeApp) -> None:
    app = memoapp()
    app.ready()
    edits: dict[tuple[str, str], Object] = {
        ("apps/v1/Deployment", "memo-blue-backend"): {"spec": {"replicas": 3}},
        ("v1/Service", "memo"): {"spec": {"selector": {"memoapp.dev/app": "other"}}},
        ("v1/ConfigMap", "memo-router"): {"data": {"haproxy.cfg": "broken"}},
        ("networking.k8s.io/v1/NetworkPolicy", "memo-database"): {"spec": {"ingress": []}},
        ("v1/Secret", "memo-connection"): {"data": {"host": "eA=="}},
    }
    before = {key: kube.get(*key, app.namespace) for key in edits}
    for (kind, name), patch in edits.items():
        kube.patch(kind, name, app.namespace, body=patch)
    for key, child in before.items():
        part = "data" if "data" in child else "spec"
        kube.wait(*key, app.namespace, until=_has(part, child[part]), timeout=WITHIN)
    app.ready()


def test_a_new_version_shows_once_it_serves(memoapp: MakeApp, images: dict[str, str]) -> None:
    app = memoapp()
    app.ready()
    # A change that cannot come up first: the version that serves stays the one that is shown.
    app.change(version="1.1.0", backend={"image": "localhost/memoapp/none:1"})
    found = app.wait(lambda found: condition(found, "Stalled") == "True")
    assert found["status"]["active"]["version"] == "1.0.0"
    assert condition(found, "Available") == "True"
    assert app.http("GET", "/api/version").json()["version"] == "1.0.0"

    environment = [{"name": "MEMO_COLOUR", "value": "blue"}]
    app.change(backend={"image": images["backend-next"], "env": environment})
    found = app.ready()
    assert found["status"]["active"]["version"] == "1.1.0"
    _tells(app, {"version": "1.1.0", "colour": "blue"})


def test_a_rotated_secret_is_a_release(kube: Kube, namespace: str, memoapp: MakeApp, small: Object) -> None:
    small["backend"]["env"] = [{"name": "MEMO_COLOUR", "valueFrom": {"secretKeyRef": {"name": "word", "key": "it"}}}]
    secret(kube, namespace, "word", it="first")
    app = memoapp("memo", small)
    before = app.ready()["status"]["active"]["revision"]
    assert app.http("GET", "/api/version").json()["colour"] == "first"
    kube.patch("v1/Secret", "word", namespace, body={"stringData": {"it": "second"}})
    app.wait(lambda found: found is not None and found["status"]["active"]["revision"] != before)
    app.ready()
    _tells(app, {"version": "1.0.0", "colour": "second"})


def test_two_changes_within_a_second(memoapp: MakeApp, images: dict[str, str]) -> None:
    app = memoapp()
    app.ready()
    app.change(version="1.0.5", backend={"env": [{"name": "MEMO_COLOUR", "value": "amber"}]})
    app.change(version="1.1.0", backend={"image": images["backend-next"], "env": None})
    found = app.ready()
    assert found["status"]["active"]["version"] == "1.1.0"
    _tells(app, {"version": "1.1.0", "colour": None})


def test_deleted_in_mid_creation_it_leaves_nothing_but_what_is_kept(memoapp: MakeApp) -> None:
    app = memoapp()
    app.eventually(app.children, lambda found: len(found) > 5)
    app.delete()
    app.eventually(app.children, lambda found: _ids(found) <= KEPT)
    app.eventually(lambda: app.kube.list("v1/Pod", app.namespace), lambda found: not found)


def test_kept_data_is_taken_back(memoapp: MakeApp, small: Object) -> None:
    app = memoapp("memo", deepcopy(small))
    app.ready()
    app.write_memo("keep me")
    passwords = _password(app)
    volume = app.kube.get(CLAIM, "memo-database", app.namespace)["spec"]["volumeName"]
    app.delete()
    app.eventually(app.children, lambda found: _ids(found) == KEPT)

    app.create(small)
    app.ready()
    assert app.memos() == ["keep me"]
    assert _password(app) == passwords
    assert app.kube.get(CLAIM, "memo-database", app.namespace)["spec"]["volumeName"] == volume


def _tells(app: App, wanted: Object) -> None:
    """The new pods answer. The nodes may take a moment longer than the API server to forget the old ones."""
    app.eventually(lambda: app.http("GET", "/api/version").json(), lambda told: told == wanted, within=10)


def _has(part: str, wanted: object) -> Predicate:
    return lambda found: found is not None and found[part] == wanted


def _password(app: App) -> bytes:
    return base64.b64decode(app.kube.get("v1/Secret", "memo-database", app.namespace)["data"]["password"])


def _id(child: Object) -> tuple[str, str]:
    return child["kind"], child["metadata"]["name"]


def _ids(children: Iterable[Object]) -> set[tuple[str, str]]:
    return {_id(child) for child in children}


def _uids(children: Iterable[Object]) -> set[str]:
    return {child["metadata"]["uid"] for child in children}
