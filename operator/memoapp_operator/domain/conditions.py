"""Conditions: values that change their transition time only when their status changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from memoapp_operator.api.v1alpha1.memoapp import Condition, ConditionStatus

AVAILABLE = "Available"
READY = "Ready"
RECONCILING = "Reconciling"
STALLED = "Stalled"
DATABASE_READY = "DatabaseReady"
CACHE_READY = "CacheReady"
BACKUP_HEALTHY = "BackupHealthy"
RESTORE_PROVED = "RestoreProved"
NOTIFIED = "Notified"
RECOVERY_PROVED = "RecoveryProved"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is so now: a condition without its history."""

    type: str
    status: bool | None
    reason: str
    message: str = ""


def timestamp(now: datetime) -> str:
    """``now`` (aware, UTC) as the API writes times: seconds, with Z."""
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _status(value: bool | None) -> ConditionStatus:
    match value:
        case True:
            return ConditionStatus.TRUE
        case False:
            return ConditionStatus.FALSE
        case None:
            return ConditionStatus.UNKNOWN


def merge(
    before: Iterable[Condition], verdicts: Iterable[Verdict], *, generation: int, now: datetime
) -> list[Condition]:
    """Conditions after ``verdicts``, sorted by type; those without a verdict are gone.

    ``lastTransitionTime`` moves only when the status changes (metav1.Condition), so that an unchanged verdict
    is an unchanged condition.
    """
    old = {condition.type: condition for condition in before}
    found = []
    for verdict in sorted(verdicts, key=lambda verdict: verdict.type):
        status = _status(verdict.status)
        previous = old.get(verdict.type)
        unchanged = previous is not None and previous.status == status
        found.append(
            Condition(
                type=verdict.type,
                status=status,
                reason=verdict.reason,
                message=verdict.message,
                last_transition_time=previous.last_transition_time if unchanged and previous else timestamp(now),
                observed_generation=generation,
            )
        )
    return found


def find(conditions: Iterable[Condition], type_: str) -> Condition | None:
    """The condition of a type, or None."""
    return next((condition for condition in conditions if condition.type == type_), None)


def is_true(conditions: Iterable[Condition], type_: str) -> bool:
    """True where the condition is there and True."""
    condition = find(conditions, type_)
    return condition is not None and condition.status == ConditionStatus.TRUE
