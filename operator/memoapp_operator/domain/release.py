"""The release: one move at a time, from what was seen. Which moves there are stands in ``domain/phases.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoAppStatus, ReleaseStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import (
    brought_back,
    forward,
    gating,
    gradual,
    maintenance,
    migrating,
    orders,
    phases,
    plan,
    recovery,
    rollback,
    saving,
    testing,
)
from .conditions import timestamp
from .gradual import ALL
from .observation import Observation, Trouble
from .revision import number_in
from .state import HALF, State, other, split
from .transitions import active_in, begun, moved, rejecting, serving_in


def rebuilt(seen: Observation) -> State:
    """The committed state; where the status was lost, what live objects tell of it.

    Deployments name the revision of their colour; the routers' ConfigMap holds the weights and which revisions are
    rejected. A release under way starts anew.
    """
    state = State.of(seen.app.status)
    if state.release is not None or not seen.found:
        return state
    colour = _with_clients(seen)
    if colour.value not in seen.found:
        return state
    now = timestamp(seen.now)
    active = active_in(seen, replace(state, colours=seen.found), colour)
    release = ReleaseStatus(
        id=active.revision,
        version=active.version,
        colour=colour,
        phase=Phase.COMPLETED,
        started_at=now,
        finished_at=now,
    )
    # What was ordered is taken for carried out: an old order must not be obeyed once more.
    return State(release, active, split(colour), dict(seen.found), seen.noted, orders.all_noted(seen))


def _with_clients(seen: Observation) -> Colour:
    """The colour that has the clients, by what is written down, else by what the routers say, else the only one.

    Where both have some, a release was under way: what it came from is the older revision.
    """
    told = [weight for weight in seen.routers.values() if weight is not None]
    weight = seen.recorded if seen.recorded is not None else max(told, default=None)
    if weight is None and len(seen.found) == 1:
        return Colour(next(iter(seen.found)))
    numbers = {number_in(name) or 0: Colour(colour) for colour, name in seen.found.items()}
    if weight is not None and 0 < weight < ALL and numbers:
        return numbers[min(numbers)]
    return Colour.GREEN if (weight or 0) > HALF else Colour.BLUE


def step(seen: Observation) -> State:
    """The state after this pass: at most one move, and never one that is not in the table."""
    before = rebuilt(seen)
    if seen.app.spec.suspend:
        return _suspended(seen, before)
    if maintenance.rests(seen, before):
        return before  # the app is not well, and that is no new version's doing: nothing begins, and nothing turns back
    if recovery.due(seen, before):
        return before  # the first version begins on the data that comes back, and not on an empty database
    state = gating.let_restart(seen, orders.obeyed(seen, before))
    phase = state.release.phase if state.release else None
    if state.release is not before.release:
        after = state  # an order was a move of its own
    elif maintenance.waits(seen, state):
        after = state  # with no clients there is nothing that a new version could be measured by
    else:
        after = _HANDLERS[phase](seen, state) if phase is not None else begun(seen, state)
        after = state if plan.holds(seen, state, after) else after
    after = brought_back.noted(seen, after)
    if after.release is not None and after.release.id == (before.release.id if before.release else None):
        phases.move(before.release.phase if before.release else None, after.release.phase)
    return after


def serves_alone(seen: Observation, status: MemoAppStatus) -> bool:
    """The declared revision serves, and no other colour runs that would need what only an older one has."""
    declared, held = seen.declared, set((status.colours or {}).values())
    ids = {seen.stored[name].id if name in seen.stored else None for name in held}
    return (
        declared is not None
        and status.active is not None
        and status.active.revision == declared.id
        and ids == {declared.id}
    )


def _suspended(seen: Observation, state: State) -> State:
    """While suspended no pod runs, so nothing can be judged: what is under way begins anew or is ended as it stood.

    A warm colour goes, or it might come back sooner than the one that serves. A deadline counts work: it begins anew.
    """
    release = state.release
    if release is None:
        return state
    match release.phase:
        case Phase.PREFLIGHT | Phase.BACKING_UP:
            return moved(state, seen, Phase.PENDING, deadline=None, backup=None)
        case Phase.MIGRATING:
            # The database runs on until its Job has ended.
            return migrating.migrating(seen, state)
        case Phase.PREPARING | Phase.TESTING | Phase.APPROVING:
            return moved(state, seen, Phase.PREPARING, deadline=None, tests=testing.without_running(release))
        case Phase.SHIFTING | Phase.SOAKING:
            return _ended(seen, state, release, None)
        case Phase.ROLLING_BACK:
            why = Trouble(release.reason, release.message or "", stalls=True) if release.reason else None
            return _ended(seen, state, release, why)
        case Phase.COMPLETED if other(release.colour).value in state.colours:
            return moved(state, seen, Phase.RETIRED).without(other(release.colour))
        case _:
            return state


def _ended(seen: Observation, state: State, release: ReleaseStatus, why: Trouble | None) -> State:
    """With no pod anywhere the clients are with the old colour by being said to be."""
    old = other(release.colour)
    if old.value not in state.colours:
        return state
    back = replace(serving_in(seen, state, old), traffic=split(old)).without(release.colour)
    if why is None:
        return moved(back, seen, Phase.WITHDRAWN, ended=True)
    return rejecting(moved(back, seen, Phase.ROLLED_BACK, ended=True), seen, why)


_HANDLERS: dict[Phase, Callable[[Observation, State], State]] = {
    Phase.PENDING: saving.pending,
    Phase.PREFLIGHT: saving.in_preflight,
    Phase.BACKING_UP: saving.backing_up,
    Phase.MIGRATING: migrating.migrating,
    Phase.PREPARING: forward.preparing,
    Phase.TESTING: forward.testing_before,
    Phase.APPROVING: forward.approving,
    Phase.SHIFTING: gradual.shifting,
    Phase.SOAKING: gradual.soaking,
    Phase.COMPLETED: forward.completed,
    Phase.RETIRED: forward.over,
    Phase.ROLLING_BACK: rollback.rolling_back,
    Phase.ROLLED_BACK: forward.over,
    Phase.HELD: rollback.while_held,
    Phase.REJECTED: forward.over,
    Phase.WITHDRAWN: forward.over,
}
