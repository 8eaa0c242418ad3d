"""Autoscaling and releases: the colour that comes has as many pods as the one that serves really has."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.app import App
from tests.e2e.conftest import MakeApp
from tests.e2e.history import History
from tests.e2e.loaded import under_load, unharmed
from tests.kube import Kube, Object
from tools.testbed import sample

AUTOSCALER = "autoscaling/v2/HorizontalPodAutoscaler"
DEPLOYMENT = "apps/v1/Deployment"
MANY = 3


@pytest.fixture
def metrics(kube: Kube) -> None:
    groups = {group["name"] for group in kube.request("GET", "/apis")["groups"]}
    if "metrics.k8s.io" not in groups:
        pytest.skip("nobody measures pods here (metrics.k8s.io)")


@pytest.mark.long
@pytest.mark.loaded
def test_a_release_keeps_what_the_autoscaler_made(
    metrics: None, memoapp: MakeApp, images: dict[str, str], cluster: str, tmp_path: Path
) -> None:
    spec = sample.tiered(images)
    # Any load at all is much of 5m: the autoscaler goes to the most.
    spec["backend"]["autoscaling"] = {"minReplicas": 1, "maxReplicas": MANY, "cpuPercent": 50}
    app = memoapp("memo", spec)
    app.ready()
    with History(app) as history, under_load(app, cluster, tmp_path, rate=50) as load:
        app.eventually(lambda: _pods(app, "blue"), lambda found: found == MANY, within=180)
        app.ready()
        app.change(**sample.tiered_version(images, "1.1.0"))
        moved = history.phase("Shifting")
        assert _pods(app, "green") >= MANY
        found = app.ready()
        result = load.stop()
    assert found["status"]["active"]["colour"] == "green"
    shifting = next(moment for moment in history.moments if moment.at >= moved)
    assert shifting.status["release"]["replicas"] == {"backend": MANY, "frontend": 1}
    unharmed(result)
    # The warm colour keeps its pods, and nobody scales them.
    assert _autoscalers(app) == {"memo-green-backend"}
    assert _pods(app, "blue") == MANY


def test_the_autoscaler_goes_with_the_colour_that_serves(
    memoapp: MakeApp, small: Object, images: dict[str, str]
) -> None:
    """Without anybody who measures, an autoscaler still brings up its least number."""
    small["backend"]["autoscaling"] = {"minReplicas": 1, "maxReplicas": MANY}
    app = memoapp("memo", small)
    app.ready()
    app.eventually(lambda: _autoscalers(app), lambda found: found == {"memo-blue-backend"})
    app.change(backend={"autoscaling": {"minReplicas": 2}})
    app.eventually(lambda: _pods(app, "blue"), lambda found: found == 2)
    app.ready()
    app.change(**sample.version(images, "1.1.0"), release={"keepOld": "10s"})
    app.ready()
    app.eventually(lambda: _autoscalers(app), lambda found: found == {"memo-green-backend"})
    assert _pods(app, "green") == 2
    app.eventually(lambda: app.kube.find(DEPLOYMENT, "memo-blue-backend", app.namespace), lambda found: found is None)


def _pods(app: App, colour: str) -> int:
    found = app.kube.find(DEPLOYMENT, f"memo-{colour}-backend", app.namespace)
    return int(found["spec"]["replicas"]) if found is not None else 0


def _autoscalers(app: App) -> set[str]:
    return {item["metadata"]["name"] for item in app.kube.list(AUTOSCALER, app.namespace)}
