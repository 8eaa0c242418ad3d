"""MemoApp: this version of the app runs, with this database."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .alerting import Alertmanager, SilenceStatus
from .backup import Backup, BackupsStatus
from .base import Spec, Status, Timestamp, list_map, rules
from .data import Cache, Database
from .definition import Column, Definition
from .gates import Gates
from .notifications import NotificationsStatus, Target
from .recovery import RecoveryStatus
from .release import Release
from .release_status import (
    Colour,
    ComparedStatus,
    GateStatus,
    GateVerdict,
    HistoryStatus,
    MigrationOutcome,
    MigrationStatus,
    RejectedStatus,
    ReleasePhase,
    ReleaseStatus,
    SuiteOutcome,
    SuiteStatus,
)
from .traffic import Maintenance, Traffic
from .upkeep import Upkeep, UpkeepStatus
from .workload import Backend, Frontend, ImagePullSecrets

__all__ = [
    "CRD",
    "ActiveStatus",
    "Colour",
    "ComparedStatus",
    "Condition",
    "ConditionStatus",
    "GateStatus",
    "GateVerdict",
    "HistoryStatus",
    "MemoApp",
    "MemoAppSpec",
    "MemoAppStatus",
    "Metadata",
    "MigrationOutcome",
    "MigrationStatus",
    "OrdersStatus",
    "RejectedStatus",
    "ReleasePhase",
    "ReleaseStatus",
    "SuiteOutcome",
    "SuiteStatus",
    "TrafficStatus",
]


class MemoAppSpec(Spec):
    """What a person declares."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.backup) || has(self.database.external) == has(self.backup.clientImage)",
                "backup.clientImage is needed for an external database, and for no other",
            ),
            (
                (
                    "!has(self.release) || !has(self.release.backup) || self.release.backup != 'Required' || "
                    "has(self.backup)"
                ),
                "release.backup Required needs spec.backup",
            ),
            (
                (
                    "!has(self.release) || !has(self.release.onFailure) || "
                    "self.release.onFailure != 'RestoreBackup' || has(self.backup)"
                ),
                "release.onFailure RestoreBackup needs spec.backup",
            ),
            (
                (
                    "!has(self.backup) || !has(self.backup.drill) || !has(self.backup.drill.backend) || "
                    "!self.backup.drill.backend || has(self.database.managed)"
                ),
                "backup.drill.backend needs a managed database",
            ),
            (
                "!has(self.backup) || !has(self.backup.redis) || !self.backup.redis || has(self.redis)",
                "backup.redis needs a redis",
            ),
            (
                (
                    "!has(self.database.deletionPolicy) || self.database.deletionPolicy != 'BackupThenDelete' || "
                    "(has(self.backup) && has(self.database.managed))"
                ),
                "deletionPolicy BackupThenDelete needs spec.backup and a managed database",
            ),
        )
    )
    version: str = Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?$")
    """Version of the application. All tiers switch to it, and return from it, as one."""
    frontend: Frontend | None = None
    """The static frontend. Without it the backend serves everything."""
    backend: Backend
    """The API backend."""
    database: Database
    """The PostgreSQL of the application: exactly one of managed and external."""
    redis: Cache | None = None
    """The Redis of the application: exactly one of managed and external. It may be left out."""
    traffic: Traffic = Traffic()
    """The router in front of both colours."""
    release: Release = Release()
    """How a changed version takes over."""
    gates: Gates = Gates()
    """What a new version is measured by."""
    backup: Backup | None = None
    """Backups of the database and of the app's configuration."""
    notifications: list[Target] | None = Field(None, max_length=8, json_schema_extra=list_map("name"))
    """Who is told what happens to the app."""
    alertmanager: Alertmanager | None = None
    """Alerts about the app are silenced during maintenance, but for critical ones."""
    upkeep: Upkeep | None = None
    """Regular work by schedule: the app is looked over, and Jobs that are over go."""
    maintenance: Maintenance | None = None
    """Visitors see the maintenance page, at once and until its end. Requests under way are finished."""
    paused: bool = False
    """Nothing new begins: a changed spec is planned in status.plan, and a release under way holds at the last step that
    passed. What serves is looked after as ever, and a gate that fails goes back all the same."""
    suspend: bool = False
    """Every tier, the router, database and Redis are at zero pods; the data stays. False brings them back."""
    image_pull_secrets: ImagePullSecrets | None = None
    """Secrets of the registries that the images come from, for all pods of the MemoApp."""


class ConditionStatus(StrEnum):
    """The three values of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Status):
    """One condition, as in metav1.Condition."""

    type: str = Field(min_length=1, max_length=316)
    """Name of the condition, for example Ready."""
    status: ConditionStatus
    """True, False, or Unknown."""
    reason: str = Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
    """Why, in one word for machines."""
    message: str = Field("", max_length=32768)
    """Why, in a sentence for people."""
    last_transition_time: Timestamp
    """When status last changed."""
    observed_generation: int = Field(0, ge=0)
    """The metadata.generation that the condition speaks of."""


class ActiveStatus(Status):
    """The colour that serves, and the version in it."""

    colour: Colour
    """The colour that serves."""
    version: str = Field(max_length=63)
    """The version that it serves."""
    revision: str = Field(max_length=63)
    """The revision that its pods are made from."""
    since: Timestamp
    """When it began to serve."""


class OrdersStatus(Status):
    """The last order of each kind that was seen, by its nonce."""

    approve: str | None = Field(None, max_length=253)
    """Nonce of the annotation memoapp.dev/approve."""
    abort: str | None = Field(None, max_length=253)
    """Nonce of the annotation memoapp.dev/abort."""

    retry: str | None = Field(None, max_length=253)
    """Nonce of the annotation memoapp.dev/retry."""
    rollback: str | None = Field(None, max_length=253)
    """Nonce of the annotation memoapp.dev/rollback."""
    backup: str | None = Field(None, max_length=253)
    """Nonce of the annotation memoapp.dev/backup."""
    restart: str | None = Field(None, max_length=253)
    """Nonce of the annotation memoapp.dev/restart."""
    plan: str | None = Field(None, max_length=253)
    """Nonce of the annotation memoapp.dev/plan."""
    bypass: str | None = Field(None, max_length=253)
    """Nonce of the annotation memoapp.dev/bypass."""
    restarts: list[Annotated[str, Field(max_length=63)]] | None = Field(None, max_length=8)
    """What memoapp.dev/restart, or a maintenance window, lets restart, by digest: PostgreSQL and Redis as they were
    declared then."""


class TrafficStatus(Status):
    """Shares of the clients, in percent; together 100 once a colour serves."""

    blue: int = Field(0, ge=0, le=100)
    """Share of the clients that blue serves, in percent."""
    green: int = Field(0, ge=0, le=100)
    """Share of the clients that green serves, in percent."""


class HolderStatus(Status):
    """Who holds the page up."""

    name: str = Field(max_length=128)
    """Kind and name: restore/undo-1; `spec` for spec.maintenance."""
    until: Timestamp
    """When it lets go, at the latest."""


class MaintenanceStatus(Status):
    """The maintenance page."""

    until: Timestamp
    """When it falls by itself, whether or not an operator runs."""
    since: Timestamp | None = None
    """Since when every router shows it; absent as long as one does not."""
    message: str | None = Field(None, max_length=256)
    """What visitors read on it."""
    holders: list[HolderStatus] = Field(default_factory=list, max_length=16, json_schema_extra=list_map("name"))
    """Who holds it up; nobody, while it falls: the routers are told, and not all of them have said so."""


class HeldImageStatus(Status):
    """An image that a window's task brought and took back."""

    component: str = Field(max_length=16)
    """Which one: database or redis."""
    image: str = Field(max_length=512)
    """The image that runs."""
    refused: str = Field(max_length=512)
    """The image that is declared, and does not run until another one is, or memoapp.dev/retry orders it."""
    window: str = Field(max_length=253)
    """The MaintenanceWindow that took it back."""


Address = Annotated[str, Field(max_length=64)]
Text = Annotated[str, Field(max_length=256)]


class MemoAppStatus(Status):
    """What the operator has committed to and seen."""

    observed_generation: int = Field(0, ge=0)
    """The metadata.generation that the operator has seen."""
    conditions: list[Condition] = Field([], max_length=32, json_schema_extra=list_map("type"))
    """Available: traffic is served. Ready: what is declared is live and healthy. And more."""
    active: ActiveStatus | None = None
    """The colour that serves; absent before the first release."""
    traffic: TrafficStatus | None = None
    """Shares of the clients by colour."""
    release: ReleaseStatus | None = None
    """The release under way, or the last one."""
    colours: dict[str, Annotated[str, Field(max_length=63)]] | None = Field(None, max_length=2)
    """The revision that each colour holds, by the name of its ControllerRevision."""
    rejected: list[RejectedStatus] | None = Field(None, max_length=16)
    """Revisions that are not to serve, the newest last."""
    history: list[HistoryStatus] | None = Field(None, max_length=10)
    """The last releases that ended, the newest first."""
    orders: OrdersStatus | None = None
    """Orders that were carried out."""
    plan: list[Annotated[str, Field(max_length=512)]] | None = Field(None, max_length=64)
    """What would be released, and how, in words: while paused, or by the annotation memoapp.dev/plan."""
    backups: BackupsStatus | None = None
    """What is known of the app's backups."""
    recovery: RecoveryStatus | None = None
    """The full recovery by database.managed.restoreFrom."""
    upkeep: UpkeepStatus | None = None
    """What is known of the regular work."""
    images: dict[str, Annotated[str, Field(max_length=512)]] | None = Field(None, max_length=2)
    """Images of PostgreSQL (database) and Redis (redis) that were ready last: Jobs of backups, restores and maintenance
    tasks are of them, whatever is declared and waits."""
    held_images: list[HeldImageStatus] | None = Field(None, max_length=2, json_schema_extra=list_map("component"))
    """Images of PostgreSQL and Redis that were taken back."""
    maintenance: MaintenanceStatus | None = None
    """The page that visitors see instead of the app, while somebody holds it up."""
    silence: SilenceStatus | None = None
    """What is silenced in the Alertmanager."""
    notifications: NotificationsStatus | None = None
    """What people were told, and what is on its way."""
    addresses: dict[str, Address] | None = Field(None, max_length=16)
    """Cluster addresses of the colours' Services, by Service, so that a lost one comes back with the same."""
    display: dict[str, Text] | None = Field(None, max_length=8)
    """Ready-made strings for the columns of kubectl get."""


class Metadata(BaseModel):
    """The part of metadata that the operator reads."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    namespace: str
    uid: str
    generation: int = 1
    creation_timestamp: str | None = Field(None, alias="creationTimestamp")
    annotations: dict[str, str] = Field(default_factory=dict)
    labels: dict[str, str] = Field(default_factory=dict)


class MemoApp(BaseModel):
    """This version of the application runs, with this database."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
        json_schema_extra=rules(
            (
                "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                (
                    "metadata.name must be a DNS-1035 label: at most 63 of a-z, 0-9 and '-', "
                    "beginning with a letter, not ending with '-'"
                ),
            )
        ),
    )
    metadata: Metadata
    spec: MemoAppSpec
    """What a person declares."""
    # The default reaches the CRD: a MemoApp that no operator has seen yet shows observedGeneration 0, so that tools
    # which wait by kstatus do not take it for done.
    status: MemoAppStatus = MemoAppStatus()
    """What the operator has committed to and seen."""


CRD = Definition(
    model=MemoApp,
    kind="MemoApp",
    plural="memoapps",
    short_names=("ma",),
    columns=(
        Column("Version", "string", ".status.active.version"),
        Column("Available", "string", '.status.conditions[?(@.type=="Available")].status'),
        Column("Ready", "string", '.status.conditions[?(@.type=="Ready")].status'),
        Column("Release", "string", ".status.display.release"),
        Column("Traffic", "string", ".status.display.traffic"),
        Column("Backup", "string", ".status.backups.last.takenAt"),
        Column("Proved", "string", ".status.backups.lastProved.provedAt"),
        Column("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 1),
        Column("Message", "string", '.status.conditions[?(@.type=="Ready")].message', 1),
        Column("Age", "date", ".metadata.creationTimestamp"),
    ),
)
