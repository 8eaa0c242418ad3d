"""Disaster drills: one from its beginning to its end, and the schedule that they come by."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.drill import DisasterStatus
from memoapp_operator.api.v1alpha1.memoapp import Condition, ConditionStatus, MemoApp
from memoapp_operator.api.v1alpha1.memorestore import MemoRestore, Mode
from memoapp_operator.api.v1alpha1.memorestore import RestorePhase as Phase
from memoapp_operator.domain import disaster, disasters
from memoapp_operator.domain.backups import Backups, KnownRestore
from memoapp_operator.domain.disaster import Sight, Step, namespace_of, step

NOW = datetime(2026, 11, 1, 5, 0, tzinfo=UTC)
STORE = {"s3": {"endpoint": "https://s3.example", "bucket": "abc", "credentialsSecretRef": "store"}}
MONTHLY = {"schedule": "0 5 1 * *", "timeout": "1h"}


def app(**spec: Any) -> MemoApp:
    backup = {"destination": STORE, "drill": {"disaster": MONTHLY}}
    known = {"version": "1.4.0", "backend": {"image": "a"}, "database": {"managed": {}}, "backup": backup, **spec}
    return MemoApp.model_validate({"metadata": {"name": "memo", "namespace": "prod", "uid": "u"}, "spec": known})


def drill(destination: dict[str, Any] | None = None) -> MemoRestore:
    source = {"recovery": {"destination": destination or STORE}}
    spec = {"appRef": {"name": "memo"}, "mode": "DisasterDrill", "source": source}
    return MemoRestore.model_validate({"metadata": {"name": "try", "namespace": "prod", "uid": "5-6"}, "spec": spec})


def sight(**changes: Any) -> Sight:
    return replace(Sight(drill(), app(), NOW), **changes)


def on(seen: Sight, found: Step, seconds: float = 1.0, **changes: Any) -> Sight:
    """The next pass, once that was committed."""
    restore = seen.restore.model_copy(update={"status": found.status})
    return replace(seen, restore=restore, now=seen.now + timedelta(seconds=seconds), **changes)


def scratch(ready: bool | None = None, stalled: bool = False, since: datetime = NOW) -> MemoApp:
    def condition(kind: str, status: bool | None) -> Condition:
        word = {True: ConditionStatus.TRUE, False: ConditionStatus.FALSE, None: ConditionStatus.UNKNOWN}[status]
        return Condition(
            type=kind,
            status=word,
            reason="RecoveryFailed" if stalled else "Recovering",
            message="no backup was proved",
            last_transition_time=f"{since:%Y-%m-%dT%H:%M:%SZ}",
            observed_generation=1,
        )

    found = app()
    conditions = [condition("Ready", ready), condition("Stalled", stalled)]
    return found.model_copy(update={"status": found.status.model_copy(update={"conditions": conditions})})


def recovering() -> tuple[Sight, Step]:
    seen = sight()
    found = step(seen)
    assert found.status.phase is Phase.PREPARING
    seen = on(seen, found)
    found = step(seen)
    assert found.make
    seen = on(seen, found, space="ours", scratch=scratch())
    found = step(seen)
    assert found.status.phase is Phase.RECOVERING
    return on(seen, found), found


def test_it_comes_back_is_measured_and_removed() -> None:
    seen, _ = recovering()
    found = step(seen)
    assert (found.status.phase, found.make, found.drop) == (Phase.RECOVERING, False, False)
    found = step(on(seen, found, 90, scratch=scratch(ready=True)))
    assert (found.status.phase, found.status.reason) == (Phase.REMOVING, "Recovered")
    assert found.status.evidence is not None
    assert found.status.evidence.seconds == {"ready": 93}
    seen = on(seen, found)
    found = step(seen)
    assert found.drop
    seen = on(seen, found, space="leaving", scratch=None)
    assert not step(seen).drop
    found = step(replace(seen, space=None))
    assert (found.status.phase, found.status.display) == (Phase.COMPLETED, {"recovery": "93s"})
    assert step(on(seen, found, space=None)).status == found.status, "and rests"


def test_one_that_stays_stalled_or_takes_too_long_fails_and_is_removed_too() -> None:
    seen, _ = recovering()
    found = step(replace(seen, scratch=scratch(stalled=True)))
    assert found.status.phase is Phase.RECOVERING, "it may pass"
    late = on(seen, found, 91 + 3, scratch=scratch(stalled=True))
    found = step(late)
    assert (found.status.phase, found.status.reason) == (Phase.REMOVING, "RecoveryFailed")
    found = step(on(late, found, space=None))
    assert (found.status.phase, found.status.reason) == (Phase.FAILED, "RecoveryFailed")
    assert "no backup was proved" in (found.status.message or "")
    found = step(replace(seen, now=NOW + timedelta(hours=1, seconds=3)))
    assert (found.status.phase, found.status.reason) == (Phase.REMOVING, "TimedOut")
    assert "not ready within 60m" in (found.status.message or "")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"restore": drill({"volume": {}})}, "NotPossible"),
        ({"app": app(database={"external": {"secretRef": {"name": "a"}}})}, "NotPossible"),
        ({"app": app(redis={"external": {"secretRef": {"name": "a"}}})}, "NotPossible"),
        ({"app": None}, "AppNotFound"),
        ({"missing": ("Secret/store",)}, "SecretMissing"),
    ],
)
def test_what_cannot_be_tried_makes_nothing(changes: dict[str, Any], reason: str) -> None:
    found = step(sight(**changes))
    assert (found.status.reason, found.make, found.status.namespace) == (reason, False, None)


def test_a_namespace_of_somebody_else_is_left_alone() -> None:
    seen = sight()
    found = step(on(seen, step(seen), space="foreign"))
    assert (found.status.phase, found.status.reason) == (Phase.FAILED, "NamespaceTaken")
    assert not step(on(seen, found, space="foreign", leaving=True)).drop


def test_without_the_right_it_says_which_and_waits() -> None:
    seen = sight()
    found = step(on(seen, step(seen), space="forbidden"))
    assert (found.status.phase, found.status.reason, found.make) == (Phase.PREPARING, "RightsMissing", False)
    assert step(on(seen, found, space="forbidden", leaving=True)).release
    later, _ = recovering()
    found = step(replace(later, space="forbidden", scratch=None))
    assert (found.status.phase, found.drop) == (Phase.RECOVERING, False), "it may come back"
    assert not step(replace(later, space="forbidden", leaving=True)).release


def test_deleted_at_any_time_it_takes_its_namespace_along() -> None:
    seen, _ = recovering()
    found = step(replace(seen, leaving=True))
    assert (found.drop, found.release) == (True, False)
    assert not step(replace(seen, leaving=True, space="leaving")).release
    assert step(replace(seen, leaving=True, space=None)).release
    assert step(sight(held=False)).hold


def test_its_namespace_has_a_name_of_its_own() -> None:
    assert namespace_of(drill()).startswith("prod-drill-")
    assert len(disaster.namespace_of(drill())) <= 63


def known(phase: Phase, **more: Any) -> KnownRestore:
    return KnownRestore("memo-disaster-20261101-050000", Mode.DISASTER_DRILL, phase, NOW, finished=NOW, **more)


def test_it_is_due_once_a_month_and_never_twice_at_a_time() -> None:
    before = NOW - timedelta(days=2)
    first = disasters.status_after(app(), Backups(), None, before)
    assert first is not None
    assert (first.ordered, first.next) == (None, "2026-11-01T05:00:00Z")
    due = disasters.status_after(app(), Backups(), first, NOW)
    assert due is not None
    assert (due.ordered, due.next) == ("memo-disaster-20261101-050000", "2026-12-01T05:00:00Z")
    assert disasters.status_after(app(), Backups(), due, NOW + timedelta(seconds=5)) == due, "committed, not made yet"
    made = Backups(restores=(known(Phase.RECOVERING),))
    after = disasters.status_after(app(), made, due, NOW + timedelta(seconds=9))
    assert after is not None
    assert after.ordered is None
    running = disasters.status_after(app(), made, after, NOW + timedelta(days=31))
    assert running is not None
    assert running.ordered is None, "one is under way"
    assert disasters.status_after(app(backup={"destination": STORE}), Backups(), due, NOW) is None


def test_what_came_of_the_last_one_is_a_condition() -> None:
    def verdict(now: datetime, *restores: KnownRestore) -> tuple[bool | None, str]:
        found = disasters.verdict(app(), Backups(restores=restores), now)
        assert found is not None
        return found.status, found.reason

    assert verdict(NOW) == (None, "NoDrillYet")
    assert verdict(NOW, known(Phase.COMPLETED, recovered_in=93)) == (True, "Recovered")
    assert verdict(NOW, known(Phase.FAILED, trouble=("TimedOut", "not ready"))) == (False, "TimedOut")
    late = NOW + timedelta(days=40)
    assert verdict(late, known(Phase.COMPLETED, recovered_in=93)) == (False, "DrillMissing")
    assert disasters.verdict(app(backup={}), Backups(), NOW) is None


def test_what_is_known_of_the_last_one_outlives_it() -> None:
    made = Backups(restores=(known(Phase.COMPLETED, recovered_in=93),))
    told = disasters.status_after(app(), made, DisasterStatus(), NOW)
    assert told is not None
    assert told.last is not None
    assert (told.last.reason, told.last.seconds) == ("Recovered", 93)
    later = disasters.status_after(app(), Backups(), told, NOW + timedelta(days=3))
    assert later is not None
    assert later.last == told.last
