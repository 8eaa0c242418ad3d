"""What the API server would answer with 422."""

from __future__ import annotations

from collections.abc import Iterable

from memoapp_operator.domain.manifest import DEPLOYMENT, SERVICE, STATEFUL_SET, Manifest

_IMMUTABLE = {
    DEPLOYMENT.kind: ("selector",),
    STATEFUL_SET.kind: ("selector", "serviceName", "podManagementPolicy"),
    SERVICE.kind: ("clusterIP",),
}


def invalid(manifest: Manifest, before: Manifest | None, services: Iterable[Manifest]) -> str | None:
    """Why an object is not taken; None where it is.

    Args:
        manifest: as it would be stored.
        before: as it is stored; None where it is new.
        services: those that are there.
    """
    spec = manifest.get("spec", {})
    if before is None:
        taken = {item["spec"]["clusterIP"] for item in services}
        return "spec.clusterIPs: provided IP is already allocated" if spec.get("clusterIP") in taken else None
    for key in _IMMUTABLE.get(manifest["kind"], ()):
        if before["spec"].get(key) != spec.get(key):
            return f"spec.{key}: field is immutable"
    return None
