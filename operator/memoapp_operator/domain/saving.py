"""What comes before the first pod of a release: all is there, and a backup is taken where one is required."""

from __future__ import annotations

from dataclasses import replace

from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.api.v1alpha1.memobackup import BackupPhase

from . import backups, colours
from .observation import Observation, Trouble
from .revision import Revision
from .state import BACKUP_FAILED, State
from .transitions import deadline, is_late, limit_of, moved, moved_on


def pending(seen: Observation, state: State) -> State:
    """The revision is stored, and database and Redis answer: then the colour comes up, or a backup comes first."""
    if moved_on(seen, state):
        return moved(state, seen, Phase.WITHDRAWN, ended=True)
    stored = _stored(seen, state)
    if stored is None or not colours.prepared(seen) or state.release is None:
        return state
    if state.release.colour in seen.populated and state.release.colour.value not in state.colours:
        return state  # what the colour held before still runs: it would count in quotas, and answer for the new pods
    if state.active is None or not backups.required(seen.app) or state.release.instead is not None:
        # The first one has nothing to save, and a way back by order waits for nothing.
        return _prepared(seen, state, stored)
    young = backups.young_enough(seen.app, seen.backups, seen.now)
    if young is not None:
        return _prepared(seen, state, stored, backup=young.name)
    tail = stored.name.rpartition("-")[2]
    name = backups.free_name(seen.app.metadata.name, f"{tail}-pre", seen.backups)
    return moved(state, seen, Phase.BACKING_UP, deadline=deadline(seen, Phase.BACKING_UP), backup=name)


def backing_up(seen: Observation, state: State) -> State:
    """Nothing of the new version runs before the backup is verified."""
    release = state.release
    if release is None:
        return state
    if moved_on(seen, state):
        return moved(state, seen, Phase.WITHDRAWN, ended=True)
    stored = _stored(seen, state)
    if stored is None or not backups.required(seen.app):
        return moved(state, seen, Phase.PENDING, deadline=None, backup=None)
    found = seen.backups.named(release.backup)
    if found is not None and found.good:
        return _prepared(seen, state, stored)
    why = found.trouble if found is not None else None
    if found is not None and found.phase is BackupPhase.FAILED:
        reason, message = why or ("Failed", "it failed")
        return _given_up(seen, state, f"{found.name}: {reason}: {message}")
    if is_late(seen, release):
        waited = f": {why[0]}: {why[1]}" if why is not None else ""
        return _given_up(seen, state, f"{release.backup} is not verified after {limit_of(seen, release.phase)}{waited}")
    return state


def _given_up(seen: Observation, state: State, text: str) -> State:
    if state.release is None:
        return state
    trouble = Trouble(BACKUP_FAILED, text[:900], stalls=True)
    found = moved(state, seen, Phase.REJECTED, ended=True, reason=trouble.reason, message=trouble.message)
    return found.rejecting(state.release.id, trouble, seen.now)


def _stored(seen: Observation, state: State) -> Revision | None:
    return next((item for item in seen.stored.values() if state.release and item.id == state.release.id), None)


def _prepared(seen: Observation, state: State, stored: Revision, backup: str | None = None) -> State:
    """The colour comes up, from the stored revision."""
    if state.release is None:
        return state
    held = {**state.colours, state.release.colour.value: stored.name}
    floor = colours.replicas(seen, state.colours, state.active.colour) if state.active else {}
    limit = deadline(seen, Phase.PREPARING)
    held_by = backup or state.release.backup
    found = moved(state, seen, Phase.PREPARING, deadline=limit, replicas=floor or None, backup=held_by)
    return replace(found, colours=held)
