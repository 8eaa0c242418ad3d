"""The run of a window's tasks for one MemoApp: one step after the other, each once, with a limit, to its end. Pure.

========  ==========================================================================================================
Health    the app is well, and no release is under way; 10 minutes, or nothing is done
Page      where it is asked for: every router shows the maintenance page, which falls at the window's end by itself
a task    what it names is created, and waited for; `timeout`, then it is ended and has failed
PageDown  no router shows it for this window any more
Watch     the app is well after `watch`; 5 minutes more, or the run has failed
========  ==========================================================================================================

A step is committed before anything is done for it, and what is created has a name of its own: a process that comes back
goes on where it was. At the window's end the task under way is waited for, and no other is begun.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from memoapp_operator.api.v1alpha1.maintenancewindow import MaintenanceWindow
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, ReleasePhase
from memoapp_operator.api.v1alpha1.tasks import OnTaskFailure, RunPhase, RunStatus, StepState, StepStatus, Task

from . import conditions, names, phases
from .conditions import timestamp
from .durations import seconds
from .manifest import JOB, MEMO_BACKUP, MEMO_RESTORE, Kind
from .restoring import is_holder
from .windows import Span

HEALTH, PAGE, PAGE_DOWN, WATCH = "Health", "Page", "PageDown", "Watch"
RELEASE = "Release"
"""What does the task `restartPods`: no object of its own, but the MemoApp's next release."""
TASK_TIMEOUT = "1h"
HEALTH_PATIENCE = timedelta(minutes=10)
PAGE_PATIENCE = timedelta(minutes=2)
WATCHED = "1m"
WATCH_PATIENCE = timedelta(minutes=5)
SETTLE = timedelta(seconds=2)
"""A run that was queued waits so long for what was queued before it, and is about to be seen as begun."""
MAINTENANCE = "Maintenance"
_OVER = "the window was over"
_STOPPED = "an earlier step failed"
_DONE = frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.SKIPPED})
ENDED = frozenset({RunPhase.COMPLETED, RunPhase.FAILED, RunPhase.OVERRUN})
"""Phases of a run in which nothing is left to be done."""


def holder_of(window: str) -> str:
    """Who holds the page up for the run of a window."""
    return f"window/{window}"


@dataclass(frozen=True, slots=True)
class Made:
    """What a task's object tells.

    Attributes:
        good: None while it is at work.
        message: what came of it, or what it waits for.
    """

    good: bool | None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Rival:
    """A run of another window for the same MemoApp.

    Attributes:
        window: its name.
        begun: its steps are under way.
        queued: when it was first seen.
    """

    window: str
    begun: bool
    queued: datetime


@dataclass(frozen=True, slots=True)
class RunSight:
    """What one pass saw of one run.

    Attributes:
        window: with its name and what it declares now.
        run: as it is committed.
        app: None where it is gone, or goes.
        now: aware, UTC.
        rivals: runs of other windows for the same MemoApp that are not over.
        denied: a Deny that is under way for it.
        made: the object of the task under way; None where it is not there.
    """

    window: MaintenanceWindow
    run: RunStatus
    app: MemoApp | None
    now: datetime
    rivals: tuple[Rival, ...] = ()
    denied: str | None = None
    made: Made | None = None


def queued(window: MaintenanceWindow, app: str, span: Span, now: datetime) -> RunStatus:
    """The run as it is first seen."""
    tasks = [task.name for task in window.spec.tasks or ()]
    page = ([PAGE], [PAGE_DOWN]) if window.spec.page else ([], [])
    steps = [HEALTH, *page[0], *tasks, *page[1], WATCH]
    return RunStatus(
        app=app,
        phase=RunPhase.QUEUED,
        window=timestamp(span.start),
        ends=timestamp(span.end),
        queued_at=timestamp(now),
        steps=[StepStatus(name=name, state=StepState.PENDING) for name in steps],
    )


def is_ended(run: RunStatus) -> bool:
    """Nothing is left to be done."""
    return run.phase in ENDED


def under_way(run: RunStatus) -> StepStatus | None:
    """The step that is done, or comes next; None where all are."""
    return next((step for step in run.steps if step.state not in _DONE), None)


def task_of(window: MaintenanceWindow, step: StepStatus) -> Task | None:
    """The task of a step, as the window declares it now."""
    return next((task for task in window.spec.tasks or () if task.name == step.name), None)


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
    found = _begun(seen, step) if step.state is StepState.PENDING else _gone_on(seen, seen.app, step)
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
    if seen.now >= _end(run) or (why is not None and _is_too_late(seen)):
        told = why or "nobody looked before the window was over"
        return _ended(seen, _skipped(run, _OVER), failed=f"it did not begin in time: {told}")
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


def _begun(seen: RunSight, step: StepStatus) -> RunStatus:
    """The step begins, or is left out."""
    run, name = seen.run, step.name
    if name in {HEALTH, PAGE, PAGE_DOWN, WATCH}:
        changes: dict[str, object] = {}
        if name == PAGE:
            changes["page_until"] = run.ends
        if name == PAGE_DOWN:
            changes["page_until"] = None
        if name == WATCH:
            changes["phase"] = RunPhase.VERIFYING
        return _with(run, _running(seen, step)).model_copy(update=changes)
    task = task_of(seen.window, step)
    if task is None:
        return _with(run, _skip(step, "it is not declared any more"))
    if seen.now >= _end(run):
        return _with(run, _skip(step, _OVER))
    return _with(run, _running(seen, step, object_=object_of(seen.window, run, task)))


def _gone_on(seen: RunSight, app: MemoApp, step: StepStatus) -> RunStatus:
    if step.name == HEALTH:
        return _awaited(seen, step, not_well(app, idle=True), HEALTH_PATIENCE)
    if step.name == PAGE:
        return _awaited(seen, step, None if _is_shown(seen, app) else "not every router shows it", PAGE_PATIENCE)
    if step.name == PAGE_DOWN:
        return _awaited(seen, step, "it is shown" if _is_held(seen, app) else None, None)
    if step.name == WATCH:
        return _watched(seen, app, step)
    return _task(seen, step)


def _awaited(seen: RunSight, step: StepStatus, why: str | None, patience: timedelta | None) -> RunStatus:
    if why is None:
        return _with(seen.run, _closed(seen, step, StepState.SUCCEEDED))
    if patience is not None and seen.now - _start(step) >= patience:
        return _given_up(seen, step, f"{why}, for {int(patience.total_seconds() // 60)} minutes")
    return _with(seen.run, step.model_copy(update={"message": why}))


def _watched(seen: RunSight, app: MemoApp, step: StepStatus) -> RunStatus:
    limit = timedelta(seconds=seconds(seen.window.spec.watch or WATCHED))
    why = not_well(app, idle=False)
    if seen.now - _start(step) < limit:
        return seen.run
    return _awaited(seen, step, why, limit + WATCH_PATIENCE)


def _task(seen: RunSight, step: StepStatus) -> RunStatus:
    task, made = task_of(seen.window, step), seen.made
    if task is not None and task.restart_pods is not None and seen.app is not None:
        made = _restarted(seen.app, step)
    if made is not None and made.good is not None:
        if made.good:
            return _with(seen.run, _closed(seen, step, StepState.SUCCEEDED, made.message))
        return _failed(seen, step, task, made.message or "it failed")
    limit = (task.timeout if task is not None else None) or TASK_TIMEOUT
    if seen.now - _start(step) >= timedelta(seconds=seconds(limit)):
        return _failed(seen, step, task, f"not done within {limit}")
    if task is None and made is None:
        return _with(seen.run, _skip(step, "it is not declared any more"))
    message = (made.message or None) if made is not None else step.message
    return _with(seen.run, step.model_copy(update={"message": message}))


def _restarted(app: MemoApp, step: StepStatus) -> Made:
    """How far the release is that restarts the pods."""
    release = app.status.release
    if release is None or release.restart != restart_in(step):
        return _remembered(app, step)
    if release.phase in {ReleasePhase.COMPLETED, ReleasePhase.RETIRED}:
        return Made(good=True, message=f"all pods of version {release.version} are new, in {release.colour}")
    if phases.is_over(release.phase):
        return Made(good=False, message=f"{release.phase.value}: {release.reason}: {release.message or ''}"[:400])
    return Made(None, f"its release is in {release.phase.value}")


def _remembered(app: MemoApp, step: StepStatus) -> Made:
    """Another release has taken its place by now, or it has not begun yet."""
    known = next((item for item in app.status.history or () if item.restart == restart_in(step)), None)
    if known is not None:
        good = known.result is ReleasePhase.COMPLETED
        return Made(good=good, message="" if good else f"{known.result.value}: {known.reason}"[:400])
    if app.status.release is not None and app.status.release.phase is ReleasePhase.PENDING:
        return Made(good=False, message="another version is declared, and brings new pods")
    return Made(None, "waits until its release begins")


def restart_in(step: StepStatus) -> str | None:
    """Identifies the restart that a step asks for; None where it asks for none."""
    kind, _, name = (step.object or "").partition("/")
    return name if kind == RELEASE and step.state is StepState.RUNNING else None


def _failed(seen: RunSight, step: StepStatus, task: Task | None, why: str) -> RunStatus:
    if task is not None and task.on_failure is OnTaskFailure.CONTINUE:
        return _with(seen.run, _closed(seen, step, StepState.FAILED, why))
    return _given_up(seen, step, why)


def _given_up(seen: RunSight, step: StepStatus, why: str) -> RunStatus:
    """The step failed: no task is begun any more, and the page falls. After Health, nothing is done at all."""
    run = _with(seen.run, _closed(seen, step, StepState.FAILED, why))
    kept = {PAGE_DOWN, WATCH} if step.name != HEALTH else set[str]()
    out = {each.name for each in run.steps if each.state is StepState.PENDING and each.name not in kept}
    steps = [_skip(each, _STOPPED) if each.name in out else each for each in run.steps]
    return run.model_copy(update={"steps": steps})


def _ended(seen: RunSight, run: RunStatus, failed: str | None = None) -> RunStatus:
    """What came of it."""
    bad = [f"{step.name}: {step.message or 'failed'}" for step in run.steps if step.state is StepState.FAILED]
    tasks = [step for step in run.steps if step.name not in {HEALTH, PAGE, PAGE_DOWN, WATCH}]
    late = [step.name for step in tasks if step.message == _OVER or _is_late(run, step)]
    phase, message = RunPhase.COMPLETED, None
    if failed is not None or bad:
        phase, message = RunPhase.FAILED, failed or "; ".join(bad)
    elif late:
        phase, message = RunPhase.OVERRUN, f"not done before the end of the window: {', '.join(late)}"
    changes = {
        "phase": phase,
        "finished_at": timestamp(seen.now),
        "page_until": None,
        "message": message[:1024] if message else None,
    }
    return run.model_copy(update=changes)


def _is_late(run: RunStatus, step: StepStatus) -> bool:
    return step.finished_at is not None and datetime.fromisoformat(step.finished_at) > _end(run)


def _skipped(run: RunStatus, why: str) -> RunStatus:
    steps = [step if step.state in _DONE else _skip(step, why) for step in run.steps]
    return run.model_copy(update={"steps": steps})


def _skip(step: StepStatus, why: str) -> StepStatus:
    return step.model_copy(update={"state": StepState.SKIPPED, "message": why})


def _running(seen: RunSight, step: StepStatus, object_: str | None = None) -> StepStatus:
    return step.model_copy(
        update={"state": StepState.RUNNING, "started_at": timestamp(seen.now), "object": object_, "message": None}
    )


def _closed(seen: RunSight, step: StepStatus, state: StepState, message: str = "") -> StepStatus:
    return step.model_copy(
        update={"state": state, "finished_at": timestamp(seen.now), "message": message[:512] or None}
    )


def _with(run: RunStatus, changed: StepStatus) -> RunStatus:
    return run.model_copy(update={"steps": [changed if step.name == changed.name else step for step in run.steps]})


def _end(run: RunStatus) -> datetime:
    return datetime.fromisoformat(run.ends)


def _start(step: StepStatus) -> datetime:
    return datetime.fromisoformat(step.started_at) if step.started_at is not None else datetime.max.replace(tzinfo=UTC)


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


def object_of(window: MaintenanceWindow, run: RunStatus, task: Task) -> str:
    """Kind and name of what does a task: another one for each run."""
    token = hashlib.sha256(f"{window.metadata.uid}/{run.window}".encode()).hexdigest()[:6]
    kind = RELEASE if task.restart_pods is not None else kind_of(task).kind
    return f"{kind}/{names.child(run.app, f'{task.name}-{token}', limit=names.LABEL_LIMIT)}"


def kind_of(task: Task) -> Kind:
    """What does a task."""
    if task.backup is not None:
        return MEMO_BACKUP
    return MEMO_RESTORE if task.restore_drill is not None else JOB
