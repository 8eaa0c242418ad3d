"""Killed, stopped and woken, or told to go: one operator acts, and another goes on where it was.

These tests run one after another; while they do, other tests are now and then without a leader.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.e2e.app import App
from tests.e2e.conftest import MakeApp
from tests.e2e.report import OPERATOR_NAMESPACE
from tests.kube import Kube, Object
from tools.testbed import audit, leadership, nodes


@pytest.fixture
def leader(kube: Kube) -> Object:
    """The pod that leads, while both of the operator's pods are ready."""
    return leadership.leader(kube)


def test_killed_in_mid_creation(kube: Kube, cluster: str, leader: Object, memoapp: MakeApp) -> None:
    app = memoapp()
    _begun(app)
    nodes.signal(cluster, leader, "KILL")
    app.ready()
    leadership.led_by_another(kube, leader)
    writes = audit.by_operator(audit.writes(cluster, app.namespace))
    assert len({write.pod for write in writes}) == 2
    # The API server notes 504 for what it did while its client was killed: nobody waited for the answer.
    jobs = kube.list("batch/v1/Job", app.namespace)
    assert len(app.children()) + len(app.revisions()) + len(jobs) == len(
        {(write.resource, write.name) for write in writes if write.code in {201, 504}}
    )


def test_stopped_and_woken_it_writes_no_more(kube: Kube, cluster: str, leader: Object, memoapp: MakeApp) -> None:
    name = leader["metadata"]["name"]
    app = memoapp()
    _begun(app)
    nodes.signal(cluster, leader, "STOP")
    stopped = datetime.now(UTC)
    app.ready()
    leadership.led_by_another(kube, leader)
    # Work for whoever believes to lead.
    app.change(backend={"replicas": 2})
    nodes.signal(cluster, leader, "CONT")
    kube.wait("v1/Pod", name, OPERATOR_NAMESPACE, until=lambda found: _restarts(found) > _restarts(leader))
    app.ready()
    # What was under way as it was stopped may be read from the wire a moment later; the lease is over long after that.
    since = stopped + timedelta(seconds=2)
    mine = [write for write in audit.writes(cluster, name) if write.pod == name and write.at > since]
    assert not mine, "\n".join(map(str, mine))


def test_told_to_go_it_hands_over_at_once_and_nothing_is_written(
    kube: Kube, cluster: str, leader: Object, memoapp: MakeApp
) -> None:
    app = memoapp()
    app.ready()
    began = datetime.now(UTC)
    kube.delete("v1/Pod", leader["metadata"]["name"], OPERATOR_NAMESPACE)
    leadership.led_by_another(kube, leader)
    released, taken = _hand_over(cluster, leader, began)
    assert (released - began).total_seconds() < 3
    assert (taken - released).total_seconds() < 3
    # Two resyncs of the new leader.
    time.sleep(25)
    writes = audit.by_operator(audit.writes(cluster, app.namespace), began)
    assert not writes, "\n".join(map(str, writes))


def _begun(app: App) -> None:
    """Wait until some children are there, and not all."""
    app.eventually(app.children, lambda found: len(found) >= 3)


def _hand_over(cluster: str, leader: Object, began: datetime) -> tuple[datetime, datetime]:
    """When the leader wrote the lease last, and when another did for the first time after that."""
    name = leader["metadata"]["name"]
    writes = [write for write in audit.writes(cluster, '"resource":"leases"') if write.user == audit.OPERATOR]
    since = [write for write in writes if write.at > began]
    released = max(write.at for write in since if write.pod == name)
    return released, min(write.at for write in since if write.pod != name)


def _restarts(pod: Object | None) -> int:
    states = ((pod or {}).get("status") or {}).get("containerStatuses") or []
    return sum(state["restartCount"] for state in states)
