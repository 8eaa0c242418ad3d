"""One MemoBackup: what is done for it now, from what was seen. Pure.

=========  ===============================================================================================
Pending    ordered, or recorded and not yet read back; waits for its turn, or for what is not there
Running    its Job is at work
Verified   it was read back, and its checksums held
Proved     it was restored, and the copy was like the original
NotProved  it was restored, and the copy was not like the original: it is no backup to rely on
Failed     it could not be taken, or not be verified
Deleting   the object was deleted: the data is hidden, or removed
=========  ===============================================================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from memoapp_operator.api.v1alpha1.data import DeletionPolicy
from memoapp_operator.api.v1alpha1.memoapp import Condition, MemoApp
from memoapp_operator.api.v1alpha1.memobackup import (
    BAD,
    GOOD,
    BackupPhase,
    Location,
    MemoBackup,
    MemoBackupStatus,
)

from .conditions import READY, RECONCILING, STALLED, Verdict, merge, timestamp

FINALIZER = "memoapp.dev/backup"
PRUNED_ANNOTATION = "memoapp.dev/pruned"
"""Of a MemoBackup that a rule of keep deletes: the data goes with it, whatever its deletionPolicy says."""
SOON, OFTEN, LATER = 2.0, 10.0, 60.0
"""Seconds to the next look at what no watch tells: what comes soon, what takes a while, what may never come."""
TRIED_AGAIN = timedelta(minutes=5)
"""After which data that could not be removed is tried again."""
UNTOLD_FOR = timedelta(seconds=20)
"""For so long a record without a status is its maker's, who is about to say more."""


class Work(StrEnum):
    """What an agent is to do; the names of ``render.backup.Task``."""

    TAKE = "take"
    VERIFY = "verify"
    HIDE = "hide"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class JobSeen:
    """The Job that is at work for a MemoBackup.

    Attributes:
        uid: its own.
        done: None while it runs; else whether it succeeded.
        told: the agent's line, where its pod still has it.
        trouble: why its pod does not run, or did not end well: reason and message.
        ended: when it failed; None where nothing tells.
    """

    uid: str
    done: bool | None
    told: dict[str, Any] | None = None
    trouble: tuple[str, str] | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What one pass saw.

    Attributes:
        backup: the MemoBackup.
        app: its MemoApp; None where there is none.
        now: aware, UTC.
        jobs: by what they do.
        busy: another Job of the app is at work: which.
        missing: what its Job would wait for in vain, as sentence parts.
        leaving: the MemoBackup is being deleted.
        pruned: by a rule of keep.
        held: our finalizer stands on it.
    """

    backup: MemoBackup
    app: MemoApp | None
    now: datetime
    jobs: dict[Work, JobSeen]
    busy: str | None = None
    missing: tuple[str, ...] = ()
    leaving: bool = False
    pruned: bool = False
    held: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """What is decided.

    Attributes:
        status: to be committed first.
        work: a Job to be created.
        stop: a Job to be deleted.
        hold: our finalizer is to be set.
        release: our finalizer is to be taken away, which ends it.
        again: seconds to the next look; None: only when something happens.
    """

    status: MemoBackupStatus
    work: Work | None = None
    stop: Work | None = None
    hold: bool = False
    release: bool = False
    again: float | None = None


def step(seen: Sight) -> Step:
    """The next step of a MemoBackup: at most one thing is done in a pass."""
    if seen.leaving:
        return _leaving(seen)
    if not seen.held:
        return Step(seen.backup.status, hold=True, again=SOON)
    phase = seen.backup.status.phase
    if phase in GOOD | BAD:
        return Step(_with_size(said(seen, phase)))
    if seen.backup.spec.location is not None:
        return _recorded(seen)
    return _ordered(seen)


def location_of(backup: MemoBackup) -> Location | None:
    """Where its data lies, as far as anybody knows."""
    return backup.spec.location or backup.status.location


def _recorded(seen: Sight) -> Step:
    """A record of a backup that exists: read back, unless whoever made it does so himself."""
    created = seen.backup.metadata.creation_timestamp
    young = created is not None and seen.now - datetime.fromisoformat(created) < UNTOLD_FOR
    if seen.backup.status.phase is None and young and Work.VERIFY not in seen.jobs:
        return Step(seen.backup.status, again=OFTEN)
    return _worked(seen, Work.VERIFY)


def _ordered(seen: Sight) -> Step:
    if Work.TAKE in seen.jobs:
        return _worked(seen, Work.TAKE)  # whatever became of the app since
    if seen.app is None:
        text = f"there is no MemoApp {seen.backup.spec.app_ref.name}"
        return Step(said(seen, BackupPhase.PENDING, "AppNotFound", text, stalled=True), again=LATER)
    if seen.app.spec.backup is None:
        text = f"MemoApp {seen.app.metadata.name} has no spec.backup, so there is nowhere to put it"
        return Step(said(seen, BackupPhase.PENDING, "NoDestination", text, stalled=True), again=LATER)
    return _worked(seen, Work.TAKE)


def _worked(seen: Sight, work: Work) -> Step:
    """A Job is to do it: one at a time of an app, created once what it needs is there."""
    job = seen.jobs.get(work)
    if job is None:
        if seen.backup.status.phase is BackupPhase.RUNNING:
            # Committed, and not created, or deleted by hand: it begins anew, for it may run twice.
            return Step(seen.backup.status, work=work, again=OFTEN)
        if seen.missing:
            text = f"not there: {', '.join(seen.missing)}"
            return Step(said(seen, BackupPhase.PENDING, "SecretMissing", text, stalled=True), again=OFTEN)
        if seen.app is not None and seen.app.spec.suspend and work is Work.TAKE:
            text = "the MemoApp is suspended: its database does not run"
            return Step(said(seen, BackupPhase.PENDING, "Suspended", text), again=LATER)
        if seen.busy:
            return Step(said(seen, BackupPhase.PENDING, "Waiting", f"waiting for {seen.busy}"), again=OFTEN)
        return Step(_running(seen), work=work, again=SOON)
    if job.done is None:
        reason, message = job.trouble or ("Running", "")
        return Step(said(seen, BackupPhase.RUNNING, reason, message), again=OFTEN)
    return Step(_outcome(seen, job))


def _running(seen: Sight) -> MemoBackupStatus:
    status = said(seen, BackupPhase.RUNNING, "Running", "")
    return status.model_copy(update={"started_at": status.started_at or timestamp(seen.now)})


def _outcome(seen: Sight, job: JobSeen) -> MemoBackupStatus:
    """What the agent said; where nobody can tell any more, it is no backup to rely on."""
    told, recorded = job.told or {}, seen.backup.spec.location
    if job.done and told.get("reason") == "Verified":
        found = recorded or Location.model_validate({key: told[key] for key in ("destination", "folder")})
        changes = {**facts(told), "location": found, "verified_at": timestamp(seen.now)}
        return _with_size(said(seen, BackupPhase.VERIFIED).model_copy(update=changes))
    if told.get("reason") and told["reason"] != "Verified":
        reason, message = str(told["reason"])[:128], str(told.get("message", ""))[:1024]
    elif job.trouble is not None:
        reason, message = job.trouble
    else:
        reason, message = "OutcomeLost", "its pod is gone, and with it the word whether it went well"
    # What was recorded lies where it lies, good or bad; what an order failed to take is not there.
    return said(seen, BackupPhase.FAILED, reason, message, stalled=True).model_copy(update={"location": recorded})


def facts(told: dict[str, Any]) -> dict[str, Any]:
    """What the agent's line says about a backup, as fields of the status."""
    fields = {
        "takenAt": "taken_at",
        "size": "size",
        "digest": "digest",
        "content": "content",
        "tables": "tables",
        "rows": "rows",
        "sealed": "sealed",
        "secrets": "secrets",
        "postgresVersion": "postgres_version",
        "version": "version",
    }
    return {field: told[key] for key, field in fields.items() if told.get(key) is not None}


def _with_size(status: MemoBackupStatus) -> MemoBackupStatus:
    """The status with the size as people read it."""
    if status.size is None or status.display_size is not None:
        return status
    return status.model_copy(update={"display_size": shown(status.size)})


def shown(size: int) -> str:
    """Bytes for people: ``18Mi``, three digits at most before the unit."""
    units = ("", "Ki", "Mi", "Gi", "Ti", "Pi")
    value, unit = float(size), 0
    while value >= 1000 and unit < len(units) - 1:  # noqa: PLR2004 -- so that there are never more than three digits
        value, unit = value / 1024, unit + 1
    return f"{value:.1f}{units[unit]}" if unit and value < 10 else f"{value:.0f}{units[unit]}"  # noqa: PLR2004


def _leaving(seen: Sight) -> Step:
    """The object was deleted. The data stays, hidden, unless it is said that it goes too."""
    if not seen.held:
        return Step(seen.backup.status)
    running = next((work for work in (Work.TAKE, Work.VERIFY) if work in seen.jobs), None)
    if running is not None and seen.jobs[running].done is None:
        return Step(said(seen, BackupPhase.DELETING), stop=running, again=SOON)
    if location_of(seen.backup) is None:
        return Step(seen.backup.status, release=True)
    removes = seen.pruned or seen.backup.spec.deletion_policy is DeletionPolicy.DELETE
    work = Work.REMOVE if removes else Work.HIDE
    job = seen.jobs.get(work)
    if job is None:
        if seen.missing:
            return _unreachable(seen, work, "SecretMissing", f"not there: {', '.join(seen.missing)}")
        return Step(said(seen, BackupPhase.DELETING), work=work, again=SOON)
    if job.done is None:
        reason, message = job.trouble or ("Deleting", "")
        return Step(said(seen, BackupPhase.DELETING, reason, message), again=OFTEN)
    return Step(seen.backup.status, release=True) if job.done else _not_gone(seen, work, job)


def _not_gone(seen: Sight, work: Work, job: JobSeen) -> Step:
    """Its Job failed."""
    told = job.told or {}
    trouble = job.trouble or ("DestinationFailed", "the destination cannot be reached")
    found = _unreachable(seen, work, str(told.get("reason") or trouble[0]), str(told.get("message") or trouble[1]))
    if found.release or (job.ended is not None and seen.now - job.ended < TRIED_AGAIN):
        return found
    return Step(found.status, stop=work, again=LATER)


def _unreachable(seen: Sight, work: Work, reason: str, message: str) -> Step:
    """A marker that cannot be written holds nobody up; what was to be removed and is not, does."""
    status = said(seen, BackupPhase.DELETING, reason[:128], message[:1024], stalled=True)
    return Step(status, release=work is Work.HIDE, again=LATER)


def said(
    seen: Sight, phase: BackupPhase, reason: str | None = None, message: str | None = None, *, stalled: bool = False
) -> MemoBackupStatus:
    """The status in that phase, with its conditions."""
    before = seen.backup.status
    if phase in BAD and reason is None:
        reason, message, stalled = before.reason, before.message, True
    word = reason or phase.value
    text = message or ""
    ready, busy = phase in GOOD, phase in {BackupPhase.PENDING, BackupPhase.RUNNING}
    verdicts = (
        Verdict(READY, ready, word, text),
        Verdict(RECONCILING, busy and not stalled, word),
        Verdict(STALLED, stalled, word, text if stalled else ""),
    )
    generation = seen.backup.metadata.generation
    conditions: list[Condition] = merge(before.conditions, verdicts, generation=generation, now=seen.now)
    changes = {
        "observed_generation": generation,
        "conditions": conditions,
        "phase": phase,
        "reason": reason,
        "message": message or None,
    }
    return before.model_copy(update=changes)
