"""The page that visitors see instead of the app: who holds it up, and until when. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from memoapp_operator.api.v1alpha1.memoapp import HolderStatus, MaintenanceStatus
from memoapp_operator.api.v1alpha1.memorestore import Mode, RestorePhase

from .backups import Backups, KnownRestore
from .conditions import timestamp
from .observation import Observation
from .restore_status import WITH_PAGE
from .restoring import WITH_DATA, holder_of

_AT_WORK = WITH_DATA | {RestorePhase.BACKING_UP}


def status_after(seen: Observation) -> MaintenanceStatus | None:
    """Who holds the page up now; None where nobody does, and visitors see the app."""
    holders, before = [*_holders(seen)], seen.app.status.maintenance
    if not holders:
        return _falling(seen, before)
    until = max(item.until for item in holders)
    ends = epoch(until)
    shown = bool(seen.pages) and all(page == ends for page in seen.pages.values())
    since = before.since if before is not None and before.until == until else None
    return MaintenanceStatus(
        until=until, since=(since or timestamp(seen.now)) if shown else None, holders=sorted(holders, key=_name)
    )


def _falling(seen: Observation, before: MaintenanceStatus | None) -> MaintenanceStatus | None:
    """Nobody holds it up any more; as long as a router may show it, that is said."""
    if before is None or datetime.fromisoformat(before.until) <= seen.now:
        return None
    if bool(seen.pages) and all(page == 0 for page in seen.pages.values()):
        return None
    return MaintenanceStatus(until=before.until)


def end_of(maintenance: MaintenanceStatus | None) -> int:
    """When the page falls that the routers are to show, in seconds since 1970; 0 where they are to show none."""
    return epoch(maintenance.until) if maintenance is not None and maintenance.holders else 0


def _name(holder: HolderStatus) -> str:
    return holder.name


def _holders(seen: Observation) -> Iterator[HolderStatus]:
    """One whose time is over has let go, whatever became of it."""
    for item in seen.backups.restores:
        until = item.page_until if item.phase in WITH_PAGE else None
        if until is not None and datetime.fromisoformat(until) > seen.now:
            yield HolderStatus(name=holder_of(item.name), until=until)


def epoch(until: str | None) -> int:
    """Seconds since 1970 of a time in a status; 0 where there is none."""
    return int(datetime.fromisoformat(until).timestamp()) if until is not None else 0


def restoring(found: Backups) -> KnownRestore | None:
    """A restore in place that is at work on the data: nothing else may change the app meanwhile."""
    return next((item for item in found.restores if item.mode is Mode.IN_PLACE and item.phase in _AT_WORK), None)
