"""Until when alerts about an app are silenced: as long as its maintenance lasts. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from memoapp_operator.api.v1alpha1.alerting import SilenceStatus
from memoapp_operator.api.v1alpha1.memoapp import MaintenanceStatus, MemoApp

from .conditions import timestamp
from .observation import Observation


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try.

    Attributes:
        until: what was wanted: when the silence ends (RFC 3339); None where there is to be none.
        failed: why it is not so; empty where it is.
    """

    until: str | None
    failed: str = ""


def owner_of(app: MemoApp) -> str:
    """By whom a silence was made: it is found again by it."""
    return f"memoapp-operator/{app.metadata.namespace}/{app.metadata.name}"


def labels_of(app: MemoApp) -> tuple[tuple[str, str], ...]:
    """Of the alerts that are silenced."""
    declared = app.spec.alertmanager.labels if app.spec.alertmanager is not None else None
    found = tuple((item.name, item.value) for item in declared or ())
    return found or (("namespace", app.metadata.namespace),)


def wanted(seen: Observation, page: MaintenanceStatus | None) -> str | None:
    """When the silence is to end; None where there is to be none.

    Args:
        seen: with the runs of windows' tasks.
        page: the maintenance page, as it is committed with this pass.
    """
    if seen.app.spec.alertmanager is None:
        return None
    ends = max(_ends(seen, page), default=None)
    return timestamp(ends) if ends is not None else None


def _ends(seen: Observation, page: MaintenanceStatus | None) -> Iterator[datetime]:
    moments = [page.until] if page is not None and page.holders else []
    moments += [run.ends for run in seen.runs if run.begun and run.ends is not None]
    yield from (each for text in moments if (each := datetime.fromisoformat(text).astimezone(UTC)) > seen.now)


def status_after(seen: Observation, until: str | None) -> SilenceStatus | None:
    """What the status says of it; None where nothing is, or was, silenced."""
    before, outcome = seen.app.status.silence, seen.silenced
    if seen.app.spec.alertmanager is None:
        return None  # what there is ends by itself
    if outcome is None or outcome.until != until:
        return before
    if outcome.failed:
        had = before.until if before is not None else None
        return SilenceStatus(until=had, message=outcome.failed[:512])
    return SilenceStatus(until=until) if until is not None else None


def is_so(seen: Observation, status: SilenceStatus | None, until: str | None) -> bool:
    """Nothing is left to be done: it is as it should be, as far as it was said."""
    if seen.app.spec.alertmanager is None:
        return True
    told = status.until if status is not None else None
    return told == until and (status is None or status.message is None)
