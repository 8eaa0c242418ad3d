"""Finalizers: what holds an object that a person deleted until something is done."""

from __future__ import annotations

from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.ports import Cluster


def has(raw: Manifest, finalizer: str) -> bool:
    """It stands on the object."""
    return finalizer in (raw["metadata"].get("finalizers") or [])


async def mark(cluster: Cluster, raw: Manifest, finalizer: str, *, present: bool) -> None:
    """Set it, or take it away; those of others stay."""
    others = [item for item in raw["metadata"].get("finalizers") or [] if item != finalizer]
    await cluster.mark(raw, finalizers=[*others, finalizer] if present else others)
