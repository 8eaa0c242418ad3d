"""The backups of an app: what is good, what is due, and what may go."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.backup import BackupsStatus, PruningStatus
from memoapp_operator.api.v1alpha1.memoapp import (
    Colour,
    MemoApp,
    MemoAppStatus,
    OrdersStatus,
    ReleasePhase,
    ReleaseStatus,
)
from memoapp_operator.api.v1alpha1.memobackup import BackupPhase, Reason
from memoapp_operator.domain import backups
from memoapp_operator.domain.backups import Backups, Failure, Known

from tests.unit.domain.building import NOW, memoapp, spec

HOUR = timedelta(hours=1)


def app(backup: dict[str, Any] | None = None, status: BackupsStatus | None = None, **more: Any) -> MemoApp:
    found = memoapp(spec(**({"backup": backup} if backup is not None else {}), **more))
    return found.model_copy(update={"status": MemoAppStatus(backups=status)})


def known(name: str, age: timedelta = HOUR, phase: BackupPhase | None = BackupPhase.VERIFIED, **more: Any) -> Known:
    return replace(Known(name, Reason.SCHEDULED, phase, NOW - age, NOW - age), **more)


def said(found: MemoApp, seen: Backups, now: datetime = NOW) -> tuple[bool | None, str] | None:
    verdict = backups.verdict(found, seen, now)
    return (verdict.status, verdict.reason) if verdict is not None else None


def after(found: MemoApp, seen: Backups, orders: OrdersStatus | None = None, now: datetime = NOW) -> BackupsStatus:
    return backups.status_after(found, seen, orders or OrdersStatus(), now) or BackupsStatus()


def test_without_backups_nothing_is_said() -> None:
    assert said(app(), Backups()) is None
    assert backups.status_after(app(), Backups(), OrdersStatus(backup="x"), NOW) is None


def test_the_newest_good_one_counts() -> None:
    seen = Backups((known("old", 3 * HOUR), known("new"), known("gone", leaving=True), known("bad", phase=None)))
    assert seen.newest is not None
    assert seen.newest.name == "new"
    assert after(app({}), seen).last is not None
    assert said(app({}), seen) == (True, "Verified")


def test_a_failure_counts_until_a_good_one_comes() -> None:
    failed = known("bad", timedelta(minutes=5), BackupPhase.FAILED, trouble=("DumpFailed", "it died"))
    assert said(app({}), Backups((known("good"), failed))) == (False, "DumpFailed")
    assert said(app({}), Backups((known("good", timedelta(minutes=1)), failed))) == (True, "Verified")
    of_schedule = Failure("memo-backup-1", NOW, "DestinationFull", "no space")
    assert said(app({}), Backups((known("good"),), (of_schedule,))) == (False, "DestinationFull")


def test_what_is_missing_comes_first() -> None:
    assert said(app({}), Backups((known("good"),), missing=("Secret/vault",))) == (False, "SecretMissing")


SINCE = BackupsStatus(schedule="0 2 * * * Etc/UTC", since="2026-02-01T00:00:00Z")
DAILY = {"schedule": "0 2 * * *"}


@pytest.mark.parametrize(
    ("age", "expected"),
    [(10 * HOUR, (True, "Verified")), (34 * HOUR, (True, "Verified")), (40 * HOUR, (False, "Missed"))],
)
def test_a_time_that_passed_without_one_is_missed(age: timedelta, expected: tuple[bool, str]) -> None:
    seen = Backups((known("last", age),))
    assert said(app(DAILY, SINCE), seen, NOW.replace(hour=2, minute=30) if expected[0] else NOW) == expected


def test_nothing_is_missed_while_the_schedule_rests() -> None:
    seen = Backups((known("last", 400 * HOUR),))
    assert said(app({**DAILY, "suspend": True}, SINCE), seen) == (True, "Verified")
    assert said(app(DAILY, SINCE, suspend=True), seen) == (True, "Verified")


def test_what_was_due_before_the_schedule_is_not_missed() -> None:
    seen = Backups((known("last", 400 * HOUR),))
    followed = after(app(DAILY), seen)
    assert (followed.schedule, followed.since) == ("0 2 * * * Etc/UTC", "2026-03-01T12:00:00Z")
    assert said(app(DAILY, followed), seen) == (True, "Verified")
    changed = after(app({"schedule": "0 3 * * *"}, followed), seen, now=NOW + HOUR)
    assert changed.since == "2026-03-01T13:00:00Z"
    assert after(app(DAILY, followed), seen, now=NOW + HOUR).since == followed.since


def test_an_order_gets_a_name_once() -> None:
    ordered = after(app({}), Backups(), OrdersStatus(backup="now"))
    assert ordered.ordered == "memo-20260301-120000"
    waiting = app({}, ordered)
    noted = waiting.model_copy(
        update={"status": waiting.status.model_copy(update={"orders": OrdersStatus(backup="now")})}
    )
    assert after(noted, Backups(), OrdersStatus(backup="now")).ordered == ordered.ordered
    assert after(noted, Backups((known("memo-20260301-120000"),)), OrdersStatus(backup="now")).ordered is None


def test_a_name_that_is_taken_gets_a_number() -> None:
    seen = Backups((known("memo-r2-pre"), known("memo-r2-pre-2")))
    assert backups.free_name("memo", "r2-pre", seen) == "memo-r2-pre-3"
    assert len(backups.free_name("m" * 63, "r2-pre", seen)) <= 63


KEEP = {"last": 1, "daily": 0, "weekly": 0, "monthly": 0, "announce": "2h"}


def test_new_rules_announce_first_and_changed_ones_again() -> None:
    seen = Backups((known("old", 3 * HOUR), known("new")))
    first = after(app({"keep": KEEP}), seen).pruning
    assert first == PruningStatus(
        rules="last 1, daily 0, weekly 0, monthly 0, in Etc/UTC", begins="2026-03-01T14:00:00Z", names=["old"]
    )
    committed = app({"keep": KEEP}, BackupsStatus(pruning=first))
    assert [*backups.to_prune(committed, seen, NOW)] == []
    assert [item.name for item in backups.to_prune(committed, seen, NOW + 2 * HOUR)] == ["old"]
    other = app({"keep": {**KEEP, "last": 2}}, BackupsStatus(pruning=first))
    changed = after(other, seen, now=NOW + 5 * HOUR).pruning
    assert changed is not None
    assert (changed.begins, changed.names) == ("2026-03-01T19:00:00Z", None)


def test_without_rules_nothing_is_pruned() -> None:
    assert after(app({}), Backups((known("old", 9000 * HOUR), known("new")))).pruning is None


def test_what_a_person_ordered_is_never_pruned() -> None:
    mine = known("mine", 9000 * HOUR, reason=Reason.MANUAL)
    pruning = after(app({"keep": KEEP}), Backups((mine, known("new")))).pruning
    assert pruning is not None
    assert pruning.names is None


@pytest.mark.parametrize(("declared", "expected"), [(None, True), ("Required", True), ("Skip", False)])
def test_a_backup_is_required_unless_it_is_skipped(declared: str | None, expected: bool) -> None:
    release = {"backup": declared} if declared else {}
    assert backups.required(app({}, release=release)) is expected
    assert backups.required(app()) is False


def test_the_interval_is_that_of_the_schedule() -> None:
    assert backups.interval(app(DAILY), NOW) == 86400
    assert backups.interval(app({}), NOW) is None
    assert backups.interval(app({**DAILY, "suspend": True}), NOW) is None


def test_what_a_release_rests_on_is_never_pruned() -> None:
    release = ReleaseStatus(
        id="rev-2",
        version="1.5.0",
        colour=Colour.GREEN,
        phase=ReleasePhase.COMPLETED,
        started_at="2026-03-01T11:00:00Z",
        backup="mine",
    )
    found = app({"keep": KEEP})
    resting = found.model_copy(update={"status": MemoAppStatus(release=release)})
    seen = Backups((known("mine", 9000 * HOUR), known("new")))
    pruning = after(resting, seen).pruning
    assert pruning is not None
    assert pruning.names is None
