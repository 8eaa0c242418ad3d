"""Disaster drills by schedule: when the whole app is recovered somewhere else, and what came of it last. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from memoapp_operator.api.v1alpha1.drill import DisasterStatus, LastDisaster
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.memorestore import Mode, RestorePhase
from memoapp_operator.api.v1alpha1.recovery import RestoreFrom, SavedApp

from .conditions import RECOVERY_PROVED, Verdict, timestamp
from .cron import interval
from .drills import followed, free_name

if TYPE_CHECKING:
    from .backups import Backups, KnownRestore
    from .windows import Answer

RECOVERED = "Recovered"


def status_after(
    app: MemoApp, found: Backups, before: DisasterStatus | None, now: datetime, waits: Answer | None = None
) -> DisasterStatus | None:
    """What the status says of them after this pass; None where none are declared."""
    declared = app.spec.backup.drill.disaster if app.spec.backup is not None else None
    if declared is None or app.spec.backup is None:
        return None
    told, text = before or DisasterStatus(), f"{declared.schedule} {app.spec.backup.time_zone}"
    since = told.since if told.schedule == text else None
    turn = followed(declared.schedule, app.spec.backup.time_zone, since, now, waits)
    there = any(item.name == told.ordered for item in found.restores)
    ordered = None if there else told.ordered
    if turn.due and ordered is None and not any(_is_one(item) and not item.over for item in found.restores):
        ordered = free_name(app, found, f"disaster-{now:%Y%m%d-%H%M%S}")
    return DisasterStatus(schedule=text, since=turn.since, next=turn.next, ordered=ordered, last=_last(found, told))


def _is_one(item: KnownRestore) -> bool:
    return item.mode is Mode.DISASTER_DRILL


def _last(found: Backups, before: DisasterStatus) -> LastDisaster | None:
    over = [item for item in found.restores if _is_one(item) and item.over and item.finished is not None]
    last = max(over, key=lambda item: (item.finished, item.name), default=None)
    if last is None or last.finished is None:
        return before.last
    good = last.phase is RestorePhase.COMPLETED
    reason = RECOVERED if good else (last.trouble or ("Failed", ""))[0]
    return LastDisaster(
        name=last.name, at=timestamp(last.finished), reason=reason[:128], seconds=last.recovered_in if good else None
    )


def to_create(app: MemoApp, found: Backups) -> tuple[str, RestoreFrom] | None:
    """Name and source of one that is committed and not there."""
    told = app.status.backups.disaster if app.status.backups is not None else None
    if told is None or told.ordered is None or app.spec.backup is None:
        return None
    if any(item.name == told.ordered for item in found.restores):
        return None
    return told.ordered, source_of(app)


def source_of(app: MemoApp) -> RestoreFrom:
    """What an app would be recovered from: the newest proved backup of its own destination."""
    declared, metadata = app.spec.backup, app.metadata
    if declared is None:
        raise ValueError("an app without backups cannot be recovered")
    key = declared.encryption.identity_secret_ref if declared.encryption is not None else None
    saved = SavedApp(namespace=metadata.namespace, name=metadata.name)
    return RestoreFrom(destination=declared.destination, app=saved, identity_secret_ref=key)


def verdict(app: MemoApp, found: Backups, now: datetime) -> Verdict | None:
    """Did the app come back from nothing lately? None where no such drills are declared."""
    declared = app.spec.backup.drill.disaster if app.spec.backup is not None else None
    told = app.status.backups.disaster if app.status.backups is not None else None
    if declared is None or app.spec.backup is None:
        return None
    last = _last(found, told or DisasterStatus())
    if last is None:
        return Verdict(RECOVERY_PROVED, None, "NoDrillYet", "the app was not recovered from nothing yet")
    if last.reason != RECOVERED:
        return Verdict(RECOVERY_PROVED, False, last.reason, f"{last.name} of {last.at}: see its status")
    text = f"{last.name}: ready from nothing in {last.seconds} s, at {last.at}"
    between = interval(declared.schedule, app.spec.backup.time_zone, now) or timedelta(days=366)
    if now - datetime.fromisoformat(last.at) > between + timedelta(days=1):
        return Verdict(RECOVERY_PROVED, False, "DrillMissing", text)
    return Verdict(RECOVERY_PROVED, True, RECOVERED, text)
