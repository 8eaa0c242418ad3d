"""Drills by schedule: which backup is restored when to prove it, and whether the last proof is fresh enough. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from memoapp_operator.api.v1alpha1.drill import DrillStatus, LastProof
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.memorestore import Mode, RestorePhase

from . import names
from .conditions import RESTORE_PROVED, Verdict, timestamp
from .cron import interval, next_run

if TYPE_CHECKING:
    from .backups import Backups, Known, KnownRestore
    from .windows import Answer

FRESH = timedelta(days=8)
"""For so long a proof counts: a week, and a day for the drill to come late."""
KEPT = 5
"""Drills by schedule that are over and stay to be looked at."""
_STAMP = "%Y%m%d-%H%M%S"


def last_proof(found: Backups) -> LastProof | None:
    """The backup that was proved last."""
    proved = [item for item in found.known if item.good and item.proved is not None]
    last = max(proved, key=lambda item: (item.proved, item.name), default=None)
    if last is None or last.proved is None or last.taken is None:
        return None
    return LastProof(name=last.name, taken_at=timestamp(last.taken), proved_at=timestamp(last.proved))


def status_after(
    app: MemoApp, found: Backups, before: DrillStatus | None, now: datetime, waits: Answer | None = None
) -> DrillStatus | None:
    """What the status says of drills after this pass; None where none are due by schedule.

    One that was due while nobody looked comes once. One that is due while another one runs, or while there is no backup
    to be restored, does not come. One that is due outside of the maintenance windows comes in the next of them.
    """
    text = _followed(app)
    if text is None or app.spec.backup is None:
        return None
    told = before or DrillStatus()
    since = told.since if told.schedule == text else None
    turn = followed(app.spec.backup.drill.schedule, app.spec.backup.time_zone, since, now, waits)
    ordered, backup = _pending(told, found)
    chosen = _chosen(app, found) if turn.due and ordered is None else None
    if chosen is not None:
        ordered, backup = free_name(app, found, f"drill-{now.strftime(_STAMP)}"), chosen.name
    return DrillStatus(schedule=text, since=turn.since, next=turn.next, ordered=ordered, backup=backup)


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a schedule stands.

    Attributes:
        due: one is due now.
        since: after which moment the next one comes (RFC 3339).
        next: when that is; None where it never comes.
    """

    due: bool
    since: str
    next: str | None


def followed(schedule: str, zone: str, since: str | None, now: datetime, waits: Answer | None = None) -> Turn:
    """Where a schedule stands that was followed since; one that was due while nobody looked comes once.

    Args:
        schedule: five cron fields.
        zone: IANA time zone of the schedule.
        since: RFC 3339; None where it was not followed yet.
        now: aware.
        waits: the window that what is due waits for; None where none holds it.
    """
    since = since or timestamp(now)
    due = next_run(schedule, zone, datetime.fromisoformat(since))
    if due is not None and due <= now and waits is not None:
        return Turn(due=False, since=since, next=timestamp(waits.start) if waits.start is not None else None)
    if due is not None and due <= now:
        after = next_run(schedule, zone, now)
        return Turn(due=True, since=timestamp(now), next=timestamp(after) if after is not None else None)
    return Turn(due=False, since=since, next=timestamp(due) if due is not None else None)


def _followed(app: MemoApp) -> str | None:
    declared = app.spec.backup
    if declared is None or declared.drill.suspend:
        return None
    return f"{declared.drill.schedule} {declared.time_zone}"


def _pending(told: DrillStatus, found: Backups) -> tuple[str | None, str | None]:
    """What is committed and not created yet: once it is there, it is forgotten, or it would be made again."""
    there = any(item.name == told.ordered for item in found.restores)
    return (None, None) if there else (told.ordered, told.backup)


def _chosen(app: MemoApp, found: Backups) -> Known | None:
    """The newest good backup, where it can be proved and no drill is under way."""
    newest = found.newest
    if newest is None or cannot_open(app, newest) or any(_is_drill(item) and not item.over for item in found.restores):
        return None
    return newest


def _is_drill(item: KnownRestore) -> bool:
    return item.mode is Mode.DRILL


def cannot_open(app: MemoApp, backup: Known) -> bool:
    """It is sealed, and the app names no key."""
    declared = app.spec.backup.encryption if app.spec.backup is not None else None
    return backup.sealed and (declared is None or declared.identity_secret_ref is None)


def free_name(app: MemoApp, found: Backups, stamp: str) -> str:
    """``<app>-<stamp>``, with a number where there is a MemoRestore of that name."""
    taken = {item.name for item in found.restores}
    suffixes = (f"{stamp}-{number}" if number > 1 else stamp for number in range(1, len(taken) + 2))
    return next(name for name in (names.child(app.metadata.name, each) for each in suffixes) if name not in taken)


def to_create(app: MemoApp, found: Backups) -> tuple[str, str] | None:
    """Name and backup of a drill that is committed and not there."""
    told = app.status.backups.drill if app.status.backups is not None else None
    ordered, backup = _pending(told, found) if told is not None else (None, None)
    return (ordered, backup) if ordered is not None and backup is not None else None


def to_forget(found: Backups) -> Iterator[KnownRestore]:
    """Drills by schedule that are over and not among the last ones."""
    over = [item for item in found.restores if item.drill and item.over and not item.leaving]
    yield from sorted(over, key=lambda item: (item.created, item.name), reverse=True)[KEPT:]


def verdict(app: MemoApp, found: Backups, now: datetime) -> Verdict | None:
    """Was a backup restored and found to be like the original lately? None where no backups are declared."""
    declared = app.spec.backup
    if declared is None:
        return None
    proof, last = last_proof(found), _last_drill(found)
    proved = datetime.fromisoformat(proof.proved_at) if proof is not None else None
    failed = _failed_since(last, proved)
    if failed is not None and failed[0] == "NotProved":
        return Verdict(RESTORE_PROVED, False, "NotProved", failed[1])
    newest = found.newest
    if newest is not None and cannot_open(app, newest):
        text = "backups are sealed, and backup.encryption.identitySecretRef names no key for drills"
        return Verdict(RESTORE_PROVED, None, "NoIdentity", text)
    if proof is not None and proved is not None and now - proved < _fresh(app, now):
        text = f"{proof.name} was restored and compared at {proof.proved_at}"
        return Verdict(RESTORE_PROVED, True, "Proved", text)
    why = f"; the last drill failed: {failed[0]}: {failed[1]}" if failed is not None else ""
    if proof is not None:
        return Verdict(RESTORE_PROVED, False, "ProofMissing", f"the last proof is of {proof.proved_at}{why}"[:1024])
    oldest = min((item.taken for item in found.known if item.good and item.taken is not None), default=None)
    if oldest is not None and now - oldest > _fresh(app, now):
        return Verdict(RESTORE_PROVED, False, "ProofMissing", f"no backup was ever restored{why}"[:1024])
    return Verdict(RESTORE_PROVED, None, "NoProofYet", f"no backup was restored yet{why}"[:1024])


def _last_drill(found: Backups) -> KnownRestore | None:
    over = [item for item in found.restores if _is_drill(item) and item.over]
    return max(over, key=lambda item: (item.finished or item.created, item.name), default=None)


def _failed_since(last: KnownRestore | None, proved: datetime | None) -> tuple[str, str] | None:
    """Why the last drill failed, where nothing was proved after it."""
    if last is None or last.phase is not RestorePhase.FAILED:
        return None
    if proved is not None and last.finished is not None and last.finished <= proved:
        return None
    reason, message = last.trouble or ("Failed", "it failed")
    return reason, f"{last.name}: {message}"[:900]


def _fresh(app: MemoApp, now: datetime) -> timedelta:
    """Eight days; longer where drills are further apart than a week, by as much."""
    declared = app.spec.backup
    if declared is None or declared.drill.suspend:
        return FRESH
    between = interval(declared.drill.schedule, declared.time_zone, now) or timedelta(0)
    return max(FRESH, between + timedelta(days=1))
