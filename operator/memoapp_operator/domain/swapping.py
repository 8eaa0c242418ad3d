"""A restored database takes the place of the live one, and what was live is kept, dropped, or brought back. Pure.

Every step looks at what the server says, so that it may be cut off at any moment: both renames are one transaction, and
whether the database that was restored is still there under its own name tells whether it happened.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memorestore import MemoRestore, MemoRestoreStatus
from memoapp_operator.api.v1alpha1.memorestore import RestorePhase as Phase

from .conditions import timestamp
from .durations import seconds
from .restore_status import Sight, Step, Swap, entered, failed, finished, late, rest, said, waits
from .taking import LATER, OFTEN, SOON

ANNOUNCED_WITHIN = timedelta(minutes=2)
SWAPPED_WITHIN = timedelta(minutes=2)
HEALTHY_WITHIN = timedelta(minutes=5)
"""Limits of the phases in which visitors see the page."""


def swap_of(seen: Sight) -> Swap | None:
    """The names of the databases."""
    name, status = seen.live, seen.status
    if name is None or status.database is None or status.kept is None:
        return None
    return Swap(name, status.database, status.kept)


def announcing(seen: Sight) -> Step:
    """Every router shows the page, or nothing is done."""
    if seen.page:
        return Step(entered(seen, seen.status, Phase.SWAPPING), again=0.1)
    if late(seen, ANNOUNCED_WITHIN):
        return discard(seen, "PageNotShown", "not every router shows the page: nothing was changed")
    return waits(seen, Phase.ANNOUNCING, "Announcing", "waiting until every router shows the page", again=1.0)


def swapping(seen: Sight) -> Step:
    """What the server says of its databases tells how far it is, whoever was killed in between."""
    swap = swap_of(seen)
    if swap is None or seen.databases is None:
        # Whether it happened is not known: there is nothing to be decided.
        text = "the server does not tell its databases"
        return waits(seen, Phase.SWAPPING, "Swapping", text, again=1.0)
    if swap.kept in seen.databases and swap.fresh not in seen.databases:
        moment = {"swapped_at": timestamp(seen.now)}
        return Step(entered(seen, seen.status.model_copy(update=moment), Phase.CHECKING), again=0.1)
    if not {swap.live, swap.fresh} <= seen.databases.keys() or swap.kept in seen.databases:
        return discard(seen, "DatabasesChanged", "the databases are not there as they were restored")
    if late(seen, SWAPPED_WITHIN):
        return discard(seen, "SwapFailed", "the databases could not be renamed: somebody stays connected")
    text = "connections are ended, and the databases renamed"
    return replace(waits(seen, Phase.SWAPPING, "Swapping", text, again=1.0), swap=swap)


def checking(seen: Sight) -> Step:
    """The app must be healthy before the page falls."""
    closed = _closed(seen)
    if closed:
        return Step(said(seen, Phase.CHECKING, "Checking", ""), open=closed, again=0.1)
    if seen.healthy is None:
        return Step(entered(seen, seen.status, Phase.REOPENING), again=0.1)
    if late(seen, HEALTHY_WITHIN):
        text = f"the app is not healthy on the restored database: {seen.healthy}"
        return Step(_noting(seen, Phase.RETURNING, "NotHealthy", text), again=0.1)
    return waits(seen, Phase.CHECKING, "Checking", "waiting until the app is healthy", again=1.0)


def reopening(seen: Sight) -> Step:
    """Done is what visitors see."""
    if not seen.reopened and not late(seen, ANNOUNCED_WITHIN):
        return waits(seen, Phase.REOPENING, "Reopening", "waiting until no router shows the page", again=0.5)
    until = kept_until(seen.restore) or seen.now
    status = seen.status.model_copy(update={"kept_until": timestamp(until)})
    done = said(seen.at(status), Phase.COMPLETED, "Restored", _restored(seen))
    return Step(finished(seen, done), free=True, again=LATER)


def _closed(seen: Sight) -> tuple[str, ...]:
    """Databases of ours that take no connections: a swap closes the live one, and may have been cut off."""
    swap, known = swap_of(seen), seen.databases or {}
    ours = (swap.live, swap.kept, *((swap.fresh,) if seen.undoes else ())) if swap is not None else ()
    return tuple(name for name in ours if not known.get(name, True))


def _restored(seen: Sight) -> str:
    if seen.recovers:
        return f"the data is that of {seen.status.taken_at}; the empty database that was there goes"
    what = (
        f"the data is that of {seen.status.taken_at}" if not seen.undoes else "the database from before is live again"
    )
    return f"{what}; the one that was live is kept as {seen.status.kept}"


def returning(seen: Sight) -> Step:
    """The same renames, the other way round: nothing else may be done before that went well."""
    swap = swap_of(seen)
    if swap is None or seen.databases is None:
        return Step(_kept(seen), again=OFTEN)
    if swap.fresh in seen.databases and swap.kept not in seen.databases:
        return discard(seen, seen.status.reason or "NotHealthy", seen.status.message or "")
    return Step(_kept(seen), swap=Swap(swap.live, swap.kept, swap.fresh), again=1.0)


def _kept(seen: Sight) -> MemoRestoreStatus:
    return said(seen, Phase.RETURNING, seen.status.reason, seen.status.message or "")


def discard(seen: Sight, reason: str, message: str) -> Step:
    """It is given up; what it made is removed first."""
    return Step(_noting(seen, Phase.DISCARDING, reason, message), again=0.1)


def _noting(seen: Sight, phase: Phase, reason: str, message: str) -> MemoRestoreStatus:
    """The next phase, with why it came to it."""
    return said(seen.at(entered(seen, seen.status, phase)), phase, reason[:128], message[:1024])


def discarding(seen: Sight) -> Step:
    """What was restored beside goes; what an undo would have brought back stays as it was."""
    status, swap = seen.status, swap_of(seen)
    same = said(seen, Phase.DISCARDING, status.reason, status.message or "")
    if swap is None or seen.databases is None:
        return Step(same, again=OFTEN)
    if swap.kept in seen.databases and swap.fresh not in seen.databases:
        # It did happen, and nobody had seen it.
        return Step(_noting(seen, Phase.RETURNING, status.reason or "Failed", status.message or ""), again=0.1)
    if closed := _closed(seen):
        return Step(same, open=closed, again=0.1)
    if not seen.undoes and swap.fresh in seen.databases:
        return Step(same, drop=swap.fresh, again=1.0)
    return failed(seen, status.reason or "Failed", status.message or "", free=True)


def completed(seen: Sight) -> Step:
    """The database that was live before is dropped at its time, and not while an undo is under way."""
    status = seen.status
    if status.kept is None or status.kept_until is None or status.swapped_at is None:
        return Step(rest(seen))
    until = kept_until(seen.restore) or seen.now
    status = status.model_copy(update={"kept_until": timestamp(until)})
    seen = seen.at(status)
    left = (until - seen.now).total_seconds()
    if seen.undone is not None and not seen.undoing:
        text = f"{(status.message or '').partition(';')[0]}; {seen.undone} undid it"
        return Step(rest(seen.at(status.model_copy(update={"kept": None, "kept_until": None, "message": text}))))
    if left > 0 or seen.undoing:
        return Step(rest(seen), again=min(max(left, SOON), 3600.0))
    if seen.databases is None:
        return Step(rest(seen), again=LATER)
    if status.kept in seen.databases:
        return Step(rest(seen), drop=status.kept, again=OFTEN)
    gone = status.model_copy(update={"kept": None, "kept_until": None, "message": _gone(status)})
    return Step(rest(seen.at(gone)))


def kept_until(restore: MemoRestore) -> datetime | None:
    """When the database that was live before is dropped: undoFor after the swap, whatever undoFor is by now."""
    if restore.status.swapped_at is None:
        return None
    return datetime.fromisoformat(restore.status.swapped_at) + timedelta(seconds=seconds(restore.spec.undo_for))


def _gone(status: MemoRestoreStatus) -> str:
    return f"{(status.message or '').partition(';')[0]}; the one that was live before is gone"
