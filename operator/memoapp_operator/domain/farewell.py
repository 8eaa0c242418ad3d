"""The end of a MemoApp whose database is to be deleted only once it was saved: ``deletionPolicy: BackupThenDelete``.

A finalizer holds the MemoApp until a last backup is verified. Then its volume and its password are given to it, so that
they go with it, and the finalizer is taken away.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.backup import BackupsStatus
from memoapp_operator.api.v1alpha1.data import DatabaseDeletionPolicy
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, MemoAppStatus
from memoapp_operator.api.v1alpha1.memobackup import BAD

from . import conditions
from .backups import Backups, free_name
from .conditions import READY, RECONCILING, STALLED, Verdict

FINALIZER = "memoapp.dev/final-backup"
TRIED_AGAIN = timedelta(hours=1)
"""After which a last backup that failed is taken once more."""


@dataclass(frozen=True, slots=True)
class Farewell:
    """What is decided.

    Attributes:
        status: to be committed first.
        order: the MemoBackup to be created, where it is not there.
        give: volume and password are given to the MemoApp, so that they go with it.
        release: the finalizer is to be taken away.
    """

    status: MemoAppStatus
    order: str | None = None
    give: bool = False
    release: bool = False


def is_held(app: MemoApp) -> bool:
    """The finalizer belongs on it from the first moment: a volume that it takes back may hold data."""
    declared = app.spec.database
    return declared.deletion_policy is DatabaseDeletionPolicy.BACKUP_THEN_DELETE and declared.managed is not None


def decide(app: MemoApp, found: Backups, now: datetime) -> Farewell:
    """The next step of a MemoApp that is being deleted and held by the finalizer."""
    policy = app.spec.database.deletion_policy
    if policy is not DatabaseDeletionPolicy.BACKUP_THEN_DELETE or app.spec.backup is None:
        # A person thought better of it, or wants it gone at once.
        return Farewell(app.status, give=policy is DatabaseDeletionPolicy.DELETE, release=True)
    name = app.status.backups.final if app.status.backups is not None else None
    known = found.named(name)
    if known is not None and known.good:
        return Farewell(app.status, give=True, release=True)
    failed = known is not None and known.phase in BAD
    if name is None or (known is not None and failed and now - known.created > TRIED_AGAIN):
        name = free_name(app.metadata.name, "final", found)
        known, failed = None, False
    why = known.trouble if known is not None else None
    text = f"the last backup {name}" + (f": {why[0]}: {why[1]}" if why is not None else " is being taken")
    return Farewell(_said(app, name, text, now, failed=failed or found.missing != ()), order=name)


def _said(app: MemoApp, name: str, text: str, now: datetime, *, failed: bool) -> MemoAppStatus:
    """The MemoApp goes, and what it waits for."""
    before = app.status
    advice = "; set database.deletionPolicy to Retain or Delete to let it go without one" if failed else ""
    verdicts = (
        *(
            Verdict(item.type, item.status.value == "True", item.reason, item.message)
            for item in before.conditions
            if item.type not in {READY, RECONCILING, STALLED}
        ),
        Verdict(READY, False, "FinalBackup", f"{text}{advice}"[:1024]),
        Verdict(STALLED, failed, "FinalBackupFailed" if failed else "FinalBackup", f"{text}{advice}"[:1024]),
        Verdict(RECONCILING, not failed, "FinalBackup"),
    )
    found = conditions.merge(before.conditions, verdicts, generation=app.metadata.generation, now=now)
    saved = (before.backups or BackupsStatus()).model_copy(update={"final": name})
    return before.model_copy(update={"conditions": found, "backups": saved})
