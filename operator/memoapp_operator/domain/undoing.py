"""What a run's tasks changed is taken back: images as they were, and commands by what undoes them. Pure.

The last task first, each as a step of its own. It is so where a test of the app fails after the tasks, or where the
window ends before they passed and `overrun` is Undo; an image that does not get ready goes back by itself, at once.
"""

from __future__ import annotations

from collections.abc import Iterator

from memoapp_operator.api.v1alpha1.maintenancewindow import MaintenanceWindow, Overrun
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.tasks import RunStatus, StepState, StepStatus, Task

from . import upgrading
from .manifest import JOB
from .run_steps import (
    PAGE_DOWN,
    TESTS,
    UNDO,
    WATCH,
    RunSight,
    changed,
    closed,
    component_in,
    end_of,
    inserted,
    is_task,
    object_of,
    pending,
    running,
    skip,
    task_of,
    under_way,
)


def is_due(seen: RunSight) -> bool:
    """The window is over, its tasks are not done and tested, and it says that they are taken back then."""
    step = under_way(seen.run)
    open_ = step is not None and (is_task(step) or step.name == TESTS)
    return open_ and seen.window.spec.overrun is Overrun.UNDO and seen.now >= end_of(seen.run)


def turned_back(seen: RunSight, run: RunStatus, why: str) -> RunStatus:
    """What is under way is ended, what comes is left out, and what was changed is taken back."""
    steps = [_stopped(seen, step, why) for step in run.steps]
    back = [pending(f"{UNDO}{task.name}") for task in _changed(seen.window, run)]
    return inserted(run.model_copy(update={"steps": steps}), back, (PAGE_DOWN, WATCH))


def _stopped(seen: RunSight, step: StepStatus, why: str) -> StepStatus:
    if step.state is StepState.RUNNING and is_task(step):
        return closed(seen, step, StepState.FAILED, why)
    if step.state is StepState.PENDING and (is_task(step) or step.name == TESTS):
        return skip(step, why)
    return step


def _changed(window: MaintenanceWindow, run: RunStatus) -> Iterator[Task]:
    """Tasks that were begun and can be taken back, the last first."""
    steps = {step.name: step for step in run.steps}
    for task in reversed(window.spec.tasks or []):
        step = steps.get(task.name)
        if step is not None and step.started_at is not None and (is_image(step) or _has_undo(task)):
            yield task


def is_image(step: StepStatus) -> bool:
    """It brought another image, or was about to."""
    return step.before is not None and step.after is not None and step.before != step.after


def _has_undo(task: Task) -> bool:
    return task.job is not None and task.job.undo is not None


def image_taken_back(run: RunStatus, step: StepStatus) -> RunStatus:
    """The run in which an image that did not get ready goes back at once."""
    names = [each.name for each in run.steps]
    following = names[names.index(step.name) + 1 :]
    return inserted(run, [pending(f"{UNDO}{step.name}")], following[:1]) if is_image(step) else run


def begun(seen: RunSight, step: StepStatus) -> StepStatus:
    """The step begins: by an image that ran before, or by a Job."""
    task = task_of(seen.window, step)
    was = next((each for each in seen.run.steps if f"{UNDO}{each.name}" == step.name), None)
    if was is not None and is_image(was):
        return running(seen, step, object=was.object, before=was.before, after=was.after)
    if task is None or not _has_undo(task):
        return skip(step, "what undoes it is not declared any more")
    return running(seen, step, object=object_of(seen.window, seen.run, step, JOB.kind))


def image_is_back(seen: RunSight, app: MemoApp, step: StepStatus) -> RunStatus | None:
    """The run once the image runs that ran before; None as long as it does not."""
    component, rollout = component_in(step) or "", seen.rollout
    image = upgrading.declared(app, component)
    if image not in {step.before, step.after}:
        return changed(seen.run, skip(step, "another image is declared by now"))
    is_for_good = image == step.before or upgrading.held(app, component) is not None
    if is_for_good and rollout is not None and rollout.settled and rollout.image == step.before:
        return changed(seen.run, closed(seen, step, StepState.SUCCEEDED, f"{step.before} runs again"))
    return None
