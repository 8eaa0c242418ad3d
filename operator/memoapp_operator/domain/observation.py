"""Everything that one pass saw, as one frozen value. Decisions are made from it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp, RejectedStatus
from memoapp_operator.api.v1alpha1.tasks import RunPhase

from .backups import Backups
from .gates import Measured
from .manifest import Ref
from .revision import Revision
from .windows import Window

if TYPE_CHECKING:
    from .silencing import Outcome
    from .usage import Gauged


class ChildState(StrEnum):
    """How a child stands to what would be applied."""

    MISSING = "Missing"
    DIFFERS = "Differs"
    CURRENT = "Current"
    FOREIGN = "Foreign"
    """An object of that name is there and is not ours: never touched."""
    WAITING = "Waiting"
    """A change of it would restart the database or Redis: it waits for an order."""
    IMPOSSIBLE = "Impossible"
    """A change of it that is refused: another major version of the database."""
    LEAVING = "Leaving"
    """It is being deleted; what comes after it has to wait."""


@dataclass(frozen=True, slots=True)
class Child:
    """One child as it should be and as it is.

    ``detail`` is the digest of the change that waits, or why it can never be made; ``upgrade``: it is one of the image.
    """

    ref: Ref
    state: ChildState
    uid: str | None = None
    detail: str = ""
    upgrade: bool = False


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
        gone_since: since when it has had no ready pod (RFC 3339); None where it has one, or nothing tells.
        ready_since: since when the oldest of its ready pods has been ready; None where none is, or tells.
        steady_since: since when the youngest has been; None likewise.
        ended: containers of its pods that ended and were started anew: when (RFC 3339) and why.
    """

    name: str
    wanted: int
    ready: int
    settled: bool
    trouble: Trouble | None = None
    gone_since: str | None = None
    ready_since: str | None = None
    steady_since: str | None = None
    ended: tuple[tuple[str, str], ...] = ()


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


class End(StrEnum):
    """How a Job of a release ended."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    """Its process said so itself, or took longer than it may."""
    KILLED = "Killed"
    """Its process was ended by somebody else: how far it came is not known."""


@dataclass(frozen=True, slots=True)
class ReleaseJob:
    """A Job of a release: its migration, or one of its tests.

    Attributes:
        name: its own.
        uid: its own.
        purpose: ``migration`` or ``test``.
        revision: id of the revision that it is for.
        created: when it was made (RFC 3339).
        end: None while it is at work.
        late: it took longer than it may.
        message: why it did not succeed, where its pod or the Job controller tells.
        log: the end of what its pod said, without known secrets.
        trouble: why its pod does not run.
    """

    name: str
    uid: str
    purpose: str
    revision: str
    created: str
    end: End | None = None
    late: bool = False
    message: str = ""
    log: str = ""
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class EndedJob:
    """A Job of a release or of a maintenance task that is over.

    Attributes:
        name: its own.
        uid: its own.
        at: when it ended.
    """

    name: str
    uid: str
    at: datetime


@dataclass(frozen=True, slots=True)
class KnownRun:
    """The last run of a window's tasks for an app.

    Attributes:
        window: its name.
        begun: its steps are under way.
        page_until: when the page falls that it holds up (RFC 3339); None where it holds none.
        message: what visitors read on it.
        start: when the time of the window began that it belongs to (RFC 3339).
        ends: when that ends.
        phase: how far it is.
        said: why it did not complete.
        restart: identifies the restart of all pods that it asks for now; None where it asks for none.
        upgrade: `database` or `redis`, where it brings the image now that is declared for it.
        taken_back: images that it takes back now: component, the image that is to run, and the one that is not.
    """

    window: str
    begun: bool
    page_until: str | None = None
    message: str | None = None
    start: str = ""
    ends: str | None = None
    phase: RunPhase = RunPhase.ACTIVE
    said: str | None = None
    restart: str | None = None
    upgrade: str | None = None
    taken_back: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Observation:
    """What one pass saw.

    Attributes:
        app: the MemoApp with its last committed status.
        now: aware, UTC.
        declared: the revision that the spec declares; None as long as what it refers to is missing.
        stored: every stored revision by the name of its ControllerRevision.
        orders: nonces of annotations that order something, by annotation.
        reached: by ``blue-backend`` and the like: health was right through its Service, with none but its own pods
            behind it. Only asked of a colour that is being prepared.
        populated: the colours that have a pod, also one that goes (not one that its node seems to have forgotten).
        mute: routers that are ready and have not told, or not taken, how they steer for a while.
        found: the revision that each colour's live Deployments name.
        recorded: green's weight in the routers' ConfigMap; None where there is none.
        noted: the rejections in the routers' ConfigMap, should the status be lost.
        children: every child that the spec asks for and that can be rendered by now.
        workloads: by the name that people call them.
        missing: Secrets, ConfigMaps and keys that the spec names and that are not there, each as a sentence part.
        lost: True where the data volume is there and the Secret to read it is not.
        mismatch: why a kept volume or Secret cannot be taken back; None where it can.
        refusals: what the API server said to our last attempts, by child.
        addresses: ClusterIP by colour's Service.
        database: None where it could not be asked yet.
        cache: None where it could not be asked yet, or the app has none.
        routers: weight of green that each ready router pod has; None where it did not answer, or was not confirmed.
        pages: when the page falls that each ready router shows, in seconds since 1970; 0 where it shows none, None
            where it did not tell.
        volume: the database's volume, where the agent told.
        backups: the app's backups, and what stands in their way.
        jobs: those of releases, by name.
        holder: who holds the data's Lease; None where nobody does, or there is none.
        definitions: digest of the database's definitions; only asked before and while it is migrated.
        gauged: numbers of database and resources; asked before the first clients come, and for a plan.
        measured: the gates of the stage that the committed status names, where they were measured in this pass.
        windows: the maintenance windows that concern the app.
        runs: the last ones of their tasks for it.
        images: of PostgreSQL and Redis, where the pod is of it and ready, by `database` and `redis`.
        ended: Jobs of releases and of maintenance tasks that are over, where they are pruned.
        silenced: what came of the last try to silence alerts; None where there was none.
        sent: what came of messages, by id: empty where the target took it, else why it did not.
    """

    app: MemoApp
    now: datetime
    declared: Revision | None
    stored: Mapping[str, Revision] = field(default_factory=dict)
    orders: Mapping[str, str] = field(default_factory=dict)
    reached: Mapping[str, bool] = field(default_factory=dict)
    populated: frozenset[Colour] = frozenset()
    mute: tuple[str, ...] = ()
    found: Mapping[str, str] = field(default_factory=dict)
    recorded: int | None = None
    noted: tuple[RejectedStatus, ...] = ()
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
    pages: Mapping[str, int | None] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    ended: tuple[EndedJob, ...] = ()
    volume: Volume | None = None
    backups: Backups = field(default_factory=Backups)
    jobs: Mapping[str, ReleaseJob] = field(default_factory=dict)
    holder: str | None = None
    definitions: str | None = None
    gauged: Gauged | None = None
    measured: Measured | None = None
    windows: tuple[Window, ...] = ()
    runs: tuple[KnownRun, ...] = ()
    sent: Mapping[str, str] = field(default_factory=dict)
    silenced: Outcome | None = None
