"""The way forward: from a declared revision to the one that serves."""

from __future__ import annotations

from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.api.v1alpha1.memoapp import ReleaseStatus
from memoapp_operator.api.v1alpha1.release import Approval, When

from . import colours, gating, testing
from .durations import seconds
from .gradual import aborted, begin
from .migrating import START_PATIENCE
from .observation import Observation, Trouble
from .rollback import is_warm, turn_back
from .state import State, other, split
from .transitions import begun, deadline, is_late, limit_of, lost, moved, moved_on, rejected, serving
from .troubles import PULL_FAILED, UNSCHEDULABLE

PULL_PATIENCE = START_PATIENCE
"""Seconds from the beginning of Preparing in which an image that cannot be pulled does not reject it."""


def warm_until(seen: Observation, release: ReleaseStatus) -> datetime:
    """When the old colour goes."""
    began = datetime.fromisoformat(release.finished_at or release.started_at)
    return began + timedelta(seconds=seconds(limit_of(seen, Phase.COMPLETED) or "0s"))


def preparing(seen: Observation, state: State) -> State:
    """The colour comes up, or is refused; nothing of it is seen by clients yet."""
    release = state.release
    if release is None:
        return state
    if (gone := _withdrawn(seen, state, release)) is not None:
        return gone
    up = colours.complete(seen, state.colours, release.colour)
    if up and colours.serves(seen, state.colours, other(release.colour)):  # else there is nobody to lose
        up = colours.steady(seen, state.colours, release.colour)
    if up and colours.router_settled(seen):
        return _up(seen, state, release)
    if state.active is not None and not colours.prepared(seen):
        # No version comes up without its database: nothing is judged, and the deadline counts no such time.
        return moved(state, seen, Phase.PREPARING, deadline=None)
    failure = _failure(seen, state, release, up=up)
    if failure is None:
        anew = deadline(seen, Phase.PREPARING)
        return state if _counts(seen, state, release) else moved(state, seen, Phase.PREPARING, deadline=anew)
    return rejected(state, seen, failure).without(release.colour)


def _withdrawn(seen: Observation, state: State, release: ReleaseStatus) -> State | None:
    """The release that is not wanted any more, or that a window denies; None where it goes on."""
    denied = None if state.active is None else gating.denied(seen, release)
    if not moved_on(seen, state) and denied is None:
        return None
    told = {"reason": denied.reason, "message": denied.message} if denied is not None else {}
    return moved(state, seen, Phase.WITHDRAWN, ended=True, **told).without(release.colour)


def _up(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """The colour is there: it is tested; then the first one serves at once, any other waits for its clients."""
    if not testing.are_done(seen.app, release, When.BEFORE_TRAFFIC):
        return moved(state, seen, Phase.TESTING, deadline=None)
    if state.active is not None:
        manual = seen.app.spec.release.approval is Approval.MANUAL and release.restart is None
        if manual and not release.approved:
            return moved(state, seen, Phase.APPROVING, deadline=None)
        return begin(seen, state)
    if not colours.routed(seen, split(release.colour)):
        return state
    return serving(moved(state, seen, Phase.COMPLETED, ended=True), seen)


def _failure(seen: Observation, state: State, release: ReleaseStatus, *, up: bool) -> Trouble | None:
    """Why the release is rejected, or None while it may still come.

    A first release has nothing to go back to: it goes on trying, and its conditions say what is wrong.
    """
    if state.active is None:
        return None
    trouble = colours.trouble_of(seen, state.colours, release.colour)
    if trouble is not None and trouble.stalls and not _may_pass(seen, release, trouble):
        return trouble
    if not is_late(seen, release) or not _counts(seen, state, release):
        return None
    waited = Trouble("RouterNotReady", "not every router is ready", stalls=True) if up else trouble
    told = waited or Trouble("DeadlineExceeded", "not ready", stalls=True)
    return Trouble(told.reason, f"{told.message} for {limit_of(seen, release.phase)}", stalls=True)


def _may_pass(seen: Observation, release: ReleaseStatus, trouble: Trouble) -> bool:
    """A registry that hiccups once rejects nothing: the kubelet tries again. A node may come, until the deadline."""
    if trouble.reason == UNSCHEDULABLE:
        return True
    if release.deadline is None:
        return trouble.reason == PULL_FAILED
    left = (datetime.fromisoformat(release.deadline) - seen.now).total_seconds()
    age = seconds(limit_of(seen, Phase.PREPARING) or "0s") - left
    return trouble.reason == PULL_FAILED and age < PULL_PATIENCE


def _counts(seen: Observation, state: State, release: ReleaseStatus) -> bool:
    """The deadline stands. It counts work: not a pause, and not an operator that was away before it made a pod."""
    untried = state.active is not None and colours.untried(seen, state.colours, release.colour)
    return release.deadline is not None and not (untried and is_late(seen, release))


def testing_before(seen: Observation, state: State) -> State:
    """The tests run against the colour, which has no clients yet."""
    release = state.release
    if release is None:
        return state
    if (gone := _withdrawn(seen, state, release)) is not None:
        return gone
    if not colours.complete(seen, state.colours, release.colour):
        return moved(state, seen, Phase.PREPARING, deadline=deadline(seen, Phase.PREPARING))
    found = testing.advanced(seen, state, When.BEFORE_TRAFFIC)
    if found.failed is not None:
        return rejected(found.state, seen, found.failed).without(release.colour)
    if found.done and found.state.release is not None:
        return _up(seen, found.state, found.state.release)
    return found.state


def approving(seen: Observation, state: State) -> State:
    """The colour is there and waits for a person; what cannot go on meanwhile is prepared again."""
    release = state.release
    if release is None:
        return state
    if (gone := _withdrawn(seen, state, release)) is not None:
        return gone
    if not colours.complete(seen, state.colours, release.colour):
        return moved(state, seen, Phase.PREPARING, deadline=deadline(seen, Phase.PREPARING))
    return begin(seen, state) if release.approved and gating.closed(seen, state) is None else state


def completed(seen: Observation, state: State) -> State:
    """The colour serves; the old one stays warm and takes the clients back should it be needed."""
    release = state.release
    if release is None:
        return state
    old = other(release.colour)
    if is_warm(seen, state) and (abort := aborted(seen, state)) is not None:
        return turn_back(seen, state, abort)
    if (
        colours.gone(seen, state.colours, release.colour)
        and is_warm(seen, state)
        and not colours.just_back(seen, state.colours, old)
    ):
        return turn_back(seen, state, lost(seen, state, release.colour))
    if is_warm(seen, state) and not colours.serves(seen, state.colours, release.colour):
        return state  # the warm colour is the way back: it is not given up for a new release in this very moment
    fresh = begun(seen, state)
    if fresh is not state and not (old.value in state.colours and gating.closed(seen, fresh) is not None):
        return fresh  # as long as it would only wait, the warm colour stays
    if old.value in state.colours and seen.now >= warm_until(seen, release):
        return moved(state, seen, Phase.RETIRED).without(old)
    return state


def over(seen: Observation, state: State) -> State:
    """Nothing is under way: a new revision may begin, or the spec went back to what serves."""
    fresh = begun(seen, state)
    if fresh is not state:
        return fresh
    back = state.active is not None and seen.declared is not None and seen.declared.id == state.active.revision
    if back and state.release is not None and state.release.phase in {Phase.REJECTED, Phase.ROLLED_BACK}:
        return moved(state, seen, Phase.WITHDRAWN)
    return state
