"""What many MemoApps cost one operator: memory of each, and what a new leader writes that finds them all well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from tests.kube import Kube, Object
from tools.bench.figures import Figure
from tools.testbed import audit, leadership, nodes, sample
from tools.testbed.steps import NAMESPACE

KIND = "memoapp.dev/v1alpha1/MemoApp"
PER_APP = 100.0
"""KiB of the operator's memory for each MemoApp."""
PER_APP_AT_ONCE = 300.0
"""The same for a process that finds them all there as it starts: it reads the lists of every kind in one go."""
_AT_ONCE = 8
_WITHIN = 1800.0
_QUIET = 20.0
"""Seconds without a write after which everything that was declared is there."""
_A_LOOK_AT_EACH = 150.0
"""Seconds: a new leader has looked at each app twice, which it does once a minute while they are suspended."""
_KIBIBYTE = 2**10


def many(kube: Kube, cluster: str, namespace: str, images: dict[str, str], count: int) -> Iterator[Figure]:
    """The figures of ``count`` suspended MemoApps in a namespace of their own."""
    leader = leadership.leader(kube)
    alone = _memory(cluster, leader)
    began = time.monotonic()
    _create(kube, namespace, {**sample.least(images), "suspend": True}, count)
    _until_quiet(kube, cluster, namespace, count)
    took = time.monotonic() - began
    yield Figure(f"seconds until {count} suspended MemoApps rest", round(took), _WITHIN, "s")
    grown = (_memory(cluster, leader) - alone) / count / _KIBIBYTE
    yield Figure(f"memory of each of {count} MemoApps, as they came", round(grown, 1), PER_APP, "KiB")
    restarted = datetime.now(UTC)
    kube.delete("v1/Pod", leader["metadata"]["name"], NAMESPACE)
    leadership.led_by_another(kube, leader)
    time.sleep(_A_LOOK_AT_EACH)
    successor = leadership.leader(kube)
    grown = (_memory(cluster, successor) - alone) / count / _KIBIBYTE
    yield Figure(f"memory of each of {count} MemoApps, after a restart", round(grown, 1), PER_APP_AT_ONCE, "KiB")
    written = audit.by_operator(audit.writes(cluster, namespace), restarted)
    yield Figure(f"writes at a restart with {count} MemoApps", len(written), 0)


def _create(kube: Kube, namespace: str, spec: Object, count: int) -> None:
    def create(number: int) -> None:
        metadata = {"name": f"m{number}", "namespace": namespace}
        kube.create({"apiVersion": "memoapp.dev/v1alpha1", "kind": "MemoApp", "metadata": metadata, "spec": spec})

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(create, range(count)))


def _until_quiet(kube: Kube, cluster: str, namespace: str, count: int) -> None:
    """Return once every app has its database's StatefulSet, and nothing was written for a while."""
    deadline = time.monotonic() + _WITHIN
    while len(kube.list("apps/v1/StatefulSet", namespace)) < count and time.monotonic() < deadline:
        time.sleep(5)
    while time.monotonic() < deadline:
        began = datetime.now(UTC)
        time.sleep(_QUIET)
        if not audit.by_operator(audit.writes(cluster, namespace), began):
            return


def _memory(cluster: str, pod: Object) -> float:
    """Resident bytes of the operator's process."""
    return float(sum(process.memory() for process in nodes.processes(cluster, pod)))
