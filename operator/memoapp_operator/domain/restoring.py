"""One MemoRestore: what is done for it now, from what was seen. Pure; docs/restores.md shows the table.

==============  ====================================================================================================
Pending         waits for its turn, or for what is not there
Importing       a dump of old scripts becomes a backup, on a server of its own
Assessing       the backup is read back, and what a restore in place would lose is counted; nothing is changed
ConsentNeeded   waits for dataLoss: Accept
BackingUp       the live database is saved first
Restoring       the backup is restored on a server of its own (Drill), or beside the live database, and compared
Announcing      every router shows the page
Swapping        connections are ended, and both databases renamed in one transaction
Checking        the app must be healthy on the restored database
Reopening       the page falls, in every router
Returning       it is not: the database that was live before takes its place again
Discarding      what was restored beside is dropped; the live database was not touched, or is back
Completed       done; in place: the database that was live before is kept for undoFor, then dropped
Failed          nothing changed, or all was brought back
==============  ====================================================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from memoapp_operator.api.v1alpha1.memobackup import BAD, GOOD, Location
from memoapp_operator.api.v1alpha1.memorestore import EvidenceStatus, LossStatus, MemoRestoreStatus
from memoapp_operator.api.v1alpha1.memorestore import RestorePhase as Phase

from . import names, swapping
from . import restore_source as source
from .conditions import timestamp
from .restore_status import (
    OVER,
    WITH_PAGE,
    Sight,
    Step,
    Work,
    entered,
    failed,
    finished,
    rest,
    said,
    waits,
)
from .taking import LATER, OFTEN, SOON

FINALIZER = "memoapp.dev/restore"
"""On a restore in place: what it put aside goes with it, at its time."""
ROOM = 1.25
"""A restored database takes as much as the original, and its write-ahead log a quarter more."""
WITH_DATA = frozenset({Phase.RESTORING, *WITH_PAGE, Phase.REOPENING, Phase.DISCARDING})
"""Phases of a restore in place in which it holds the Lease of the app's data."""
NOT_PROVED, PROVED, ASSESSED, NOT_NEEDED = "NotProved", "Proved", "Assessed", "NotNeeded"
IMPORTED = "Imported"
_BAD_BACKUP = frozenset({NOT_PROVED, "NotVerified"})
"""What a drill says where the backup, and not its surroundings, is at fault."""


def holder_of(restore: str) -> str:
    """Who holds the Lease of the data, and the page, for a restore."""
    return f"restore/{restore}"


def is_holder(name: str) -> bool:
    """This is the name of a restore that holds them."""
    return name.startswith(holder_of(""))


def safety_of(restore: str) -> str:
    """The name of the backup that is taken of the live database first."""
    return names.child(restore, "before", limit=names.LABEL_LIMIT)


def database_names(live: str, uid: str) -> tuple[str, str]:
    """What the copy beside the live database is called, and what the live one is called once it was put aside."""
    stem, tail = live[:40], hashlib.sha256(uid.encode()).hexdigest()[:8]
    return f"{stem}_fresh_{tail}", f"{stem}_before_{tail}"


def step(seen: Sight) -> Step:
    """The next step of a MemoRestore: at most one thing is done in a pass."""
    if seen.in_place and not seen.held and not seen.leaving and seen.status.phase not in OVER:
        return Step(seen.status, hold=True, again=SOON)
    if seen.leaving:
        return _leaving(seen)
    return _HANDLERS[seen.status.phase or Phase.PENDING](seen)


def _pending(seen: Sight) -> Step:
    if seen.app is None:
        text = f"there is no MemoApp {seen.restore.spec.app_ref.name}"
        return waits(seen, Phase.PENDING, "AppNotFound", text, stalled=True, again=LATER)
    if seen.app.spec.backup is None and not seen.recovers:
        return waits(seen, Phase.PENDING, "NoDestination", "the MemoApp has no spec.backup", stalled=True, again=LATER)
    refusal = source.refused(seen)
    if refusal is not None:
        reason, text, final = refusal
        if final:
            return failed(seen, reason, text)
        return waits(seen, Phase.PENDING, reason, text, stalled=True, again=OFTEN)
    unknown = ("the Secret of the database",) if seen.in_place and seen.live is None else ()
    if missing := (*seen.missing, *unknown):
        text = f"not there: {', '.join(missing)}"
        return waits(seen, Phase.PENDING, "SecretMissing", text, stalled=True, again=OFTEN)
    if seen.app.spec.suspend and seen.in_place:
        text = "the MemoApp is suspended: its database does not run"
        return waits(seen, Phase.PENDING, "Suspended", text, again=LATER)
    if seen.busy is not None:
        return waits(seen, Phase.PENDING, "Waiting", f"waiting for {seen.busy}", again=OFTEN)
    status = _begun(seen)
    first = Phase.IMPORTING if seen.restore.spec.source.dump is not None else _first(seen)
    return Step(entered(seen, status, first), again=SOON)


def _first(seen: Sight) -> Phase:
    """What is done first with a backup that is there."""
    return Phase.ASSESSING if seen.in_place else Phase.RESTORING


def _importing(seen: Sight) -> Step:
    """What was imported is a backup like any other from here on."""
    found = _worked(seen, Work.IMPORT)
    if isinstance(found, Step):
        return found
    declared = seen.app.spec.backup if seen.app is not None else None
    if found.get("reason") != IMPORTED or declared is None:
        return replace(failed(seen, str(found.get("reason") or "OutcomeLost"), _message(found)), stop=True)
    changes = {
        "location": Location(destination=declared.destination, folder=str(found.get("folder"))),
        "taken_at": found.get("takenAt"),
        "configuration": str(found.get("configuration") or "") or None,
    }
    status = seen.status.model_copy(update=changes)
    if seen.backup is None:
        return Step(said(seen.at(status), Phase.IMPORTING, "Importing", ""), record=True, again=SOON)
    # Its volume goes with its pod, and that with its Job.
    status = status.model_copy(update={"attempt": status.attempt + 1})
    return Step(entered(seen, status, _first(seen)), stop=True, again=SOON)


def imported_of(restore: str) -> str:
    """The name of the backup that a dump becomes."""
    return names.child(restore, "imported", limit=names.LABEL_LIMIT)


def _begun(seen: Sight) -> MemoRestoreStatus:
    """Names are fixed before anything is made under them."""
    live, location = seen.live or "", source.location_of(seen)
    fresh, kept = database_names(live, seen.restore.metadata.uid)
    target = seen.target.status if seen.target is not None else None
    changes: dict[str, Any] = {
        "location": location,
        "started_at": seen.status.started_at or timestamp(seen.now),
        "attempt": seen.status.attempt + 1,
    }
    if seen.in_place:
        changes["database"] = target.kept if target is not None else fresh
        changes["kept"] = kept
    if seen.in_place and not seen.recovers:
        changes["safety"] = safety_of(seen.restore.metadata.name)
    if seen.restore.spec.source.dump is not None:
        changes["imported"] = imported_of(seen.restore.metadata.name)
    if target is not None:
        changes["taken_at"] = target.swapped_at
    return seen.status.model_copy(update=changes)


def _assessing(seen: Sight) -> Step:
    found = _worked(seen, Work.RECOVER if seen.recovers else Work.ASSESS)
    if isinstance(found, Step):
        return found
    if seen.recovers:
        return _recovering(seen, found)
    if found.get("reason") != ASSESSED:
        return failed(seen, str(found.get("reason") or "AssessmentLost"), _message(found))
    status = seen.status.model_copy(update={"loss": _loss(found, seen.now), "taken_at": found.get("takenAt")})
    refused = _no_room(seen, found)
    if refused is not None:
        return failed(seen, "NoRoom", refused)
    if seen.restore.spec.data_loss is None:
        # With the loss in words at once: whoever waits for the phase reads it next.
        return _consent(seen.at(entered(seen, status, Phase.CONSENT_NEEDED)))
    return Step(entered(seen, status, Phase.BACKING_UP), again=SOON)


def _recovering(seen: Sight, told: dict[str, Any]) -> Step:
    """The agent chose the backup and brought the configuration back; the data follows, where there is none yet."""
    reason, source = str(told.get("reason") or "OutcomeLost"), seen.restore.spec.source.recovery
    if reason == NOT_NEEDED:
        seen = seen.at(seen.status.model_copy(update={"database": None, "kept": None}))
        done = said(seen, Phase.COMPLETED, NOT_NEEDED, "the database holds data already: nothing was restored")
        return Step(finished(seen, done))
    if reason != ASSESSED or source is None:
        return failed(seen, reason, _message(told))
    location = Location(destination=source.destination, folder=str(told.get("folder")))
    changes = {
        "location": location,
        "taken_at": told.get("takenAt"),
        "chosen": str(told.get("chosen") or "")[:512] or None,
        "configuration": str(told.get("configuration") or "")[:1024] or None,
    }
    status = seen.status.model_copy(update=changes)
    if (refused := _no_room(seen, told)) is not None:
        return failed(seen.at(status), "NoRoom", refused)
    return _take_data(seen.at(status), Phase.RESTORING)


def _loss(told: dict[str, Any], now: datetime) -> LossStatus:
    numbers = {key: max(0, int(told.get(key) or 0)) for key in ("minutes", "rows", "back", "tables")}
    return LossStatus(at=timestamp(now), **numbers)


def _no_room(seen: Sight, told: dict[str, Any]) -> str | None:
    """The volume must take a second copy; where nobody tells how full it is, the server will."""
    if seen.undoes or seen.volume is None:
        return None
    needs = int(max(int(told.get("bytes") or 0), 0) * ROOM)
    if needs <= seen.volume.available:
        return None
    return (
        f"a copy beside the live database needs about {_mib(needs)}, and its volume has {_mib(seen.volume.available)} "
        "left: let it grow by database.managed.storage.size"
    )


def _mib(size: int) -> str:
    return f"{-(-size // 2**20):,} MiB"


def _consent(seen: Sight) -> Step:
    """What would be lost is counted anew once there is consent: it may have been given days later."""
    if seen.restore.spec.data_loss is None:
        loss = seen.status.loss
        text = f"{_lost(loss)}{_older(seen)}; to go on, set spec.dataLoss to Accept" if loss is not None else ""
        return waits(seen, Phase.CONSENT_NEEDED, "ConsentNeeded", text, stalled=True)
    status = seen.status.model_copy(update={"attempt": seen.status.attempt + 1})
    return Step(entered(seen, status, Phase.ASSESSING), again=SOON)


def _older(seen: Sight) -> str:
    """Another version of the app may not bear the definitions of the one that was saved."""
    saved = seen.backup.status.version if seen.backup is not None else None
    active = seen.app.status.active if seen.app is not None else None
    if saved is None or active is None or saved == active.version:
        return ""
    return f"; the backup is of version {saved}, and {active.version} serves: it is watched, and nothing migrates it"


def _lost(loss: LossStatus) -> str:
    rows, tables = _counted(loss.rows, "row"), _counted(loss.tables, "table")
    return f"up to {rows} in {tables}, written in {_counted(loss.minutes, 'minute')}, would be lost"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _backing_up(seen: Sight) -> Step:
    safety = seen.safety
    if safety is None:
        return Step(said(seen, Phase.BACKING_UP, "BackingUp", "the live database is saved"), save=True, again=SOON)
    if safety.status.phase in GOOD:
        return _take_data(seen, Phase.ANNOUNCING if seen.undoes else Phase.RESTORING)
    if safety.status.phase in BAD:
        text = f"{safety.metadata.name}: {safety.status.reason}: {safety.status.message or ''}"
        return failed(seen, "SafetyBackupFailed", text)
    return waits(seen, Phase.BACKING_UP, "BackingUp", f"waiting for the backup {safety.metadata.name}", again=OFTEN)


def _take_data(seen: Sight, to: Phase) -> Step:
    """Nobody else may work on the data from here on: no backup, no migration, no other restore; and no release."""
    mine, phase = holder_of(seen.restore.metadata.name), seen.status.phase or Phase.PENDING
    if seen.busy is not None:
        return waits(seen, phase, "Waiting", f"waiting for {seen.busy}", again=OFTEN)
    if seen.holder == mine or not seen.leased:
        status = seen.status.model_copy(update={"attempt": seen.status.attempt + 1})
        return Step(entered(seen, status, to), again=SOON)
    if seen.holder is not None:
        return waits(seen, phase, "DataInUse", f"the data is in use by {seen.holder}", again=OFTEN)
    return Step(said(seen, phase, phase.value, ""), take=True, again=SOON)


def _restoring(seen: Sight) -> Step:
    found = _worked(seen, Work.RESTORE if seen.in_place else Work.DRILL)
    if isinstance(found, Step):
        return found
    reason = str(found.get("reason") or "OutcomeLost")
    status = seen.status.model_copy(update={"evidence": _evidence(found), "taken_at": found.get("takenAt")})
    seen = replace(seen, restore=seen.restore.model_copy(update={"status": status}))
    if seen.in_place:
        if reason == PROVED and seen.busy is not None:
            return waits(seen, Phase.RESTORING, "Waiting", f"waiting for {seen.busy}", again=OFTEN)
        if reason == PROVED:
            following = Phase.SWAPPING if seen.recovers else Phase.ANNOUNCING
            return Step(entered(seen, status, following), tell=found, again=SOON)
        return replace(swapping.discard(seen, reason, _message(found)), tell=found if reason in _BAD_BACKUP else {})
    if reason == PROVED:
        done = said(seen.at(status), Phase.COMPLETED, PROVED, "the copy was like the original")
        return Step(finished(seen, done), stop=True, tell=found)
    # Its volume goes with its pod, and that with its Job: at once, and not when the Job is forgotten.
    return replace(failed(seen, reason, _message(found), tell=found if reason in _BAD_BACKUP else {}), stop=True)


def _evidence(told: dict[str, Any]) -> EvidenceStatus | None:
    if "tables" not in told:
        return None
    seconds_ = {str(key): round(float(value)) for key, value in (told.get("seconds") or {}).items()}
    found = {key: value for key, value in told.items() if value is not None}
    return EvidenceStatus.model_validate({**found, "notes": told.get("notes") or None, "seconds": seconds_ or None})


def _message(told: dict[str, Any]) -> str:
    return str(told.get("message") or "")[:1024]


def _worked(seen: Sight, work: Work) -> dict[str, Any] | Step:
    """What the Job of this phase said; or the step that waits for it. A lost one is made anew: it may run twice."""
    job, phase = seen.job, seen.status.phase or Phase.PENDING
    if job is None:
        return Step(said(seen, phase, phase.value, ""), work=work, again=OFTEN)
    if job.done is None:
        reason, message = job.trouble or (phase.value, "")
        return waits(seen, phase, reason, message, again=OFTEN)
    if job.told is not None and job.told.get("reason"):
        return job.told
    if job.trouble is not None:
        return {"reason": job.trouble[0], "message": job.trouble[1]}
    status = seen.status.model_copy(update={"attempt": seen.status.attempt + 1})
    return Step(said(seen.at(status), phase, phase.value, ""), stop=True, again=SOON)


def _over(seen: Sight) -> Step:
    return Step(rest(seen))


def _leaving(seen: Sight) -> Step:
    """Deleted: what was begun is brought to an end first, and what is kept goes at its time."""
    phase = seen.status.phase
    if not seen.held or phase is None or not seen.in_place:
        return Step(seen.status, release=True)
    if seen.app is None:
        return Step(seen.status, release=True)  # with its database, or kept with all that is in it
    if phase in {Phase.PENDING, Phase.IMPORTING, Phase.ASSESSING, Phase.CONSENT_NEEDED, Phase.BACKING_UP, Phase.FAILED}:
        return Step(seen.status, release=True, free=True)
    if phase is Phase.RESTORING:
        running = seen.job is not None and seen.job.done is None
        return replace(swapping.discard(seen, "Deleted", "the MemoRestore was deleted"), stop=running)
    if phase is Phase.COMPLETED:
        found = swapping.completed(seen)
        # The app may go any time, and takes the wait along.
        return replace(found, release=found.status.kept is None, again=min(found.again or OFTEN, OFTEN))
    return _HANDLERS[phase](seen)


_HANDLERS: dict[Phase, Callable[[Sight], Step]] = {
    Phase.PENDING: _pending,
    Phase.IMPORTING: _importing,
    Phase.ASSESSING: _assessing,
    Phase.CONSENT_NEEDED: _consent,
    Phase.BACKING_UP: _backing_up,
    Phase.RESTORING: _restoring,
    Phase.ANNOUNCING: swapping.announcing,
    Phase.SWAPPING: swapping.swapping,
    Phase.CHECKING: swapping.checking,
    Phase.REOPENING: swapping.reopening,
    Phase.RETURNING: swapping.returning,
    Phase.DISCARDING: swapping.discarding,
    Phase.COMPLETED: swapping.completed,
    Phase.FAILED: _over,
}
