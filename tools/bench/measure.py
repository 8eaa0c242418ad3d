"""What the operator costs, measured on a local cluster by the API server's audit log and in the nodes."""

from __future__ import annotations

import math
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from tests.kube import Kube, Object, condition
from tools.bench.figures import Figure
from tools.bench.many import many
from tools.testbed import audit, leadership, nodes, sample
from tools.testbed.audit import Write
from tools.testbed.steps import NAMESPACE

KIND = "memoapp.dev/v1alpha1/MemoApp"
READY_WITHIN = 300.0
CREATIONS = 10
CHILDREN = (
    "v1/Secret",
    "v1/ConfigMap",
    "v1/PersistentVolumeClaim",
    "v1/Service",
    "apps/v1/StatefulSet",
    "apps/v1/Deployment",
    "policy/v1/PodDisruptionBudget",
    "networking.k8s.io/v1/NetworkPolicy",
    "apps/v1/ControllerRevision",
)
_AFTER_A_RESTART = 25.0
"""Seconds: two looks of the new leader at an app that is well, at the testbed's resync of 10 s."""
_AMONG_CREATIONS = 2.0
"""Seconds of quiet: a creation is measured by itself."""
_KEPT = 2
"""Children that stay behind: the database's claim and Secret."""
_MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class Bench:
    """One run, in a namespace of its own with one full MemoApp."""

    kube: Kube
    cluster: str
    namespace: str
    images: dict[str, str]

    def figures(self, rest: float) -> Iterator[Figure]:
        """All figures; ``rest`` is how many seconds the app is left alone."""
        self._create("memo", sample.full(self.images))
        self.kube.wait(KIND, "memo", self.namespace, until=_is_ready, timeout=READY_WITHIN)
        children = self._children("memo")
        yield Figure(f"writes of a creation with {children} children", len(self._writes()), children + 6 + 5)
        yield Figure(f"writes at rest, {rest:g} s", len(self._writes_during(rest)), 0)
        yield Figure("writes at a change of the leader", len(self._writes_at_a_restart()), 0)
        yield self._memory()
        yield self._latency()

    def many(self, count: int) -> Iterator[Figure]:
        """The figures of many MemoApps at rest."""
        return many(self.kube, self.cluster, self.namespace, self.images, count)

    def _writes(self, since: datetime | None = None) -> list[Write]:
        return audit.by_operator(audit.writes(self.cluster, self.namespace), since)

    def _writes_during(self, seconds: float) -> list[Write]:
        began = datetime.now(UTC)
        time.sleep(seconds)
        return self._writes(began)

    def _writes_at_a_restart(self) -> list[Write]:
        began, leader = datetime.now(UTC), leadership.leader(self.kube)
        self.kube.delete("v1/Pod", leader["metadata"]["name"], NAMESPACE)
        leadership.led_by_another(self.kube, leader)
        time.sleep(_AFTER_A_RESTART)
        return self._writes(began)

    def _memory(self) -> Figure:
        """Of the present leader, which has known no other MemoApp than those that are there."""
        leader = leadership.leader(self.kube)
        resident = sum(process.memory() for process in nodes.processes(self.cluster, leader))
        count = len(self.kube.list(KIND, "*"))
        return Figure(f"memory of the leader, MemoApps: {count}", round(resident / _MEBIBYTE, 1), 100, "MiB")

    def _latency(self) -> Figure:
        spec = sample.small(self.images)
        for number in range(CREATIONS):
            self._create(f"n{number}", spec)
            time.sleep(_AMONG_CREATIONS)
            self.kube.delete(KIND, f"n{number}", self.namespace)
            self._until_gone(f"n{number}")
        found = audit.writes(self.cluster, self.namespace)
        waits = [_first_child(found, f"n{number}") for number in range(CREATIONS)]
        median = round(statistics.median(waits) * 1000, 0)
        return Figure(f"from a MemoApp to its first child, median of {CREATIONS}", median, 100, "ms")

    def _until_gone(self, name: str) -> None:
        """Return once the operator and the cluster have nothing left to do for a deleted MemoApp."""
        deadline = time.monotonic() + READY_WITHIN
        while self._children(name) > _KEPT and time.monotonic() < deadline:
            time.sleep(0.5)
        time.sleep(_AMONG_CREATIONS)

    def _create(self, name: str, spec: Object) -> None:
        metadata = {"name": name, "namespace": self.namespace}
        self.kube.create({"apiVersion": "memoapp.dev/v1alpha1", "kind": "MemoApp", "metadata": metadata, "spec": spec})

    def _children(self, name: str) -> int:
        labels = f"app.kubernetes.io/managed-by=memoapp-operator,memoapp.dev/app={name}"
        return sum(len(self.kube.list(kind, self.namespace, labels=labels)) for kind in CHILDREN)


@contextmanager
def bench(kube: Kube, cluster: str, images: dict[str, str]) -> Iterator[Bench]:
    """A bench in a new namespace, which is deleted afterwards."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield Bench(kube, cluster, name, images)
    finally:
        kube.delete("v1/Namespace", name)


def _is_ready(found: Object | None) -> bool:
    return condition(found, "Ready") == "True"


def _first_child(found: list[Write], name: str) -> float:
    """Seconds from the creation of a MemoApp to the first write of a child of it; infinite where there was none."""
    created = next(
        write.at for write in found if (write.verb, write.resource, write.name) == ("create", "memoapps", name)
    )
    children = (write for write in audit.by_operator(found) if not write.resource.startswith("memoapps"))
    return next(((write.at - created).total_seconds() for write in children if _belongs(write, name)), math.inf)


def _belongs(write: Write, name: str) -> bool:
    return write.name == name or write.name.startswith(f"{name}-")
