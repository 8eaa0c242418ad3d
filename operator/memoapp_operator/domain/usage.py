"""What PostgreSQL, pods and volumes tell of themselves, before it is judged. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from .observation import Probe


@dataclass(frozen=True, slots=True)
class Statement:
    """One normalised statement of the application, as pg_stat_statements counts it since its last reset.

    Attributes:
        calls: how often it was run.
        milliseconds: how long that took in sum.
    """

    calls: int
    milliseconds: float


@dataclass(frozen=True, slots=True)
class DatabaseStats:
    """PostgreSQL's own numbers.

    Attributes:
        connections: of clients.
        most: connections that there can be, without those that are kept for superusers.
        read_only: it takes no writes.
        lag: seconds by which the slowest replica is behind; None where there is none, or it may not be told.
        deadlocks: in the application's database since its statistics were reset.
        lock_wait: seconds for which a session of the database has waited for a lock, the longest.
        transaction: seconds for which a transaction of the application has been open, the longest.
        statements: those that took long enough in sum to be slow, by query id; None where nobody counts them.
        lacking: what it does not tell, each with the reason: ``replicationLag``, ``slowQuery``.
    """

    connections: int
    most: int
    read_only: bool = False
    lag: float | None = None
    deadlocks: int = 0
    lock_wait: float = 0.0
    transaction: float = 0.0
    statements: Mapping[str, Statement] | None = None
    lacking: Mapping[str, str] = field(default_factory=dict)


DatabaseReading = DatabaseStats | Probe
"""The numbers, or why there are none."""


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """What one container used, by metrics.k8s.io.

    Attributes:
        colour: of its pod.
        tier: of its pod.
        cpu: processors.
        memory: bytes of its working set.
        measured: when.
    """

    colour: str
    tier: str
    cpu: Fraction
    memory: Fraction
    measured: datetime


UsageReading = tuple[ContainerUsage, ...] | str
"""Every container of the app's tiers; or why nobody tells."""


@dataclass(frozen=True, slots=True)
class Gauged:
    """What was read in one pass for the gates of database and resources.

    Attributes:
        database: PostgreSQL's numbers.
        usage: of the tiers' containers.
        unmeasured: gates that have no source now, with the reason.
    """

    database: DatabaseReading
    usage: UsageReading
    unmeasured: Mapping[str, str] = field(default_factory=dict)
