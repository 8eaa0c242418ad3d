"""The way back: the clients return to the old colour, or stay where pods are ready and people are told."""

from __future__ import annotations

from dataclasses import replace

from memoapp_operator.api.v1alpha1.memoapp import Colour, ReleaseStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import colours
from .observation import Observation, Trouble
from .state import State, holder, other, split
from .transitions import active_in, begun, deadline, moved, moved_on


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
    found = moved(state, seen, Phase.ROLLING_BACK, **reason)
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
        if state.active is None or state.active.colour is not old:
            state = replace(state, active=active_in(seen, state, old))
        return state.without(release.colour)
    if any(name.startswith(f"{release.colour}-") for name in seen.workloads):
        return state
    if release.reason is None:
        return moved(state, seen, Phase.WITHDRAWN, ended=True)
    why = Trouble(release.reason, release.message or "", stalls=True)
    return moved(state, seen, Phase.ROLLED_BACK, ended=True).rejecting(release.id, why)


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
    if colours.serves(seen, state.colours, other(release.colour)):
        told = (release.message or "").removesuffix(_and(other(release.colour)))
        return moved(state, seen, Phase.ROLLING_BACK, message=told if release.reason else None)
    if colours.serves(seen, state.colours, release.colour):
        healthier = replace(state, traffic=split(release.colour))
        if state.orders.retry != State.of(seen.app.status).orders.retry:
            limit = deadline(seen, Phase.SHIFTING)
            return moved(healthier, seen, Phase.SHIFTING, deadline=limit, reason=None, message=None)
        if state.traffic != healthier.traffic:
            return healthier
    return _forward(seen, state, release) if moved_on(seen, state) else state


def _forward(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """Out of Held by another revision: it comes up in the place of the colour that has no clients."""
    colour = holder(state.traffic)
    if colour is None or colour.value not in state.colours or not colours.routed(seen, split(colour)):
        return state
    settled = state
    if state.active is None or state.active.colour is not colour:
        settled = replace(state, active=active_in(seen, state, colour))
    if colour is not release.colour and release.reason is not None:
        settled = settled.rejecting(release.id, Trouble(release.reason, release.message or "", stalls=True))
    fresh = begun(seen, settled)
    return fresh if fresh is not settled else state
