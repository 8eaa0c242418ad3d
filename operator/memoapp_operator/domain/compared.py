"""What the old colour did while it still had clients, as it stands in the status: it outlives the process. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from memoapp_operator.api.v1alpha1.memoapp import ComparedStatus, ReleaseStatus

from .counters import CLASSES, SLOW_MS, Counters


def noted(old: Mapping[str, Counters]) -> list[ComparedStatus] | None:
    """Responses by class as the status has them; None where nothing is known."""
    found = [_status(name, old[name]) for name in CLASSES if name in old and old[name].requests]
    return found or None


def known(release: ReleaseStatus) -> dict[str, Counters]:
    """Responses of the old colour by class, as they were noted; empty where none were."""
    return {
        item.name: Counters(item.requests, item.client_errors, item.server_errors, tuple(item.slow))
        for item in release.compared or ()
        if item.name in CLASSES and len(item.slow) == len(SLOW_MS)
    }


def _status(name: str, counted: Counters) -> ComparedStatus:
    return ComparedStatus(
        name=name,
        requests=counted.requests,
        client_errors=counted.client_errors,
        server_errors=counted.server_errors,
        slow=list(counted.slow),
    )
