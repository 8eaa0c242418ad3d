"""Everything that one pass saw, as one frozen value. Decisions are made from it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from memoapp_operator.api.v1alpha1.memoapp import MemoApp

from .manifest import Ref


class ChildState(StrEnum):
    """How a child stands to what would be applied."""

    MISSING = "Missing"
    DIFFERS = "Differs"
    CURRENT = "Current"
    FOREIGN = "Foreign"
    """An object of that name is there and is not ours: never touched."""
    LEAVING = "Leaving"
    """It is being deleted; what comes after it has to wait."""


@dataclass(frozen=True, slots=True)
class Child:
    """One child as it should be and as it is."""

    ref: Ref
    state: ChildState
    uid: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something does not come up.

    Attributes:
        reason: CamelCase, becomes the reason of conditions.
        message: for people; the same text as long as the trouble is the same.
        stalls: True where it will not pass without somebody doing something.
    """

    reason: str
    message: str
    stalls: bool


@dataclass(frozen=True, slots=True)
class Workload:
    """One Deployment or StatefulSet.

    Attributes:
        name: what people call it: ``database``, ``redis``, ``router``, ``blue-backend``.
        wanted: replicas that its spec asks for.
        ready: replicas that are ready.
        settled: its controller has seen the newest spec and runs only pods of it, all of them ready.
        trouble: why not, as far as its pods or its controller tell.
    """

    name: str
    wanted: int
    ready: int
    settled: bool
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """An answer of the database or of Redis itself."""

    healthy: bool
    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Volume:
    """How full a data volume is, in bytes; as reported by the agent beside the database."""

    size: int
    used: int
    available: int


@dataclass(frozen=True, slots=True)
class Observation:
    """What one pass saw.

    Attributes:
        app: the MemoApp with its last committed status.
        now: aware, UTC.
        revision: identity of the declared release; None as long as what it refers to is missing.
        children: every child that the spec asks for and that can be rendered by now.
        workloads: by the name that people call them.
        missing: Secrets, ConfigMaps and keys that the spec names and that are not there, each as a sentence part.
        lost: True where the data volume is there and the Secret to read it is not.
        mismatch: why a kept volume or Secret cannot be taken back; None where it can.
        refusals: what the API server said to our last attempts, by child.
        addresses: ClusterIP by colour's Service.
        database: None where it could not be asked yet.
        cache: None where it could not be asked yet, or the app has none.
        routers: weight of green that each ready router pod says it has; None where it did not answer.
        volume: the database's volume, where the agent told.
    """

    app: MemoApp
    now: datetime
    revision: str | None
    children: tuple[Child, ...] = ()
    workloads: Mapping[str, Workload] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    lost: bool = False
    mismatch: str | None = None
    refusals: Mapping[Ref, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    database: Probe | None = None
    cache: Probe | None = None
    routers: Mapping[str, int | None] = field(default_factory=dict)
    volume: Volume | None = None
