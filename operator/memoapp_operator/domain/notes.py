"""What people are told: one Event for each transition."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from memoapp_operator.api.v1alpha1.memoapp import GateVerdict, MemoAppStatus, OrdersStatus, ReleasePhase, ReleaseStatus

from . import conditions
from .decision import Note


def transitions(uid: str, before: MemoAppStatus, after: MemoAppStatus) -> Iterator[Note]:
    """One note for each transition that a person would want to read about."""
    yield from _release_notes(uid, before, after)
    yield from _order_notes(uid, before, after)
    old = {item.type: item for item in before.conditions}
    for item in after.conditions:
        previous = old.get(item.type)
        if previous is not None and (previous.status, previous.reason) == (item.status, item.reason):
            continue
        first = previous is None
        key = _key(uid, item.type, item.status, item.reason, item.last_transition_time, item.message)
        true = item.status.value == "True"
        match item.type:
            case conditions.STALLED if true:
                yield Note(warning=True, reason=item.reason, message=item.message, key=key)
            case conditions.AVAILABLE | conditions.DATABASE_READY | conditions.CACHE_READY if true or not first:
                text = item.message or f"{item.type} is {item.status.value}: {item.reason}"
                if previous is None or previous.status != item.status:
                    yield Note(warning=not true, reason=_name(item.type, true=true), message=text, key=key)
            case conditions.BACKUP_HEALTHY if item.status.value != "Unknown":
                text = item.message or item.reason
                if not true or (previous is not None and previous.status != item.status):
                    yield Note(warning=not true, reason=_backup_name(item.reason, true=true), message=text, key=key)
            case _:
                pass


def _name(type_: str, *, true: bool) -> str:
    if type_ == conditions.AVAILABLE:
        return "Available" if true else "Unavailable"
    return type_ if true else type_.replace("Ready", "NotReady")


def _backup_name(reason: str, *, true: bool) -> str:
    return "BackupHealthy" if true else f"Backup{reason}" if not reason.startswith("Backup") else reason


_NOTES: dict[ReleasePhase, tuple[bool, str]] = {
    ReleasePhase.PENDING: (False, "ReleaseStarted"),
    ReleasePhase.PREFLIGHT: (False, "ReleasePreflight"),
    ReleasePhase.BACKING_UP: (False, "ReleaseBackingUp"),
    ReleasePhase.MIGRATING: (False, "ReleaseMigrating"),
    ReleasePhase.PREPARING: (False, "ReleasePreparing"),
    ReleasePhase.TESTING: (False, "ReleaseTesting"),
    ReleasePhase.APPROVING: (False, "ReleaseAwaitsApproval"),
    ReleasePhase.SHIFTING: (False, "ReleaseShifting"),
    ReleasePhase.SOAKING: (False, "ReleaseSoaking"),
    ReleasePhase.COMPLETED: (False, "ReleaseCompleted"),
    ReleasePhase.RETIRED: (False, "ReleaseRetired"),
    ReleasePhase.ROLLING_BACK: (True, "ReleaseRollingBack"),
    ReleasePhase.ROLLED_BACK: (True, "ReleaseRolledBack"),
    ReleasePhase.HELD: (True, "ReleaseHeld"),
    ReleasePhase.REJECTED: (True, "ReleaseRejected"),
    ReleasePhase.WITHDRAWN: (False, "ReleaseWithdrawn"),
}


def _release_notes(uid: str, before: MemoAppStatus, after: MemoAppStatus) -> Iterator[Note]:
    release, old = after.release, before.release
    if release is None or (old is not None and _step(old) == _step(release)):
        return
    warning, reason = _NOTES[release.phase]
    text = f"version {release.version}, revision {release.id}, {release.colour}"
    if release.phase is ReleasePhase.SHIFTING and release.weight is not None:
        text = f"{text}: {release.weight}% of the clients"
    if release.phase is ReleasePhase.APPROVING:
        text = f"{text}: let the clients come by the annotation memoapp.dev/approve={release.id}"
    if release.reason:
        text = f"{text}: {release.reason}: {release.message}"
    if old is not None and (said := _passed(old, release)):
        text = f"{text}; before: {said}"
    # Held and back again is another transition: the conditions' times tell it apart.
    moments = [release.started_at, *(item.last_transition_time for item in after.conditions)]
    key = _key(uid, reason, release.id, str(release.weight), str(release.passed), *moments)
    yield Note(warning=warning, reason=reason, message=text[:1024], key=key)


def _step(release: ReleaseStatus) -> tuple[str, str, ReleasePhase, int | None]:
    """What a release is at, as far as it is worth an Event."""
    weight = release.weight if release.phase is ReleasePhase.SHIFTING else None
    return release.id, release.started_at, release.phase, weight


def _passed(old: ReleaseStatus, release: ReleaseStatus) -> str:
    """What the gates said of a step that is done."""
    if old.since is None or release.reason or old.id != release.id:
        return ""
    return "; ".join(gate.message for gate in old.gates or () if gate.verdict is GateVerdict.PASS)


def _order_notes(uid: str, before: MemoAppStatus, after: MemoAppStatus) -> Iterator[Note]:
    """Orders that were noted and changed nothing: whoever gave them should read why."""
    old, new = before.orders or OrdersStatus(), after.orders or OrdersStatus()
    if before.release is None or (before.release, before.rejected) != (after.release, after.rejected):
        return
    for kind, (reason, message) in _IGNORED.items():
        nonce = getattr(new, kind)
        if kind == "backup" and after.backups is not None and after.backups.ordered is not None:
            continue
        if nonce and nonce != getattr(old, kind):
            yield Note(warning=True, reason=reason, message=message, key=_key(uid, kind, nonce))


_IGNORED = {
    "rollback": (
        "RollbackIgnored",
        "no old colour has ready pods, and no older revision is stored that could use the database as it is by now",
    ),
    "retry": ("RetryIgnored", "nothing that is declared is rejected or held"),
    "approve": ("ApproveIgnored", "no release waits for it, or it names another one"),
    "backup": ("BackupIgnored", "the MemoApp has no spec.backup, so there is nowhere to put one"),
    "bypass": ("BypassIgnored", "no release waits, or it names another one"),
    "abort": ("AbortIgnored", "no release that could be given up is under way, or it names another one"),
}


def _key(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16]
