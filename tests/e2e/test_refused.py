"""Versions that may not serve: the one that serves goes on, and people read why.

All tests use one app one after another; each begins with the good version, and each bad one is another revision.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator

import pytest

from tests.cluster_guard import kubeconfig
from tests.e2e.app import App, status_field
from tests.e2e.history import History
from tests.e2e.namespaces import new_namespace
from tests.kube import Kube, Object
from tools.testbed import sample

NOWHERE = "localhost/memoapp/none:1"
DEPLOYMENT = "apps/v1/Deployment"


@pytest.fixture(scope="module")
def shared(kube: Kube, images: dict[str, str]) -> Iterator[App]:
    with new_namespace(kube) as namespace:
        app = App(kube, namespace, "memo")
        app.create(sample.small(images))
        app.ready()
        yield app


@pytest.fixture
def app(shared: App, images: dict[str, str]) -> App:
    shared.change(**sample.version(images, "1.0.0"), release={"deadline": "30m"})
    shared.ready()
    return shared


@pytest.fixture
def history(app: App) -> Iterator[History]:
    with History(app) as found:
        yield found


def test_an_image_that_cannot_be_pulled(app: App, history: History) -> None:
    colour = app.read()["status"]["active"]["colour"]
    app.change(version="2.0.0", backend={"image": NOWHERE})
    history.phase("Rejected")
    shown = app.shows("Stalled", "True", "ImagePullBackOff")
    assert NOWHERE in shown["message"]
    assert history.phases[1:] == ["Pending", "Migrating", "Rejected"], "it migrates with the same image"
    assert _serves_as_before(app, history, colour)
    other = "green" if colour == "blue" else "blue"
    app.eventually(lambda: app.kube.find(DEPLOYMENT, f"memo-{other}-backend", app.namespace), lambda it: it is None)
    described = _describe(app)
    assert "ReleaseRejected" in described
    assert f"the image {NOWHERE} cannot be pulled" in described


def test_a_version_that_is_never_healthy(app: App, history: History, images: dict[str, str]) -> None:
    colour = app.read()["status"]["active"]["colour"]
    bad = {"image": images["backend-never-healthy"]}
    app.change(version="2.0.1", backend=bad, release={"deadline": "25s"})
    shown = app.shows("Stalled", "True", "HealthNotReached")
    assert shown["message"].endswith("/api/health answered 503 for 25s")
    assert history.phases[-1] == "Rejected"
    assert _serves_as_before(app, history, colour)
    _are_told(app, "answered 503 for 25s")


def test_a_version_that_crashes_again_and_again(app: App, history: History, images: dict[str, str]) -> None:
    colour = app.read()["status"]["active"]["colour"]
    app.change(**sample.version(images, "2.0.2", FAULT="crash-after-2s"))
    app.shows("Stalled", "True", "CrashLoopBackOff")
    assert _serves_as_before(app, history, colour)
    _are_told(app, "ends with exit code 1 again and again")


def test_a_bad_version_after_a_bad_version(app: App, history: History) -> None:
    colour = app.read()["status"]["active"]["colour"]
    for number in ("2.1.0", "2.1.1"):
        app.change(version=number, backend={"image": NOWHERE})
        app.wait(lambda found, number=number: _is_rejected(found, number))
    started = history.phases.count("Migrating")
    assert started == 2
    # The first one once more: it was refused, and is not tried again.
    app.change(version="2.1.0")
    app.shows("Stalled", "True", "ImagePullBackOff")
    assert history.phases.count("Migrating") == started
    assert _serves_as_before(app, history, colour)


def test_there_and_back_again(app: App, history: History, images: dict[str, str]) -> None:
    app.change(**sample.version(images, "1.1.0"))
    app.ready()
    app.change(**sample.version(images, "1.0.0"))
    found = app.ready()
    assert found["status"]["active"]["version"] == "1.0.0"
    assert app.http("GET", "/api/version").json()["version"] == "1.0.0"
    assert history.phases[1:].count("Completed") == 2
    assert history.always_available


def test_back_in_mid_release(app: App, history: History, images: dict[str, str]) -> None:
    colour = app.read()["status"]["active"]["colour"]
    app.change(**sample.version(images, "1.1.1", FAULT="never-healthy"))
    history.phase("Preparing")
    app.change(**sample.version(images, "1.0.0"))
    app.ready()
    assert history.phases[-1] == "Withdrawn"
    assert _serves_as_before(app, history, colour)


def test_on_to_another_version_in_mid_release(app: App, history: History, images: dict[str, str]) -> None:
    app.change(**sample.version(images, "1.1.2", FAULT="never-healthy"))
    history.phase("Preparing")
    app.change(**sample.version(images, "1.1.0", MEMO_COLOUR="c"))
    app.ready()
    assert app.http("GET", "/api/version").json() == {"version": "1.1.0", "colour": "c"}
    forward = ["Pending", "Migrating", "Preparing", "Shifting", "Completed"]
    assert history.phases[1:] == ["Pending", "Migrating", "Preparing", "Withdrawn", *forward]
    assert len(history.traffic) == 2
    assert history.always_available


def test_a_pod_that_only_wears_the_labels(app: App, history: History, kube: Kube, images: dict[str, str]) -> None:
    """It stands behind the Service of the colour that comes; no client may be sent to it."""
    colour = app.read()["status"]["active"]["colour"]
    other = "green" if colour == "blue" else "blue"
    kube.create(_stranger(app, other, images["backend"]))
    kube.wait("v1/Pod", "stranger", app.namespace, until=_is_ready)
    app.change(**sample.version(images, "1.1.0", MEMO_COLOUR="d"))
    history.phase("Preparing")
    app.eventually(lambda: kube.find(DEPLOYMENT, f"memo-{other}-backend", app.namespace), _has_ready_pods)
    # Several passes later still.
    time.sleep(8)
    assert history.phases[-1] == "Preparing"
    assert _serves_as_before(app, history, colour)
    kube.delete("v1/Pod", "stranger", app.namespace)
    app.ready()
    assert history.traffic == [f"{colour} 100", f"{other} 100"]


def test_a_quota_that_leaves_no_room_for_a_second_colour(
    app: App, history: History, kube: Kube, images: dict[str, str]
) -> None:
    colour = app.read()["status"]["active"]["colour"]
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "room", "namespace": app.namespace}}
    # Database, router and the colour that serves; a warm one gives up its place to the new one.
    kube.create({**quota, "spec": {"hard": {"pods": "3"}}})
    app.change(**sample.version(images, "1.1.0", MEMO_COLOUR="e"))
    shown = app.shows("Stalled", "True", "QuotaExceeded")
    assert "exceeded quota: room" in shown["message"]
    assert _serves_as_before(app, history, colour)
    kube.delete("v1/ResourceQuota", "room", app.namespace)
    app.order("retry")
    found = app.ready()
    assert found["status"]["active"]["version"] == "1.1.0"
    assert history.always_available


def _serves_as_before(app: App, history: History, colour: str) -> bool:
    assert history.always_available, history.story
    assert history.traffic == [f"{colour} 100"], history.story
    return bool(app.http("GET", "/api/version").json()["version"] == "1.0.0")


def _is_rejected(found: Object | None, version: str) -> bool:
    release = status_field(found, "release") or {}
    return (release.get("version"), release.get("phase")) == (version, "Rejected")


def _are_told(app: App, text: str) -> None:
    """An Event of a rejection says so; it is written a moment after the status."""
    app.eventually(lambda: _rejections(app), lambda told: text in told, within=15)


def _rejections(app: App) -> str:
    """What the Events of rejections say."""
    found = app.kube.list("v1/Event", app.namespace, fields="reason=ReleaseRejected")
    rolled_back = app.kube.list("v1/Event", app.namespace, fields="reason=ReleaseRolledBack")
    return "\n".join(item["message"] for item in (*found, *rolled_back))


def _describe(app: App) -> str:
    command = ("kubectl", "describe", "memoapp", app.name, "-n", app.namespace)
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig())}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def _stranger(app: App, colour: str, image: str) -> Object:
    """A pod that answers, with the labels that the Service of a colour selects."""
    selector = app.kube.get("v1/Service", f"memo-{colour}-backend", app.namespace)["spec"]["selector"]
    url = {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "memo-connection", "key": "uri"}}}
    container = {
        "name": "backend",
        "image": image,
        "env": [url],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "readinessProbe": {"httpGet": {"path": "/api/health", "port": 3001}, "periodSeconds": 1},
    }
    security = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "stranger", "namespace": app.namespace, "labels": selector},
        "spec": {"securityContext": security, "terminationGracePeriodSeconds": 1, "containers": [container]},
    }


def _is_ready(pod: Object | None) -> bool:
    conditions = ((pod or {}).get("status") or {}).get("conditions") or []
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _has_ready_pods(found: Object | None) -> bool:
    return bool(((found or {}).get("status") or {}).get("readyReplicas"))
