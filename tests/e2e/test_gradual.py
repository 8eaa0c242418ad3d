"""Gradual releases of one app under load: by steps, watched by gates, and back by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.app import App, condition_of
from tests.e2e.history import History, Moment
from tests.e2e.loaded import told, under_load, unharmed
from tests.e2e.namespaces import new_namespace
from tests.kube import Kube
from tests.load.result import Result
from tools.testbed import sample

INTERVAL = 3.0
BUSY = 4 * INTERVAL
"""Seconds that a machine with other work may be late: what it takes is measured by `make bench-releases`."""
STEPS = [{"weight": 10, "hold": "8s"}, {"weight": 50, "hold": "8s"}]
RELEASE: dict[str, Any] = {"steps": STEPS, "soak": "8s", "keepOld": "30m", "approval": "Automatic"}
GATES = {"interval": "3s"}

pytestmark = pytest.mark.loaded


@pytest.fixture(scope="module")
def shared(kube: Kube, images: dict[str, str]) -> Iterator[App]:
    with new_namespace(kube) as namespace:
        app = App(kube, namespace, "memo")
        app.create({**sample.tiered(images), "release": {**sample.MIGRATES, **RELEASE}, "gates": GATES})
        app.ready()
        yield app


@pytest.fixture
def app(shared: App, images: dict[str, str]) -> App:
    """The shared app: 1.0.0 serves, at once where it did not, and nothing is under way."""
    quickly = {"steps": None, "soak": "0s", "onFailure": "Rollback", "approval": "Automatic"}
    well = sample.tiered_version(images, "1.0.0")
    well["frontend"]["env"] = None
    shared.change(**well, release={**RELEASE, **quickly})
    shared.ready()
    shared.change(release=RELEASE)
    return shared


def green_weights(history: History, colour: str) -> list[int]:
    """The new colour's shares of the clients, each once as long as it lasted."""
    found: list[int] = []
    for moment in history.moments:
        weight = (moment.status.get("traffic") or {}).get(colour, 0)
        found += [] if found and found[-1] == weight else [weight]
    return found


def shows(text: str) -> Any:
    return lambda moment: (moment.status.get("display") or {}).get("release") == text


def other(app: App) -> str:
    """The colour that the next release comes up in."""
    return "green" if app.read()["status"]["active"]["colour"] == "blue" else "blue"


def share(result: Result, version: str, begin: float, end: float) -> float:
    """Percent of the requests on new connections, each a client of its own, that a version answered."""
    answered = [
        request
        for request in result.requests
        if request.connection == "new" and begin <= request.planned < end and request.version
    ]
    return 100 * sum(request.version == version for request in answered) / max(1, len(answered))


def test_clients_move_by_steps_and_none_is_failed(
    app: App, images: dict[str, str], cluster: str, tmp_path: Path
) -> None:
    colour = other(app)
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        app.change(**sample.tiered_version(images, "1.1.0"))
        ten = history.when(shows("Shifting 10%"), within=120)
        fifty = history.when(shows("Shifting 50%"), ten)
        soaking = history.when(shows("Soaking"), fifty)
        completed = history.phase("Completed", soaking)
        result = load.stop()
    unharmed(result)
    assert history.always_available
    assert green_weights(history, colour) == [0, 10, 50, 100]
    assert 4 <= share(result, "1.1.0", ten + 1.5, fifty) <= 18
    assert 38 <= share(result, "1.1.0", fifty + 1.5, soaking - 1) <= 62
    # Holds of 8 s each, a soak of 8 s, and what it takes to set weights and to measure.
    assert completed - ten <= 3 * 8 + 3 * INTERVAL + BUSY
    gates = {gate["name"]: gate for gate in app.read()["status"]["release"]["gates"]}
    assert {gate["verdict"] for gate in gates.values()} <= {"Pass", "Skipped"}
    assert gates["serverErrorPercent"]["requests"] > 100
    entry = app.read()["status"]["history"][0]
    assert (entry["version"], entry["result"]) == ("1.1.0", "Completed")


@pytest.mark.parametrize("tier", ["backend", "frontend"])
def test_errors_send_the_clients_back_within_two_intervals(
    app: App, images: dict[str, str], cluster: str, tmp_path: Path, tier: str
) -> None:
    colour = other(app)
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        change = sample.tiered_version(images, "1.1.0")
        change[tier] = {
            **change[tier],
            "env": [*(change[tier].get("env") or []), {"name": "FAULT", "value": "errors-40%"}],
        }
        app.change(**change)
        held = history.when(lambda moment: _held_at(moment, 10), within=120)
        back = history.phase("RollingBack", held)
        history.phase("RolledBack", back)
        result = load.stop()
    assert back - held <= 2 * INTERVAL + BUSY
    assert green_weights(history, colour) == [0, 10, 0]
    assert history.always_available
    found = app.read()
    message = condition_of(found, "Ready")["message"]
    assert condition_of(found, "Ready")["reason"] == "GateFailed"
    assert message.startswith("abortServerErrorPercent ")
    assert f"> 5 on {colour} (" in message
    assert _failures(app, "serverErrorPercent") <= 2, "over an abort limit nobody waits for another measurement"
    assert found["status"]["history"][0]["result"] == "RolledBack"
    _only_the_fault(result, held, back)


def test_slow_answers_of_the_api_send_them_back(app: App, images: dict[str, str], cluster: str, tmp_path: Path) -> None:
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        app.change(**sample.tiered_version(images, "1.1.0", FAULT="slow-1300ms"), gates={"failureLimit": 1})
        held = history.when(lambda moment: _held_at(moment, 10), within=120)
        back = history.phase("RollingBack", held)
        history.phase("RolledBack", back)
        result = load.stop()
    app.change(gates={"failureLimit": 3})
    # One failure more than the limit, and the rollback.
    assert back - held <= 3 * INTERVAL + BUSY
    assert _failures(app, "responseTime.backend") == 2
    assert app.read()["status"]["release"]["message"].startswith("responseTime.backend ")
    assert result.counts["lost"] == result.counts["doubled"] == 0, told(result)
    assert not result.mixed, told(result)


def test_a_person_approves_and_gives_up(app: App, images: dict[str, str]) -> None:
    app.change(**sample.tiered_version(images, "1.1.0"), release={"approval": "Manual"})
    with History(app) as history:
        history.phase("Approving", within=120)
        assert app.read()["status"]["display"]["traffic"].endswith(" 100")
        app.order("approve")
        history.when(shows("Shifting 10%"))
        app.order("abort")
        history.phase("RolledBack")
    assert app.shows("Ready", "False", "AbortedByHand")
    assert {"approve", "abort"} <= app.read()["status"]["orders"].keys()


def test_nobody_asks_and_probes_that_are_named_decide(app: App, images: dict[str, str]) -> None:
    """No clients at all: without probes it holds; once they are named the release goes on."""
    with History(app) as history:
        # Another revision than that which was given up before: it would be rejected.
        app.change(**sample.tiered_version(images, "1.1.0", NIGHT="1"))
        held = history.when(lambda moment: _held_at(moment, 10), within=120)
        history.when(lambda moment: _says(moment, "serverErrorPercent", "Inconclusive"), held)
        assert app.read()["status"]["traffic"]["blue"] in {10, 90}
        app.change(release={"probes": {"paths": ["/", "/api/version"]}}, gates={"minRequests": 4})
        history.phase("Completed", held, within=180)
    app.change(release={"probes": None}, gates={"minRequests": 20})
    gates = {gate["name"]: gate for gate in app.read()["status"]["release"]["gates"]}
    assert "measured by probes only" in gates["serverErrorPercent"]["message"]


def _held_at(moment: Moment, weight: int) -> bool:
    """Every router has the weight."""
    release = moment.status.get("release") or {}
    return bool(release.get("weight") == weight and release.get("since"))


def _failures(app: App, gate: str) -> int:
    """How many measurements of it failed in the step that sent the clients back."""
    gates = app.read()["status"]["release"]["gates"]
    return next((item.get("failed") or 0) for item in gates if item["name"].startswith(gate))


def _says(moment: Moment, gate: str, verdict: str) -> bool:
    gates = (moment.status.get("release") or {}).get("gates") or []
    return any(item["name"] == gate and item["verdict"] == verdict for item in gates)


def _only_the_fault(result: Result, begin: float, end: float) -> None:
    """What failed was answered 500 by the new version while it had clients; their share and time allow no more."""
    assert result.counts["lost"] == result.counts["doubled"] == 0, told(result)
    assert not result.mixed, told(result)
    late = [request for request in result.failures if not begin - 1.5 <= request.finished <= end + 1.5]
    assert not late, told(result, late)
    others = [request for request in result.failures if request.status != 500]
    assert not others, told(result, others)
    # A tenth of the clients, 40 % of their requests: with room for chance and for the second that the way back takes.
    assert len(result.failures) <= 0.4 * 0.2 * 200 * (end - begin + 3), told(result)
