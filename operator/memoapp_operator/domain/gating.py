"""What maintenance windows hold back: a release before its first move, the first clients, restarts and drills. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from memoapp_operator.api.v1alpha1.maintenancewindow import Policy, UnderWay, Work
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, ReleaseStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import maintenance, phases, upgrading
from .durations import seconds
from .observation import Child, ChildState, Observation, Trouble
from .state import WINDOW_DENIED, State
from .windows import Answer, Window, may, shown

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
    """When a window lets this child be restarted; None where none ever says so by itself.

    An image that a task of a window brings waits for that task: it comes with a backup, and with a way back.
    """
    own = _by_a_task(seen, child)
    if own:
        spans = [(span.start, window) for window in own if (span := window.following(seen.now)) is not None]
        if not spans:
            return None
        start, window = min(spans, key=lambda pair: (pair[0], pair[1].name))
        return Answer(start, because=f"a task of the window {window.name} brings it", zone=window.zone)
    work, least = (Work.UPGRADES, UPGRADE) if child.upgrade else (Work.RESTARTS, RESTART)
    if not any(window.policy is Policy.ALLOW and window.concerns(work) for window in seen.windows):
        return None
    answer = may(work, seen.windows, seen.now, least)
    return answer if answer.start is not None else None


def let_restart(seen: Observation, state: State) -> State:
    """The state in which what waits for a restart is let go, where a window that allows it is open.

    Not while a release or a restore is under way: one thing after another. What a run's task brings, or took back, does
    not wait: the run saw to that.
    """
    before = state.orders.restarts or []
    known = _still_let(seen, before)
    waiting = [child for child in seen.children if child.state is ChildState.WAITING and child.detail not in known]
    free = _may_restart(seen, state)
    let = [child.detail for child in waiting if _by_a_run(seen, child) or (free and _is_open(seen, child))]
    after = [*known, *let][-KEPT_RESTARTS:]
    if after == before:
        return state
    return replace(state, orders=state.orders.model_copy(update={"restarts": after or None}))


def _still_let(seen: Observation, let: list[str]) -> list[str]:
    """What was let go before: not an image any more that is being taken back, or a retry would bring it at once."""
    back = {component for run in seen.runs for component, _, _ in run.taken_back}
    if not back:
        return let
    app = seen.app.metadata.name
    waiting = {child.detail for child in seen.children if child.state is ChildState.WAITING}
    taken = {child.detail for child in seen.children if upgrading.component_at(app, child) in back}
    return [digest for digest in let if digest in waiting - taken]


def _may_restart(seen: Observation, state: State) -> bool:
    release = state.release
    if state.active is None or (release is not None and not phases.is_over(release.phase) and not _idle(release)):
        return False
    return maintenance.restoring(seen.backups) is None and maintenance.run_of(seen) is None


def _is_open(seen: Observation, child: Child) -> bool:
    answer = restart_at(seen, child)
    return answer is not None and answer.start == seen.now


def _by_a_run(seen: Observation, child: Child) -> bool:
    """A task under way brings it, or what it would be restarted with is what ran before."""
    component = upgrading.component_at(seen.app.metadata.name, child)
    if component is None or not child.upgrade:
        return False
    image = upgrading.declared(seen.app, component)
    brought = any(run.upgrade == component for run in seen.runs)
    back = any((component, image) == (part, before) for run in seen.runs for part, before, _ in run.taken_back)
    return brought or back or upgrading.held(seen.app, component) is not None


def _by_a_task(seen: Observation, child: Child) -> list[Window]:
    """The windows of which a task brings this image."""
    component = upgrading.component_at(seen.app.metadata.name, child) if child.upgrade else None
    return [window for window in seen.windows if component in window.updates]


def _idle(release: ReleaseStatus) -> bool:
    return release.phase is Phase.PENDING


def drills_wait(seen: Observation) -> Answer | None:
    """When a drill by schedule may begin; None where it may now."""
    answer = may(Work.DRILLS, seen.windows, seen.now)
    return None if answer.start == seen.now else answer
