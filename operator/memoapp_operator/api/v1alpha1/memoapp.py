"""MemoApp: this version of the app runs, with this database."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .base import Duration, Image, ObjectName, Resources, Spec, Status, Timestamp, list_map, rules
from .data import Cache, Database
from .definition import Column, Definition
from .workload import Backend, Frontend, ImagePullSecrets


class Ingress(Spec):
    """A way in from outside the cluster, by the cluster's own ingress controller."""

    host: ObjectName
    """Host name that clients ask for."""
    class_name: ObjectName | None = None
    """IngressClass. Without it the cluster's default class serves."""
    tls_secret_name: ObjectName | None = None
    """Secret with the certificate of the host. Without it the host is served over plain HTTP."""


class Traffic(Spec):
    """The router: HAProxy (3.0 or later) in front of both colours."""

    replicas: int = Field(2, ge=1, le=20)
    """Number of router pods."""
    image: Image = "docker.io/library/haproxy:3.0"
    """Image of HAProxy 3.0 or later."""
    ingress: Ingress | None = None
    """A way in from outside the cluster."""
    resources: Resources | None = None
    """Requests and limits of the router's container."""


_A_WEEK = ("duration(self) <= duration('168h')", "it is at most 168h, a week")


class Release(Spec):
    """How a changed version takes over."""

    keep_old: Duration = Field("30m", json_schema_extra=rules(_A_WEEK))
    """How long the old colour stays warm after the new one began to serve; 0s: not at all."""
    deadline: Duration = Field(
        "30m", json_schema_extra=rules(_A_WEEK, ("self.matches('[1-9]')", "deadline must be more than 0"))
    )
    """How long a new colour may take to come up before it is rejected."""


class MemoAppSpec(Spec):
    """What a person declares."""

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
    PREPARING = "Preparing"
    SHIFTING = "Shifting"
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
    """When its phase is given up: Preparing is rejected then, Shifting goes back."""
    replicas: dict[str, Annotated[int, Field(ge=1)]] | None = Field(None, max_length=2)
    """Real replicas of the serving colour's tiers as it began: neither colour has fewer until it completed."""
    finished_at: Timestamp | None = None
    """When it ended, or began to serve."""
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


class OrdersStatus(Status):
    """The last order of each kind that was carried out, by its nonce."""

    retry: str | None = Field(None, max_length=253)
    """Nonce of the annotation memoapp.dev/retry."""
    rollback: str | None = Field(None, max_length=253)
    """Nonce of the annotation memoapp.dev/rollback."""
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
    orders: OrdersStatus | None = None
    """Orders that were carried out."""
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
        Column("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 1),
        Column("Message", "string", '.status.conditions[?(@.type=="Ready")].message', 1),
        Column("Age", "date", ".metadata.creationTimestamp"),
    ),
)
