"""Kinds of the simulation: those that the operator writes, and those that only controllers do."""

from __future__ import annotations

from memoapp_operator.domain import manifest
from memoapp_operator.domain.manifest import (
    CHILD_KINDS,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    JOB,
    MAINTENANCE_WINDOW,
    MEMO_APP,
    MEMO_BACKUP,
    MEMO_RESTORE,
    POD,
    REVISION,
    STATEFUL_SET,
    UNWATCHED,
    Manifest,
    Ref,
)
from memoapp_operator.domain.names import MANAGED_BY, MANAGED_BY_LABEL

MADE = (*CHILD_KINDS, REVISION, JOB)
"""What the operator makes."""
WATCHED = frozenset(kind.kind for kind in (*CHILD_KINDS, POD, JOB) if kind not in UNWATCHED)
"""What a watch of the operator tells of, where it has the operator's label."""


def ref_of(item: Manifest) -> Ref:
    """The reference of a manifest."""
    if item["kind"] == ENDPOINT_SLICE.kind:
        return Ref(ENDPOINT_SLICE, item["metadata"]["name"])
    return manifest.ref_of(item)


def set_defaults(manifest: Manifest) -> None:
    """What the API server fills in where nobody says anything."""
    if manifest["kind"] in {DEPLOYMENT.kind, STATEFUL_SET.kind}:
        manifest["spec"].setdefault("replicas", 1)


def is_watched(manifest: Manifest) -> bool:
    """MemoApps, and all of our children and their pods but Secrets and revisions."""
    kind, labels = manifest["kind"], manifest["metadata"].get("labels", {})
    own = {MEMO_APP.kind, MEMO_BACKUP.kind, MEMO_RESTORE.kind, MAINTENANCE_WINDOW.kind}
    return kind in own or (kind in WATCHED and labels.get(MANAGED_BY_LABEL) == MANAGED_BY)
