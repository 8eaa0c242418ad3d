"""MemoRestore: this backup is to be restored, to prove it or in the place of the live database."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from .base import A_WEEK, Duration, ObjectName, Spec, Status, Timestamp, list_map, rules
from .definition import Column, Definition
from .destination import Destination
from .memoapp import Condition, Metadata
from .memobackup import AppRef, Location
from .recovery import RestoreFrom

_FILE_PATTERN = r"^([A-Za-z0-9._-]+/)*[A-Za-z0-9._-]*[0-9]{8}[_-][0-9]{6}[.]sql([.]gz)?$"


class Mode(StrEnum):
    """What becomes of the restored data."""

    DRILL = "Drill"
    IN_PLACE = "InPlace"
    RECOVERY = "Recovery"
    DISASTER_DRILL = "DisasterDrill"


class DataLoss(StrEnum):
    """The consent that a restore in place needs."""

    ACCEPT = "Accept"


class RestorePhase(StrEnum):
    """How far a restore is."""

    PENDING = "Pending"
    PREPARING = "Preparing"
    RECOVERING = "Recovering"
    REMOVING = "Removing"
    IMPORTING = "Importing"
    ASSESSING = "Assessing"
    CONSENT_NEEDED = "ConsentNeeded"
    BACKING_UP = "BackingUp"
    RESTORING = "Restoring"
    ANNOUNCING = "Announcing"
    SWAPPING = "Swapping"
    CHECKING = "Checking"
    REOPENING = "Reopening"
    RETURNING = "Returning"
    DISCARDING = "Discarding"
    COMPLETED = "Completed"
    FAILED = "Failed"


class Dump(Spec):
    """A dump of old scripts: plain SQL of pg_dump. It becomes a backup first, which is restored then."""

    destination: Destination
    """Where it lies."""
    file: str = Field(max_length=512, pattern=_FILE_PATTERN)
    """Its name there, which says when it was taken, in UTC: old/memo_app_20231101_020000.sql.gz."""
    env: str | None = Field(None, max_length=512, pattern=r"^([A-Za-z0-9._-]+/)*[A-Za-z0-9._-]+$")
    """Name of an old file of variables (.env) there. It is offered as the Secret <name>-env, with its variables as
    keys."""


class Source(Spec):
    """What is restored: exactly one of backup, location, dump, undoOf and recovery."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                (
                    "(has(self.backup) ? 1 : 0) + (has(self.location) ? 1 : 0) + (has(self.dump) ? 1 : 0) + "
                    "(has(self.undoOf) ? 1 : 0) + (has(self.recovery) ? 1 : 0) == 1"
                ),
                "exactly one of backup, location, dump, undoOf and recovery is needed",
            )
        )
    )
    backup: ObjectName | None = None
    """Name of a MemoBackup of the same app."""
    location: Location | None = None
    """A backup of the same app by where it lies; a MemoBackup of it need not be there."""
    dump: Dump | None = None
    """A dump of old scripts."""
    undo_of: ObjectName | None = None
    """Name of a MemoRestore in place: the database that was live before it takes its place again."""
    recovery: RestoreFrom | None = None
    """Backups of an app that is gone, or is taken for it, in mode Recovery or DisasterDrill. A MemoApp with
    database.managed.restoreFrom makes such a MemoRestore itself."""


class MemoRestoreSpec(Spec):
    """What is restored, and where to."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.appRef == oldSelf.appRef && self.source == oldSelf.source && self.mode == oldSelf.mode",
                "appRef, source and mode are immutable: make another MemoRestore",
            ),
            (
                "!has(self.source.undoOf) || self.mode == 'InPlace'",
                "source.undoOf needs mode InPlace",
            ),
            (
                "has(self.source.recovery) == (self.mode in ['Recovery', 'DisasterDrill'])",
                "source.recovery is for mode Recovery or DisasterDrill, and they need it",
            ),
            (
                "!has(self.dataLoss) || self.mode == 'InPlace'",
                "dataLoss is for mode InPlace: a drill loses nothing",
            ),
            (
                "!has(oldSelf.dataLoss) || has(self.dataLoss)",
                "dataLoss cannot be taken back: delete the MemoRestore",
            ),
        )
    )
    app_ref: AppRef
    """The MemoApp whose backup it is, and whose database is replaced in mode InPlace."""
    source: Source
    """What is restored: exactly one of backup, location, dump, undoOf and recovery."""
    mode: Mode = Mode.DRILL
    """Drill restores on a server of its own, compares, and removes it. InPlace puts the restored database in the place
    of the live one. Recovery does so before anything serves, where the database is empty, and brings back the Secrets
    and ConfigMaps that are not there. DisasterDrill recovers the whole app in a namespace that is made for it, and
    removes that."""
    data_loss: DataLoss | None = None
    """Accept: what was written since the backup was taken may be lost; status.loss says how much that is. A restore in
    place waits for it, and does nothing before."""
    undo_for: Duration = Field("24h", json_schema_extra=rules(A_WEEK))
    """How long the database that was live before is kept, so that the restore can be undone. Then it is dropped. It
    can be changed as long as it is there."""


class LossStatus(Status):
    """What a restore in place would lose, or brought back."""

    at: Timestamp
    """When this was so."""
    minutes: int = Field(ge=0)
    """Minutes from the moment of the backup until then."""
    rows: int = Field(ge=0)
    """Rows that may be lost: those that the live database had more than the backup, summed over the tables that had
    more, or, where that is more, the numbers that its sequences gave out since."""
    back: int = Field(ge=0)
    """Rows that the backup has more than the live database, summed over the tables that had fewer."""
    tables: int = Field(ge=0)
    """Tables whose rows were not the same."""


class EvidenceStatus(Status):
    """What was compared, and how long it took."""

    tables: int = Field(0, ge=0)
    """Tables whose rows were compared, by count and digest."""
    rows: int = Field(0, ge=0)
    """Rows in them."""
    sequences: int = Field(0, ge=0)
    """Sequences whose values were compared with the archive."""
    large_objects: int = Field(0, ge=0)
    """Large objects, compared by count and digest."""
    checks: int = Field(0, ge=0)
    """Questions of spec.backup.drill.checks that were answered with true."""
    health: str | None = Field(None, max_length=256)
    """What the backend's health path said on the restored database, where backup.drill.backend wants it."""
    postgres_version: str | None = Field(None, max_length=128)
    """Version of the server that restored it."""
    notes: str | None = Field(None, max_length=512)
    """What was not compared, and what else was seen."""
    seconds: dict[str, Annotated[int, Field(ge=0)]] | None = Field(None, max_length=8)
    """Seconds by step: verify, prepare, restore, compare, check."""


class StepStatus(Status):
    """One step of a restore."""

    name: RestorePhase
    """The phase."""
    started_at: Timestamp
    """When it began."""
    finished_at: Timestamp | None = None
    """When it ended."""


class MemoRestoreStatus(Status):
    """What came of it."""

    observed_generation: int = Field(0, ge=0)
    """Generation of the spec that this status is about."""
    conditions: list[Condition] = Field(default_factory=list, max_length=16, json_schema_extra=list_map("type"))
    """Ready: it is done. Reconciling: it is under way. Stalled: it failed, or waits for somebody."""
    phase: RestorePhase | None = None
    """How far it is."""
    reason: str | None = Field(None, max_length=128)
    """Why it failed, or what it waits for."""
    message: str | None = Field(None, max_length=1024)
    """The same for people to read."""
    location: Location | None = None
    """Where the backup lies."""
    taken_at: Timestamp | None = None
    """The moment that the data comes back from."""
    attempt: int = Field(0, ge=0)
    """How often its present Job was made."""
    loss: LossStatus | None = None
    """What would be lost, as last assessed."""
    safety: str | None = Field(None, max_length=63)
    """The MemoBackup of the live database that is taken before anything is changed."""
    database: str | None = Field(None, max_length=63)
    """The database beside the live one that takes its place."""
    kept: str | None = Field(None, max_length=63)
    """What the database that was live before is called now, or will be called."""
    kept_until: Timestamp | None = None
    """When that one is dropped."""
    page_until: Timestamp | None = None
    """When the page falls by itself, whatever becomes of the restore."""
    swapped_at: Timestamp | None = None
    """When the restored database took its place."""
    namespace: str | None = Field(None, max_length=63)
    """The namespace that a disaster drill makes, and removes."""
    imported: str | None = Field(None, max_length=63)
    """The MemoBackup that a dump of old scripts became."""
    chosen: str | None = Field(None, max_length=512)
    """Why a recovery restores this backup and no other."""
    configuration: str | None = Field(None, max_length=1024)
    """Which Secrets and ConfigMaps were made anew, and which were there and stayed as they are."""
    evidence: EvidenceStatus | None = None
    """What was compared."""
    steps: list[StepStatus] | None = Field(None, max_length=16)
    """Steps that were taken, and when."""
    started_at: Timestamp | None = None
    """When the work began."""
    finished_at: Timestamp | None = None
    """When it ended."""
    downtime_seconds: int | None = Field(None, ge=0)
    """How long the page was up, in seconds."""
    display: dict[str, str] | None = Field(None, max_length=8)
    """Ready-made strings for the columns of kubectl get."""


class MemoRestore(BaseModel):
    """A restore of a MemoApp's backup: a drill that proves it, or in the place of the live database."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
        json_schema_extra=rules(
            (
                "self.metadata.name.size() <= 52 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
                "metadata.name must be a DNS label of at most 52 of a-z, 0-9 and '-'",
            )
        ),
    )
    metadata: Metadata
    spec: MemoRestoreSpec
    """What is restored, and where to."""
    status: MemoRestoreStatus = MemoRestoreStatus()
    """What came of it."""


CRD = Definition(
    model=MemoRestore,
    kind="MemoRestore",
    plural="memorestores",
    short_names=("mr",),
    columns=(
        Column("App", "string", ".spec.appRef.name"),
        Column("Mode", "string", ".spec.mode"),
        Column("Status", "string", ".status.phase"),
        Column("Recovery", "string", ".status.display.recovery"),
        Column("Loss", "string", ".status.display.loss", 1),
        Column("Message", "string", ".status.message", 1),
        Column("Age", "date", ".metadata.creationTimestamp"),
    ),
)
