"""Maintenance windows hold releases, first clients, restarts and drills back, and let them go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.maintenancewindow import Policy, Work
from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain import gating, plan
from memoapp_operator.domain.conditions import READY, RECONCILING, STALLED, find
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.observation import Child, ChildState, Observation
from memoapp_operator.domain.orders import (
    APPROVE_ANNOTATION,
    BYPASS_ANNOTATION,
    RESTART_ANNOTATION,
    RETRY_ANNOTATION,
    ROLLBACK_ANNOTATION,
)
from memoapp_operator.domain.ownership import assess
from memoapp_operator.domain.state import State
from memoapp_operator.domain.windows import Window

from tests.unit.domain.building import (
    NOW,
    R2,
    R3,
    RESYNC,
    child,
    committed,
    decided,
    gradually,
    healthy,
    onward,
    phase_of,
    serving,
    until,
    with_spec,
)
from tests.unit.domain.moves import CLOSED, FREEZE, OPEN, at, ordered

TOMORROW = "2026-03-02 12:00 +0000"
WAITS = f"the release waits until {TOMORROW}: it is outside of every window that allows it"


def status_of(seen: Observation) -> MemoAppStatus:
    return decide(seen, resync=RESYNC).status


def ready(seen: Observation) -> tuple[str, str, str]:
    found = find(status_of(seen).conditions, READY)
    assert found is not None
    return found.status.value, found.reason, found.message


def waiting(windows: tuple[Window, ...] = CLOSED, **changes: Any) -> Observation:
    """A release of R2, which waits for a window."""
    seen = onward(with_spec(serving(), **changes), declared=R2, windows=windows)
    for _ in range(4):
        seen = onward(seen, windows=windows)
    return seen


def test_a_release_waits_outside_of_its_window_and_says_until_when() -> None:
    seen = waiting()
    assert phase_of(seen) is Phase.PENDING
    assert ready(seen) == ("False", "OutsideWindow", WAITS)
    found = status_of(seen)
    assert [find(found.conditions, name).status.value for name in (STALLED, RECONCILING)] == ["False", "False"]  # type: ignore[union-attr]
    assert decide(seen, resync=RESYNC).again == RESYNC, "it is not asked for each two seconds"
    assert phase_of(committed(replace(seen, windows=()))) is not Phase.PENDING, "once the window is gone it goes on"
    inside = until(replace(onward(seen, windows=OPEN), windows=OPEN), Phase.COMPLETED)
    assert inside.app.status.active is not None
    assert inside.app.status.active.revision == R2.id


def test_the_pass_comes_as_the_window_opens() -> None:
    seen = replace(waiting(), now=NOW + timedelta(hours=24, seconds=-3))
    assert decide(seen, resync=RESYNC).again == pytest.approx(3)


def test_the_first_version_waits_for_no_window() -> None:
    seen = healthy(windows=CLOSED)
    for _ in range(20):
        seen = onward(seen, windows=CLOSED)
    assert phase_of(seen) in {Phase.COMPLETED, Phase.RETIRED}


def test_what_does_not_fit_waits_for_the_next_window() -> None:
    assert gating.takes(gradually(serving()).app) == timedelta(minutes=30 + 2, seconds=30)
    daily = Window("noon", Policy.ALLOW, timedelta(minutes=40), schedule="0 12 * * *")
    early, late = NOW + timedelta(minutes=9), NOW + timedelta(minutes=11)
    seen = waiting((daily,), release={"deadline": "30m"})
    assert gating.closed(replace(seen, now=early), State.of(seen.app.status)) is None
    found = gating.closed(replace(seen, now=late), State.of(seen.app.status))
    assert found is not None
    assert gating.until(found) == f"until {TOMORROW}: it takes 30 minutes, and the window ends before"


def test_it_is_let_pass_by_order_and_that_is_recorded() -> None:
    seen = ordered(waiting(), BYPASS_ANNOTATION)
    found = status_of(seen)
    assert found.orders is not None
    assert found.release is not None
    assert (found.orders.bypass, found.release.bypassed) == ("n1", "2026-03-01T12:00:10Z")
    seen = committed(seen)
    for _ in range(30):
        seen = onward(seen, windows=CLOSED)
    done = seen.app.status
    assert done.active is not None
    assert done.active.revision == R2.id
    assert (done.history or [])[0].bypassed == "2026-03-01T12:00:10Z"
    again = onward(seen, declared=R3, windows=CLOSED)
    assert phase_of(onward(onward(again, windows=CLOSED), windows=CLOSED)) in {Phase.PENDING, Phase.COMPLETED}


def test_an_order_to_bypass_that_is_for_nothing_is_told() -> None:
    seen = ordered(serving(windows=CLOSED), BYPASS_ANNOTATION)
    assert "BypassIgnored" in {note.reason for note in decide(seen, resync=RESYNC).notes}
    named = ordered(waiting(), BYPASS_ANNOTATION, "rev-1")
    assert status_of(named).release == named.app.status.release, "it names another revision"


def test_as_long_as_it_would_only_wait_the_warm_colour_stays() -> None:
    warm = at(Phase.COMPLETED)
    seen = onward(warm, declared=R3, windows=CLOSED)
    assert (phase_of(seen), len(decided(seen).status.colours or {})) == (Phase.COMPLETED, 2)
    assert ready(seen)[:2] == ("False", "OutsideWindow")
    back = committed(ordered(seen, ROLLBACK_ANNOTATION))
    assert phase_of(back) is Phase.ROLLING_BACK, "and there is a way back at once, whatever windows say"
    passed = committed(ordered(seen, BYPASS_ANNOTATION))
    assert phase_of(passed) is Phase.PENDING
    assert passed.app.status.release is not None
    assert passed.app.status.release.bypassed is not None
    later = replace(seen, now=NOW + timedelta(hours=1))
    assert phase_of(committed(later)) is Phase.RETIRED
    assert phase_of(committed(committed(later))) is Phase.PENDING


def test_a_way_back_by_order_waits_for_no_window() -> None:
    done = at(Phase.RETIRED)
    seen = committed(ordered(replace(done, windows=CLOSED), ROLLBACK_ANNOTATION))
    release = seen.app.status.release
    assert release is not None
    assert (release.phase, release.instead) == (Phase.PENDING, R2.id)
    assert gating.closed(seen, State.of(seen.app.status)) is None


def test_preflight_does_not_outlive_the_window() -> None:
    seen = waiting(OPEN)
    bad = replace(seen, database=None)
    assert phase_of(bad) is not Phase.PENDING
    waits = onward(with_spec(serving(), version="1.5.0"), declared=R2, windows=OPEN)
    for _ in range(4):
        waits = replace(onward(waits, windows=OPEN), database=None)
    assert phase_of(waits) is Phase.PREFLIGHT
    over = committed(replace(waits, windows=CLOSED))
    assert over.app.status.release is not None
    assert (over.app.status.release.phase, over.app.status.release.deadline) == (Phase.PENDING, None)


def test_approved_clients_come_in_the_window() -> None:
    seen = until(gradually(onward(with_spec(serving()), declared=R2), approval="Manual"), Phase.APPROVING)
    approved = committed(ordered(replace(seen, windows=CLOSED), APPROVE_ANNOTATION))
    assert phase_of(approved) is Phase.APPROVING
    assert ready(approved)[1:] == (
        "OutsideWindow",
        f"the first clients wait until {TOMORROW}: it is outside of every window that allows it",
    )
    assert phase_of(onward(approved, windows=CLOSED)) is Phase.APPROVING
    assert phase_of(committed(replace(approved, windows=OPEN))) is Phase.SHIFTING
    assert gating.holds(seen.app) == timedelta(minutes=2, seconds=30)
    assert phase_of(committed(ordered(approved, BYPASS_ANNOTATION))) is Phase.APPROVING
    assert phase_of(committed(committed(ordered(approved, BYPASS_ANNOTATION)))) is Phase.SHIFTING


def test_not_approved_it_waits_for_a_person_first() -> None:
    seen = until(gradually(onward(with_spec(serving()), declared=R2), approval="Manual"), Phase.APPROVING)
    assert ready(replace(seen, windows=CLOSED))[1] == "Approving"


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.SHIFTING, Phase.SOAKING])
def test_a_deny_lets_what_is_under_way_finish_unless_it_says_return(phase: Phase) -> None:
    seen = until(gradually(onward(with_spec(serving()), declared=R2)), phase)
    lets = (replace(FREEZE[0], under_way="Finish"),)
    assert phase_of(committed(replace(seen, windows=lets))) in {phase, Phase.TESTING, Phase.SHIFTING}
    back = committed(replace(seen, windows=FREEZE))
    for _ in range(12):
        back = onward(back, windows=FREEZE)
    status = back.app.status
    assert phase_of(back) is Phase.PENDING, "it is about to begin anew"
    assert status.rejected is None
    entry = (status.history or [])[0]
    assert (entry.result, entry.reason) == (Phase.WITHDRAWN, "WindowDenied")
    assert entry.message == "the window year-end denies releases until 2026-03-01 17:00 +0000"
    assert ready(back)[1] == "OutsideWindow"
    assert phase_of(onward(onward(back))) not in {Phase.PENDING, Phase.WITHDRAWN}


def test_a_backup_under_way_is_left_by_a_deny_that_returns() -> None:
    kept = {"backup": {}, "release": {"steps": None}}
    seen = until(onward(with_spec(serving(), **kept), declared=R2), Phase.BACKING_UP)
    assert phase_of(committed(replace(seen, windows=FREEZE))) is Phase.PENDING


def pending_restart(*, upgrade: bool = False, **changes: Any) -> Observation:
    waits = Child(child(ChildState.WAITING).ref, ChildState.WAITING, "1", "digest", upgrade)
    seen = serving(**changes)
    return replace(seen, children=(*seen.children, waits))


def let(seen: Observation) -> list[str] | None:
    orders = status_of(seen).orders
    return orders.restarts if orders is not None else None


def test_a_restart_that_waits_is_let_go_in_a_window_that_allows_it() -> None:
    assert let(pending_restart()) is None
    assert let(pending_restart(windows=FREEZE)) is None
    assert let(pending_restart(windows=CLOSED)) is None
    assert let(pending_restart(windows=OPEN)) == ["digest"]
    only = (replace(OPEN[0], work=frozenset({Work.RESTARTS})),)
    assert let(pending_restart(windows=only)) == ["digest"]
    assert let(pending_restart(windows=only, upgrade=True)) is None, "another image is an upgrade"
    upgrades = (replace(OPEN[0], work=frozenset({Work.UPGRADES})),)
    assert let(pending_restart(windows=upgrades, upgrade=True)) == ["digest"]
    assert let(pending_restart(windows=(*OPEN, *FREEZE))) is None, "deny beats allow"
    short = (replace(OPEN[0], duration=timedelta(hours=1, minutes=4)),)
    assert let(pending_restart(windows=short)) is None, "it does not fit"
    closed = ready(pending_restart(windows=CLOSED))
    assert closed[1] == "RestartPending"
    assert closed[2].endswith(f", or let it wait until {TOMORROW}: it is outside of every window that allows it")
    stalled = find(status_of(pending_restart(windows=CLOSED)).conditions, STALLED)
    assert stalled is not None
    assert stalled.status.value == "False", "nobody has to do anything"


def test_no_restart_in_the_middle_of_a_release() -> None:
    seen = until(gradually(onward(with_spec(serving()), declared=R2)), Phase.SHIFTING)
    waits = Child(child(ChildState.WAITING).ref, ChildState.WAITING, "1", "digest")
    assert let(replace(seen, windows=OPEN, children=(*seen.children, waits))) is None


def test_a_restart_by_order_is_a_persons_word() -> None:
    assert let(ordered(pending_restart(windows=FREEZE), RESTART_ANNOTATION)) == ["digest"]


def test_another_image_is_told_from_other_parameters() -> None:
    def store(image: str, args: list[str]) -> dict[str, Any]:
        containers = [{"name": "database", "image": image, "args": args}, {"name": "agent", "image": image}]
        return {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {
                "name": "memo-database",
                "uid": "1",
                "ownerReferences": [{"kind": "MemoApp", "name": "memo", "uid": "u", "controller": True}],
                "labels": {"memoapp.dev/app": "memo", "app.kubernetes.io/managed-by": "memoapp-operator"},
                "annotations": {"memoapp.dev/applied": f"{image}{args}"},
            },
            "spec": {"replicas": 1, "template": {"spec": {"containers": containers}}},
        }

    live = store("postgres:17.1", ["-c", "a=1"])
    other = assess(store("postgres:17.1", ["-c", "a=2"]), live, "memo", "u")
    newer = assess(store("postgres:17.2", ["-c", "a=1"]), live, "memo", "u")
    assert [(item.state, item.upgrade) for item in (other, newer)] == [
        (ChildState.WAITING, False),
        (ChildState.WAITING, True),
    ]


def test_drills_by_schedule_wait_for_their_window() -> None:
    assert gating.drills_wait(serving()) is None
    assert gating.drills_wait(serving(windows=OPEN)) is None
    held = gating.drills_wait(serving(windows=CLOSED))
    assert held is not None
    assert held.start == NOW + timedelta(hours=24)
    releases = (replace(CLOSED[0], work=frozenset({Work.RELEASES})),)
    assert gating.drills_wait(serving(windows=releases)) is None


def test_the_plan_says_what_windows_say() -> None:
    seen = with_spec(serving(declared=R2), paused=True)
    line = "windows: no maintenance window holds it"
    assert line in plan.lines(seen, State.of(seen.app.status))
    lines = [*plan.lines(replace(seen, windows=CLOSED), State.of(seen.app.status))]
    expected = f"windows: it waits until {TOMORROW}: it is outside of every window that allows it (tomorrow)"
    assert expected in lines
    assert "windows: now let it begin" in plan.lines(replace(seen, windows=OPEN), State.of(seen.app.status))


def test_a_retry_waits_too() -> None:
    seen = ordered(waiting(), RETRY_ANNOTATION)
    assert phase_of(committed(seen)) is Phase.PENDING
