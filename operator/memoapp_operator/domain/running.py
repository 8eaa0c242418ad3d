"""The run of a window's tasks for one MemoApp: one step after the other, each once, with a limit, to its end. Pure.

===========  =======================================================================================================
Health       the app is well, and no release is under way; 10 minutes, or nothing is done
Page         where it is asked for: every router shows the maintenance page, which falls at the window's end by itself
Save/<task>  a backup before a task that brings an image, where none of the run's own comes before it
a task       what it names is created, and waited for; `timeout`, then it is ended and has failed
Tests        the app's own tests, each a step Test/<test> from now on; if one fails, the tasks are taken back
Undo/<task>  what a task changed is taken back; if that fails, the others are taken back all the same
PageDown     no router shows it for this window any more
Watch        the app is well after `watch`; 5 minutes more, or the run has failed
===========  =======================================================================================================

A step is committed before anything is done for it, and what is created has a name of its own: a process that comes back
goes on where it was. At the window's end no other task is begun; the one under way is waited for, or, with `overrun:
Undo`, ended, and what the tasks changed is taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.maintenancewindow import MaintenanceWindow
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, ReleasePhase
from memoapp_operator.api.v1alpha1.tasks import RunPhase, RunStatus, StepState, StepStatus, Task

from . import conditions, phases, run_tasks, undoing, upgrading
from .conditions import timestamp
from .durations import seconds
from .restoring import is_holder
from .run_steps import (
    DONE,
    HEALTH,
    OVER,
    OWN,
    PAGE,
    PAGE_DOWN,
    SAVE,
    TESTS,
    UNDO,
    WATCH,
    Rival,
    RunSight,
    changed,
    closed,
    end_of,
    is_task,
    pending,
    running,
    skip,
    start_of,
    under_way,
)
from .windows import Span

HEALTH_PATIENCE = timedelta(minutes=10)
PAGE_PATIENCE = timedelta(minutes=2)
WATCHED = "1m"
WATCH_PATIENCE = timedelta(minutes=5)
SETTLE = timedelta(seconds=2)
"""A run that was queued waits so long for what was queued before it, and is about to be seen as begun."""
MAINTENANCE = "Maintenance"
ENDED = frozenset({RunPhase.COMPLETED, RunPhase.FAILED, RunPhase.OVERRUN})
"""Phases of a run in which nothing is left to be done."""


def holder_of(window: str) -> str:
    """Who holds the page up for the run of a window."""
    return f"window/{window}"


def queued(window: MaintenanceWindow, app: str, span: Span, now: datetime) -> RunStatus:
    """The run as it is first seen."""
    page = ([PAGE], [PAGE_DOWN]) if window.spec.page else ([], [])
    tests = [TESTS] if window.spec.tests is not False else []
    steps = [HEALTH, *page[0], *_with_saves(window.spec.tasks or ()), *tests, *page[1], WATCH]
    return RunStatus(
        app=app,
        phase=RunPhase.QUEUED,
        window=timestamp(span.start),
        ends=timestamp(span.end),
        queued_at=timestamp(now),
        steps=[pending(name) for name in steps],
    )


def _with_saves(tasks: Iterable[Task]) -> Iterator[str]:
    saved = False
    for task in tasks:
        if upgrading.component_of(task) is not None and not saved:
            yield f"{SAVE}{task.name}"
        saved = saved or task.backup is not None or upgrading.component_of(task) is not None
        yield task.name


def is_ended(run: RunStatus) -> bool:
    """Nothing is left to be done."""
    return run.phase in ENDED


def advance(seen: RunSight) -> RunStatus:
    """The run after this pass: at most one step begins or ends."""
    run = seen.run
    if is_ended(run):
        return run
    if seen.app is None:
        return _ended(seen, _skipped(run, "the MemoApp is gone"), failed="the MemoApp is gone")
    if run.phase is RunPhase.QUEUED:
        return _from_the_queue(seen)
    step = under_way(run)
    if step is None:
        return _ended(seen, run)
    if undoing.is_due(seen):
        return undoing.turned_back(seen, run, OVER)
    found = _begun(seen, seen.app, step) if step.state is StepState.PENDING else _gone_on(seen, seen.app, step)
    return found if under_way(found) is not None else _ended(seen, found)


def _from_the_queue(seen: RunSight) -> RunStatus:
    """One run of an app at a time, and none while a Deny is under way."""
    run, since = seen.run, datetime.fromisoformat(seen.run.queued_at)
    first = next((rival for rival in seen.rivals if rival.begun or _is_before(rival, seen)), None)
    why = None
    if first is not None:
        why = f"waits until the run of the window {first.window} is done"
    elif seen.denied is not None:
        why = f"the window {seen.denied} denies it"
    if seen.now >= end_of(run) or (why is not None and _is_too_late(seen)):
        told = why or "nobody looked before the window was over"
        return _ended(seen, _skipped(run, OVER), failed=f"it did not begin in time: {told}")
    if why is not None or seen.now - since < SETTLE:
        return run.model_copy(update={"message": why})
    return run.model_copy(update={"phase": RunPhase.ACTIVE, "started_at": timestamp(seen.now), "message": None})


def _is_too_late(seen: RunSight) -> bool:
    declared = seen.window.spec.last_start
    latest = datetime.fromisoformat(seen.run.window) + timedelta(seconds=seconds(declared)) if declared else None
    return latest is not None and seen.now > latest


def _is_before(rival: Rival, seen: RunSight) -> bool:
    mine = datetime.fromisoformat(seen.run.queued_at)
    return (rival.queued, rival.window) < (mine, seen.window.metadata.name)


def _begun(seen: RunSight, app: MemoApp, step: StepStatus) -> RunStatus:
    """The step begins, or is left out."""
    run, name = seen.run, step.name
    if name not in OWN or name == TESTS:
        return run_tasks.begun(seen, app, step)
    changes: dict[str, object] = {}
    if name == PAGE:
        changes["page_until"] = run.ends
    if name == PAGE_DOWN:
        changes["page_until"] = None
    if name == WATCH:
        changes["phase"] = RunPhase.VERIFYING
    return changed(run, running(seen, step)).model_copy(update=changes)


def _gone_on(seen: RunSight, app: MemoApp, step: StepStatus) -> RunStatus:
    if step.name == HEALTH:
        return _awaited(seen, step, not_well(app, idle=True), HEALTH_PATIENCE)
    if step.name == PAGE:
        return _awaited(seen, step, None if _is_shown(seen, app) else "not every router shows it", PAGE_PATIENCE)
    if step.name == PAGE_DOWN:
        return _awaited(seen, step, "it is shown" if _is_held(seen, app) else None, None)
    if step.name == WATCH:
        return _watched(seen, app, step)
    return run_tasks.gone_on(seen, app, step)


def _awaited(seen: RunSight, step: StepStatus, why: str | None, patience: timedelta | None) -> RunStatus:
    if why is None:
        return changed(seen.run, closed(seen, step, StepState.SUCCEEDED))
    if patience is not None and seen.now - start_of(step) >= patience:
        text = f"{why}, for {int(patience.total_seconds() // 60)} minutes"
        return run_tasks.stopped(changed(seen.run, closed(seen, step, StepState.FAILED, text)), step)
    return changed(seen.run, step.model_copy(update={"message": why}))


def _watched(seen: RunSight, app: MemoApp, step: StepStatus) -> RunStatus:
    limit = timedelta(seconds=seconds(seen.window.spec.watch or WATCHED))
    why = not_well(app, idle=False)
    if seen.now - start_of(step) < limit:
        return seen.run
    return _awaited(seen, step, why, limit + WATCH_PATIENCE)


def _ended(seen: RunSight, run: RunStatus, failed: str | None = None) -> RunStatus:
    """What came of it."""
    wrong = [step for step in run.steps if step.state is StepState.FAILED and step.message != OVER]
    bad = [f"{step.name}: {step.message or 'failed'}" for step in wrong]
    late = [step.name for step in run.steps if is_task(step) and (step.message == OVER or _is_late(run, step))]
    back = [step.name.removeprefix(UNDO) for step in run.steps if _is_back(step)]
    undone = f"; taken back: {', '.join(back)}" if back else ""
    phase, message = RunPhase.COMPLETED, None
    if failed is not None or bad:
        phase, message = RunPhase.FAILED, f"{failed or '; '.join(bad)}{undone}"
    elif late:
        phase, message = RunPhase.OVERRUN, f"not done before the end of the window: {', '.join(late)}{undone}"
    changes = {
        "phase": phase,
        "finished_at": timestamp(seen.now),
        "page_until": None,
        "message": message[:1024] if message else None,
    }
    return run.model_copy(update=changes)


def _is_back(step: StepStatus) -> bool:
    return step.name.startswith(UNDO) and step.state is StepState.SUCCEEDED


def _is_late(run: RunStatus, step: StepStatus) -> bool:
    return step.finished_at is not None and datetime.fromisoformat(step.finished_at) > end_of(run)


def _skipped(run: RunStatus, why: str) -> RunStatus:
    steps = [step if step.state in DONE else skip(step, why) for step in run.steps]
    return run.model_copy(update={"steps": steps})


def _is_held(seen: RunSight, app: MemoApp) -> bool:
    page, mine = app.status.maintenance, holder_of(seen.window.metadata.name)
    return page is not None and (not page.holders or any(item.name == mine for item in page.holders))


def _is_shown(seen: RunSight, app: MemoApp) -> bool:
    page, mine = app.status.maintenance, holder_of(seen.window.metadata.name)
    return page is not None and page.since is not None and any(item.name == mine for item in page.holders)


def not_well(app: MemoApp, *, idle: bool) -> str | None:
    """Why nothing should be done to the app now; None where it is well.

    Args:
        app: with its committed status.
        idle: no release, and no restore, may be under way either.
    """
    release, page = app.status.release, app.status.maintenance
    if idle and release is not None and not phases.is_over(release.phase) and release.phase is not ReleasePhase.PENDING:
        return f"the release of version {release.version} is under way ({release.phase.value})"
    if idle and page is not None and any(is_holder(item.name) for item in page.holders):
        return "a restore is at work on the data"
    for type_ in (conditions.DATABASE_READY, conditions.CACHE_READY, conditions.AVAILABLE):
        found = conditions.find(app.status.conditions, type_)
        if found is not None and found.status.value != "True" and found.reason != MAINTENANCE:
            return f"{type_} is {found.status.value}: {found.message or found.reason}"[:400]
    return None if app.status.active is not None else "nothing serves yet"
