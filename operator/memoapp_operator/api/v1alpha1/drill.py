"""Drills: a backup is restored on a server of its own and compared; what is known of the last ones."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from .base import (
    A_WEEK,
    CRON_PATTERN,
    Duration,
    ObjectName,
    Quantity,
    Resources,
    Spec,
    Status,
    Timestamp,
    list_map,
    rules,
)


class Check(Spec):
    """A question to a restored database."""

    name: str = Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    """What it is called."""
    query: str = Field(min_length=1, max_length=4096)
    """One SQL query that answers with one row of one boolean. It is asked as the database's owner, writes nothing, and
    may take a minute. Anything but true is a copy that is not proved."""


class DrillStorage(Spec):
    """The volume of the server of a drill. It is made for it, and goes with it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("quantity(self.size).isGreaterThan(quantity('0'))", "size must be more than 0"),
        )
    )
    size: Quantity
    """Its size: the database's, and a quarter more for the write-ahead log."""
    storage_class_name: ObjectName | None = None
    """Its StorageClass. Without it the cluster's default class serves."""


class Disaster(Spec):
    """A full recovery into a namespace of its own, by schedule."""

    schedule: str = Field(max_length=128, pattern=CRON_PATTERN)
    """When, as in cron, in the time zone of the backups: "0 5 1 * *" is at five on the first of each month."""
    timeout: Duration = Field(
        "2h", json_schema_extra=rules(A_WEEK, ("self.matches('[1-9]')", "it must be more than 0"))
    )
    """How long the app may take to be ready there."""


class Drill(Spec):
    """Proof by restore."""

    schedule: str = Field("0 4 * * 0", max_length=128, pattern=CRON_PATTERN)
    """When, as in cron, in the time zone of the backups: Sunday at four, if nothing is said."""
    suspend: bool = False
    """No drills by schedule. RestoreProved goes on to say how old the last proof is."""
    checks: list[Check] | None = Field(None, max_length=16, json_schema_extra=list_map("name"))
    """The app's own questions to a restored database, in drills and in restores in place."""
    backend: bool = False
    """The backend of the version that serves is started on the restored database too, in the drill's pod, and its
    health is read. It has an empty Redis, and calls whom else it calls."""
    disaster: Disaster | None = None
    """The app is recovered from the destination alone, into a namespace that is made for it and removed again, with its
    tests. The operator needs rights for that which its chart gives with disasterDrills.enabled. Never, if left out."""
    storage: DrillStorage | None = None
    """The volume of the drill's server. Without it that of the database is the measure; for an external database
    10Gi."""
    resources: Resources | None = None
    """Requests and limits of the drill's server. Without them those of the database."""


class LastProof(Status):
    """The last backup that was proved."""

    name: str = Field(max_length=63)
    """Name of the MemoBackup."""
    taken_at: Timestamp
    """The moment of its snapshot."""
    proved_at: Timestamp
    """When it was restored and compared."""


class LastDisaster(Status):
    """The last disaster drill that is over."""

    name: str = Field(max_length=63)
    """Name of the MemoRestore."""
    at: Timestamp
    """When it was over."""
    reason: str = Field(max_length=128)
    """Recovered, or why not."""
    seconds: int | None = Field(None, ge=0)
    """Seconds from nothing to an app that is ready."""


class DisasterStatus(Status):
    """What is known of disaster drills."""

    schedule: str | None = Field(None, max_length=192)
    """The schedule that is followed, with its time zone."""
    since: Timestamp | None = None
    """Since when, or when the last one was due: the next one comes after it."""
    next: Timestamp | None = None
    """When the next one is due."""
    ordered: str | None = Field(None, max_length=63)
    """The MemoRestore that is about to be created."""
    last: LastDisaster | None = None
    """What came of the last one."""


class DrillStatus(Status):
    """What is known of drills by schedule."""

    schedule: str | None = Field(None, max_length=192)
    """The schedule that is followed, with its time zone."""
    since: Timestamp | None = None
    """Since when, or when the last one was due: the next one comes after it."""
    next: Timestamp | None = None
    """When the next one is due."""
    ordered: str | None = Field(None, max_length=63)
    """The MemoRestore that is about to be created, or was last."""
    backup: str | None = Field(None, max_length=63)
    """The MemoBackup that it restores."""
