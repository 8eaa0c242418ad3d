"""What happens to routers and operator while the clients move: it costs no request but those it cut, and mixes nothing.

All tests use one app one after another.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.app import App
from tests.e2e.history import History
from tests.e2e.loaded import OLD_ANSWERS, told, under_load, unharmed
from tests.e2e.namespaces import new_namespace
from tests.kube import Kube, Object
from tests.load.result import Result
from tools.testbed import leadership, nodes, sample

CUT = 4.0
"""Seconds within which a killed router's connections end and the nodes learn that it is gone."""
TLS = "memo-router-tls"

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
    """The shared app: 1.0.0 serves, with two ready routers."""
    shared.change(**sample.tiered_version(images, "1.0.0"))
    shared.ready()
    shared.eventually(lambda: routers(shared), lambda found: len(found) == 2)
    return shared


def test_a_router_restarts_a_second_after_a_rollback(
    app: App, images: dict[str, str], cluster: str, tmp_path: Path
) -> None:
    """Its container reads weights from a file that the kubelet brings up to date a minute later."""
    app.change(**sample.tiered_version(images, "1.1.0", MEMO_COLOUR="a"))
    app.ready()
    victim = routers(app)[0]
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        app.order("rollback")
        moved = history.phase("RollingBack")
        time.sleep(max(0.0, moved + 1 - time.time()))
        killed = time.time()
        nodes.signal(cluster, victim, "KILL")
        app.shows("Stalled", "True", "RolledBackByHand")
        app.eventually(lambda: routers(app), lambda found: len(found) == 2)
        time.sleep(3)
        result = load.stop()
    assert restarts(app, victim) == restarts_of(victim) + 1
    assert result.last_answer("1.1.0", moved) <= OLD_ANSWERS, told(result)
    _only_cut(result, killed)


def test_a_router_restarts_in_mid_switch(app: App, images: dict[str, str], cluster: str, tmp_path: Path) -> None:
    victim = routers(app)[0]
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        app.change(**sample.tiered_version(images, "1.1.0", MEMO_COLOUR="b"))
        moved = history.phase("Shifting")
        killed = time.time()
        nodes.signal(cluster, victim, "KILL")
        found = app.ready()
        app.eventually(lambda: routers(app), lambda found: len(found) == 2)
        result = load.stop()
    assert found["status"]["active"]["version"] == "1.1.0"
    assert result.last_answer("1.0.0", moved) <= OLD_ANSWERS + CUT, told(result)
    _only_cut(result, killed)


@pytest.mark.long
def test_both_routers_restart_in_mid_switch(app: App, images: dict[str, str], cluster: str, tmp_path: Path) -> None:
    victims = routers(app)
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        app.change(**sample.tiered_version(images, "1.1.0", MEMO_COLOUR="c"))
        history.phase("Shifting")
        killed = time.time()
        for victim in victims:
            nodes.signal(cluster, victim, "KILL")
        found = app.ready()
        app.eventually(lambda: routers(app), lambda found: len(found) == 2)
        back = time.time()
        time.sleep(3)
        result = load.stop()
    assert found["status"]["active"]["version"] == "1.1.0"
    # For a while nobody is there to answer; whoever does answers as he should.
    assert back - killed < 30
    assert result.counts["lost"] == result.counts["doubled"] == 0, told(result)
    assert not result.within(0, killed - 2).failures, told(result)
    assert not result.within(back + 1, float("inf")).failures, told(result)
    assert result.last_answer("1.0.0", killed) <= OLD_ANSWERS + CUT, told(result)
    assert not result.mixed, told(result)


def test_a_router_with_another_configuration_takes_over(app: App, cluster: str, tmp_path: Path) -> None:
    before = names(routers(app))
    with under_load(app, cluster, tmp_path) as load:
        app.change(traffic={"resources": {"requests": {"cpu": "6m", "memory": "32Mi"}}})
        app.eventually(lambda: routers(app), lambda found: len(found) == 2 and not names(found) & before)
        app.ready()
        result = load.stop()
    unharmed(result)


@pytest.mark.long
def test_routers_come_and_go(app: App, cluster: str, tmp_path: Path) -> None:
    with under_load(app, cluster, tmp_path) as load:
        for number in (3, 1, 2):
            app.change(traffic={"replicas": number})
            app.eventually(lambda: routers(app), lambda found, number=number: len(found) == number)
            app.ready()
        app.eventually(lambda: all_routers(app), lambda found: len(found) == 2)
        result = load.stop()
    unharmed(result)


@pytest.mark.long
@pytest.mark.parametrize("how", ["deleted", "about to end"])
def test_certificates_are_renewed(app: App, cluster: str, tmp_path: Path, how: str) -> None:
    kube, before = app.kube, names(routers(app))
    old = kube.get("v1/Secret", TLS, app.namespace)["metadata"]["uid"]
    with under_load(app, cluster, tmp_path) as load:
        if how == "deleted":
            kube.delete("v1/Secret", TLS, app.namespace)
        else:
            soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
            annotations = {"memoapp.dev/not-after": soon}
            kube.patch("v1/Secret", TLS, app.namespace, body={"metadata": {"annotations": annotations}})
        kube.wait("v1/Secret", TLS, app.namespace, until=lambda found: found and found["metadata"]["uid"] != old)
        app.eventually(lambda: routers(app), lambda found: len(found) == 2 and not names(found) & before)
        app.ready()
        app.eventually(lambda: all_routers(app), lambda found: len(found) == 2)
        result = load.stop()
    unharmed(result)


def test_the_operator_is_killed_in_mid_switch(
    kube: Kube, app: App, images: dict[str, str], cluster: str, tmp_path: Path
) -> None:
    leader = leadership.leader(kube)
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        app.change(**sample.tiered_version(images, "1.1.0", MEMO_COLOUR="d"))
        history.phase("Shifting")
        nodes.signal(cluster, leader, "KILL")
        found = app.ready()
        result = load.stop()
    leadership.led_by_another(kube, leader)
    unharmed(result)
    assert history.always_available
    assert history.phases[-2:] == ["Shifting", "Completed"]
    assert found["status"]["active"]["version"] == "1.1.0"
    leadership.leader(kube)


def all_routers(app: App) -> list[Object]:
    """Every router pod, those that go as well."""
    return app.pods("router")


def routers(app: App) -> list[Object]:
    """The router pods that are ready and stay."""
    return [pod for pod in app.pods("router") if not pod["metadata"].get("deletionTimestamp") and _is_ready(pod)]


def names(pods: list[Object]) -> set[str]:
    return {pod["metadata"]["name"] for pod in pods}


def restarts(app: App, pod: Object) -> int:
    return restarts_of(app.kube.get("v1/Pod", pod["metadata"]["name"], app.namespace))


def restarts_of(pod: Object) -> int:
    return sum(state["restartCount"] for state in pod["status"]["containerStatuses"])


def _is_ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _only_cut(result: Result, killed: float) -> None:
    """Requests failed only on connections that the killed router had, or that the nodes still sent to it."""
    window = result.within(killed - 2, killed + CUT)
    others = set(result.failures) - set(window.failures)
    assert not others, told(result, sorted(others, key=lambda request: request.planned))
    assert not result.reasons, told(result)
    assert result.counts["5xx"] == result.counts["lost"] == result.counts["doubled"] == 0, told(result)
    assert not result.mixed, told(result)
