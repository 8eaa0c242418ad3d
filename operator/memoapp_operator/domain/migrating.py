"""The migration of a release: once, before the first pod of the new version, and never while nobody knows its outcome.

A migration that says by itself that it failed rejects the revision, as the version that serves bears what it left. One
that is not reversible, or that was killed, is Held: what it left is not known, and a person decides.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from memoapp_operator.api.v1alpha1.memoapp import MigrationOutcome as Outcome
from memoapp_operator.api.v1alpha1.memoapp import MigrationStatus, ReleaseStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import colours, jobs
from .conditions import timestamp
from .jobs import Purpose
from .observation import End, Observation, ReleaseJob, Trouble
from .revision import Revision
from .state import State
from .transitions import begun as begun_anew
from .transitions import deadline, is_late, limit_of, moved, moved_on, rejected

MIGRATION_FAILED = "MigrationFailed"
MIGRATION_LOST = "MigrationLost"
START_PATIENCE = 20.0
"""Seconds in which a pod that cannot start, as its image cannot be pulled, gives nothing up: the kubelet tries again
after 10 s (kubernetes.io, "Images": image pull back-off)."""
DONE = frozenset({Outcome.SUCCEEDED, Outcome.APPROVED})
_UNSURE = frozenset({Outcome.RUNNING.value, Outcome.LOST.value})


def is_due(seen: Observation, state: State, stored: Revision) -> bool:
    """A Job has to migrate before the revision's pods start. A revision is migrated for once, and a way back never."""
    declared, release = seen.app.spec.release.migration, state.release
    if declared is None or declared.command is None or release is None or release.instead is not None:
        return False
    done = release.migration is not None and release.migration.outcome in DONE
    return not done and not is_migrated(stored)


def is_migrated(stored: Revision) -> bool:
    """It was migrated for this revision, in this release or in one before."""
    return stored.migration in {outcome.value for outcome in DONE}


def held(release: ReleaseStatus) -> bool:
    """It is held because of its migration: no pod of the new version ever started."""
    told = release.migration
    return release.phase is Phase.HELD and told is not None and told.outcome in {Outcome.FAILED, Outcome.LOST}


def stored_of(seen: Observation, state: State) -> Revision | None:
    """The revision that the release brings, where it is stored."""
    return next((item for item in seen.stored.values() if state.release and item.id == state.release.id), None)


def onward(seen: Observation, state: State, stored: Revision, backup: str | None = None) -> State:
    """The database is as the new version needs it, or is made so first."""
    if not is_due(seen, state, stored):
        return prepared(seen, state, stored, backup)
    return begun(seen, state, stored, backup)


def prepared(seen: Observation, state: State, stored: Revision, backup: str | None = None) -> State:
    """The colour comes up, from the stored revision."""
    if state.release is None:
        return state
    held_by = {**state.colours, state.release.colour.value: stored.name}
    floor = colours.replicas(seen, state.colours, state.active.colour) if state.active else {}
    found = moved(
        state,
        seen,
        Phase.PREPARING,
        deadline=deadline(seen, Phase.PREPARING),
        replicas=floor or None,
        backup=backup or state.release.backup,
        irreversible=_irreversible(seen, state.release),
        reason=None,
        message=None,
    )
    return replace(found, colours=held_by)


def _irreversible(seen: Observation, release: ReleaseStatus) -> bool | None:
    """What was once begun as not reversible stays so, whatever the spec says by now."""
    declared = seen.app.spec.release.migration
    changes = declared is not None and not declared.reversible and release.instead is None
    return True if release.irreversible or changes else None


def begun(seen: Observation, state: State, stored: Revision, backup: str | None = None) -> State:
    """Commit the name of the Job; it is created afterwards, and only under that name."""
    release = state.release
    if release is None:
        return state
    attempt = release.migration.attempt + 1 if release.migration is not None else 1
    known = jobs.newest(seen.jobs, Purpose.MIGRATION, release.id)
    counts = known is not None and (known.end is None or stored.migration != Outcome.UNDONE.value)
    if known is not None and counts and known.end in {None, End.SUCCEEDED}:
        job = known.name
    else:
        job = jobs.migration_job(seen.app.metadata.name, stored, release, attempt)
    # A status that was lost, and with the Job what became of it: taken for seen, its absence is a lost outcome.
    lost = release.migration is None and stored.migration in _UNSURE and known is None
    outcome = Outcome.RUNNING if lost else None
    return moved(
        state,
        seen,
        Phase.MIGRATING,
        deadline=deadline(seen, Phase.MIGRATING),
        migration=MigrationStatus(job=job, attempt=attempt, outcome=outcome, schema_before=seen.definitions),
        backup=backup or release.backup,
        irreversible=_irreversible(seen, release),
        reason=None,
        message=None,
    )


def migrating(seen: Observation, state: State) -> State:
    """Wait for the Job, and take its outcome."""
    release = state.release
    told = release.migration if release is not None else None
    if release is None or told is None:
        return state
    job = seen.jobs.get(told.job)
    if job is None:
        return _absent(seen, state, release, told)
    if job.end is None:
        return _running(seen, state, told, job)
    now = timestamp(seen.now)
    after = told.model_copy(update={"started_at": told.started_at or now, "finished_at": now})
    if job.end is End.SUCCEEDED:
        done = {"outcome": Outcome.SUCCEEDED, "schema_after": seen.definitions}
        return _succeeded(seen, state, after.model_copy(update=done))
    ended = jobs.told(job, _limit(seen))
    outcome = Outcome.LOST if job.end is End.KILLED else Outcome.FAILED
    failed = {"outcome": outcome, "message": ended.message, "log": ended.log or None}
    return _failed(seen, state, after.model_copy(update=failed))


def _absent(seen: Observation, state: State, release: ReleaseStatus, told: MigrationStatus) -> State:
    """It is not there: not yet, or, where it was seen, no more."""
    if told.outcome is not None:
        text = f"{told.job} was deleted before anybody saw how it ended"
        lost = {"outcome": Outcome.LOST, "message": text, "finished_at": timestamp(seen.now)}
        return _failed(seen, state, told.model_copy(update=lost))
    if moved_on(seen, state):
        return moved(state, seen, Phase.WITHDRAWN, ended=True, migration=None)
    if seen.app.spec.suspend:
        return moved(state, seen, Phase.PENDING, deadline=None, migration=None)
    if not is_late(seen, release):
        return state
    if (why := waits_for(seen, release)) is None:
        # Nothing stands in its way: the operator was away.
        return moved(state, seen, Phase.MIGRATING, deadline=deadline(seen, Phase.MIGRATING))
    text = f"{told.job} is not begun after {limit_of(seen, release.phase)}: {why}"
    return _rejected(seen, state, None, Trouble(MIGRATION_FAILED, text, stalls=True))


def waits_for(seen: Observation, release: ReleaseStatus) -> str | None:
    """Why its Job is not there yet."""
    told = release.migration
    if told is None or told.outcome is not None:
        return None
    refused = next((text for ref, text in seen.refusals.items() if ref.name == told.job), None)
    if refused is not None:
        return refused
    if (other := jobs.in_the_way(seen.jobs, release.id)) is not None:
        return f"{other} has not ended"
    if seen.holder is not None and seen.holder != holder_of(told.job):
        return f"the data is in use by {seen.holder}"
    return None


def _running(seen: Observation, state: State, told: MigrationStatus, job: ReleaseJob) -> State:
    if told.outcome is None:
        started = {"outcome": Outcome.RUNNING, "started_at": timestamp(seen.now)}
        return moved(state, seen, Phase.MIGRATING, deadline=None, migration=told.model_copy(update=started))
    trouble = jobs.cannot_start(job)
    began = datetime.fromisoformat(told.started_at) if told.started_at else seen.now
    first = state.active is None and not moved_on(seen, state)
    if trouble is None or first or (seen.now - began).total_seconds() < START_PATIENCE:
        return state  # the first release has nothing to go back to: it goes on trying
    # No process of it ever ran: the database is as it was.
    failed = {"outcome": Outcome.FAILED, "message": trouble.message[:1024], "finished_at": timestamp(seen.now)}
    return _rejected(seen, state, told.model_copy(update=failed), trouble)


def _succeeded(seen: Observation, state: State, told: MigrationStatus) -> State:
    stored = stored_of(seen, state)
    if moved_on(seen, state):
        return moved(state, seen, Phase.WITHDRAWN, ended=True, migration=told)
    if stored is None:
        return state  # somebody deleted what the pods are made from: it is stored again first
    found = prepared(seen, state, stored)
    return moved(found, seen, Phase.PREPARING, migration=told)


def _failed(seen: Observation, state: State, told: MigrationStatus) -> State:
    release, text = state.release, told.message or ""
    if told.outcome is Outcome.LOST or (release is not None and release.irreversible):
        return _held(seen, state, told, text)
    return _rejected(seen, state, told, Trouble(MIGRATION_FAILED, text, stalls=True))


def _held(seen: Observation, state: State, told: MigrationStatus, text: str) -> State:
    reason = MIGRATION_LOST if told.outcome is Outcome.LOST else MIGRATION_FAILED
    return moved(state, seen, Phase.HELD, migration=told, deadline=None, reason=reason, message=text[:1024])


def _rejected(seen: Observation, state: State, told: MigrationStatus | None, why: Trouble) -> State:
    """Rejected; or withdrawn, where nobody declares it any more."""
    if state.release is None:
        return state
    if moved_on(seen, state):
        return moved(state, seen, Phase.WITHDRAWN, ended=True, migration=told)
    return rejected(state, seen, why, migration=told)


def while_held(seen: Observation, state: State) -> State:
    """A person decides, or declares something else."""
    if not moved_on(seen, state):
        return state
    if state.active is not None and seen.declared is not None and seen.declared.id == state.active.revision:
        return moved(state, seen, Phase.WITHDRAWN, ended=True)
    return begun_anew(seen, state)


def approved(seen: Observation, state: State) -> State:
    """A person says that the database is as the new version needs it."""
    stored, release = stored_of(seen, state), state.release
    if stored is None or release is None or release.migration is None:
        return state
    said = release.migration.model_copy(update={"outcome": Outcome.APPROVED, "finished_at": timestamp(seen.now)})
    return moved(prepared(seen, state, stored), seen, Phase.PREPARING, migration=said)


def again(seen: Observation, state: State) -> State:
    """A person has it run once more, in a Job of its own."""
    stored = stored_of(seen, state)
    return begun(seen, state, stored) if stored is not None else state


def holder_of(job: str) -> str:
    """Who holds the data's Lease for a migration; a MemoBackup, which others hold it for, can have no such name."""
    return f"migration/{job}"


def given_up(seen: Observation, state: State, why: Trouble) -> State:
    """A person gives the release up. What runs is stopped; where that may leave the database halfway, it is Held."""
    release = state.release
    if release is None or release.migration is None:
        return state
    told, now = release.migration, timestamp(seen.now)
    if release.phase is Phase.MIGRATING and told.outcome is Outcome.RUNNING and release.irreversible:
        text = f"{told.job} was stopped by order"
        lost = told.model_copy(update={"outcome": Outcome.LOST, "message": text, "finished_at": now})
        return _held(seen, state, lost, text)
    after = told.model_copy(update={"outcome": Outcome.FAILED, "finished_at": now}) if told.outcome else None
    return rejected(state, seen, why, migration=after)


def noted(status: ReleaseStatus | None) -> str | None:
    """What is kept beside the weights, so that it outlives the status."""
    if status is None or status.migration is None or status.migration.outcome is None:
        return None
    return Outcome.LOST.value if held(status) else status.migration.outcome.value


def _limit(seen: Observation) -> str:
    declared = seen.app.spec.release.migration
    return declared.timeout if declared is not None else "its time"
