"""Kinds of the simulation: those that the operator writes, and those that only controllers do."""

from __future__ import annotations

from memoapp_operator.domain import manifest
from memoapp_operator.domain.manifest import CHILD_KINDS, ENDPOINT_SLICE, POD, REVISION, SECRET, Manifest, Ref

MADE = (*CHILD_KINDS, REVISION)
"""What the operator makes."""
WATCHED = frozenset(kind.kind for kind in (*CHILD_KINDS, POD) if kind is not SECRET)
"""What a watch of the operator tells of, where it has the operator's label."""


def ref_of(item: Manifest) -> Ref:
    """The reference of a manifest."""
    if item["kind"] == ENDPOINT_SLICE.kind:
        return Ref(ENDPOINT_SLICE, item["metadata"]["name"])
    return manifest.ref_of(item)
