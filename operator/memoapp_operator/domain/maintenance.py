"""The page that visitors see instead of the app: who holds it up, and until when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from memoapp_operator.api.v1alpha1.memoapp import HolderStatus, MaintenanceStatus, ReleaseStatus
from memoapp_operator.api.v1alpha1.memorestore import Mode, RestorePhase

from . import phases, running
from .backups import Backups, KnownRestore
from .conditions import timestamp
from .observation import KnownRun, Observation
from .restore_status import WITH_PAGE
from .restoring import WITH_DATA, holder_of, is_holder
from .state import State

BY_HAND = "spec"
"""The holder that is spec.maintenance."""
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
        until=until,
        since=(since or timestamp(seen.now)) if shown else None,
        message=_message(seen, holders),
        holders=sorted(holders, key=_name),
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


def message_of(maintenance: MaintenanceStatus | None) -> str:
    """What visitors read on it; empty where nobody wrote anything, or there is none."""
    return (maintenance.message or "") if maintenance is not None and maintenance.holders else ""


def _message(seen: Observation, holders: Iterable[HolderStatus]) -> str | None:
    """What a person wrote on it; else what the window says whose tasks are done."""
    declared, held = seen.app.spec.maintenance, {item.name for item in holders}
    if declared is not None and declared.message is not None and BY_HAND in held:
        return declared.message
    return next((run.message for run in seen.runs if running.holder_of(run.window) in held and run.message), None)


def _name(holder: HolderStatus) -> str:
    return holder.name


def _holders(seen: Observation) -> Iterator[HolderStatus]:
    """One whose time is over has let go, whatever became of it."""
    declared = seen.app.spec.maintenance
    if declared is not None and (until := datetime.fromisoformat(declared.until)) > seen.now:
        yield HolderStatus(name=BY_HAND, until=timestamp(until.astimezone(UTC)))
    for run in seen.runs:
        if run.page_until is not None and datetime.fromisoformat(run.page_until) > seen.now:
            yield HolderStatus(name=running.holder_of(run.window), until=run.page_until)
    for item in seen.backups.restores:
        ends = item.page_until if item.phase in WITH_PAGE else None
        if ends is not None and datetime.fromisoformat(ends) > seen.now:
            yield HolderStatus(name=holder_of(item.name), until=ends)


def epoch(until: str | None) -> int:
    """Seconds since 1970 of a time in a status; 0 where there is none."""
    return int(datetime.fromisoformat(until).timestamp()) if until is not None else 0


def rests(seen: Observation, state: State) -> bool:
    """A restore has the page up, and nothing is under way: not even orders are obeyed."""
    told = seen.app.status.maintenance
    restores = told is None or not told.holders or any(is_holder(item.name) for item in told.holders)
    return told is not None and restores and _is_over(state)


def waits(seen: Observation, state: State) -> bool:
    """Visitors see the page: no new version takes the place of one that serves, and none is turned back from."""
    return is_up(seen) and state.active is not None and _is_over(state)


def is_up(seen: Observation) -> bool:
    """A router may show it, or is about to."""
    return seen.app.status.maintenance is not None or any(True for _ in _holders(seen))


def _is_over(state: State) -> bool:
    return state.release is None or phases.is_over(state.release.phase)


def run_of(seen: Observation) -> KnownRun | None:
    """The run of a window's tasks that is under way: nothing else begins beside it."""
    return next((run for run in seen.runs if run.begun), None)


def in_the_way(seen: Observation, release: ReleaseStatus | None) -> KnownRun | None:
    """The run that a release waits for; a restart is a part of the one that asks for it."""
    run = run_of(seen)
    own = run is not None and release is not None and release.restart is not None and release.restart == run.restart
    return None if own else run


def restoring(found: Backups) -> KnownRestore | None:
    """A restore in place that is at work on the data: nothing else may change the app meanwhile."""
    return next((item for item in found.restores if item.mode is Mode.IN_PLACE and item.phase in _AT_WORK), None)
