"""What a restore of a backup shows of it: proved, or no backup to rely on. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from memoapp_operator.api.v1alpha1.memobackup import BackupPhase, MemoBackup, MemoBackupStatus, ProofStatus

from .conditions import timestamp
from .taking import Sight, said

PROVED, NOT_PROVED = "Proved", "NotProved"


def status_after(backup: MemoBackup, told: dict[str, Any], restore: str, now: datetime) -> MemoBackupStatus:
    """The status of a backup once it was restored.

    Args:
        backup: that was restored.
        told: the agent's line.
        restore: name of the MemoRestore.
        now: aware, UTC.
    """
    seen = Sight(backup=backup, app=None, now=now, jobs={})
    reason, message = str(told.get("reason")), str(told.get("message") or "")[:1024]
    if reason == PROVED:
        return said(seen, BackupPhase.PROVED).model_copy(update={"proved": _proof(told, restore, now)})
    phase = BackupPhase.NOT_PROVED if reason == NOT_PROVED else BackupPhase.FAILED
    text = f"{restore}: {message}"[:1024]
    return said(seen, phase, reason, text, stalled=True).model_copy(update={"proved": None})


def _proof(told: dict[str, Any], restore: str, now: datetime) -> ProofStatus:
    numbers = {key: max(0, int(told.get(key) or 0)) for key in ("tables", "rows", "checks")}
    spent = sum(float(value) for value in (told.get("seconds") or {}).values())
    notes = str(told.get("notes") or "")[:512] or None
    return ProofStatus(at=timestamp(now), by=restore, seconds=round(spent), notes=notes, **numbers)
