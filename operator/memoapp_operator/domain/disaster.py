"""One disaster drill: the whole app is recovered in a namespace that is made for it, and that is removed again. Pure.

==========  ===========================================================================================
Pending     waits for what is not there
Preparing   the namespace, the keys of the destination, and a MemoApp with restoreFrom are made in it
Recovering  that MemoApp recovers, and runs its tests, until it is Ready, or Stalled, or out of time
Removing    the namespace goes with all that is in it
Completed   it came back
Failed      it did not; the message says why
==========  ===========================================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.memorestore import EvidenceStatus, MemoRestore, MemoRestoreStatus
from memoapp_operator.api.v1alpha1.memorestore import RestorePhase as Phase

from . import restore_status
from .conditions import READY, STALLED, find, is_true, timestamp
from .disasters import RECOVERED
from .durations import seconds
from .restore_status import OVER, entered, failed, finished, lasted, late, rest, said, since, waits
from .taking import LATER, OFTEN, SOON

PATIENCE = timedelta(seconds=90)
"""For so long the recovered app may be Stalled before that is its end."""
_USUAL = timedelta(hours=2)
_WITHOUT = frozenset({Phase.PENDING, Phase.PREPARING, *OVER})
"""Phases in which there is no namespace of its own, or none that it knows of."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What one pass saw.

    Attributes:
        restore: the MemoRestore.
        app: whose recovery is tried; None where it is not there.
        now: aware, UTC.
        space: whether the namespace is there: ``ours``, ``leaving``, ``foreign``; None where it is not, ``forbidden``
            where the operator may not even look.
        scratch: the MemoApp in it.
        recovered: its MemoRestore.
        missing: keys that are not there, as sentence parts.
        leaving: the MemoRestore is being deleted.
        held: our finalizer stands on it.
    """

    restore: MemoRestore
    app: MemoApp | None
    now: datetime
    space: str | None = None
    scratch: MemoApp | None = None
    recovered: MemoRestore | None = None
    missing: tuple[str, ...] = ()
    leaving: bool = False
    held: bool = True

    @property
    def status(self) -> MemoRestoreStatus:
        """As it was committed last."""
        return self.restore.status

    @property
    def whole(self) -> restore_status.Sight:
        """The same for what is common to all restores."""
        return restore_status.Sight(self.restore, self.app, self.now)


@dataclass(frozen=True, slots=True)
class Step:
    """What is decided.

    Attributes:
        status: to be committed first.
        make: namespace, keys and MemoApp are to be created, as far as they are not there.
        drop: the namespace is to be deleted.
        hold: our finalizer is to be set.
        release: our finalizer is to be taken away.
        again: seconds to the next look; None: only when something happens.
    """

    status: MemoRestoreStatus
    make: bool = False
    drop: bool = False
    hold: bool = False
    release: bool = False
    again: float | None = None


def namespace_of(restore: MemoRestore) -> str:
    """The namespace of the drill: as short as it is unlikely."""
    tail = hashlib.sha256(restore.metadata.uid.encode()).hexdigest()[:8]
    return f"{restore.metadata.namespace[:40].rstrip('-')}-drill-{tail}"


def step(seen: Sight) -> Step:
    """The next step."""
    phase = seen.status.phase or Phase.PENDING
    if seen.leaving:
        return _leaving(seen, phase)
    if phase in OVER:
        return Step(rest(seen.whole))
    if not seen.held:
        return Step(seen.status, hold=True, again=SOON)
    match phase:
        case Phase.PREPARING:
            return _preparing(seen)
        case Phase.RECOVERING:
            return _recovering(seen)
        case Phase.REMOVING:
            return _removing(seen)
        case _:
            return _pending(seen)


def _leaving(seen: Sight, phase: Phase) -> Step:
    """Deleted: its namespace goes first."""
    if seen.space in {"ours", "leaving"}:
        return Step(seen.status, drop=seen.space == "ours", again=OFTEN)
    if seen.space == "forbidden" and phase not in _WITHOUT:
        return Step(seen.status, again=LATER)
    return Step(seen.status, release=True)


def _waits(seen: Sight, phase: Phase, reason: str, text: str, *, stalled: bool = False, again: float) -> Step:
    return Step(waits(seen.whole, phase, reason, text, stalled=stalled).status, again=again)


def _pending(seen: Sight) -> Step:
    if seen.app is None:
        text = f"there is no MemoApp {seen.restore.spec.app_ref.name}"
        return _waits(seen, Phase.PENDING, "AppNotFound", text, stalled=True, again=LATER)
    refusal = _refused(seen, seen.app)
    if refusal is not None:
        return Step(failed(seen.whole, "NotPossible", refusal).status)
    if seen.missing:
        text = f"not there: {', '.join(seen.missing)}"
        return _waits(seen, Phase.PENDING, "SecretMissing", text, stalled=True, again=OFTEN)
    changes = {"namespace": namespace_of(seen.restore), "started_at": timestamp(seen.now)}
    return Step(entered(seen.whole, seen.status.model_copy(update=changes), Phase.PREPARING), again=SOON)


def _refused(seen: Sight, app: MemoApp) -> str | None:
    """What another namespace cannot reach, or must not."""
    source = seen.restore.spec.source.recovery
    if source is None or source.destination.s3 is None:
        return "backups on a volume of this namespace cannot be read from another one: it needs a bucket"
    if app.spec.database.managed is None:
        return "the database is external: it is not in the cluster that would be lost"
    if app.spec.redis is not None and app.spec.redis.managed is None:
        return "Redis is external: the recovered app would work on the live one"
    return None


def _preparing(seen: Sight) -> Step:
    if seen.space == "forbidden":
        text = "the operator may not make namespaces: its chart gives it the right with disasterDrills.enabled"
        return _waits(seen, Phase.PREPARING, "RightsMissing", text, stalled=True, again=OFTEN)
    if seen.space == "foreign":
        text = f"there is a namespace {seen.status.namespace}, and this drill did not make it"
        return Step(failed(seen.whole, "NamespaceTaken", text).status)
    if seen.space == "leaving":
        return _removed(seen, "NamespaceRemoved", "somebody removed the namespace")
    if seen.scratch is not None:
        return Step(entered(seen.whole, seen.status, Phase.RECOVERING), again=SOON)
    text = f"the namespace {seen.status.namespace} is made"
    return replace(_waits(seen, Phase.PREPARING, "Preparing", text, again=SOON), make=True)


def _recovering(seen: Sight) -> Step:
    if seen.space == "forbidden":
        return Step(seen.status, again=LATER)
    if seen.scratch is None:
        return _removed(seen, "NamespaceRemoved", "somebody removed the recovered app")
    conditions = seen.scratch.status.conditions
    if is_true(conditions, READY):
        return _recovered(seen)
    ready, stalled = find(conditions, READY), find(conditions, STALLED)
    text = f"{ready.reason}: {ready.message}" if ready is not None else "the recovered app is not looked at yet"
    if stalled is not None and is_true(conditions, STALLED):
        began = datetime.fromisoformat(stalled.last_transition_time)
        if seen.now - began > PATIENCE:
            return _removed(seen, stalled.reason, f"the recovered app is stalled: {text}")
    limit = _limit(seen)
    if late(seen.whole, limit):
        return _removed(seen, "TimedOut", f"not ready within {lasted(int(limit.total_seconds()))}: {text}")
    return _waits(seen, Phase.RECOVERING, "Recovering", text, again=OFTEN)


def _limit(seen: Sight) -> timedelta:
    declared = seen.app.spec.backup if seen.app is not None else None
    disaster = declared.drill.disaster if declared is not None else None
    return timedelta(seconds=seconds(disaster.timeout)) if disaster is not None else _USUAL


def _recovered(seen: Sight) -> Step:
    """What came back, and how long it took from nothing to an app that is ready."""
    began = since(seen.status, Phase.PREPARING) or seen.now
    spent = int((seen.now - began).total_seconds())
    found = seen.recovered.status if seen.recovered is not None else MemoRestoreStatus()
    evidence = found.evidence or EvidenceStatus()
    changes = {
        "evidence": evidence.model_copy(update={"seconds": {**(evidence.seconds or {}), "ready": spent}}),
        "location": found.location,
        "taken_at": found.taken_at,
        "chosen": found.chosen,
        "configuration": found.configuration,
    }
    release = seen.scratch.status.release if seen.scratch is not None else None
    tests = len(release.tests or ()) if release is not None else 0
    version = release.version if release is not None else "?"
    text = f"version {version} was ready after {lasted(spent)}, and {tests} tests passed"
    return _removed(replace(seen, restore=_with(seen, changes)), RECOVERED, text)


def _with(seen: Sight, changes: Mapping[str, Any]) -> MemoRestore:
    return seen.restore.model_copy(update={"status": seen.status.model_copy(update=changes)})


def _removed(seen: Sight, reason: str, message: str) -> Step:
    status = entered(seen.whole, seen.status, Phase.REMOVING)
    after = said(seen.whole.at(status), Phase.REMOVING, reason[:128], message[:1024])
    return Step(after, again=SOON)


def _removing(seen: Sight) -> Step:
    reason, message = seen.status.reason or "Failed", seen.status.message or ""
    if seen.space in {"ours", "leaving"}:
        same = said(seen.whole, Phase.REMOVING, reason, message)
        return Step(same, drop=seen.space == "ours", again=OFTEN)
    if seen.space == "forbidden":
        return Step(seen.status, again=LATER)
    if reason != RECOVERED:
        return Step(failed(seen.whole, reason, message).status)
    return Step(finished(seen.whole, said(seen.whole, Phase.COMPLETED, RECOVERED, message)))
