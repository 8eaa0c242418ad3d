"""What a pass over a MemoRestore saw and decides, and how its status comes about. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.memobackup import MemoBackup
from memoapp_operator.api.v1alpha1.memorestore import MemoRestore, MemoRestoreStatus, Mode, StepStatus
from memoapp_operator.api.v1alpha1.memorestore import RestorePhase as Phase

from .conditions import READY, RECONCILING, STALLED, Verdict, merge, timestamp
from .observation import Volume
from .taking import JobSeen

PAGE = timedelta(minutes=15)
"""How long the page may be up for a restore: longer than the limits of its phases together."""
WITH_PAGE = frozenset({Phase.ANNOUNCING, Phase.SWAPPING, Phase.CHECKING, Phase.RETURNING})
"""Phases in which visitors see the page."""
OVER = frozenset({Phase.COMPLETED, Phase.FAILED})


class Work(StrEnum):
    """What an agent is to do; the names of ``render.restore.Task``."""

    IMPORT = "import"
    DRILL = "drill"
    ASSESS = "assess"
    RECOVER = "recover"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Sight:
    """What one pass saw.

    Attributes:
        restore: the MemoRestore.
        app: its MemoApp; None where there is none.
        live: name of the live database; None where nobody tells.
        now: aware, UTC.
        job: the Job of the present phase; None where there is none.
        backup: the MemoBackup that is the source, or that it became; None where there is none of that name.
        target: the MemoRestore that is undone; None where there is none of that name.
        safety: the MemoBackup of the live database; None where it is not there.
        busy: what else is at work on the destination, or on the data, as a sentence part.
        missing: what its Job would wait for in vain, as sentence parts.
        holder: who holds the Lease of the data.
        leased: there is such a Lease: without backups and migrations there is nobody to keep apart.
        databases: the server's databases, and whether they take connections; only asked where they decide.
        volume: the database's volume, where the agent beside it tells.
        healthy: the app answers through its Services on the database that is live; only asked where it decides.
        page: every router shows the page for this restore.
        reopened: no router shows it for this restore any more.
        undone: another restore undoes this one, or has: its name.
        undoing: it is under way.
        leaving: the MemoRestore is being deleted.
        held: our finalizer stands on it.
    """

    restore: MemoRestore
    app: MemoApp | None
    now: datetime
    live: str | None = None
    job: JobSeen | None = None
    backup: MemoBackup | None = None
    target: MemoRestore | None = None
    safety: MemoBackup | None = None
    busy: str | None = None
    missing: tuple[str, ...] = ()
    holder: str | None = None
    leased: bool = True
    databases: Mapping[str, bool] | None = None
    volume: Volume | None = None
    healthy: str | None = "not asked"
    page: bool = False
    reopened: bool = False
    undone: str | None = None
    undoing: bool = False
    leaving: bool = False
    held: bool = True

    @property
    def status(self) -> MemoRestoreStatus:
        """As it was committed last."""
        return self.restore.status

    @property
    def in_place(self) -> bool:
        """It takes the place of the live database, which may be an empty one."""
        return self.restore.spec.mode is not Mode.DRILL

    @property
    def recovers(self) -> bool:
        """Nothing serves yet, and the live database is empty: there is nothing to be lost, and nobody to see a page."""
        return self.restore.spec.mode is Mode.RECOVERY

    @property
    def undoes(self) -> bool:
        """It brings back the database that was live before another restore."""
        return self.restore.spec.source.undo_of is not None

    def at(self, status: MemoRestoreStatus) -> Sight:
        """The same, with that status."""
        return replace(self, restore=self.restore.model_copy(update={"status": status}))


@dataclass(frozen=True, slots=True)
class Swap:
    """Names of databases: ``fresh`` becomes ``live``, and what was live is called ``kept``."""

    live: str
    fresh: str
    kept: str


@dataclass(frozen=True, slots=True)
class Step:
    """What is decided.

    Attributes:
        status: to be committed first.
        work: a Job to be created.
        stop: the present Job is to be deleted.
        record: the MemoBackup of what was imported is to be created.
        save: the MemoBackup of the live database is to be created.
        take: the Lease of the data is to be taken.
        free: the Lease of the data is to be given back.
        swap: databases to be renamed.
        open: databases that are to take connections again.
        drop: a database to be dropped.
        tell: what is to be noted on the MemoBackup that was restored.
        hold: our finalizer is to be set.
        release: our finalizer is to be taken away, which ends it.
        again: seconds to the next look; None: only when something happens.
    """

    status: MemoRestoreStatus
    work: Work | None = None
    stop: bool = False
    record: bool = False
    save: bool = False
    take: bool = False
    free: bool = False
    swap: Swap | None = None
    open: tuple[str, ...] = ()
    drop: str | None = None
    tell: dict[str, Any] = field(default_factory=dict)
    hold: bool = False
    release: bool = False
    again: float | None = None


def said(seen: Sight, phase: Phase, reason: str | None, message: str, *, stalled: bool = False) -> MemoRestoreStatus:
    """The status in that phase, with its conditions."""
    word = reason or phase.value
    verdicts = (
        Verdict(READY, phase is Phase.COMPLETED, word, message),
        Verdict(RECONCILING, phase not in OVER and not stalled, word),
        Verdict(STALLED, stalled, word, message if stalled else ""),
    )
    generation = seen.restore.metadata.generation
    changes = {
        "observed_generation": generation,
        "conditions": merge(seen.status.conditions, verdicts, generation=generation, now=seen.now),
        "phase": phase,
        "reason": word[:128] if phase is not Phase.COMPLETED else None,
        "message": message[:1024] or None,
        "display": display(seen.status),
    }
    return seen.status.model_copy(update=changes)


def entered(seen: Sight, status: MemoRestoreStatus, phase: Phase) -> MemoRestoreStatus:
    """The status as the phase begins: its step is noted, and the page's end where visitors will see one."""
    now = timestamp(seen.now)
    steps = [*_ended(status, now), StepStatus(name=phase, started_at=now)]
    changes: dict[str, Any] = {"steps": steps[-16:]}
    if phase is Phase.ANNOUNCING:
        changes["page_until"] = timestamp(seen.now + PAGE)
    return said(seen.at(status.model_copy(update=changes)), phase, phase.value, "")


def _ended(status: MemoRestoreStatus, now: str) -> list[StepStatus]:
    return [
        item if item.finished_at is not None else item.model_copy(update={"finished_at": now})
        for item in status.steps or ()
    ]


def since(status: MemoRestoreStatus, phase: Phase) -> datetime | None:
    """When the phase began last."""
    found = [item for item in status.steps or () if item.name is phase]
    return datetime.fromisoformat(found[-1].started_at) if found else None


def late(seen: Sight, limit: timedelta) -> bool:
    """The present phase lasts longer than that."""
    began = since(seen.status, seen.status.phase or Phase.PENDING)
    return began is not None and seen.now - began > limit


def waits(
    seen: Sight, phase: Phase, reason: str, message: str, *, stalled: bool = False, again: float | None = None
) -> Step:
    """It goes on waiting, and says for what."""
    return Step(said(seen, phase, reason, message, stalled=stalled), again=again)


def finished(seen: Sight, status: MemoRestoreStatus) -> MemoRestoreStatus:
    """The end: how long it took, and how long visitors saw the page."""
    now = timestamp(seen.now)
    shown = since(status, Phase.ANNOUNCING)
    down = int((seen.now - shown).total_seconds()) if shown is not None else None
    changes = {"finished_at": now, "steps": _ended(status, now) or None, "downtime_seconds": down}
    after = status.model_copy(update=changes)
    return after.model_copy(update={"display": display(after)})


def failed(seen: Sight, reason: str, message: str, *, tell: dict[str, Any] | None = None, free: bool = False) -> Step:
    """The end of one that did not come about; the live database is as it was."""
    status = said(seen, Phase.FAILED, reason, message, stalled=True)
    return Step(finished(seen, status), tell=tell or {}, free=free)


def rest(seen: Sight) -> MemoRestoreStatus:
    """Nothing is left to be done but what the spec may still change."""
    phase = seen.status.phase or Phase.PENDING
    reason = seen.status.reason or ("Restored" if phase is Phase.COMPLETED else None)
    ready = next((item for item in seen.status.conditions if item.type == READY), None)
    word = ready.reason if ready is not None and phase is Phase.COMPLETED else reason
    return said(seen, phase, word, seen.status.message or "", stalled=phase is Phase.FAILED)


def display(status: MemoRestoreStatus) -> dict[str, str] | None:
    """The columns of ``kubectl get memorestore`` that are more than a field."""
    found = {}
    if status.started_at is not None and status.finished_at is not None and status.phase is Phase.COMPLETED:
        spent = datetime.fromisoformat(status.finished_at) - datetime.fromisoformat(status.started_at)
        ready = (status.evidence.seconds or {}).get("ready") if status.evidence is not None else None
        found["recovery"] = lasted(ready if ready is not None else int(spent.total_seconds()))
    if status.loss is not None:
        found["loss"] = f"{status.loss.rows:,} rows, {lasted(60 * status.loss.minutes)}"
    return found or None


def lasted(seconds: int) -> str:
    """Seconds as people write them: ``38s``, ``12m``, ``3h40m``, ``2d4h``."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:  # noqa: PLR2004 -- two minutes: seconds still count
        return f"{seconds}s"
    if hours < 2:  # noqa: PLR2004
        return f"{minutes}m"
    return f"{hours}h{minutes % 60}m" if days < 2 else f"{days}d{hours % 24}h"  # noqa: PLR2004
