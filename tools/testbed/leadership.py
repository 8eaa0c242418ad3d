"""The operator's pods, and which of them leads."""

from __future__ import annotations

import time
from typing import Any, TypeAlias

from tests.kube import Kube

from .steps import NAMESPACE, SELECTOR

Object: TypeAlias = dict[str, Any]
LEASE = ("coordination.k8s.io/v1/Lease", "memoapp-operator", NAMESPACE)


def holder(lease: Object | None) -> str:
    """The name of the pod that holds the lease; empty where none does."""
    spec = (lease or {}).get("spec") or {}
    return str(spec.get("holderIdentity") or "").partition("_")[0]


def ready_pods(kube: Kube) -> list[Object]:
    """The operator's pods that are ready and stay."""
    found = kube.list("v1/Pod", NAMESPACE, labels=SELECTOR)
    return [pod for pod in found if not pod["metadata"].get("deletionTimestamp") and _is_ready(pod)]


def leader(kube: Kube, pods: int = 2, within: float = 300) -> Object:
    """The pod that leads, once so many pods are ready.

    Raises:
        TimeoutError: it did not come to that within so many seconds.
    """
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        found, name = ready_pods(kube), holder(kube.find(*LEASE))
        leading = [pod for pod in found if pod["metadata"]["name"] == name]
        if leading and len(found) >= pods:
            return leading[0]
        time.sleep(0.5)
    raise TimeoutError(f"not within {within:g} s: {pods} pods of the operator are ready, and one leads")


def led_by_another(kube: Kube, before: Object, within: float = 60) -> None:
    """Return once another pod than ``before`` holds the lease."""
    name = before["metadata"]["name"]
    kube.wait(*LEASE, until=lambda lease: holder(lease) not in {"", name}, timeout=within)


def _is_ready(pod: Object) -> bool:
    conditions = pod["status"].get("conditions") or []
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
