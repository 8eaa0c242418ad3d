"""MemoBackup: this backup exists, or is to be taken."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from .base import ObjectName, Spec, Status, Timestamp, list_map, rules
from .data import DeletionPolicy
from .definition import Column, Definition
from .destination import Destination
from .memoapp import Condition, Metadata


class Reason(StrEnum):
    """Why a backup was taken."""

    MANUAL = "Manual"
    SCHEDULED = "Scheduled"
    RELEASE = "Release"
    RESTORE = "Restore"
    MAINTENANCE = "Maintenance"
    IMPORTED = "Imported"
    FINAL = "Final"


class BackupPhase(StrEnum):
    """How far a backup is, for people."""

    PENDING = "Pending"
    RUNNING = "Running"
    VERIFIED = "Verified"
    PROVED = "Proved"
    NOT_PROVED = "NotProved"
    FAILED = "Failed"
    DELETING = "Deleting"


GOOD = frozenset({BackupPhase.VERIFIED, BackupPhase.PROVED})
"""Phases of a backup that can be relied on."""
BAD = frozenset({BackupPhase.FAILED, BackupPhase.NOT_PROVED})
"""Phases of one that cannot."""


class AppRef(Spec):
    """A MemoApp of the same namespace."""

    name: ObjectName
    """Name of the MemoApp."""


class Location(Spec):
    """Where a backup that exists lies."""

    destination: Destination
    """The destination, as it was when the backup was taken."""
    folder: str = Field(max_length=512, pattern=r"^([A-Za-z0-9._-]+/)+$")
    """Its folder there, with a slash at its end."""


class MemoBackupSpec(Spec):
    """With a location the record of a backup that exists; without one an order to take it."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "self.appRef == oldSelf.appRef && self.reason == oldSelf.reason && "
                    "has(self.location) == has(oldSelf.location) && "
                    "(!has(self.location) || self.location == oldSelf.location)"
                ),
                "appRef, reason and location are immutable: delete the MemoBackup, and order another one",
            )
        )
    )
    app_ref: AppRef
    """The MemoApp that is saved."""
    reason: Reason = Reason.MANUAL
    """Why."""
    location: Location | None = None
    """Where it lies, where it exists already."""
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    """Whether the data goes with this object. Retain leaves it where it is, marked as hidden."""


class ProofStatus(Status):
    """What a restore of it showed."""

    at: Timestamp
    """When it was restored and compared."""
    by: str = Field(max_length=63)
    """The MemoRestore that did it."""
    seconds: int = Field(ge=0)
    """How long that took: what a recovery would take at least."""
    tables: int = Field(0, ge=0)
    """Tables whose rows were the same, by count and digest."""
    rows: int = Field(0, ge=0)
    """Rows in them."""
    checks: int = Field(0, ge=0)
    """Questions of spec.backup.drill.checks that were answered with true."""
    notes: str | None = Field(None, max_length=512)
    """What was not compared, and what else was seen."""


class MemoBackupStatus(Status):
    """What came of it."""

    observed_generation: int = Field(0, ge=0)
    """Generation of the spec that this status is about."""
    conditions: list[Condition] = Field(default_factory=list, max_length=16, json_schema_extra=list_map("type"))
    """Ready: it can be relied on. Reconciling: it is being taken. Stalled: it failed."""
    phase: BackupPhase | None = None
    """How far it is, for people."""
    reason: str | None = Field(None, max_length=128)
    """Why it failed, or what it waits for."""
    message: str | None = Field(None, max_length=1024)
    """The same for people to read."""
    location: Location | None = None
    """Where it lies."""
    started_at: Timestamp | None = None
    """When it was begun."""
    taken_at: Timestamp | None = None
    """The moment of its snapshot, by the database's clock."""
    verified_at: Timestamp | None = None
    """When it was last read back, and its checksums held."""
    proved: ProofStatus | None = None
    """What the last restore of it showed, where it was like the original."""
    size: int | None = Field(None, ge=0)
    """Bytes of all parts, as they are stored."""
    digest: str | None = Field(None, max_length=64)
    """SHA-256 that the manifest has of itself."""
    content: str | None = Field(None, max_length=64)
    """SHA-256 over everything that a restore has to bring back alike."""
    tables: int | None = Field(None, ge=0)
    """Tables in it."""
    rows: int | None = Field(None, ge=0)
    """Rows in them."""
    sealed: bool | None = None
    """It is sealed with age."""
    secrets: bool | None = None
    """The app's Secrets are in it."""
    postgres_version: str | None = Field(None, max_length=128)
    """Version of the server that it was taken from."""
    version: str | None = Field(None, max_length=63)
    """Version of the app that served."""
    display_size: str | None = Field(None, max_length=16)
    """The size for people: 18Mi."""


class MemoBackup(BaseModel):
    """A backup of a MemoApp: one that exists, or an order to take one."""

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
    spec: MemoBackupSpec
    """Which app, and where it lies if it exists."""
    status: MemoBackupStatus = MemoBackupStatus()
    """What came of it."""


CRD = Definition(
    model=MemoBackup,
    kind="MemoBackup",
    plural="memobackups",
    short_names=("mb",),
    columns=(
        Column("App", "string", ".spec.appRef.name"),
        Column("Reason", "string", ".spec.reason"),
        Column("Status", "string", ".status.phase"),
        Column("Size", "string", ".status.displaySize"),
        Column("Proved", "string", ".status.proved.at"),
        Column("Message", "string", ".status.message", 1),
        Column("Age", "date", ".metadata.creationTimestamp"),
    ),
)
