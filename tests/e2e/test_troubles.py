"""What goes wrong is refused or named, does no half of anything, and goes on once it is mended."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.e2e.app import manifest
from tests.e2e.conftest import MakeApp
from tests.e2e.elsewhere import secret
from tests.kube import ApiError, Kube, Object, condition


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("backend", "imgae"), "x", "unknown field"),
        (("backend", "replicas"), "two", "must be of type integer"),
        (("backend", "replicas"), -1, "should be greater than or equal to 1"),
        (("backend", "replicas"), 100_000, "should be less than or equal to 100"),
        (("database", "external"), {"secretRef": {"name": "x"}}, "exactly one of managed and external"),
    ],
)
def test_the_api_server_refuses(
    kube: Kube, namespace: str, small: Object, place: tuple[str, str], value: Any, told: str
) -> None:
    spec = deepcopy(small)
    spec[place[0]][place[1]] = value
    with pytest.raises(ApiError, match=told):
        kube.create(manifest("memo", namespace, spec), dry_run=True)


def test_an_image_that_cannot_be_pulled(memoapp: MakeApp, small: Object) -> None:
    image = small["backend"]["image"]
    small["backend"]["image"] = "localhost/memoapp/none:1"
    app = memoapp("memo", small)
    shown = app.shows("Ready", "False", "ImagePullBackOff")
    assert "localhost/memoapp/none:1" in shown["message"]
    assert condition(app.read(), "Stalled") == "True"
    app.change(backend={"image": image})
    app.ready()


def test_an_image_that_runs_as_root(kube: Kube, memoapp: MakeApp, small: Object) -> None:
    image = _an_image_with_root(kube)
    small["backend"]["image"] = image
    shown = memoapp("memo", small).shows("Ready", "False", "ImageRunsAsRoot")
    assert image in shown["message"]
    assert "securityContext.runAsUser" in shown["message"]


def test_a_health_path_that_is_not_there(memoapp: MakeApp, small: Object) -> None:
    small["backend"]["healthPath"] = "/nowhere"
    app = memoapp("memo", small)
    shown = app.shows("Ready", "False", "HealthNotReached")
    assert "/nowhere answered 404" in shown["message"]
    assert condition(app.read(), "Available") == "False"


def test_a_secret_that_is_missing(kube: Kube, namespace: str, memoapp: MakeApp, small: Object) -> None:
    small["backend"]["env"] = [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "mail", "key": "token"}}}]
    app = memoapp("memo", small)
    assert "Secret/mail" in app.shows("Ready", "False", "SecretMissing")["message"]
    secret(kube, namespace, "mail", other="x")
    app.wait(lambda _: "key token of Secret/mail" in app.shows("Ready", "False", "SecretMissing")["message"])
    assert not app.pods("backend")
    secret(kube, namespace, "mail", token="x")
    app.ready()


def test_a_quota_that_leaves_no_room(kube: Kube, namespace: str, memoapp: MakeApp) -> None:
    _quota(kube, namespace, pods="2")
    app = memoapp()
    app.shows("DatabaseReady", "True", "Answering")
    shown = app.shows("Ready", "False", "QuotaExceeded")
    assert "migration: exceeded quota" in shown["message"]
    _quota(kube, namespace, pods="10")
    app.ready()


def test_a_quota_that_leaves_the_database_no_room(kube: Kube, namespace: str, memoapp: MakeApp) -> None:
    _quota(kube, namespace, pods="0")
    app = memoapp()
    shown = app.shows("DatabaseReady", "False", "QuotaExceeded", within=45)
    assert "database: exceeded quota" in shown["message"]
    _quota(kube, namespace, pods="10")
    app.shows("DatabaseReady", "True", "Answering")


@pytest.mark.parametrize("name", ["m", "m" + "a-long-name-" * 5 + "xx"])
def test_names_of_any_length(name: str, memoapp: MakeApp) -> None:
    assert len(name) in {1, 63}
    app = memoapp(name)
    app.ready()
    app.write_memo("named")
    assert app.memos() == ["named"]


def test_what_belongs_to_others_is_left_alone(kube: Kube, namespace: str, memoapp: MakeApp, small: Object) -> None:
    labels = {"whose": "mine"}
    where = {"namespace": namespace, "labels": labels}
    service = {"selector": labels, "ports": [{"port": 80}]}
    pod = {"containers": [{"name": "x", "image": small["backend"]["image"]}]}
    deployment = {
        "replicas": 0,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    theirs = [
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "memo", **where}, "spec": service},
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "memo-router", **where},
            "spec": deployment,
        },
    ]
    before = [kube.create(item) for item in theirs]

    app = memoapp()
    assert "Service/memo" in app.shows("Ready", "False", "ForeignObject")["message"]
    assert not app.children()
    assert _specs(kube, before) == [item["spec"] for item in before]

    kube.delete("v1/Service", "memo", namespace)
    app.wait(lambda found: "Deployment/memo-router" in _message(found))
    assert _specs(kube, before[1:]) == [before[1]["spec"]]

    kube.delete("apps/v1/Deployment", "memo-router", namespace)
    app.ready()


def _message(found: Object | None) -> str:
    conditions = ((found or {}).get("status") or {}).get("conditions", [])
    return next((entry["message"] for entry in conditions if entry["type"] == "Ready"), "")


def _specs(kube: Kube, items: list[Object]) -> list[Object]:
    """Their present specs."""
    places = [(f"{item['apiVersion']}/{item['kind']}", item["metadata"]) for item in items]
    return [kube.get(kind, metadata["name"], metadata["namespace"])["spec"] for kind, metadata in places]


def _quota(kube: Kube, namespace: str, pods: str) -> None:
    metadata = {"name": "room", "namespace": namespace}
    kube.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": pods}}})


def _an_image_with_root(kube: Kube) -> str:
    """An image whose user is root and that every node of a kind cluster holds."""
    for node in kube.list("v1/Node"):
        for image in node["status"]["images"]:
            for name in image.get("names") or []:
                if name.startswith("registry.k8s.io/etcd:"):
                    return str(name)
    pytest.fail("no node holds etcd's image")
