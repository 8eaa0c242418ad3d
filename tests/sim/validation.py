"""What the API server would not take."""

from __future__ import annotations

from collections.abc import Iterable

from memoapp_operator.domain.diff import quantity
from memoapp_operator.domain.manifest import (
    CONFIG_MAP,
    DEPLOYMENT,
    REVISION,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Manifest,
)

_IMMUTABLE = {
    DEPLOYMENT.kind: ("selector",),
    STATEFUL_SET.kind: ("selector", "serviceName", "podManagementPolicy"),
    SERVICE.kind: ("clusterIP",),
}
_CANNOT_RESIZE = (
    "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
)


def invalid(manifest: Manifest, before: Manifest | None, services: Iterable[Manifest], *, expands: bool) -> str | None:
    """Why an object is not taken; None where it is.

    Args:
        manifest: as it would be stored.
        before: as it is stored; None where it is new.
        services: those that are there.
        expands: the storage class lets volumes grow.
    """
    spec = manifest.get("spec", {})
    if before is None:
        taken = {item["spec"]["clusterIP"] for item in services}
        return "spec.clusterIPs: provided IP is already allocated" if spec.get("clusterIP") in taken else None
    for key in _IMMUTABLE.get(manifest["kind"], ()):
        if before["spec"].get(key) != spec.get(key):
            return f"spec.{key}: field is immutable"
    if manifest["kind"] == VOLUME_CLAIM.kind:
        return _resized(_size(before), _size(manifest), expands=expands)
    return _sealed(manifest, before)


def _sealed(manifest: Manifest, before: Manifest) -> str | None:
    """Data that never changes: a ControllerRevision's, and that of what is marked immutable."""
    kept = before.get("immutable") and before["kind"] in {SECRET.kind, CONFIG_MAP.kind}
    if kept and not manifest.get("immutable"):
        return "immutable: field is immutable when `immutable` is set"
    if (kept or before["kind"] == REVISION.kind) and manifest.get("data") != before.get("data"):
        return "data: field is immutable"
    return None


def _size(claim: Manifest) -> str:
    found: str = claim["spec"]["resources"]["requests"]["storage"]
    return found


def _resized(before: str, after: str, *, expands: bool) -> str | None:
    old, new = quantity(before), quantity(after)
    if old is None or new is None or old == new:
        return None
    if new < old:
        return "spec.resources.requests.storage: field can not be less than previous value"
    return None if expands else _CANNOT_RESIZE
