"""Releases of one app under load: forward, back by order, back by itself. Nobody notices but by what is served."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.app import App, condition_of
from tests.e2e.elsewhere import secret
from tests.e2e.history import History
from tests.e2e.loaded import OLD_ANSWERS, told, under_load, unharmed
from tests.e2e.namespaces import new_namespace
from tests.kube import Kube
from tests.load.result import Result
from tools.testbed import sample

AGAIN = ["Pending", "Preparing", "Shifting", "Completed"]
"""The way of a revision that was migrated for before."""
FORWARD = ["Pending", "Migrating", *AGAIN[1:]]
BACK = ["RollingBack", "RolledBack"]

pytestmark = pytest.mark.loaded


@pytest.fixture(scope="module")
def shared(kube: Kube, images: dict[str, str]) -> Iterator[App]:
    with new_namespace(kube) as namespace:
        app = App(kube, namespace, "memo")
        app.create(sample.tiered(images))
        app.ready()
        yield app


@pytest.fixture
def app(shared: App, images: dict[str, str]) -> App:
    """The shared app: 1.0.0 serves, and any other colour stays warm for long."""
    shared.change(**sample.tiered_version(images, "1.0.0"), release={"keepOld": "30m"})
    shared.ready()
    return shared


def test_a_new_version_takes_over(app: App, images: dict[str, str], cluster: str, tmp_path: Path) -> None:
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        before = app.read()["status"]["active"]["colour"]
        app.change(**sample.tiered_version(images, "1.1.0"), release={"keepOld": "15s"})
        completed = history.phase("Completed", history.phase("Shifting"))
        assert {pod["metadata"]["labels"]["memoapp.dev/colour"] for pod in app.pods("frontend")} == {"blue", "green"}
        retired = history.phase("Retired", completed)
        result = load.stop()
    unharmed(result)
    assert history.always_available
    assert history.phases[1:] == [*FORWARD, "Retired"]
    after = "green" if before == "blue" else "blue"
    assert history.traffic == [f"{before} 100", f"{after} 100"]
    moved = history.when(lambda moment: moment.traffic == f"{after} 100")
    assert result.last_answer("1.0.0", moved) <= OLD_ANSWERS
    warm = [moment for moment in history.moments if completed <= moment.at < retired]
    assert all(moment.colours == {"blue", "green"} for moment in warm)
    assert 14 <= retired - completed < 25
    app.eventually(lambda: app.kube.find("apps/v1/Deployment", f"memo-{before}-backend", app.namespace), _gone)
    assert app.http("GET", "/api/version").json()["version"] == "1.1.0"


def test_a_person_rolls_back_and_tries_again(app: App, images: dict[str, str], cluster: str, tmp_path: Path) -> None:
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        app.change(**sample.tiered_version(images, "1.1.0"))
        app.ready()
        app.order("rollback")
        shown = app.shows("Stalled", "True", "RolledBackByHand")
        found = app.read()
        assert condition_of(found, "Ready")["status"] == "False"
        assert condition_of(found, "Ready")["reason"] == "RolledBackByHand"
        assert found["status"]["active"]["version"] == "1.0.0"
        assert shown["message"] == "rolled back by order"
        app.order("retry")
        found = app.ready()
        result = load.stop()
    unharmed(result)
    assert history.always_available
    assert found["status"]["active"]["version"] == "1.1.0"
    # Whether its first time migrates is a matter of what was released before.
    assert [phase for phase in history.phases[1:] if phase != "Migrating"] == [*AGAIN, *BACK, *AGAIN]
    _, moved, returned, again = _moves(history)
    assert result.within(0, returned).last_answer("1.0.0", moved) <= OLD_ANSWERS
    assert result.within(0, again).last_answer("1.1.0", returned) <= OLD_ANSWERS
    assert result.last_answer("1.0.0", again) <= OLD_ANSWERS


def test_a_version_that_crashes_late_is_rolled_back_by_itself(
    app: App, images: dict[str, str], cluster: str, tmp_path: Path
) -> None:
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        app.change(**sample.tiered_version(images, "1.1.0", FAULT="crash-after-12s"))
        completed = history.phase("Completed", history.phase("Shifting"))
        returned = history.phase("RollingBack", completed)
        history.phase("RolledBack", returned)
        found = app.read()
        result = load.stop()
    assert history.phases[1:] == [*FORWARD, *BACK]
    assert found["status"]["active"]["version"] == "1.0.0"
    assert found["status"]["rejected"][-1]["reason"] in {"GateFailed", "CrashLoopBackOff", "NoReadyPods"}
    _only_the_crash(result, completed, returned + OLD_ANSWERS)


def test_a_changed_secret_is_a_release_that_goes_on_without_it(
    app: App, images: dict[str, str], cluster: str, tmp_path: Path
) -> None:
    secret(app.kube, app.namespace, "word", it="first")
    variable = {"name": "MEMO_COLOUR", "valueFrom": {"secretKeyRef": {"name": "word", "key": "it"}}}
    app.change(backend={"env": [variable]})
    app.ready()
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        app.kube.patch("v1/Secret", "word", app.namespace, body={"stringData": {"it": "second"}})
        history.phase("Preparing")
        app.kube.delete("v1/Secret", "word", app.namespace)
        shown = app.shows("Ready", "False", "SecretMissing")
        completed = history.phase("Completed", history.phase("Shifting"))
        app.eventually(lambda: app.http("GET", "/api/version").json()["colour"], lambda told: told == "second")
        time.sleep(2 * OLD_ANSWERS)
        result = load.stop()
    unharmed(result)
    assert history.always_available
    assert history.phases[1:] == FORWARD
    assert "Secret/word" in shown["message"]
    late = [request for request in result.requests if request.planned > completed + OLD_ANSWERS and request.colour]
    assert {request.colour for request in late if request.connection == "new"} == {"second"}
    secret(app.kube, app.namespace, "word", it="second")
    app.ready()
    assert history.phases[1:] == FORWARD


def _moves(history: History) -> list[float]:
    """When the column TRAFFIC said something new; the first is the beginning."""
    found: list[float] = []
    last = ""
    for moment in history.moments:
        if moment.traffic != last:
            found.append(moment.at)
        last = moment.traffic
    return found


def _only_the_crash(result: Result, begin: float, end: float) -> None:
    """What failed went to the backend while it was down: no page, nothing before or after, no write lost or doubled."""
    assert not result.reasons, told(result)
    assert result.failures, "the crash was not seen"
    assert result.counts["lost"] == result.counts["doubled"] == 0, told(result)
    others = [
        request for request in result.failures if request.kind != "api" or not begin <= request.finished <= end + 2
    ]
    assert not others, told(result, others)
    late = result.within(end, float("inf"))
    assert not late.failures, told(late)
    assert not result.mixed, told(result)


def _gone(found: object) -> bool:
    return found is None
