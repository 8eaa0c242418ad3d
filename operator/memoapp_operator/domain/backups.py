"""The backups of an app: what is known of them, what is due, and what may go. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from memoapp_operator.api.v1alpha1.backup import Backup, BackupsStatus, LastBackup, PruningStatus
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, OrdersStatus
from memoapp_operator.api.v1alpha1.memobackup import BAD, GOOD, BackupPhase, Reason
from memoapp_operator.api.v1alpha1.memorestore import Mode, RestorePhase
from memoapp_operator.api.v1alpha1.recovery import RestoreFrom
from memoapp_operator.api.v1alpha1.release import ReleaseBackup

from . import cron, disasters, drills, keeping, names
from .conditions import BACKUP_HEALTHY, Verdict, timestamp
from .cron import next_run, zone
from .durations import seconds
from .windows import Answer

GRACE = timedelta(minutes=30)
"""How much later than its schedule a backup may be verified; a twelfth of its timeout is added to it."""
_NAMES = 64


@dataclass(frozen=True, slots=True)
class Known:
    """One MemoBackup of the app.

    Attributes:
        name: of the MemoBackup.
        reason: why it was taken.
        phase: how far it is; None as long as nobody has said.
        created: when the object was.
        taken: the moment of its snapshot; None as long as there is none.
        trouble: reason and message, where it failed.
        leaving: it is being deleted.
        proved: when it was restored and found to be like the original; None where that was not so yet.
        sealed: it is sealed with age.
    """

    name: str
    reason: Reason
    phase: BackupPhase | None
    created: datetime
    taken: datetime | None = None
    trouble: tuple[str, str] | None = None
    leaving: bool = False
    proved: datetime | None = None
    sealed: bool = False

    @property
    def good(self) -> bool:
        """It was read back, and is there."""
        return self.phase in GOOD and self.taken is not None and not self.leaving


@dataclass(frozen=True, slots=True)
class Failure:
    """A Job of the schedule that took none."""

    name: str
    at: datetime
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class KnownRestore:
    """One MemoRestore of the app.

    Attributes:
        name: of the MemoRestore.
        mode: a drill, in place, a full recovery, or a drill of one.
        phase: how far it is; None as long as nobody has said.
        created: when the object was.
        backup: the MemoBackup that it restores; None where there is none.
        safety: the MemoBackup of the live database that was taken for it.
        drill: the schedule ordered it.
        trouble: reason and message, where it failed or waits.
        finished: when it ended.
        page_until: when its page falls, where it holds one up.
        kept: the database that was live before is still there.
        leaving: it is being deleted.
        owner: uid of the MemoApp that made it; None where a person did.
        word: the reason of its condition Ready.
        stalled: it waits for somebody, or failed.
        folder: the backup's, in its destination.
        taken: the moment that the data comes from (RFC 3339).
        recovery: what a full recovery restores.
        offers: its agent makes a Secret.
        recovered_in: seconds from nothing to an app that is ready.
        of_release: it brings the database back after a release that failed.
    """

    name: str
    mode: Mode
    phase: RestorePhase | None
    created: datetime
    backup: str | None = None
    safety: str | None = None
    drill: bool = False
    trouble: tuple[str, str] | None = None
    finished: datetime | None = None
    page_until: str | None = None
    kept: bool = False
    leaving: bool = False
    owner: str | None = None
    word: str | None = None
    stalled: bool = False
    folder: str | None = None
    taken: str | None = None
    recovery: RestoreFrom | None = None
    offers: bool = False
    recovered_in: int | None = None
    of_release: bool = False

    @property
    def over(self) -> bool:
        """It came to its end."""
        return self.phase in {RestorePhase.COMPLETED, RestorePhase.FAILED}


@dataclass(frozen=True, slots=True)
class Backups:
    """What one pass saw of them.

    Attributes:
        known: every MemoBackup of the app.
        failures: of the schedule's Jobs.
        missing: Secrets that a backup needs and that are not there, each as a sentence part.
        destination: digest of where backups lie.
        catalogued: whether the Job that looks for unknown ones there is done; None where there is none.
        restores: every MemoRestore of the app.
    """

    known: tuple[Known, ...] = ()
    failures: tuple[Failure, ...] = ()
    missing: tuple[str, ...] = ()
    destination: str = ""
    catalogued: bool | None = None
    restores: tuple[KnownRestore, ...] = ()

    def named(self, name: str | None) -> Known | None:
        """The MemoBackup of this name."""
        return next((item for item in self.known if item.name == name), None)

    @property
    def newest(self) -> Known | None:
        """The newest good one."""
        return max((item for item in self.known if item.good), key=_moment, default=None)


def _moment(item: Known) -> tuple[datetime, str]:
    return item.taken or item.created, item.name


def required(app: MemoApp) -> bool:
    """No release of the app goes on without a backup."""
    declared = app.spec.release.backup
    return app.spec.backup is not None and declared is not ReleaseBackup.SKIP


def young_enough(app: MemoApp, found: Backups, now: datetime) -> Known | None:
    """The newest good backup, if it will do for a release that begins now."""
    newest = found.newest
    limit = timedelta(seconds=seconds(app.spec.release.backup_max_age))
    return newest if newest is not None and newest.taken is not None and now - newest.taken < limit else None


def free_name(app: str, suffix: str, found: Backups) -> str:
    """``<app>-<suffix>``, with a number where there is a MemoBackup of that name."""
    taken = {item.name for item in found.known}
    suffixes = (f"{suffix}-{number}" if number > 1 else suffix for number in range(1, len(taken) + 2))
    return next(name for name in (names.child(app, each, limit=63) for each in suffixes) if name not in taken)


def status_after(
    app: MemoApp, found: Backups, orders: OrdersStatus, now: datetime, waits: Answer | None = None
) -> BackupsStatus | None:
    """What the status says of them after this pass; None where there is nothing to say.

    Args:
        app: with the status that was committed last.
        found: what is there.
        orders: as they are noted in this pass.
        now: aware.
        waits: the window that drills by schedule wait for; None where none holds them.
    """
    before, declared = app.status.backups or BackupsStatus(), app.spec.backup
    if declared is None:
        return None
    newest = found.newest
    last = LastBackup(name=newest.name, taken_at=timestamp(newest.taken)) if newest and newest.taken else None
    after = BackupsStatus(
        last=last,
        last_proved=drills.last_proof(found),
        drill=drills.status_after(app, found, before.drill, now, waits),
        disaster=disasters.status_after(app, found, before.disaster, now, waits),
        **_followed(app, before, now),
        next=_next(declared, now),
        ordered=_ordered(app, found, orders, before, now),
        pruning=_pruning(app, declared, found, before.pruning, now),
        catalogued=_catalogued(found, before),
    )
    return after if after != BackupsStatus() else None


def _followed(app: MemoApp, before: BackupsStatus, now: datetime) -> dict[str, Any]:
    """The schedule, and since when: what was due before it, or while it rested, is not missed."""
    declared = app.spec.backup
    if declared is None or declared.schedule is None or declared.suspend or app.spec.suspend:
        return {}
    text = f"{declared.schedule} {declared.time_zone}"
    since = before.since if before.schedule == text and before.since is not None else timestamp(now)
    return {"schedule": text, "since": since}


def _next(declared: Backup, now: datetime) -> str | None:
    if declared.schedule is None or declared.suspend:
        return None
    moment = next_run(declared.schedule, declared.time_zone, now)
    return timestamp(moment) if moment is not None else None


def _ordered(app: MemoApp, found: Backups, orders: OrdersStatus, before: BackupsStatus, now: datetime) -> str | None:
    """The name of the one to create: committed first, then created, so that an order is neither lost nor doubled."""
    nonce = app.status.orders.backup if app.status.orders is not None else None
    if orders.backup and orders.backup != nonce:
        return free_name(app.metadata.name, now.strftime("%Y%m%d-%H%M%S"), found)
    return before.ordered if before.ordered is not None and found.named(before.ordered) is None else None


def _catalogued(found: Backups, before: BackupsStatus) -> str | None:
    return found.destination if found.catalogued else before.catalogued


def to_catalogue(app: MemoApp, found: Backups) -> bool:
    """Nobody has looked yet which backups lie in the destination."""
    known = app.status.backups.catalogued if app.status.backups is not None else None
    return app.spec.backup is not None and known != found.destination and not found.missing


def _text(rules: keeping.Rules, zone_name: str) -> str:
    return (f"last {rules.last}, daily {rules.daily}, weekly {rules.weekly}, monthly {rules.monthly}, in {zone_name}")[
        :128
    ]


def _pruning(
    app: MemoApp, declared: Backup, found: Backups, before: PruningStatus | None, now: datetime
) -> PruningStatus | None:
    """What the rules do not keep; new rules begin to prune only after a while."""
    where, keep = zone(declared.time_zone), declared.keep
    if keep is None or where is None:
        return None
    rules = keeping.Rules(keep.last, keep.daily, keep.weekly, keep.monthly)
    text = _text(rules, declared.time_zone)
    pause = timedelta(seconds=seconds(keep.announce))
    begins = before.begins if before is not None and before.rules == text else timestamp(now + pause)
    referred = _referred(app) | _restored(found)
    standings = [_standing(item, referred) for item in found.known if item.phase is not BackupPhase.DELETING]
    names_ = [item.name for item in keeping.prunable(standings, rules, where, now)][:_NAMES]
    return PruningStatus(rules=text, begins=begins, names=names_ or None)


def _referred(app: MemoApp) -> set[str]:
    """What a release names that is under way, serves, or could come back."""
    release, history = app.status.release, app.status.history or ()
    held = {release.backup} if release is not None else set()
    held |= {item.backup for item in history[:2]}
    return {name for name in held if name}


def _restored(found: Backups) -> set[str]:
    """What a restore names that is under way, or can be undone."""
    at_work = [item for item in found.restores if not item.over or item.kept]
    return {name for item in at_work for name in (item.backup, item.safety) if name is not None}


def _standing(item: Known, referred: set[str]) -> keeping.Backup:
    standing = {
        BackupPhase.VERIFIED: keeping.Standing.VERIFIED,
        BackupPhase.PROVED: keeping.Standing.PROVED,
        BackupPhase.FAILED: keeping.Standing.FAILED,
        BackupPhase.NOT_PROVED: keeping.Standing.FAILED,
    }.get(item.phase or BackupPhase.PENDING, keeping.Standing.UNKNOWN)
    return keeping.Backup(
        item.name,
        item.taken or item.created,
        standing,
        manual=item.reason in {Reason.MANUAL, Reason.IMPORTED} and standing is not keeping.Standing.FAILED,
        referred=item.name in referred,
    )


def to_prune(app: MemoApp, found: Backups, now: datetime) -> Iterator[Known]:
    """What is to be deleted now, by what is committed."""
    pruning = app.status.backups.pruning if app.status.backups is not None else None
    if pruning is None or now < datetime.fromisoformat(pruning.begins):
        return
    for name in pruning.names or ():
        item = found.named(name)
        if item is not None and not item.leaving:
            yield item


def verdict(app: MemoApp, found: Backups, now: datetime) -> Verdict | None:
    """Are there good backups, as the schedule wants them? None where none are declared."""
    declared = app.spec.backup
    if declared is None:
        return None
    newest = found.newest
    if found.missing:
        return Verdict(BACKUP_HEALTHY, False, "SecretMissing", f"not there: {', '.join(found.missing)}")
    failed = _newest_failure(found)
    if failed is not None and (newest is None or newest.taken is None or failed.at > newest.taken):
        return Verdict(BACKUP_HEALTHY, False, failed.reason, f"{failed.name}: {failed.message}"[:1024])
    late = _late(app, declared, newest, now)
    if late is not None:
        return Verdict(BACKUP_HEALTHY, False, "Missed", f"none was taken at {timestamp(late)}, or none is known of")
    if newest is None or newest.taken is None:
        return Verdict(BACKUP_HEALTHY, None, "NoBackupYet", "none was due yet")
    without = "" if declared.encryption is not None else "; no recipients are declared: Secrets are not in it"
    return Verdict(BACKUP_HEALTHY, True, "Verified", f"{newest.name} of {timestamp(newest.taken)}{without}")


def _newest_failure(found: Backups) -> Failure | None:
    """Of a Job of the schedule, or of a MemoBackup."""
    told = [
        Failure(item.name, item.taken or item.created, *(item.trouble or ("Failed", "it failed")))
        for item in found.known
        if item.phase in BAD and not item.leaving
    ]
    return max([*told, *found.failures], key=lambda item: (item.at, item.name), default=None)


def _late(app: MemoApp, declared: Backup, newest: Known | None, now: datetime) -> datetime | None:
    """The time at which one was due and none came; None where all is in time."""
    told = app.status.backups.since if app.status.backups is not None else None
    if declared.schedule is None or declared.suspend or app.spec.suspend or told is None:
        return None
    since = datetime.fromisoformat(told)
    if newest is not None and newest.taken is not None:
        since = max(since, newest.taken)
    due = next_run(declared.schedule, declared.time_zone, since)
    patience = GRACE + timedelta(seconds=seconds(declared.timeout) / 12)
    return due if due is not None and now - due > patience else None


def interval(app: MemoApp, now: datetime) -> float | None:
    """Seconds between the next two times of the schedule; None without one."""
    declared = app.spec.backup
    if declared is None or declared.schedule is None or declared.suspend:
        return None
    between = cron.interval(declared.schedule, declared.time_zone, now)
    return between.total_seconds() if between is not None else None
