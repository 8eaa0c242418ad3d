"""The last releases that ended, for people."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import HistoryStatus, MemoAppStatus, ReleaseStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

KEPT = 10
_OVER = {Phase.ROLLED_BACK, Phase.REJECTED}
_RESULTS = {Phase.COMPLETED, Phase.ROLLED_BACK, Phase.REJECTED, Phase.WITHDRAWN}


def remembered(before: MemoAppStatus, release: ReleaseStatus | None) -> list[HistoryStatus]:
    """The history after a pass, the newest first.

    A release that completed and went back later is one entry, with its last result. One that was given up stays that,
    also when the spec is put back afterwards.

    Args:
        before: as committed.
        release: after the pass.
    """
    found = list(before.history or ())
    last = before.release
    if last is not None and last.phase is Phase.HELD and not _is_same(last, release):
        found = _with(found, last)
    if release is not None and release.phase in _RESULTS and not _is_known(last, release):
        found = _with(found, release)
    return found[:KEPT]


def _is_known(last: ReleaseStatus | None, release: ReleaseStatus) -> bool:
    if last is None:
        return False
    put_back = release.phase is Phase.WITHDRAWN and last.phase in _OVER and _is_same(last, release)
    return put_back or last.phase is release.phase


def _is_same(one: ReleaseStatus, other: ReleaseStatus | None) -> bool:
    return other is not None and (one.id, one.started_at) == (other.id, other.started_at)


def _with(history: list[HistoryStatus], release: ReleaseStatus) -> list[HistoryStatus]:
    entry = HistoryStatus(
        id=release.id,
        version=release.version,
        result=release.phase,
        reason=release.reason,
        message=release.message,
        backup=release.backup,
        bypassed=release.bypassed,
        restart=release.restart,
        started_at=release.started_at,
        finished_at=release.finished_at,
    )
    others = [item for item in history if (item.id, item.started_at) != (release.id, release.started_at)]
    return [entry, *others]
