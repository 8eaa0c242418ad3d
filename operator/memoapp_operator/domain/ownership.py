"""Whose is a live object? Nothing of somebody else's is ever changed, adopted or deleted."""

from __future__ import annotations

from collections.abc import Mapping

from . import names
from .diff import differences
from .manifest import Manifest, Ref, ref_of
from .observation import Child, ChildState
from .restarts import other_major, restarts, upgrades

APPLIED_ANNOTATION = "memoapp.dev/applied"
"""Digest of what was applied: tells that a field is to be removed, which a comparison alone cannot."""
DATABASE_ANNOTATION = "memoapp.dev/database"
USER_ANNOTATION = "memoapp.dev/user"


def standing(live: Manifest, app: str, uid: str) -> ChildState | None:
    """FOREIGN or LEAVING, or None where the object is ours and stays.

    Ours: owned by this very MemoApp, or without an owner but with our labels (a kept volume, or an owner reference
    that somebody took away). LEAVING also: owned by a MemoApp of the same name that was deleted before.
    """
    metadata = live["metadata"]
    owners = [owner for owner in metadata.get("ownerReferences") or [] if owner.get("controller")]
    labels = metadata.get("labels") or {}
    labelled = labels.get(names.MANAGED_BY_LABEL) == names.MANAGED_BY and labels.get(names.APP_LABEL) == app
    mine = any(owner["uid"] == uid for owner in owners) or (not owners and labelled)
    predecessor = any(owner["kind"] == "MemoApp" and owner["name"] == app for owner in owners)
    if mine:
        return ChildState.LEAVING if metadata.get("deletionTimestamp") else None
    return ChildState.LEAVING if predecessor else ChildState.FOREIGN


def owned(live: Manifest, uid: str) -> bool:
    """The object is owned by this very MemoApp."""
    owners = live["metadata"].get("ownerReferences") or []
    return any(owner.get("controller") and owner.get("uid") == uid for owner in owners)


def assess(wanted: Manifest, live: Manifest | None, app: str, uid: str) -> Child:
    """How one child stands."""
    ref = ref_of(wanted)
    if live is None:
        return Child(ref, ChildState.MISSING)
    found = standing(live, app, uid)
    if found is not None:
        return Child(ref, found, live["metadata"]["uid"])
    return _difference(wanted, live, ref)


def _difference(wanted: Manifest, live: Manifest, ref: Ref) -> Child:
    """Ours: the same, another, or one whose change has to wait."""
    uid = live["metadata"]["uid"]
    if not differences(wanted, live):
        return Child(ref, ChildState.CURRENT, uid)
    if not restarts(wanted, live):
        return Child(ref, ChildState.DIFFERS, uid)
    refused = other_major(wanted, live)
    if refused is not None:
        return Child(ref, ChildState.IMPOSSIBLE, uid, refused)
    digest: str = wanted["metadata"]["annotations"][APPLIED_ANNOTATION]
    return Child(ref, ChildState.WAITING, uid, digest, upgrades(wanted, live))


def kept_mismatch(app: str, database: str, user: str, live: Mapping[Ref, Manifest]) -> str | None:
    """Why kept data cannot be taken back: it belongs to another database or user. None where it can, or none is."""
    for ref, manifest in sorted(live.items()):
        noted = manifest["metadata"].get("annotations") or {}
        labels = manifest["metadata"].get("labels") or {}
        if labels.get(names.APP_LABEL) != app or DATABASE_ANNOTATION not in noted:
            continue
        was = (noted[DATABASE_ANNOTATION], noted.get(USER_ANNOTATION))
        if was != (database, user):
            return (
                f"{ref} holds the database {was[0]} of user {was[1]}, and the spec says {database} of {user}; "
                "it is left alone"
            )
    return None
