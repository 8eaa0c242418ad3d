"""Orders: annotations with a word that was not used before, each carried out once and seen in the status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from memoapp_operator.api.v1alpha1.memoapp import OrdersStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import gradual, migrating, rollback
from .conditions import timestamp
from .observation import ChildState, Observation, Trouble
from .phases import is_over
from .restarts import RESTART_ANNOTATION
from .revision import Revision
from .state import ABORTED, BY_HAND, State
from .transitions import begun, moved_on, rejected, started

APPROVE_ANNOTATION = "memoapp.dev/approve"
ABORT_ANNOTATION = "memoapp.dev/abort"
RETRY_ANNOTATION = "memoapp.dev/retry"
ROLLBACK_ANNOTATION = "memoapp.dev/rollback"
BACKUP_ANNOTATION = "memoapp.dev/backup"
PLAN_ANNOTATION = "memoapp.dev/plan"
BYPASS_ANNOTATION = "memoapp.dev/bypass"
ORDERS = (
    APPROVE_ANNOTATION,
    ABORT_ANNOTATION,
    RETRY_ANNOTATION,
    ROLLBACK_ANNOTATION,
    RESTART_ANNOTATION,
    BACKUP_ANNOTATION,
    PLAN_ANNOTATION,
    BYPASS_ANNOTATION,
)
_ANSWERED = {"backup": BACKUP_ANNOTATION, "plan": PLAN_ANNOTATION}
"""Orders that are only noted here: ``domain/backups.py`` and ``domain/plan.py`` answer them in the same pass."""
NONCE = 253
"""Characters of an order's word that count: as many as the status takes."""
_WITHOUT_PODS = frozenset({Phase.PENDING, Phase.PREFLIGHT, Phase.BACKING_UP})
_BEFORE_CLIENTS = frozenset({*_WITHOUT_PODS, Phase.MIGRATING, Phase.PREPARING, Phase.TESTING, Phase.APPROVING})
_WITH_CLIENTS = frozenset({Phase.SHIFTING, Phase.SOAKING})


def obeyed(seen: Observation, state: State) -> State:
    """Orders that came by annotation, each once: its nonce is noted whatever became of it.

    At most one of them moves the release, the way back before the way forward.
    """
    state = _restart(seen, state)
    for kind, annotation in _ANSWERED.items():
        state = _noted(state, kind, seen.orders.get(annotation))
    before = state.release
    for kind, annotation, carry_out in _KINDS:
        noted = _noted(state, kind, seen.orders.get(annotation))
        if noted is not state:
            state = carry_out(seen, noted, seen.orders[annotation]) if noted.release is before else noted
    return state


def _restart(seen: Observation, state: State) -> State:
    restart = seen.orders.get(RESTART_ANNOTATION)
    if not restart or restart == state.orders.restart:
        return state
    waiting = [child.detail for child in seen.children if child.state is ChildState.WAITING]
    update = {"restart": restart, "restarts": sorted(waiting) or None}
    return replace(state, orders=state.orders.model_copy(update=update))


def _noted(state: State, kind: str, nonce: str | None) -> State:
    """The state with the order as seen; the very same where it was seen before, or there is none."""
    if not nonce or nonce == getattr(state.orders, kind):
        return state
    return replace(state, orders=state.orders.model_copy(update={kind: nonce}))


def _abort(seen: Observation, state: State, nonce: str) -> State:
    """Give the release under way up. The first one has nothing to go back to: its spec is to be changed."""
    release, why = state.release, Trouble(ABORTED, "given up by order", stalls=True)
    if release is None or state.active is None or _is_for_another(seen, state, nonce):
        return state
    if release.phase is Phase.MIGRATING or migrating.held(release):
        return migrating.given_up(seen, state, why)
    if release.phase in _BEFORE_CLIENTS:
        found = rejected(state, seen, why)
        return found if release.phase in _WITHOUT_PODS else found.without(release.colour)
    if release.phase in _WITH_CLIENTS or rollback.by_gate(release):
        return rollback.turn_back(seen, state, why)
    return state


def _rollback(seen: Observation, state: State, nonce: str) -> State:
    """Back to the old colour; where it is gone, a release of the revision that served before."""
    release, why = state.release, Trouble(BY_HAND, "rolled back by order", stalls=True)
    if release is None or state.active is None or _is_for_another(seen, state, nonce):
        return state
    if release.phase in _WITH_CLIENTS or rollback.by_gate(release):
        return rollback.turn_back(seen, state, why)
    if release.phase is Phase.COMPLETED and rollback.is_warm(seen, state):
        return rollback.turn_back(seen, state, why)
    if release.phase in {Phase.COMPLETED, Phase.RETIRED}:
        return _released_again(seen, state)
    return state


def _released_again(seen: Observation, state: State) -> State:
    """A release of the previous revision, and the declared one rejected, or it would come again at once."""
    previous, declared = previous_revision(seen, state), seen.declared
    if previous is None or declared is None or state.active is None or declared.id == previous.id:
        return state
    if state.release is not None and state.release.irreversible:
        return state  # its pods would find a database that is no more theirs
    why = Trouble(BY_HAND, f"rolled back by order to version {previous.version}", stalls=True)
    return started(seen, state.rejecting(declared.id, why, seen.now), previous, instead=declared.id)


def previous_revision(seen: Observation, state: State) -> Revision | None:
    """What served before the revision that serves, if it is still stored and was not rejected since."""
    active = state.active.revision if state.active is not None else ""
    barred = {active, *(item.id for item in state.rejected)}
    stored = {item.id: item for item in seen.stored.values() if item.id not in barred}
    served = [item.id for item in seen.app.status.history or () if item.result is Phase.COMPLETED]
    return next((stored[id_] for id_ in served if id_ in stored), None)


def _approve(seen: Observation, state: State, nonce: str) -> State:
    """Let the first clients come, or a step pass that the gates held. Ahead of time only by the release's own id."""
    release = state.release
    if release is None or _is_for_another(seen, state, nonce) or moved_on(seen, state):
        return state
    if migrating.held(release):
        return migrating.approved(seen, state)
    if rollback.by_gate(release):
        return gradual.approved_while_held(seen, state, release)
    ahead = release.phase in _BEFORE_CLIENTS and nonce == release.id
    if release.phase is Phase.APPROVING or ahead:
        return replace(state, release=release.model_copy(update={"approved": True}))
    return state


def _retry(seen: Observation, state: State, nonce: str) -> State:
    """What is declared may be tried again, or what the order names; all while nobody can tell what is declared."""
    forgiven = {nonce, seen.declared.id} if seen.declared else {item.id for item in state.rejected}
    state = replace(state, rejected=tuple(item for item in state.rejected if item.id not in forgiven))
    release = state.release
    if release is not None and migrating.held(release) and not moved_on(seen, state):
        return migrating.again(seen, state)
    if release is not None and rollback.by_gate(release) and not moved_on(seen, state):
        return gradual.again(seen, state, release)
    return state


def _bypass(seen: Observation, state: State, nonce: str) -> State:
    """Let a release pass the maintenance windows: the one under way, or the one that waits to begin."""
    fresh = state if state.release is not None and not is_over(state.release.phase) else begun(seen, state)
    release = fresh.release
    if release is None or is_over(release.phase) or moved_on(seen, fresh) or _is_for_another(seen, fresh, nonce):
        return state
    return replace(fresh, release=release.model_copy(update={"bypassed": timestamp(seen.now)}))


def _is_for_another(seen: Observation, state: State, nonce: str) -> bool:
    """The order names a revision, and not that of the release: it came too late."""
    known = {item.id for item in seen.stored.values()} | {item.id for item in state.rejected}
    known |= {item.id for item in seen.app.status.history or ()}
    return nonce in known and (state.release is None or nonce != state.release.id)


_KINDS: tuple[tuple[str, str, Callable[[Observation, State, str], State]], ...] = (
    ("abort", ABORT_ANNOTATION, _abort),
    ("rollback", ROLLBACK_ANNOTATION, _rollback),
    ("retry", RETRY_ANNOTATION, _retry),
    ("approve", APPROVE_ANNOTATION, _approve),
    ("bypass", BYPASS_ANNOTATION, _bypass),
)


def all_noted(seen: Observation) -> OrdersStatus:
    """Every order that stands in an annotation, as carried out."""
    return OrdersStatus(
        approve=seen.orders.get(APPROVE_ANNOTATION),
        abort=seen.orders.get(ABORT_ANNOTATION),
        retry=seen.orders.get(RETRY_ANNOTATION),
        rollback=seen.orders.get(ROLLBACK_ANNOTATION),
        restart=seen.orders.get(RESTART_ANNOTATION),
        backup=seen.orders.get(BACKUP_ANNOTATION),
        plan=seen.orders.get(PLAN_ANNOTATION),
        bypass=seen.orders.get(BYPASS_ANNOTATION),
    )
