"""The way back: the clients return to the old colour, or stay where pods are ready and people are told."""

from __future__ import annotations

from dataclasses import replace

from memoapp_operator.api.v1alpha1.memoapp import Colour, ReleaseStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import colours, migrating
from .observation import Observation, Trouble
from .state import OLD_COLOUR_LOST, WINDOW_DENIED, State, holder, other, split
from .transitions import begun, deadline, lost, moved, moved_on, rejecting, serving_in


def is_warm(seen: Observation, state: State) -> bool:
    """There is an old colour that could serve."""
    return state.active is not None and colours.serves(seen, state.colours, other(state.active.colour))


def turn_back(seen: Observation, state: State, why: Trouble | None) -> State:
    """Commit RollingBack, and the weights with it: traffic first. Held where the old colour could not serve."""
    release = state.release
    if release is None:
        return state
    reason = {"reason": why.reason, "message": why.message[:1024]} if why else {"reason": None, "message": None}
    old = other(release.colour)
    found = moved(state, seen, Phase.ROLLING_BACK, weight=None, since=None, deadline=None, **reason)
    if colours.serves(seen, state.colours, old):
        found = replace(found, traffic=split(old))
    return found


def rolling_back(seen: Observation, state: State) -> State:
    """Traffic first, then what serves, then the pods, and only then the outcome."""
    release = state.release
    if release is None:
        return state
    old = other(release.colour)
    if not colours.serves(seen, state.colours, old):
        return _held(seen, state, release, old)
    if state.traffic != split(old):
        return replace(state, traffic=split(old))
    if not colours.routed(seen, state.traffic):
        return state
    if release.colour.value in state.colours:
        return serving_in(seen, state, old).without(release.colour)
    if any(name.startswith(f"{release.colour}-") for name in seen.workloads):
        return state
    if release.reason in {None, WINDOW_DENIED}:
        return moved(state, seen, Phase.WITHDRAWN, ended=True)
    why = Trouble(release.reason or "", release.message or "", stalls=True)
    return rejecting(moved(state, seen, Phase.ROLLED_BACK, ended=True), seen, why)


def _held(seen: Observation, state: State, release: ReleaseStatus, old: Colour) -> State:
    """Neither way is good: the clients stay with the colour that has ready pods, and people are told."""
    if colours.serves(seen, state.colours, release.colour) and state.traffic != split(release.colour):
        state = replace(state, traffic=split(release.colour))
    why = release.message or release.reason or "the spec changed"
    return moved(state, seen, Phase.HELD, message=f"{why[: 1024 - len(_and(old))]}{_and(old)}")


def _and(old: Colour) -> str:
    """What being held adds to the reason of a way back."""
    return f"; and {old} has no ready pod"


def while_held(seen: Observation, state: State) -> State:
    """A person, or an old colour that is well again, ends it; the clients follow the colour that has ready pods."""
    release = state.release
    if release is None:
        return state
    if migrating.held(release):
        return migrating.while_held(seen, state)
    if by_gate(release):
        return _at_a_gate(seen, state, release)
    if colours.serves(seen, state.colours, other(release.colour)):
        told = (release.message or "").removesuffix(_and(other(release.colour)))
        return moved(state, seen, Phase.ROLLING_BACK, message=told if release.reason else None)
    if colours.serves(seen, state.colours, release.colour):
        healthier = replace(state, traffic=split(release.colour))
        given = State.of(seen.app.status).orders
        if (state.orders.retry, state.orders.approve) != (given.retry, given.approve):
            limit = deadline(seen, Phase.SHIFTING)
            kept = moved(healthier, seen, Phase.SHIFTING, deadline=limit, reason=None, message=None)
            return moved(kept, seen, Phase.SHIFTING, weight=100, passed=100, since=None)
        if state.traffic != healthier.traffic:
            return healthier
    return _forward(seen, state, release) if moved_on(seen, state) else state


def by_gate(release: ReleaseStatus) -> bool:
    """It is held because a gate did not pass, not because the old colour is not well."""
    return release.phase is Phase.HELD and release.weight is not None


def _at_a_gate(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """Held with the old colour well: a person decides. Should one of the colours die, the other has the clients."""
    if moved_on(seen, state):
        return turn_back(seen, state, None)
    if not colours.serves(seen, state.colours, release.colour):
        return turn_back(seen, state, lost(seen, state, release.colour))
    if colours.gone(seen, state.colours, other(release.colour)):
        why = Trouble(release.reason or OLD_COLOUR_LOST, release.message or "", stalls=True)
        return turn_back(seen, state, why)
    return state


def _forward(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """Out of Held by another revision: it comes up in the place of the colour that has no clients."""
    colour = holder(state.traffic)
    if colour is None or colour.value not in state.colours or not colours.routed(seen, split(colour)):
        return state
    settled = serving_in(seen, state, colour)
    if colour is not release.colour and release.reason is not None and release.restart is None:
        settled = settled.rejecting(release.id, Trouble(release.reason, release.message or "", stalls=True), seen.now)
    fresh = begun(seen, settled)
    return fresh if fresh is not settled else state
