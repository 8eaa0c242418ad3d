"""What maintenance windows hold back: a release before its first move, the first clients, restarts and drills. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from memoapp_operator.api.v1alpha1.maintenancewindow import Policy, UnderWay, Work
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, ReleaseStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import maintenance, phases
from .durations import seconds
from .observation import Child, ChildState, Observation, Trouble
from .state import WINDOW_DENIED, State
from .windows import Answer, may, shown

OUTSIDE_WINDOW = "OutsideWindow"
RESTART = timedelta(minutes=5)
"""What a restart of the database or of Redis takes at most: a shutdown that waits a minute for clients, and a start
that goes through a gigabyte of write-ahead log (PostgreSQL's default `max_wal_size`)."""
UPGRADE = 2 * RESTART
"""The same with an image that the node has yet to pull."""
_WAITS = frozenset({Phase.PENDING, Phase.PREFLIGHT})
KEPT_RESTARTS = 8


def takes(app: MemoApp) -> timedelta:
    """What a release takes at most from its first move on: its deadline, and what it holds by its spec."""
    return timedelta(seconds=seconds(app.spec.release.deadline)) + holds(app)


def holds(app: MemoApp) -> timedelta:
    """What a release holds by its spec once the first clients moved: its steps and its soak."""
    declared = app.spec.release
    steps = sum(seconds(item.hold) for item in declared.steps or ())
    return timedelta(seconds=steps + seconds(declared.soak))


def closed(seen: Observation, state: State) -> Answer | None:
    """When the release may begin, or go on from where it waits; None where no window holds it.

    The first version disrupts nobody. A way back by order, and a release that a person lets pass, wait for no window.
    """
    release = state.release
    if state.active is None or not seen.windows or (release is not None and _passes(release)):
        return None
    approving = release is not None and release.phase is Phase.APPROVING
    answer = may(Work.RELEASES, seen.windows, seen.now, holds(seen.app) if approving else takes(seen.app))
    return None if answer.start == seen.now else answer


def _passes(release: ReleaseStatus) -> bool:
    return not phases.is_over(release.phase) and any(
        each is not None for each in (release.instead, release.bypassed, release.restart)
    )


def until(answer: Answer) -> str:
    """When, and why not now: for people."""
    when = f"until {shown(answer.start, answer.zone)}" if answer.start is not None else "for a time that never comes"
    return f"{when}: {answer.because}"


def waits(seen: Observation, state: State) -> Trouble | None:
    """The window that a release waits for; None where it waits for none."""
    release = state.release
    fresh = release is None or phases.is_over(release.phase)
    waiting = fresh or release is None or release.phase in _WAITS or _is_let(release)
    answer = closed(seen, state) if waiting else None
    if answer is None:
        return None
    what = "the first clients wait" if not fresh and release is not None and _is_let(release) else "the release waits"
    return Trouble(OUTSIDE_WINDOW, f"{what} {until(answer)}", stalls=False)


def _is_let(release: ReleaseStatus) -> bool:
    return release.phase is Phase.APPROVING and bool(release.approved)


def denied(seen: Observation, release: ReleaseStatus) -> Trouble | None:
    """A Deny that sends back what is under way."""
    if _passes(release):
        return None
    for window in seen.windows:
        back = window.policy is Policy.DENY and window.under_way is UnderWay.RETURN
        span = window.at(seen.now) if back and window.concerns(Work.RELEASES) else None
        if span is not None:
            text = f"the window {window.name} denies releases until {shown(span.end, window.zone)}"
            return Trouble(WINDOW_DENIED, text, stalls=False)
    return None


def restart_at(seen: Observation, child: Child) -> Answer | None:
    """When a window lets this child be restarted; None where none ever says so by itself."""
    work, least = (Work.UPGRADES, UPGRADE) if child.upgrade else (Work.RESTARTS, RESTART)
    if not any(window.policy is Policy.ALLOW and window.concerns(work) for window in seen.windows):
        return None
    answer = may(work, seen.windows, seen.now, least)
    return answer if answer.start is not None else None


def let_restart(seen: Observation, state: State) -> State:
    """The state in which what waits for a restart is let go, where a window that allows it is open.

    Not while a release or a restore is under way: one thing after another.
    """
    release = state.release
    if state.active is None or (release is not None and not phases.is_over(release.phase) and not _idle(release)):
        return state
    if maintenance.restoring(seen.backups) is not None or maintenance.run_of(seen) is not None:
        return state
    known = state.orders.restarts or []
    waiting = [child for child in seen.children if child.state is ChildState.WAITING and child.detail not in known]
    let = [child.detail for child in waiting if _is_now(seen, restart_at(seen, child))]
    if not let:
        return state
    return replace(state, orders=state.orders.model_copy(update={"restarts": [*known, *let][-KEPT_RESTARTS:]}))


def _idle(release: ReleaseStatus) -> bool:
    return release.phase is Phase.PENDING


def _is_now(seen: Observation, answer: Answer | None) -> bool:
    return answer is not None and answer.start == seen.now


def drills_wait(seen: Observation) -> Answer | None:
    """When a drill by schedule may begin; None where it may now."""
    answer = may(Work.DRILLS, seen.windows, seen.now)
    return None if answer.start == seen.now else answer
