"""Orders: annotations with a word that was not used before, each carried out once and seen in the status."""

from __future__ import annotations

from dataclasses import replace

from memoapp_operator.api.v1alpha1.memoapp import OrdersStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import rollback
from .observation import ChildState, Observation, Trouble
from .restarts import RESTART_ANNOTATION
from .state import State

RETRY_ANNOTATION = "memoapp.dev/retry"
ROLLBACK_ANNOTATION = "memoapp.dev/rollback"
ORDERS = (RETRY_ANNOTATION, ROLLBACK_ANNOTATION, RESTART_ANNOTATION)
NONCE = 253
"""Characters of an order's word that count: as many as the status takes."""
BY_HAND = "RolledBackByHand"


def obeyed(seen: Observation, state: State) -> State:
    """Orders that came by annotation, each once: its nonce is noted whatever became of it."""
    retry, back = seen.orders.get(RETRY_ANNOTATION), seen.orders.get(ROLLBACK_ANNOTATION)
    if retry and retry != state.orders.retry:
        state = _forgiven(seen, state, retry)
    restart = seen.orders.get(RESTART_ANNOTATION)
    if restart and restart != state.orders.restart:
        waiting = [child.detail for child in seen.children if child.state is ChildState.WAITING]
        update = {"restart": restart, "restarts": sorted(waiting) or None}
        state = replace(state, orders=state.orders.model_copy(update=update))
    if back and back != state.orders.rollback:
        state = replace(state, orders=state.orders.model_copy(update={"rollback": back}))
        if state.release is not None and state.release.phase is Phase.COMPLETED and rollback.is_warm(seen, state):
            return rollback.turn_back(seen, state, Trouble(BY_HAND, "rolled back by order", stalls=True))
    return state


def _forgiven(seen: Observation, state: State, retry: str) -> State:
    """What is declared may be tried again, or what the order names; all while nobody can tell what is declared."""
    forgiven = {retry, seen.declared.id} if seen.declared else {item.id for item in state.rejected}
    rejected = tuple(item for item in state.rejected if item.id not in forgiven)
    return replace(state, rejected=rejected, orders=state.orders.model_copy(update={"retry": retry}))


def all_noted(seen: Observation) -> OrdersStatus:
    """Every order that stands in an annotation, as carried out."""
    return OrdersStatus(
        retry=seen.orders.get(RETRY_ANNOTATION),
        rollback=seen.orders.get(ROLLBACK_ANNOTATION),
        restart=seen.orders.get(RESTART_ANNOTATION),
    )
