"""Status of releases: the one under way, those that were rejected, and the history."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from .base import Status, Timestamp, list_map


class Colour(StrEnum):
    """The two sides of a blue-green release."""

    BLUE = "blue"
    GREEN = "green"


class ReleasePhase(StrEnum):
    """How far a release is. The moves between phases stand in ``domain/phases.py``."""

    PENDING = "Pending"
    PREFLIGHT = "Preflight"
    BACKING_UP = "BackingUp"
    MIGRATING = "Migrating"
    PREPARING = "Preparing"
    TESTING = "Testing"
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


class MigrationOutcome(StrEnum):
    """What became of a migration. Lost: nobody can tell how far it came. Undone: the database was brought back."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    LOST = "Lost"
    APPROVED = "Approved"
    UNDONE = "Undone"


class MigrationStatus(Status):
    """The migration of a release."""

    job: str = Field(max_length=63)
    """Its Job."""
    attempt: int = Field(1, ge=1)
    """Which try of this release it is."""
    outcome: MigrationOutcome | None = None
    """Absent as long as its Job was not seen. Approved: a person said that it is done."""
    message: str | None = Field(None, max_length=1024)
    """Why it did not succeed."""
    log: str | None = Field(None, max_length=2048)
    """The end of its log, where it failed."""
    started_at: Timestamp | None = None
    """When its Job was first seen."""
    finished_at: Timestamp | None = None
    """When its outcome was seen."""
    schema_before: str | None = Field(None, max_length=64)
    """Digest of the database's definitions before it."""
    schema_after: str | None = Field(None, max_length=64)
    """The same after it; equal where it changed no definition."""


class SuiteOutcome(StrEnum):
    """What became of a test."""

    RUNNING = "Running"
    PASSED = "Passed"
    FAILED = "Failed"


class SuiteStatus(Status):
    """One test of a release."""

    name: str = Field(max_length=30)
    """Name of the test."""
    job: str = Field(max_length=63)
    """Its Job."""
    outcome: SuiteOutcome
    """How it stands."""
    message: str | None = Field(None, max_length=1024)
    """Why it did not pass."""
    log: str | None = Field(None, max_length=2048)
    """The end of its log, where it failed."""
    started_at: Timestamp
    """When it was ordered."""
    finished_at: Timestamp | None = None
    """When its outcome was seen."""


class BroughtBackStatus(Status):
    """The MemoRestore that brings the database back after a release that failed."""

    name: str = Field(max_length=63)
    """Its name."""
    made: bool | None = None
    """It was there: one that is deleted is not made again."""
    done: bool | None = None
    """The database is that of the backup."""


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
    """When its phase is given up: what has no clients yet is rejected then, Shifting and Soaking go back."""
    approved: bool | None = None
    """A person has let the first clients come."""
    bypassed: Timestamp | None = None
    """When a person let it pass the maintenance windows, by the annotation memoapp.dev/bypass."""
    restart: str | None = Field(None, max_length=63)
    """It is a restart: of the revision that serves, ordered by a task of a maintenance window."""
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
    skipped: list[Annotated[str, Field(max_length=74)]] | None = Field(None, max_length=16)
    """Gates that had no source when the first clients came: they are skipped in this release."""
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
    migration: MigrationStatus | None = None
    """Its migration."""
    irreversible: bool | None = None
    """Its migration was declared as not reversible."""
    restore: BroughtBackStatus | None = None
    """Its database is brought back."""
    tests: list[SuiteStatus] | None = Field(None, max_length=8, json_schema_extra=list_map("name"))
    """Its tests, as far as they were run."""
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
    bypassed: Timestamp | None = None
    """When a person let it pass the maintenance windows."""
    restart: str | None = Field(None, max_length=63)
    """It was a restart of the revision that served."""
