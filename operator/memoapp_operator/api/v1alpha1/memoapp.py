"""MemoApp: this version of the app runs, with this database."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .backup import Backup, BackupsStatus
from .base import Spec, Status, Timestamp, list_map, rules
from .data import Cache, Database
from .definition import Column, Definition
from .gates import Gates
from .release import Release
from .traffic import Traffic
from .workload import Backend, Frontend, ImagePullSecrets


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


class Colour(StrEnum):
    """The two sides of a blue-green release."""

    BLUE = "blue"
    GREEN = "green"


class ReleasePhase(StrEnum):
    """How far a release is. The moves between phases stand in ``domain/phases.py``."""

    PENDING = "Pending"
    BACKING_UP = "BackingUp"
    PREPARING = "Preparing"
    APPROVING = "Approving"
    SHIFTING = "Shifting"
    SOAKING = "Soaking"
    COMPLETED = "Completed"
    RETIRED = "Retired"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    HELD = "Held"
    REJECTED = "Rejected"
    WITHDRAWN = "Withdrawn"


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


class GateVerdict(StrEnum):
    """What a measurement says. No data is not a pass."""

    PASS = "Pass"  # noqa: S105 -- the verdict
    FAIL = "Fail"
    INCONCLUSIVE = "Inconclusive"
    ERROR = "Error"
    SKIPPED = "Skipped"


class GateStatus(Status):
    """What a gate said in the present step, as of the last time that it said something else."""

    name: str = Field(max_length=74)
    """Name of the gate."""
    verdict: GateVerdict
    """Pass, Fail, Inconclusive (too little data), Error (no answer) or Skipped (nothing to measure)."""
    message: str = Field("", max_length=512)
    """What was measured, its limit, and how many requests it rests on."""
    value: str | None = Field(None, max_length=32)
    """What was measured of the new colour."""
    limit: str | None = Field(None, max_length=32)
    """What is allowed."""
    other: str | None = Field(None, max_length=32)
    """The same of the old colour."""
    requests: int | None = Field(None, ge=0)
    """Requests of the new colour that it rests on."""
    failed: int | None = Field(None, ge=0)
    """Measurements that failed in this step."""
    errors: int | None = Field(None, ge=0)
    """Times in a row that there was no answer."""
    dry_run: bool | None = None
    """It is only watched."""


class ComparedStatus(Status):
    """Responses of the old colour in one class, as they were last counted."""

    name: str = Field(max_length=16)
    """The class: `page` or `api`."""
    requests: int = Field(ge=0)
    """All of them."""
    client_errors: int = Field(ge=0)
    """Those with status 400 to 499."""
    server_errors: int = Field(ge=0)
    """Those with status 500 to 599."""
    slow: list[Annotated[int, Field(ge=0)]] = Field(min_length=6, max_length=6)
    """Those slower than 100 ms, 250 ms, 500 ms, 1 s, 2 s and 5 s."""


class ReleaseStatus(Status):
    """The release under way, or the last one."""

    id: str = Field(max_length=63)
    """Identifies the release."""
    version: str = Field(max_length=63)
    """The version that it brings."""
    colour: Colour
    """The colour that it is brought up in."""
    phase: ReleasePhase
    """How far it is."""
    started_at: Timestamp
    """When it began."""
    deadline: Timestamp | None = None
    """When its phase is given up: Preparing is rejected then, Shifting and Soaking go back."""
    approved: bool | None = None
    """A person has let the first clients come."""
    weight: int | None = Field(None, ge=0, le=100)
    """The step: share of the clients that the new colour is to serve, in percent."""
    passed: int | None = Field(None, ge=0, le=100)
    """The weight of the last step whose gates passed."""
    since: Timestamp | None = None
    """When every router had that weight: the step's hold counts from then."""
    shifting_since: Timestamp | None = None
    """When the first clients moved."""
    gates: list[GateStatus] | None = Field(None, max_length=32, json_schema_extra=list_map("name"))
    """What the gates said in the present step."""
    compared: list[ComparedStatus] | None = Field(None, max_length=2, json_schema_extra=list_map("name"))
    """What the old colour did before it had no clients any more: the new one is compared with it."""
    instead: str | None = Field(None, max_length=63)
    """The declared revision that this release, ordered by memoapp.dev/rollback, goes back from."""
    replicas: dict[str, Annotated[int, Field(ge=1)]] | None = Field(None, max_length=2)
    """Real replicas of the serving colour's tiers as it began: neither colour has fewer until it completed."""
    finished_at: Timestamp | None = None
    """When it ended, or began to serve."""
    backup: str | None = Field(None, max_length=63)
    """The verified MemoBackup that it rests on, or that it waits for."""
    reason: str | None = Field(None, max_length=128)
    """Why it was rejected, rolled back or held."""
    message: str | None = Field(None, max_length=1024)
    """The same for people to read."""


class RejectedStatus(Status):
    """A revision that does not serve, until a person says retry or another revision completed."""

    id: str = Field(max_length=63)
    """The revision."""
    reason: str = Field(max_length=128)
    """Why."""
    message: str = Field("", max_length=1024)
    """The same for people to read."""
    retry_at: Timestamp | None = None
    """When it is tried again by itself; absent where only a person can say so."""
    attempts: int | None = Field(None, ge=1)
    """How often it was tried so far, where it is tried again by itself."""


class HistoryStatus(Status):
    """A release that ended."""

    id: str = Field(max_length=63)
    """The revision that it brought."""
    version: str = Field(max_length=63)
    """The version that it brought."""
    result: ReleasePhase
    """Completed, RolledBack, Rejected, Withdrawn, or Held where another release took its place."""
    reason: str | None = Field(None, max_length=128)
    """Why it was not completed."""
    message: str | None = Field(None, max_length=1024)
    """The same for people to read."""
    started_at: Timestamp
    """When it began."""
    finished_at: Timestamp | None = None
    """When it ended."""
    backup: str | None = Field(None, max_length=63)
    """The MemoBackup that was taken before it."""


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
    restarts: list[Annotated[str, Field(max_length=63)]] | None = Field(None, max_length=8)
    """What that order lets restart, by digest: PostgreSQL and Redis as they were declared then."""


class TrafficStatus(Status):
    """Shares of the clients, in percent; together 100 once a colour serves."""

    blue: int = Field(0, ge=0, le=100)
    """Share of the clients that blue serves, in percent."""
    green: int = Field(0, ge=0, le=100)
    """Share of the clients that green serves, in percent."""


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
    backups: BackupsStatus | None = None
    """What is known of the app's backups."""
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
        Column("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 1),
        Column("Message", "string", '.status.conditions[?(@.type=="Ready")].message', 1),
        Column("Age", "date", ".metadata.creationTimestamp"),
    ),
)
