"""What a MemoRestore restores: where it lies, and why it cannot be restored. Pure."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memobackup import BAD, GOOD, Location
from memoapp_operator.api.v1alpha1.memorestore import Mode
from memoapp_operator.api.v1alpha1.memorestore import RestorePhase as Phase

from .restore_status import Sight


def location_of(seen: Sight) -> Location | None:
    """Where the backup lies; None where nobody knows, or nothing is read."""
    source = seen.restore.spec.source
    if source.location is not None:
        return source.location
    if seen.backup is not None:
        return seen.backup.spec.location or seen.backup.status.location
    return None


def refused(seen: Sight) -> tuple[str, str, bool] | None:
    """Why the source cannot be restored: reason, message, and whether it never will be."""
    source = seen.restore.spec.source
    if source.undo_of is not None:
        return _refused_undo(seen, source.undo_of)
    if source.recovery is not None:
        return _refused_recovery(seen)
    if source.backup is None:
        return None
    if seen.backup is None:
        return "BackupNotFound", f"there is no MemoBackup {source.backup}", False
    app = seen.backup.spec.app_ref.name
    if app != seen.restore.spec.app_ref.name:
        return "WrongApp", f"{source.backup} is a backup of {app}", True
    phase, reason = seen.backup.status.phase, seen.backup.status.reason
    if phase in BAD and location_of(seen) is None:
        return "BackupFailed", f"{source.backup} was never taken: {reason}", True
    if location_of(seen) is None or (phase not in GOOD and phase not in BAD):
        return "BackupNotReady", f"{source.backup} is not verified yet", False
    return None


def _refused_recovery(seen: Sight) -> tuple[str, str, bool] | None:
    """Only before anything serves: what serves has data of its own, and is restored in place."""
    if seen.app is None or seen.app.spec.database.managed is None:
        return "NotManaged", "the database is external: restore by hand, as docs/backup-format.md shows", True
    if seen.app.status.active is not None:
        return "AppServes", "the app serves already: use mode InPlace", True
    return None


def _refused_undo(seen: Sight, name: str) -> tuple[str, str, bool] | None:
    if seen.target is None:
        return "RestoreNotFound", f"there is no MemoRestore {name}", False
    target = seen.target
    if target.spec.app_ref.name != seen.restore.spec.app_ref.name:
        return "WrongApp", f"{name} is a restore of {target.spec.app_ref.name}", True
    if target.spec.mode is not Mode.IN_PLACE or target.status.phase is Phase.FAILED:
        return "NothingToUndo", f"{name} did not change the live database", True
    if target.status.phase is not Phase.COMPLETED:
        return "RestoreNotDone", f"{name} is not done yet", False
    if target.status.kept is None:
        return "NothingToUndo", f"the database before {name} is not there any more", True
    return None
