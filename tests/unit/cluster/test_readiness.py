"""A cluster is ready when every node and everything it runs by itself is."""

from typing import Any

import pytest
from memocluster.readiness import unready

Item = dict[str, Any]
API = "apiservice/v1beta1.metrics"


def node(name: str = "n1", ready: str = "True") -> Item:
    return {
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    }


def daemonset(ready: int = 1, wanted: int = 1) -> Item:
    status = {"numberReady": ready, "desiredNumberScheduled": wanted}
    return {"kind": "DaemonSet", "metadata": {"name": "kube-proxy"}, "status": status}


def deployment(available: int | None = 2) -> Item:
    status = {} if available is None else {"availableReplicas": available}
    return {"kind": "Deployment", "metadata": {"name": "coredns"}, "spec": {"replicas": 2}, "status": status}


def api_service(available: str | None) -> Item:
    conditions = [] if available is None else [{"type": "Available", "status": available}]
    return {"kind": "APIService", "metadata": {"name": "v1beta1.metrics"}, "status": {"conditions": conditions}}


def test_all_ready() -> None:
    assert unready([node(), daemonset(), deployment()], nodes=1) == []


def test_each_kind_is_named_while_it_is_not_ready() -> None:
    items = [node(ready="Unknown"), daemonset(ready=0), deployment(available=None)]
    assert unready(items, nodes=1) == ["node/n1", "daemonset/kube-proxy", "deployment/coredns"]


@pytest.mark.parametrize(("available", "waiting"), [("True", []), ("False", [API]), (None, [API])])
def test_an_api_that_another_server_answers_is_waited_for(available: str | None, waiting: list[str]) -> None:
    assert unready([node(), daemonset(), deployment(), api_service(available)], nodes=1) == waiting


def test_a_daemonset_that_has_not_been_scheduled_is_not_ready() -> None:
    assert unready([node(), daemonset(0, 0), deployment()], nodes=1) == ["daemonset/kube-proxy"]


def test_what_is_not_there_yet_is_missed() -> None:
    assert unready([node()], nodes=2) == ["node 1 of 2", "daemonset 0 of 1", "deployment 0 of 1"]
