"""Steps of a run: what they are called, and how one begins, ends or is left out. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from memoapp_operator.api.v1alpha1.maintenancewindow import MaintenanceWindow
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.tasks import RunStatus, StepState, StepStatus, Task

from . import names
from .conditions import timestamp
from .manifest import JOB, MEMO_BACKUP, MEMO_RESTORE, Kind
from .upgrading import Rollout

HEALTH, PAGE, TESTS, PAGE_DOWN, WATCH = "Health", "Page", "Tests", "PageDown", "Watch"
OWN = frozenset({HEALTH, PAGE, TESTS, PAGE_DOWN, WATCH})
"""Steps of every run; the others are tasks, and what comes before and after one."""
SAVE, TEST, UNDO = "Save/", "Test/", "Undo/"
"""What a step's name begins with: the backup before a task, a test of the app's, and what takes a task back."""
RELEASE = "Release"
"""What does the task `restartPods`: no object of its own, but the MemoApp's next release."""
UPGRADE = "Upgrade"
"""What brings an image, or takes it back: the passes of the MemoApp."""
OVER = "the window was over"
DONE = frozenset({StepState.SUCCEEDED, StepState.FAILED, StepState.SKIPPED})


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
        rollout: what runs of PostgreSQL or Redis, where the step at hand brings an image, or takes one back; None where
            nothing does.
    """

    window: MaintenanceWindow
    run: RunStatus
    app: MemoApp | None
    now: datetime
    rivals: tuple[Rival, ...] = ()
    denied: str | None = None
    made: Made | None = None
    rollout: Rollout | None = None


def under_way(run: RunStatus) -> StepStatus | None:
    """The step that is done, or comes next; None where all are."""
    return next((step for step in run.steps if step.state not in DONE), None)


def task_of(window: MaintenanceWindow, step: StepStatus) -> Task | None:
    """The task of a step, of the backup before it or of what takes it back, as the window declares it now."""
    name = step.name.removeprefix(SAVE).removeprefix(UNDO)
    return next((task for task in window.spec.tasks or () if task.name == name), None)


def is_task(step: StepStatus) -> bool:
    """It does something, or tests what was done: before the window's end, or it is late."""
    return step.name not in OWN and not step.name.startswith(UNDO)


def object_of(window: MaintenanceWindow, run: RunStatus, step: StepStatus, kind: str) -> str:
    """Kind and name of what does a step: another one for each run."""
    token = hashlib.sha256(f"{window.metadata.uid}/{run.window}/{step.name}".encode()).hexdigest()[:6]
    slug = step.name.lower().replace("/", "-")
    return f"{kind}/{names.child(run.app, f'{slug}-{token}', limit=names.LABEL_LIMIT)}"


def kind_of(task: Task) -> str | None:
    """What does a task; None where a pass does it at once."""
    if task.prune_objects is not None:
        return None
    if task.restart_pods is not None:
        return RELEASE
    if task.backup is not None:
        return MEMO_BACKUP.kind
    return MEMO_RESTORE.kind if task.restore_drill is not None else JOB.kind


def made_by(step: StepStatus) -> tuple[Kind, str] | None:
    """Kind and name of the object of a step's own; None where none does it."""
    kind, _, name = (step.object or "").partition("/")
    known = {each.kind: each for each in (JOB, MEMO_BACKUP, MEMO_RESTORE)}
    return (known[kind], name) if kind in known else None


def restart_in(step: StepStatus) -> str | None:
    """Identifies the restart that a step asks for; None where it asks for none."""
    kind, _, name = (step.object or "").partition("/")
    return name if kind == RELEASE and step.state is StepState.RUNNING else None


def component_in(step: StepStatus) -> str | None:
    """`database` or `redis`, where a step under way brings an image or takes one back; else None."""
    kind, _, name = (step.object or "").partition("/")
    return name if kind == UPGRADE and step.state is StepState.RUNNING else None


def pending(name: str) -> StepStatus:
    """A step that was not begun."""
    return StepStatus(name=name, state=StepState.PENDING)


def running(seen: RunSight, step: StepStatus, **also: str | None) -> StepStatus:
    """The step as it begins; `also` what does it (`object`), and the images (`before`, `after`)."""
    changes = {"state": StepState.RUNNING, "started_at": timestamp(seen.now), "message": None, **also}
    return step.model_copy(update=changes)


def closed(seen: RunSight, step: StepStatus, state: StepState, message: str = "") -> StepStatus:
    """The step as it ends."""
    return step.model_copy(
        update={"state": state, "finished_at": timestamp(seen.now), "message": message[:512] or None}
    )


def skip(step: StepStatus, why: str) -> StepStatus:
    """The step, left out."""
    return step.model_copy(update={"state": StepState.SKIPPED, "message": why[:512]})


def changed(run: RunStatus, step: StepStatus) -> RunStatus:
    """The run with this step instead of the one of its name."""
    return run.model_copy(update={"steps": [step if step.name == each.name else each for each in run.steps]})


def inserted(run: RunStatus, new: Sequence[StepStatus], before: Iterable[str]) -> RunStatus:
    """The run with more steps, before the first of those names; those that are there already are not added."""
    known, ahead = {each.name for each in run.steps}, {*before}
    fresh = [step for step in new if step.name not in known]
    index = next((number for number, each in enumerate(run.steps) if each.name in ahead), len(run.steps))
    return run.model_copy(update={"steps": [*run.steps[:index], *fresh, *run.steps[index:]]})


def end_of(run: RunStatus) -> datetime:
    """When the time of the window ends."""
    return datetime.fromisoformat(run.ends)


def start_of(step: StepStatus) -> datetime:
    """When the step began; far away where it did not."""
    return datetime.fromisoformat(step.started_at) if step.started_at is not None else datetime.max.replace(tzinfo=UTC)
