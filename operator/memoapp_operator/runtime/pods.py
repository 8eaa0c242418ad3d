"""What pods tell of themselves."""

from __future__ import annotations

from typing import Any

from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import Manifest


def belongs(pod: Manifest, name: str) -> bool:
    """The pod is one of the workload that people call so: ``router``, ``blue-backend``."""
    labels = pod["metadata"].get("labels") or {}
    colour = labels.get(names.COLOUR_LABEL)
    component = labels.get(names.COMPONENT_LABEL, "")
    return name == (f"{colour}-{component}" if colour else component)


def is_running(pod: Manifest) -> bool:
    """It has an address, and does not go."""
    status: dict[str, Any] = pod.get("status") or {}
    leaving = pod["metadata"].get("deletionTimestamp")
    return not leaving and bool(status.get("podIP")) and status.get("phase") == "Running"


def is_ready(pod: Manifest) -> bool:
    """It may have clients."""
    status: dict[str, Any] = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp") or not status.get("podIP"):
        return False
    return any(item["type"] == "Ready" and item["status"] == "True" for item in status.get("conditions") or [])
