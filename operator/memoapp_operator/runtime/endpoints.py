"""Who stands behind a Service, by its EndpointSlices."""

from __future__ import annotations

from collections.abc import Iterable

from memoapp_operator.domain.manifest import Manifest

SERVICE_LABEL = "kubernetes.io/service-name"


def answering(slices: Iterable[Manifest]) -> set[str]:
    """Names of the pods that may answer for a Service: those that are ready, and those that serve on their way out.

    A node that has not learnt of a ready pod yet goes on sending to one that goes: kube-proxy falls back to endpoints
    that are terminating and still serve. What is no pod counts by an empty name.
    """
    return {
        (endpoint.get("targetRef") or {}).get("name", "")
        for item in slices
        for endpoint in item.get("endpoints") or []
        if _answers(endpoint.get("conditions") or {})
    }


def _answers(conditions: Manifest) -> bool:
    return bool(conditions.get("ready") or conditions.get("serving"))
