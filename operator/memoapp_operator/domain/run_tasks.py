"""Tasks and tests of a run: how one begins, and what comes of it. Pure."""

from __future__ import annotations

from datetime import timedelta

from memoapp_operator.api.v1alpha1.memoapp import MemoApp, ReleasePhase
from memoapp_operator.api.v1alpha1.release import Suite, When
from memoapp_operator.api.v1alpha1.tasks import OnTaskFailure, RunStatus, StepState, StepStatus, Task

from . import phases, undoing, upgrading
from .durations import seconds
from .manifest import JOB, MEMO_BACKUP
from .run_steps import (
    HEALTH,
    OVER,
    PAGE_DOWN,
    SAVE,
    TEST,
    TESTS,
    UNDO,
    UPGRADE,
    WATCH,
    Made,
    RunSight,
    changed,
    closed,
    component_in,
    end_of,
    is_task,
    kind_of,
    object_of,
    pending,
    restart_in,
    running,
    skip,
    start_of,
    task_of,
)
from .testing import timeout as timeout_of_test

TASK_TIMEOUT = "1h"
UPGRADE_TIMEOUT = "10m"
"""Of a task that brings an image, and of what takes it back: clients may have no database meanwhile."""
_STOPPED = "an earlier step failed"
_UNDECLARED = "it is not declared any more"


def begun(seen: RunSight, app: MemoApp, step: StepStatus) -> RunStatus:
    """The run as the step begins, or is left out."""
    run = seen.run
    if step.name == TESTS:
        return _tests(seen, app, step)
    if step.name.startswith(UNDO):
        return changed(run, undoing.begun(seen, step))
    task, is_test = task_of(seen.window, step), step.name.startswith(TEST)
    if (task is None and not is_test) or (is_test and suite_of(app, step) is None):
        return changed(run, skip(step, _UNDECLARED))
    if task is None:
        return changed(run, running(seen, step, object=object_of(seen.window, run, step, JOB.kind)))
    if seen.now >= end_of(run):
        return changed(run, skip(step, OVER))
    component, saves = upgrading.component_of(task), step.name.startswith(SAVE)
    if component is not None and not saves:
        return _image(seen, app, step, task, component)
    kind = MEMO_BACKUP.kind if saves else kind_of(task)
    return changed(run, running(seen, step, object=object_of(seen.window, run, step, kind) if kind else None))


def _image(seen: RunSight, app: MemoApp, step: StepStatus, task: Task, component: str) -> RunStatus:
    """What is declared runs already, was taken back, cannot be brought, or is brought now."""
    image, rollout = upgrading.declared(app, component), seen.rollout
    fresh = running(seen, step)
    why = upgrading.in_the_way(app, component, rollout)
    if why is not None or rollout is None or image is None:
        return failed(seen, fresh, task, why or "it is not there")
    if upgrading.held(app, component) is not None:
        return changed(seen.run, skip(step, f"{image} was taken back, and is not tried again by itself"))
    if rollout.image == image and rollout.settled:
        return changed(seen.run, closed(seen, fresh, StepState.SUCCEEDED, f"{image} runs already"))
    if not any(_is_backup(each) and each.state is StepState.SUCCEEDED for each in seen.run.steps):
        return failed(seen, fresh, task, "no backup of this run is good")
    also = {"object": f"{UPGRADE}/{component}", "before": rollout.image, "after": image}
    return changed(seen.run, running(seen, step, **also))


def _is_backup(step: StepStatus) -> bool:
    return (step.object or "").startswith(f"{MEMO_BACKUP.kind}/")


def _tests(seen: RunSight, app: MemoApp, step: StepStatus) -> RunStatus:
    """The app's tests, each a step, instead of this one. Those through the router see no page."""
    begun_ = {each.name for each in seen.run.steps if each.started_at is not None}
    if not any(task.name in begun_ and _changes(task) for task in seen.window.spec.tasks or ()):
        return changed(seen.run, skip(step, "no task changed the app"))
    paged = seen.run.page_until is not None
    suites = [suite for suite in app.spec.release.tests or () if not (paged and suite.when is When.AFTER_SWITCH)]
    if not suites:
        return changed(seen.run, skip(step, "the MemoApp declares none that could be run"))
    steps, index = seen.run.steps, seen.run.steps.index(step)
    new = [pending(f"{TEST}{suite.name}") for suite in suites]
    return seen.run.model_copy(update={"steps": [*steps[:index], *new, *steps[index + 1 :]]})


def _changes(task: Task) -> bool:
    """The app may be another one after it. Backups, drills, VACUUM and what is removed change nothing of it."""
    kinds = (task.job, task.reindex, task.restart_pods, task.update_database_image, task.update_redis_image)
    return any(kind is not None for kind in kinds)


def suite_of(app: MemoApp, step: StepStatus) -> Suite | None:
    """The test of a step, as the MemoApp declares it now."""
    name = step.name.removeprefix(TEST)
    return next((suite for suite in app.spec.release.tests or () if suite.name == name), None)


def gone_on(seen: RunSight, app: MemoApp, step: StepStatus) -> RunStatus:
    """The run after one more look at a task, at a test or at what takes a task back."""
    task, made = task_of(seen.window, step), seen.made
    if component_in(step) is not None:
        back = undoing.image_is_back(seen, app, step) if step.name.startswith(UNDO) else None
        if back is not None:
            return back
        made, step = _rolled_out(seen, app, step)
    elif task is not None and task.restart_pods is not None:
        made = _restarted(app, step)
    if made is not None and made.good is not None:
        if made.good:
            return changed(seen.run, closed(seen, step, StepState.SUCCEEDED, made.message))
        return failed(seen, step, task, made.message or "it failed")
    limit = _limit(app, task, step)
    if seen.now - start_of(step) >= timedelta(seconds=seconds(limit)):
        return failed(seen, step, task, f"not done within {limit}")
    if task is None and made is None and not step.name.startswith(TEST):
        return changed(seen.run, skip(step, _UNDECLARED))
    message = (made.message or None) if made is not None else step.message
    return changed(seen.run, step.model_copy(update={"message": message}))


def _limit(app: MemoApp, task: Task | None, step: StepStatus) -> str:
    if step.name.startswith(TEST):
        suite = suite_of(app, step)
        return timeout_of_test(suite) if suite is not None else TASK_TIMEOUT
    own = task.timeout if task is not None and not step.name.startswith(SAVE) else None
    return own or (UPGRADE_TIMEOUT if component_in(step) is not None else TASK_TIMEOUT)


def _rolled_out(seen: RunSight, app: MemoApp, step: StepStatus) -> tuple[Made, StepStatus]:
    """How far an image is on its way, forward or back; and the step, by what is declared now."""
    component, rollout = component_in(step) or "", seen.rollout
    is_back = step.name.startswith(UNDO)
    goal = step.before if is_back else upgrading.declared(app, component)
    if not is_back and goal is not None:
        step = step.model_copy(update={"after": goal})
    if rollout is None or rollout.image != goal:
        return Made(None, f"{goal} is about to be started"), step
    if rollout.settled:
        return Made(good=None if is_back else True, message=f"{step.before} before"), step
    if rollout.trouble is not None and rollout.trouble.stalls and not is_back:
        return Made(good=False, message=f"{rollout.trouble.reason}: {rollout.trouble.message}"[:400]), step
    return Made(None, rollout.trouble.message[:400] if rollout.trouble is not None else f"{goal} starts"), step


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


def failed(seen: RunSight, step: StepStatus, task: Task | None, why: str) -> RunStatus:
    """The run as a task, a test or what takes a task back fails."""
    run = changed(seen.run, closed(seen, step, StepState.FAILED, why))
    if step.name.startswith(UNDO):
        return run
    if step.name.startswith(TEST):
        return undoing.turned_back(seen, run, "a test failed")
    run = undoing.image_taken_back(run, step)
    return run if task is not None and task.on_failure is OnTaskFailure.CONTINUE else stopped(run, step)


def stopped(run: RunStatus, step: StepStatus) -> RunStatus:
    """No task is begun any more, and the page falls. After Health, nothing is done at all."""
    kept = {PAGE_DOWN, WATCH} if step.name != HEALTH else set[str]()
    if is_task(step):
        kept |= {TESTS, *(each.name for each in run.steps if each.name.startswith(UNDO))}
    out = {each.name for each in run.steps if each.state is StepState.PENDING and each.name not in kept}
    steps = [skip(each, _STOPPED) if each.name in out else each for each in run.steps]
    return run.model_copy(update={"steps": steps})
