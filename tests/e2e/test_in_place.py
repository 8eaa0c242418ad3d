"""Changes that are no release: suspend, the way in from outside, and what the database rests on.

All tests use one app one after another.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.app import App, condition_of
from tests.e2e.namespaces import new_namespace
from tests.kube import Kube, Object
from tools.testbed import sample

SET = "apps/v1/StatefulSet"
INGRESS = "networking.k8s.io/v1/Ingress"


@pytest.fixture(scope="module")
def app(kube: Kube, images: dict[str, str]) -> Iterator[App]:
    with new_namespace(kube) as namespace:
        found = App(kube, namespace, "memo")
        found.create(sample.small(images))
        found.ready()
        found.write_memo("kept")
        yield found


def test_suspended_and_back(app: App, images: dict[str, str]) -> None:
    app.change(**sample.version(images, "1.1.0"))
    before = app.ready()["status"]
    app.change(suspend=True)
    app.shows("Ready", "False", "Suspended")
    assert app.shows("Available", "False", "Suspended")
    app.eventually(lambda: [*filter(_runs, app.kube.list("v1/Pod", app.namespace))], lambda found: not found)
    app.change(suspend=False)
    after = app.ready()["status"]
    assert after["active"]["revision"] == before["active"]["revision"]
    assert after["traffic"] == before["traffic"]
    assert app.memos() == ["kept"]


def test_an_ingress_comes_and_goes(app: App) -> None:
    before = app.read()["status"]["active"]
    app.change(traffic={"ingress": {"host": "memo.example", "className": "any", "tlsSecretName": "memo-tls"}})
    found = app.eventually(lambda: app.kube.find(INGRESS, "memo", app.namespace), lambda it: it is not None)
    assert found is not None
    assert found["spec"] == {
        "ingressClassName": "any",
        "tls": [{"hosts": ["memo.example"], "secretName": "memo-tls"}],
        "rules": [
            {
                "host": "memo.example",
                "http": {
                    "paths": [
                        {
                            "path": "/",
                            "pathType": "Prefix",
                            "backend": {"service": {"name": "memo", "port": {"number": 80}}},
                        }
                    ]
                },
            }
        ],
    }
    app.ready()
    app.change(traffic={"ingress": None})
    app.eventually(lambda: app.kube.find(INGRESS, "memo", app.namespace), lambda it: it is None)
    assert app.ready()["status"]["active"] == before


def test_a_parameter_waits_for_an_order(app: App) -> None:
    pod = _database_pod(app)
    app.change(database={"managed": {"parameters": {"work_mem": "8MB"}}})
    shown = app.shows("Ready", "False", "RestartPending")
    assert "StatefulSet/memo-database" in shown["message"]
    assert "memoapp.dev/restart" in shown["message"]
    found = app.read()
    assert condition_of(found, "Available")["status"] == "True"
    assert _database_pod(app)["metadata"]["uid"] == pod["metadata"]["uid"]
    app.order("restart")
    app.ready()
    after = _database_pod(app)
    assert after["metadata"]["uid"] != pod["metadata"]["uid"]
    assert "work_mem=8MB" in str(after["spec"]["containers"])
    assert app.memos() == ["kept"]


def test_another_major_version_is_refused(app: App, images: dict[str, str]) -> None:
    image, pod = images["postgres"], _database_pod(app)
    assert image.endswith(":17")
    app.change(database={"managed": {"image": f"{image.removesuffix(':17')}:18"}})
    shown = app.shows("Ready", "False", "MajorVersionRefused")
    assert "PostgreSQL 17 cannot become 18" in shown["message"]
    # No order lets it pass.
    app.order("restart")
    app.shows("Ready", "False", "MajorVersionRefused")
    assert _database_pod(app)["metadata"]["uid"] == pod["metadata"]["uid"]
    app.change(database={"managed": {"image": image}})
    app.ready()
    assert _database_pod(app)["metadata"]["uid"] == pod["metadata"]["uid"]


def test_a_volume_that_cannot_grow(app: App) -> None:
    """The last one: a size that was declared is not taken back."""
    claim = app.kube.get("v1/PersistentVolumeClaim", "memo-database", app.namespace)
    name = claim["spec"]["storageClassName"]
    if app.kube.get("storage.k8s.io/v1/StorageClass", name).get("allowVolumeExpansion"):
        pytest.skip(f"the StorageClass {name} lets volumes grow")
    app.change(database={"managed": {"storage": {"size": "2Gi"}}})
    shown = app.shows("Ready", "False", "StorageClassCannotExpand")
    assert "PersistentVolumeClaim/memo-database" in shown["message"]
    assert condition_of(app.read(), "Available")["status"] == "True"
    assert app.memos() == ["kept"]


def _database_pod(app: App) -> Object:
    return app.kube.get("v1/Pod", "memo-database-0", app.namespace)


def _runs(pod: Object) -> bool:
    """Not the pod of a migration that has ended: it stays with its log."""
    return (pod.get("status") or {}).get("phase") not in {"Succeeded", "Failed"}
