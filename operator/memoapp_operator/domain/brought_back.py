"""After an irreversible migration a release that failed has the database brought back, where the spec says so. Pure.

The old version serves again, or never stopped to; its data is that of the backup that the release rests on, once there
is consent to lose what was written since. A MemoRestore does it, which anybody can look at, or delete.
"""

from __future__ import annotations

from dataclasses import replace

from memoapp_operator.api.v1alpha1.memoapp import MemoApp, MemoAppStatus, MigrationOutcome, ReleaseStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.api.v1alpha1.memorestore import RestorePhase
from memoapp_operator.api.v1alpha1.release import OnFailure
from memoapp_operator.api.v1alpha1.release_status import BroughtBackStatus

from . import rollback
from .backups import Backups, KnownRestore
from .drills import free_name
from .migrating import DONE, MIGRATION_FAILED, held
from .observation import Observation, Trouble
from .state import State
from .transitions import moved, rejected

_NOT_BEGUN = frozenset({None, RestorePhase.PENDING, RestorePhase.ASSESSING, RestorePhase.CONSENT_NEEDED})


def noted(seen: Observation, state: State) -> State:
    """The state with the MemoRestore that is to be made, or that is done."""
    release = state.release
    if release is None:
        return state
    if release.restore is None:
        wanted = seen.app.spec.release.on_failure is OnFailure.RESTORE_BACKUP and _changed(state, release)
        return _with(state, BroughtBackStatus(name=_name(seen, release))) if wanted else state
    found = of(seen.backups, release)
    if not release.restore.made:
        return _with(state, BroughtBackStatus(name=release.restore.name, made=True)) if found is not None else state
    if found is None or found.phase is not RestorePhase.COMPLETED or release.restore.done:
        return state
    return _done(seen, state, release)


def _with(state: State, restore: BroughtBackStatus) -> State:
    if state.release is None:
        return state
    return replace(state, release=state.release.model_copy(update={"restore": restore}))


def _changed(state: State, release: ReleaseStatus) -> bool:
    """It came to nothing, and the database is not as the version that serves knows it."""
    if not release.irreversible or release.backup is None or release.reason is None or state.active is None:
        return False
    if release.phase is Phase.HELD:
        return not rollback.by_gate(release)
    migrated = release.migration is None or release.migration.outcome in DONE
    return release.phase is Phase.ROLLED_BACK or (release.phase is Phase.REJECTED and migrated)


def _name(seen: Observation, release: ReleaseStatus) -> str:
    """``<app>-r5-back``, with a number where there is a MemoRestore of that name."""
    stored = next((item.name for item in seen.stored.values() if item.id == release.id), release.id)
    return free_name(seen.app, seen.backups, f"{stored.rpartition('-')[2]}-back")


def _done(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """The database is that of before: the revision was never migrated for, and one that was held by that is over."""
    restore = BroughtBackStatus(name=release.restore.name if release.restore else "", made=True, done=True)
    after = _with(state, restore)
    told = release.migration
    if told is None or after.release is None:
        return after
    undone = told.model_copy(update={"outcome": MigrationOutcome.UNDONE})
    if held(release):
        why = Trouble(release.reason or MIGRATION_FAILED, release.message or "", stalls=True)
        return rejected(after, seen, why, migration=undone)
    return moved(after, seen, release.phase, migration=undone)


def of(found: Backups, release: ReleaseStatus) -> KnownRestore | None:
    """The MemoRestore of the release."""
    name = release.restore.name if release.restore is not None else None
    return next((item for item in found.restores if item.name == name), None)


def to_create(status: MemoAppStatus, found: Backups) -> tuple[str, str] | None:
    """Name and backup of the MemoRestore that is committed and was never there. One that was deleted was not wanted."""
    release = status.release
    if release is None or release.restore is None or release.restore.made or release.backup is None:
        return None
    return (release.restore.name, release.backup) if of(found, release) is None else None


def outdated(app: MemoApp, status: MemoAppStatus, found: Backups) -> KnownRestore | None:
    """One that waits for consent, of a release that is not the last one any more."""
    mine = status.release.restore.name if status.release is not None and status.release.restore is not None else None
    waiting = [item for item in found.restores if item.of_release and item.owner == app.metadata.uid]
    return next((item for item in waiting if item.name != mine and item.phase in _NOT_BEGUN and not item.leaving), None)


def advice(seen: Observation, state: State) -> str:
    """What people are told beside why the release failed."""
    release = state.release
    found = of(seen.backups, release) if release is not None else None
    if release is None or release.restore is None or release.restore.done or found is None:
        return ""
    if found.phase is RestorePhase.CONSENT_NEEDED:
        return f"; the database goes back to {release.backup} once MemoRestore/{found.name} has dataLoss: Accept"
    if found.phase is RestorePhase.FAILED:
        return f"; the database could not go back to {release.backup}: see MemoRestore/{found.name}"
    return f"; the database goes back to {release.backup}: MemoRestore/{found.name}"
