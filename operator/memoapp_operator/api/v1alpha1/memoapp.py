"""MemoApp: this version of the app runs, with this database."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from . import API_VERSION
from .base import Image, Resources, Spec, Status, list_map, rules
from .data import Cache, Database
from .workload import Backend, Frontend, ImagePullSecrets


class Traffic(Spec):
    """The router: HAProxy (3.0 or later) in front of both colours."""

    replicas: int = Field(2, ge=1, le=20)
    image: Image = "docker.io/library/haproxy:3.0"
    resources: Resources | None = None


class MemoAppSpec(Spec):
    """What a person declares."""

    version: str = Field(min_length=1, max_length=63, pattern=r"^[A-Za-z0-9]([-A-Za-z0-9._]*[A-Za-z0-9])?$")
    frontend: Frontend | None = None
    backend: Backend
    database: Database
    redis: Cache | None = None
    traffic: Traffic = Traffic()
    image_pull_secrets: ImagePullSecrets | None = None


class ConditionStatus(StrEnum):
    """The three values of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Condition(Status):
    """One condition, as in metav1.Condition."""

    type: str = Field(min_length=1, max_length=316)
    status: ConditionStatus
    reason: str = Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
    message: str = Field("", max_length=32768)
    last_transition_time: str = Field(json_schema_extra={"format": "date-time"})
    observed_generation: int = Field(0, ge=0)


class Colour(StrEnum):
    """The two sides of a blue-green release."""

    BLUE = "blue"
    GREEN = "green"


class ReleasePhase(StrEnum):
    """How far a release is; the values that exist so far."""

    PREPARING = "Preparing"
    COMPLETED = "Completed"


class ActiveStatus(Status):
    """The colour that serves, and the version in it."""

    colour: Colour
    version: str = Field(max_length=63)
    revision: str = Field(max_length=63)
    since: str = Field(json_schema_extra={"format": "date-time"})


class ReleaseStatus(Status):
    """The release under way, or the last one."""

    id: str = Field(max_length=63)
    version: str = Field(max_length=63)
    colour: Colour
    phase: ReleasePhase
    started_at: str = Field(json_schema_extra={"format": "date-time"})
    finished_at: str | None = Field(None, json_schema_extra={"format": "date-time"})


class TrafficStatus(Status):
    """Shares of the clients, in percent; together 100 once a colour serves."""

    blue: int = Field(0, ge=0, le=100)
    green: int = Field(0, ge=0, le=100)


Address = Annotated[str, Field(max_length=64)]


class MemoAppStatus(Status):
    """What the operator has committed to and seen."""

    observed_generation: int = Field(0, ge=0)
    conditions: list[Condition] = Field([], max_length=32, json_schema_extra=list_map("type"))
    active: ActiveStatus | None = None
    traffic: TrafficStatus | None = None
    release: ReleaseStatus | None = None
    addresses: dict[str, Address] | None = Field(None, max_length=16)
    display: dict[str, Annotated[str, Field(max_length=256)]] | None = Field(None, max_length=8)


class Metadata(BaseModel):
    """The part of metadata that the operator reads."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    name: str
    namespace: str
    uid: str
    generation: int = 1


class MemoApp(BaseModel):
    """A MemoApp as read from the API server."""

    model_config = ConfigDict(
        extra="ignore",
        frozen=True,
        json_schema_extra=rules(
            (
                "self.metadata.name.size() <= 63 && self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
                "metadata.name must be a DNS-1035 label: at most 63 of a-z, 0-9 and '-', "
                "beginning with a letter, not ending with '-'",
            )
        ),
    )
    metadata: Metadata
    spec: MemoAppSpec
    status: MemoAppStatus = MemoAppStatus()


CRD: dict[str, Any] = {
    "apiVersion": API_VERSION,
    "kind": "MemoApp",
    "plural": "memoapps",
    "singular": "memoapp",
    "shortNames": ["ma"],
    "categories": ["memo"],
    "columns": [
        ("Version", "string", ".status.active.version", 0),
        ("Available", "string", '.status.conditions[?(@.type=="Available")].status', 0),
        ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0),
        ("Release", "string", ".status.display.release", 0),
        ("Traffic", "string", ".status.display.traffic", 0),
        ("Reason", "string", '.status.conditions[?(@.type=="Ready")].reason', 1),
        ("Message", "string", '.status.conditions[?(@.type=="Ready")].message', 1),
        ("Age", "date", ".metadata.creationTimestamp", 0),
    ],
}
