"""What is done in a maintenance window, and how far it is."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from .base import A_WEEK, Duration, Image, Resources, Spec, Status, Timestamp, list_map, rules
from .environment import EnvVar
from .release import Command
from .workload import Argument, SecurityContext

_SOME_TIME = rules(A_WEEK, ("self.matches('[1-9]')", "it must be more than 0"))


class OnTaskFailure(StrEnum):
    """What follows a task that failed."""

    STOP = "Stop"
    CONTINUE = "Continue"


class BackupTask(Spec):
    """A backup is taken, and read back."""


class RestoreDrillTask(Spec):
    """The newest good backup is restored on a server of its own and compared: it is proved, or it is not."""


class VacuumAnalyzeTask(Spec):
    """`VACUUM (ANALYZE)` of every table of the app's own user, one after another; the app goes on meanwhile."""

    lock_timeout: Duration | None = Field(None, json_schema_extra=_SOME_TIME)
    """How long a table may be waited for; 10s if left out. After that the task has failed."""


class ReindexTask(Spec):
    """`REINDEX TABLE CONCURRENTLY` of every table of the app's own user, one after another; the app goes on meanwhile.

    What an earlier one that was killed left half built is dropped first.
    """

    lock_timeout: Duration | None = Field(None, json_schema_extra=_SOME_TIME)
    """How long a table may be waited for; 10s if left out. After that the task has failed."""


class RestartPodsTask(Spec):
    """Every pod of the app's tiers anew, as a release of the version that serves: no request fails."""


class UpdateDatabaseImageTask(Spec):
    """PostgreSQL takes on the image that `spec.database.managed.image` declares, and that waits for a restart.

    A backup of the same run comes before it. An image that does not get ready is taken back, and stays so until another
    one is declared or `memoapp.dev/retry` orders it.
    """


class UpdateRedisImageTask(Spec):
    """Redis takes on the image that `spec.redis.managed.image` declares, as with UpdateDatabaseImage."""


class PruneObjectsTask(Spec):
    """Jobs of the app that are over go, and so do revisions beyond those that are kept."""

    older_than: Duration | None = Field(None, json_schema_extra=_SOME_TIME)
    """How long Jobs have been over; 24h if left out."""


class JobTask(Spec):
    """A command in a pod of its own that ends with 0 where all is well. It may be started twice, and must bear it.

    Its variables: MEMOAPP_URL, where the clients' requests go, and MEMOAPP_WINDOW.
    """

    image: Image
    """Image of its pod."""
    command: Command | None = None
    """Entrypoint instead of the image's own."""
    args: list[Argument] | None = Field(None, max_length=64)
    """Arguments instead of the image's own."""
    env: list[EnvVar] | None = Field(None, max_length=100, json_schema_extra=list_map("name"))
    """Environment variables besides those that every task has."""
    resources: Resources | None = None
    """Requests and limits of the container."""
    security_context: SecurityContext | None = None
    """The user that the pod runs as."""
    undo: Command | None = None
    """What takes back what the command did, or a part of it, in a pod like its own: where the app's tests fail after
    the tasks, or the window ends before they passed and `overrun` is Undo."""


class Task(Spec):
    """One task: exactly one of its kinds."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "[has(self.backup), has(self.restoreDrill), has(self.vacuumAnalyze), has(self.reindex), "
                    "has(self.restartPods), has(self.updateDatabaseImage), has(self.updateRedisImage), "
                    "has(self.pruneObjects), has(self.job)].filter(x, x).size() == 1"
                ),
                (
                    "exactly one of backup, restoreDrill, vacuumAnalyze, reindex, restartPods, updateDatabaseImage, "
                    "updateRedisImage, pruneObjects and job"
                ),
            )
        )
    )
    name: str = Field(min_length=1, max_length=30, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    """What it is called."""
    backup: BackupTask | None = None
    """A backup is taken, and read back."""
    restore_drill: RestoreDrillTask | None = None
    """The newest good backup is restored and compared."""
    vacuum_analyze: VacuumAnalyzeTask | None = None
    """The app's tables are vacuumed and analyzed."""
    reindex: ReindexTask | None = None
    """The indexes of the app's tables are built anew."""
    restart_pods: RestartPodsTask | None = None
    """Every pod of the app's tiers anew, as a release of the version that serves. Not behind a page."""
    update_database_image: UpdateDatabaseImageTask | None = None
    """PostgreSQL takes on the image that is declared, after a backup, and with a way back."""
    update_redis_image: UpdateRedisImageTask | None = None
    """Redis takes on the image that is declared, after a backup, and with a way back."""
    prune_objects: PruneObjectsTask | None = None
    """Jobs that are over and old revisions go."""
    job: JobTask | None = None
    """A command of your own."""
    timeout: Duration | None = Field(None, json_schema_extra=_SOME_TIME)
    """How long it may take; 1h if left out, 10m where it brings an image. After that it is ended, and has failed."""
    on_failure: OnTaskFailure | None = None
    """Stop: no other task is begun, and is so if nothing is said. Continue: the next one is."""


class RunPhase(StrEnum):
    """How far the run of a window's tasks is."""

    QUEUED = "Queued"
    ACTIVE = "Active"
    VERIFYING = "Verifying"
    COMPLETED = "Completed"
    FAILED = "Failed"
    OVERRUN = "Overrun"


class StepState(StrEnum):
    """How one step stands."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SKIPPED = "Skipped"


class StepStatus(Status):
    """One step of a run."""

    name: str = Field(max_length=63)
    """Health, Page, the name of a task, Save/<task> (the backup before it), Tests, Test/<test>, Undo/<task>, PageDown
    or Watch."""
    state: StepState
    """Pending, Running, Succeeded, Failed or Skipped."""
    started_at: Timestamp | None = None
    """When it began."""
    finished_at: Timestamp | None = None
    """When it ended."""
    object: str | None = Field(None, max_length=128)
    """What does it: MemoBackup/memo-saturday-1a2b3-save."""
    before: str | None = Field(None, max_length=512)
    """The image that ran as it began."""
    after: str | None = Field(None, max_length=512)
    """The image that it brings."""
    message: str | None = Field(None, max_length=512)
    """What it waits for, what came of it, or why it failed."""


class RunStatus(Status):
    """The last run of the window's tasks for one MemoApp."""

    app: str = Field(max_length=253)
    """The MemoApp."""
    phase: RunPhase
    """Queued, Active (its steps are done), Verifying (the app is watched), Completed, Failed or Overrun."""
    window: Timestamp
    """When the time of the window began that it belongs to."""
    ends: Timestamp
    """When that ends: no task is begun any more then, and the page falls."""
    queued_at: Timestamp
    """When it was first seen."""
    started_at: Timestamp | None = None
    """When its first step began."""
    finished_at: Timestamp | None = None
    """When it was over."""
    page_until: Timestamp | None = None
    """When its page falls by itself; absent while it holds none."""
    steps: list[StepStatus] = Field(default_factory=list, max_length=64, json_schema_extra=list_map("name"))
    """Its steps, in their order."""
    message: Annotated[str, Field(max_length=1024)] | None = None
    """What it waits for, or why it did not complete."""
