"""MaintenanceWindow: when work that may disrupt people is done, or when nothing may change."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .base import A_WEEK, Duration, ObjectName, Spec, Status, Timestamp, list_map, rules
from .definition import Column, Definition
from .memoapp import Condition, Metadata
from .tasks import RunStatus, Task

# Five fields as in cron, among them `5#2` (the second Friday) and `0L` (the last Sunday).
WINDOW_CRON_PATTERN = r"^[0-9A-Za-z*,/?#-]+( [0-9A-Za-z*,/?#-]+){4}$"
# Qualified names and label values, as in k8s.io/apimachinery/pkg/util/validation.
LABEL_KEY_PATTERN = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
LABEL_VALUE_PATTERN = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
LabelValue = Annotated[str, Field(max_length=63, pattern=LABEL_VALUE_PATTERN)]


class Policy(StrEnum):
    """What a window says of work that concerns it."""

    ALLOW = "Allow"
    DENY = "Deny"


class Work(StrEnum):
    """Kinds of work that may disrupt people."""

    RELEASES = "Releases"
    RESTARTS = "Restarts"
    UPGRADES = "Upgrades"
    DRILLS = "Drills"


class UnderWay(StrEnum):
    """What becomes of a release that is under way as a Deny begins."""

    FINISH = "Finish"
    RETURN = "Return"


class Overrun(StrEnum):
    """What becomes of tasks that are not done as their window ends."""

    FINISH = "Finish"
    UNDO = "Undo"


class Operator(StrEnum):
    """How a label is compared, as in metav1.LabelSelectorOperator."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


class Requirement(Spec):
    """What one label has to be, as in metav1.LabelSelectorRequirement."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!(self.operator in ['In', 'NotIn']) || (has(self.values) && self.values.size() > 0)",
                "In and NotIn need values",
            )
        )
    )
    key: str = Field(min_length=1, max_length=317, pattern=LABEL_KEY_PATTERN)
    """The label."""
    operator: Operator
    """In, NotIn, Exists or DoesNotExist."""
    values: list[LabelValue] | None = Field(None, max_length=32)
    """What In and NotIn compare it with."""


class Selector(Spec):
    """Labels of MemoApps, as in metav1.LabelSelector. Without anything in it, all."""

    match_labels: dict[str, LabelValue] | None = Field(None, max_length=16)
    """Labels that they have."""
    match_expressions: list[Requirement] | None = Field(None, max_length=16)
    """What else their labels have to be."""


class Apps(Spec):
    """MemoApps of the window's namespace."""

    model_config = ConfigDict(
        json_schema_extra=rules(("has(self.names) != has(self.selector)", "exactly one of names and selector"))
    )
    names: list[ObjectName] | None = Field(None, min_length=1, max_length=64)
    """Their names."""
    selector: Selector | None = None
    """Their labels; `{}` for every MemoApp of the namespace."""


class MaintenanceWindowSpec(Spec):
    """When, for whom, and what it says."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.schedule) != has(self.start)", "exactly one of schedule and start"),
            ("!has(self.exceptDates) || has(self.schedule)", "exceptDates are for a schedule"),
            (
                "!has(self.lastStart) || self.policy == 'Allow'",
                "lastStart is for policy Allow: a Deny begins nothing",
            ),
            (
                "!has(self.tasks) || self.policy == 'Allow'",
                "tasks are for policy Allow: a Deny begins nothing",
            ),
            (
                "!has(self.page) || !self.page || has(self.tasks)",
                "page is for tasks: visitors see it from before them until after them",
            ),
            (
                (
                    "!has(self.page) || !self.page || !has(self.tasks) || "
                    "!self.tasks.exists(task, has(task.restartPods))"
                ),
                "restartPods needs clients to measure it by: it is not for a window with a page",
            ),
            (
                "!has(self.message) || (has(self.page) && self.page)",
                "message is for the page",
            ),
            (
                "!has(self.announceBefore) || has(self.tasks)",
                "announceBefore is for tasks: people are told before them",
            ),
            (
                "!has(self.watch) || has(self.tasks)",
                "watch is for tasks: the app is watched after them",
            ),
            (
                "!has(self.overrun) || has(self.tasks)",
                "overrun is for tasks: what becomes of them at the end",
            ),
            (
                "!has(self.tests) || has(self.tasks)",
                "tests is for tasks: the app's tests come after them",
            ),
            (
                "!has(self.underWay) || self.policy == 'Deny'",
                "underWay is for policy Deny: the end of an Allow ends no release",
            ),
        )
    )
    apps: Apps
    """Whom it concerns: exactly one of names and selector."""
    policy: Policy
    """Allow: such work is done in this window, or in another one that allows it, and not outside. Deny: it is not begun
    in this window, whatever allows it."""
    work: list[Work] | None = Field(None, max_length=4)
    """Kinds of work that it concerns: Releases, Restarts and Upgrades of the database and of Redis, Drills by schedule.
    All of them, if left out; none, if the list is empty: then it is there for its tasks alone."""
    schedule: str | None = Field(None, max_length=128, pattern=WINDOW_CRON_PATTERN)
    """When it begins: minute, hour, day of the month, month, day of the week, as in cron, and `5#2` for the second
    Friday, `0L` for the last Sunday. A time that the clock skips begins as the clock goes on, one that it repeats comes
    once."""
    start: Timestamp | None = None
    """When it begins, once."""
    duration: Duration = Field(
        json_schema_extra=rules(
            ("self.matches('[1-9]')", "it must be more than 0"),
            ("duration(self) <= duration('8784h')", "it is at most 8784h, a year"),
        )
    )
    """How long it lasts, from its beginning on."""
    time_zone: str = Field("Etc/UTC", max_length=63, pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")
    """Time zone of schedule and exceptDates, and that in which times are shown: Europe/Berlin."""
    except_dates: list[Annotated[str, Field(max_length=10, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]] | None = Field(
        None, min_length=1, max_length=64
    )
    """Dates on which none begins: 2026-12-26."""
    last_start: Duration | None = Field(
        None, json_schema_extra=rules(("self.matches('[1-9]')", "it must be more than 0"))
    )
    """How long after its beginning work may still begin. As long as it fits before the end, if left out."""
    tasks: list[Task] | None = Field(None, min_length=1, max_length=16, json_schema_extra=list_map("name"))
    """What is done in it, one after another, for each MemoApp that it concerns: once that is well, and not beside a
    release."""
    page: bool | None = None
    """Visitors see the maintenance page from before the tasks until after them, and no longer than the window lasts."""
    message: str | None = Field(None, min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")
    """What visitors read on it: one line of plain text."""
    announce_before: Duration | None = Field(
        None,
        json_schema_extra=rules(
            ("self.matches('[1-9]')", "it must be more than 0"),
            ("duration(self) <= duration('8784h')", "it is at most 8784h, a year"),
        ),
    )
    """How long before its tasks people are told, by spec.notifications of the MemoApps: 24h. Not, if left out."""
    watch: Duration | None = Field(
        None, json_schema_extra=rules(A_WEEK, ("self.matches('[1-9]')", "it must be more than 0"))
    )
    """For how long the app is watched after the tasks; 1m if left out."""
    tests: bool | None = None
    """The app's own tests, `spec.release.tests`, come after the tasks, on the version that serves: not where this is
    false. If one fails, what the tasks changed is taken back."""
    overrun: Overrun | None = None
    """What becomes of tasks that are not done, and tested, as the window ends. Finish: the one under way is waited for,
    no other is begun, the tests come; it is so if nothing is said. Undo: it is ended, and what the tasks changed is
    taken back."""
    under_way: UnderWay | None = None
    """What becomes of a release that is under way as a Deny begins: Finish lets it go on, and is so if nothing is said;
    Return sends the clients back, and the release begins anew after the window."""


class WindowPhase(StrEnum):
    """Where a window stands, for people."""

    SCHEDULED = "Scheduled"
    ACTIVE = "Active"
    VERIFYING = "Verifying"
    OVERRUN = "Overrun"
    COMPLETED = "Completed"
    INVALID = "Invalid"


class MaintenanceWindowStatus(Status):
    """Where it stands."""

    observed_generation: int = Field(0, ge=0)
    """Generation of the spec that this status is about."""
    conditions: list[Condition] = Field(default_factory=list, max_length=16, json_schema_extra=list_map("type"))
    """Ready: it comes, or came, as it is declared. Stalled: somebody has to change it. AppsFound: there is somebody
    whom it concerns. TasksDone: what came of the last runs."""
    phase: WindowPhase | None = None
    """Scheduled, Active, Verifying (its tasks are done, and the apps are watched), Overrun (it is over, and tasks are
    not), Completed (it does not come again) or Invalid."""
    next_start: Timestamp | None = None
    """When it begins next; while it is active, when it began."""
    ends: Timestamp | None = None
    """When that time of it ends."""
    apps: list[Annotated[str, Field(max_length=253)]] | None = Field(None, max_length=1024)
    """The MemoApps that it concerns now."""
    runs: list[RunStatus] | None = Field(None, max_length=64, json_schema_extra=list_map("app"))
    """The last run of its tasks for each MemoApp."""
    display: dict[str, Annotated[str, Field(max_length=256)]] | None = Field(None, max_length=8)
    """Ready-made strings for the columns of kubectl get; times in its zone."""


class MaintenanceWindow(BaseModel):
    """When work that may disrupt people is done, or when nothing may change."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        json_schema_extra=rules(
            (
                "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                "metadata.name must be a DNS label: at most 63 of a-z, 0-9 and '-'",
            )
        ),
    )
    metadata: Metadata
    spec: MaintenanceWindowSpec
    """When, for whom, and what it says."""
    status: MaintenanceWindowStatus = MaintenanceWindowStatus()
    """Where it stands."""


CRD = Definition(
    model=MaintenanceWindow,
    kind="MaintenanceWindow",
    plural="maintenancewindows",
    short_names=("mw",),
    columns=(
        Column("Apps", "string", ".status.display.apps"),
        Column("Policy", "string", ".spec.policy"),
        Column("Status", "string", ".status.phase"),
        Column("Next", "string", ".status.display.next"),
        Column("Ends", "string", ".status.display.ends"),
        Column("Message", "string", '.status.conditions[?(@.type=="Ready")].message', 1),
        Column("Age", "date", ".metadata.creationTimestamp"),
    ),
)
