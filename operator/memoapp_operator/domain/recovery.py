"""Full recovery: before anything serves, an empty database takes its data from a backup. Pure.

The MemoApp makes a MemoRestore in mode Recovery, and begins no release before that is Completed.
"""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import MemoApp, MemoAppStatus
from memoapp_operator.api.v1alpha1.memorestore import RestorePhase
from memoapp_operator.api.v1alpha1.recovery import RecoveryResult, RecoveryStatus, RestoreFrom

from . import names
from .backups import Backups, KnownRestore
from .colours import well
from .conditions import timestamp
from .observation import Observation, Trouble
from .phases import is_over
from .restoring import NOT_NEEDED
from .state import State

_CHANGEABLE = frozenset({None, RestorePhase.PENDING, RestorePhase.FAILED})


def declared(app: MemoApp) -> RestoreFrom | None:
    """What the spec says."""
    managed = app.spec.database.managed
    return managed.restore_from if managed is not None else None


def name_of(app: str) -> str:
    """The MemoRestore that recovers an app."""
    return names.child(app, "recovery")


def wanted(app: MemoApp, status: MemoAppStatus) -> bool:
    """Nothing ever served, and the recovery that is declared is not over."""
    over = status.recovery is not None and status.recovery.result is not None
    return declared(app) is not None and status.active is None and not over


def due(seen: Observation, state: State) -> bool:
    """No release begins before the recovery is over. One that has begun goes on: its database is not empty any more."""
    begun = state.release is not None and not is_over(state.release.phase)
    return state.active is None and not begun and wanted(seen.app, seen.app.status)


def status_after(seen: Observation, state: State) -> RecoveryStatus | None:
    """What the status says of it after this pass."""
    before = seen.app.status.recovery
    if not due(seen, state):
        return before
    found, name = of(seen.backups, seen.app), name_of(seen.app.metadata.name)
    if found is not None and found.phase is RestorePhase.COMPLETED:
        nothing = found.word == NOT_NEEDED
        return RecoveryStatus(
            restore=name,
            result=RecoveryResult.NOT_NEEDED if nothing else RecoveryResult.RESTORED,
            folder=None if nothing else found.folder,
            taken_at=None if nothing else found.taken,
            finished_at=timestamp(seen.now),
        )
    return RecoveryStatus(restore=name) if well(seen.database) else before


def of(found: Backups, app: MemoApp) -> KnownRestore | None:
    """The MemoRestore of this very MemoApp: one of the same name that was there before it is another one's."""
    name, uid = name_of(app.metadata.name), app.metadata.uid
    return next((item for item in found.restores if item.name == name and item.owner == uid), None)


def to_create(app: MemoApp, status: MemoAppStatus, found: Backups) -> RestoreFrom | None:
    """What the MemoRestore that is committed and not there restores."""
    if status.recovery is None or not wanted(app, status) or of(found, app) is not None:
        return None
    return declared(app)


def outdated(app: MemoApp, status: MemoAppStatus, found: Backups) -> KnownRestore | None:
    """The MemoRestore, where the spec says something else by now, and nothing was done yet or it failed."""
    there = of(found, app)
    if there is None or not wanted(app, status) or there.leaving or there.phase not in _CHANGEABLE:
        return None
    return there if there.recovery != declared(app) else None


def offers(app: MemoApp, found: Backups) -> bool:
    """An agent brings back what was saved beside the data, or is about to: it needs an account."""
    return wanted(app, app.status) or any(item.offers and not item.over for item in found.restores)


def trouble(seen: Observation, state: State) -> Trouble | None:
    """Why no release begins; None where no recovery is waited for."""
    if not due(seen, state):
        return None
    found = of(seen.backups, seen.app)
    if found is None:
        return Trouble("Recovering", "the database takes its data from a backup, once it answers", stalls=False)
    if found.phase is RestorePhase.FAILED:
        reason, message = found.trouble or ("Failed", "it failed")
        advice = f"change database.managed.restoreFrom, or delete the MemoRestore {found.name}, to try again"
        return Trouble("RecoveryFailed", f"{reason}: {message[:700]}; {advice}", stalls=True)
    if found.stalled and found.trouble is not None:
        reason, message = found.trouble
        return Trouble(reason, f"MemoRestore/{found.name}: {message[:900]}", stalls=True)
    phase = (found.phase or RestorePhase.PENDING).value
    text = f"the database takes its data from a backup: MemoRestore/{found.name}: {phase}"
    return Trouble("Recovering", text, stalls=False)
