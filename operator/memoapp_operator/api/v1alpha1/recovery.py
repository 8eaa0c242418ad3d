"""Full recovery: a database, and what the app needs beside it, from a destination of backups alone."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from .base import ObjectName, Spec, Status, Timestamp
from .destination import Destination
from .gates import SecretKey


class SavedApp(Spec):
    """The MemoApp that was saved."""

    namespace: ObjectName
    """The namespace that it had."""
    name: ObjectName
    """The name that it had."""


class RestoreFrom(Spec):
    """Where a new, empty database takes its data from."""

    destination: Destination
    """Where the backups lie."""
    app: SavedApp | None = None
    """The app that was saved. Without it the one of the same namespace and name."""
    backup: ObjectName | None = None
    """Name of the backup. Without it the newest one that was proved by a drill or a restore."""
    identity_secret_ref: SecretKey | None = None
    """An identity that opens it, where it is sealed."""


class RecoveryResult(StrEnum):
    """What came of a recovery."""

    RESTORED = "Restored"
    NOT_NEEDED = "NotNeeded"


class RecoveryStatus(Status):
    """The full recovery of the app."""

    restore: str = Field(max_length=63)
    """The MemoRestore that does it."""
    result: RecoveryResult | None = None
    """Restored, or NotNeeded: the database held data already. Absent as long as it is not over."""
    folder: str | None = Field(None, max_length=512)
    """The backup that was restored, by its folder in the destination."""
    taken_at: Timestamp | None = None
    """The moment that the data comes from."""
    finished_at: Timestamp | None = None
    """When it was over."""
