"""What comes before the first pod of a release: all is well, and a backup is taken where one is required."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.api.v1alpha1.memobackup import BAD

from . import backups, colours, gating, maintenance, preflight
from .jobs import in_the_way
from .migrating import onward, stored_of
from .observation import Observation, Trouble
from .revision import Revision
from .state import BACKUP_FAILED, PREFLIGHT_FAILED, State
from .transitions import deadline, is_late, limit_of, moved, moved_on, rejected


def pending(seen: Observation, state: State) -> State:
    """The revision is stored, and all is well: then the colour comes up, or what has to come first begins."""
    release = state.release
    if moved_on(seen, state):
        return moved(state, seen, Phase.WITHDRAWN, ended=True)
    stored = stored_of(seen, state)
    if stored is None or release is None or in_the_way(seen.jobs, release.id) is not None:
        return state
    if release.colour in seen.populated and release.colour.value not in state.colours:
        return state  # what the colour held before still runs: it would count in quotas, and answer for the new pods
    if release.instead is not None and maintenance.restoring(seen.backups) is not None:
        return state
    if state.active is None or release.instead is not None:
        # The first one has nothing to save, and a way back by order waits for nothing else.
        return onward(seen, state, stored) if colours.prepared(seen) else state
    if gating.closed(seen, state) is not None or maintenance.in_the_way(seen, release) is not None:
        return state
    if preflight.trouble(seen, state) is not None:
        return moved(state, seen, Phase.PREFLIGHT, deadline=deadline(seen, Phase.PREFLIGHT))
    return _saved(seen, state, stored)


def in_preflight(seen: Observation, state: State) -> State:
    """Something is not well: it is waited for."""
    release = state.release
    if release is None:
        return state
    if moved_on(seen, state):
        return moved(state, seen, Phase.WITHDRAWN, ended=True)
    if gating.closed(seen, state) is not None:
        return moved(state, seen, Phase.PENDING, deadline=None)
    stored, why = stored_of(seen, state), preflight.trouble(seen, state)
    if why is None:
        return _saved(seen, state, stored) if stored is not None else state
    if not is_late(seen, release):
        return state
    text = f"{why.message}, for {limit_of(seen, release.phase)}"
    trouble = Trouble(PREFLIGHT_FAILED, text[:900], stalls=True)
    return rejected(state, seen, trouble)


def _saved(seen: Observation, state: State, stored: Revision) -> State:
    """On with a backup that is young enough, or to one."""
    if not backups.required(seen.app) or (state.release is not None and state.release.restart is not None):
        return onward(seen, state, stored)
    young = backups.young_enough(seen.app, seen.backups, seen.now)
    if young is not None:
        return onward(seen, state, stored, backup=young.name)
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
    stored = stored_of(seen, state)
    if stored is None or not backups.required(seen.app) or gating.denied(seen, release) is not None:
        return moved(state, seen, Phase.PENDING, deadline=None, backup=None)
    found = seen.backups.named(release.backup)
    if found is not None and found.good:
        return onward(seen, state, stored)
    why = found.trouble if found is not None else None
    if found is not None and found.phase in BAD:
        reason, message = why or ("Failed", "it failed")
        return _given_up(seen, state, f"{found.name}: {reason}: {message}")
    if is_late(seen, release):
        waited = f": {why[0]}: {why[1]}" if why is not None else ""
        return _given_up(seen, state, f"{release.backup} is not verified after {limit_of(seen, release.phase)}{waited}")
    return state


def _given_up(seen: Observation, state: State, text: str) -> State:
    return rejected(state, seen, Trouble(BACKUP_FAILED, text[:900], stalls=True))
