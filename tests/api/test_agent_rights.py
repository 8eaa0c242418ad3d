"""What an agent may do with the account that it is given: its few calls against a real API server, and nothing more."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from memoapp_operator.agent.cluster import ApiError, BusyError, Cluster
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.render.context import Context, Platform
from memoapp_operator.render.schedule import backups

from tests.api.samples import LEAST, memo_app
from tests.cluster_guard import kubeconfig
from tests.kube import Kube

pytestmark = pytest.mark.cluster

KIND = "memoapp.dev/v1alpha1/MemoBackup"
LEASE = "memo-data"


@pytest.fixture(scope="module")
def place(kube: Kube) -> Iterator[str]:
    """A namespace with what the operator makes for the backups of the app ``memo``; the app itself is not run."""
    name = f"agent-{int(time.time())}"
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    app = MemoApp.model_validate(
        {"metadata": {"name": "memo", "namespace": name, "uid": "1"}, "spec": {**LEAST, "backup": {}}}
    )
    for manifest in backups(Context(app=app, platform=Platform("none", "none"))):
        if manifest["kind"] in {"ServiceAccount", "Role", "RoleBinding", "Lease"}:
            manifest["metadata"].pop("ownerReferences", None)
            kube.create(manifest)
    yield name
    kube.delete("v1/Namespace", name)


@pytest.fixture
def agent(kube: Kube, place: str, tmp_path: Path) -> Cluster:
    told = yaml.safe_load(kubeconfig().read_text(encoding="utf-8"))["clusters"][0]["cluster"]
    authority = tmp_path / "ca.crt"
    authority.write_bytes(base64.b64decode(told["certificate-authority-data"]))
    url = f"/api/v1/namespaces/{place}/serviceaccounts/memo-backup/token"
    asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}}
    token = kube.request("POST", url, body=asked)["status"]["token"]
    return Cluster(told["server"], place, lambda: token, authority)


def record(name: str, place: str) -> dict[str, Any]:
    return {
        "apiVersion": "memoapp.dev/v1alpha1",
        "kind": "MemoBackup",
        "metadata": {"name": name, "namespace": place},
        "spec": {
            "appRef": {"name": "memo"},
            "reason": "Scheduled",
            "location": {"destination": {"volume": {"size": "1Gi"}}, "folder": "a/memo/2026/11/one/"},
        },
    }


def test_it_makes_a_record_once_and_writes_its_status(agent: Cluster, kube: Kube, place: str) -> None:
    assert agent.create_backup(record("one", place)) is True
    assert agent.create_backup(record("one", place)) is False
    agent.tell("one", {"phase": "Verified", "reason": None, "size": 5, "takenAt": "2026-11-23T02:00:00Z"})
    found = kube.get(KIND, "one", place)["status"]
    assert (found["phase"], found["size"], "reason" in found) == ("Verified", 5, False)
    agent.tell("nobody", {"phase": "Failed"})


def test_one_holds_the_data_at_a_time(agent: Cluster, kube: Kube, place: str) -> None:
    lost = threading.Event()
    with agent.holding(LEASE, "first", 1, lost.set):
        spec = kube.get("coordination.k8s.io/v1/Lease", LEASE, place)["spec"]
        assert spec["holderIdentity"] == "first"
        with pytest.raises(BusyError, match="in use by first"), agent.holding(LEASE, "second", 2, lost.set):
            pass
    with agent.holding(LEASE, "second", 2, lost.set):
        pass
    assert not lost.is_set()
    assert kube.get("coordination.k8s.io/v1/Lease", LEASE, place)["spec"]["holderIdentity"] == ""


def test_whoever_waits_gets_it_once_it_is_free(agent: Cluster) -> None:
    order: list[str] = []

    def second() -> None:
        with agent.holding(LEASE, "second", 30, lambda: None):
            order.append("second")

    with agent.holding(LEASE, "first", 1, lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(2)
        order.append("first")
    thread.join(30)
    assert order == ["first", "second"]


def _ask(verb: str, path: str, body: dict[str, Any] | None = None) -> Callable[[Cluster], object]:
    return lambda agent: agent._ask(verb, path, body=body)


BACKUPS = "/apis/memoapp.dev/v1alpha1/namespaces/{namespace}/memobackups"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"


@pytest.mark.parametrize(
    "ask",
    [
        _ask("GET", BACKUPS),
        _ask("DELETE", f"{BACKUPS}/one"),
        _ask("GET", "/apis/memoapp.dev/v1alpha1/namespaces/{namespace}/memoapps"),
        _ask("GET", "/api/v1/namespaces/{namespace}/secrets"),
        _ask("GET", "/api/v1/namespaces/{namespace}/pods"),
        _ask("GET", f"{LEASES}/other"),
        _ask("POST", LEASES, {"metadata": {"name": "mine"}}),
        _ask("GET", "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"),
    ],
)
def test_it_may_do_nothing_else(agent: Cluster, ask: Callable[[Cluster], object]) -> None:
    with pytest.raises(ApiError) as caught:
        ask(agent)
    assert caught.value.code == 403


def test_the_sample_is_one(kube: Kube, place: str) -> None:
    kube.create(memo_app("other", place, {**LEAST, "backup": {}}), dry_run=True)
