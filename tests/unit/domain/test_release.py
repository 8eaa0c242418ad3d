"""What a release does to the clients, the colours and the record of it; what is refused, and what is left behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import RejectedStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.forward import PULL_PATIENCE
from memoapp_operator.domain.observation import ChildState, Observation, Probe, Trouble, Workload
from memoapp_operator.domain.orders import RETRY_ANNOTATION
from memoapp_operator.domain.release import step
from memoapp_operator.domain.troubles import PULL_FAILED

from tests.unit.domain.building import (
    PASSING,
    R1,
    R2,
    R3,
    STALL,
    child,
    onward,
    phase_of,
    serving,
    settled,
    unsettled,
    until,
    with_spec,
    with_workloads,
)
from tests.unit.domain.moves import at, crashing, first, gone, hours, ordered
from tests.unit.domain.reading import BLUE, GREEN, after, conditions, phase_after, serves_now


def ids(seen: Observation) -> list[str]:
    """The revisions that are rejected."""
    return [item.id for item in seen.app.status.rejected or ()]


def test_a_release_goes_through_these_states() -> None:
    seen = serving(declared=R2)
    told = []
    for _ in range(5):
        seen = onward(seen)
        status = seen.app.status
        assert status.release is not None
        told.append((status.release.phase.value, status.release.colour.value, status.colours, serves_now(status)))
    both = {"blue": "memo-r1", "green": "memo-r2"}
    assert told == [
        ("Pending", "green", {"blue": "memo-r1"}, ("blue", "rev-1", 0)),
        ("Preparing", "green", both, ("blue", "rev-1", 0)),
        ("Shifting", "green", both, ("blue", "rev-1", 100)),
        ("Completed", "green", both, ("green", "rev-2", 100)),
        ("Completed", "green", both, ("green", "rev-2", 100)),
    ]


def test_there_and_back_and_there_again_each_is_a_release_in_the_other_colour() -> None:
    seen = serving()
    for declared, colour in ((R2, "green"), (R1, "blue"), (R2, "green")):
        seen = until(onward(replace(seen, declared=declared)), Phase.COMPLETED)
        assert serves_now(seen.app.status)[:2] == (colour, declared.id)
        assert conditions(after(seen))["Ready"] == (True, "Ready")


@pytest.mark.parametrize(
    "lacking",
    [
        {"database": None},
        {"database": Probe(healthy=False, reason="NotReachable")},
        {"cache": None},
        {"cache": Probe(healthy=False, reason="NotReachable")},
        {"stored": {R1.name: R1}},
    ],
    ids=["no answer of the database", "database down", "no answer of Redis", "Redis down", "not stored"],
)
def test_no_pod_of_a_release_starts_before_what_it_needs_is_there(lacking: dict[str, Any]) -> None:
    state = step(replace(at(Phase.PENDING), **lacking))
    assert state.release is not None
    assert state.release.phase is (Phase.PENDING if "stored" in lacking else Phase.PREFLIGHT)
    assert dict(state.colours) == {"blue": "memo-r1"}


def not_current(seen: Observation, name: str, state: ChildState) -> Observation:
    found = tuple(replace(item, state=state) if item.ref.name == name else item for item in seen.children)
    return replace(seen, children=found)


# Each spoils one thing of a colour that is being prepared.
NOT_YET = {
    "a pod is not ready": lambda seen: with_workloads(seen, unsettled("green-backend")),
    "a Deployment is not there": lambda seen: replace(
        seen, workloads={name: item for name, item in seen.workloads.items() if name != "green-frontend"}
    ),
    "a Deployment differs": lambda seen: not_current(seen, "memo-green-backend", ChildState.DIFFERS),
    "an old Deployment is leaving": lambda seen: not_current(seen, "memo-green-backend", ChildState.LEAVING),
    "a Deployment is not rendered": lambda seen: replace(
        seen, children=tuple(item for item in seen.children if item.ref.name != "memo-green-frontend")
    ),
    "health is not right": lambda seen: replace(seen, reached={**seen.reached, "green-frontend": False}),
    "health was not asked": lambda seen: replace(seen, reached={}),
    "the revision is not stored": lambda seen: replace(
        seen, stored={R1.name: R1}, children=seen.children[:3], reached={}
    ),
}


@pytest.mark.parametrize("spoil", NOT_YET.values(), ids=NOT_YET)
def test_no_client_moves_to_a_colour_that_is_not_wholly_there(spoil: Any) -> None:
    state = step(spoil(at(Phase.PREPARING)))
    assert state.release is not None
    assert state.release.phase is Phase.PREPARING
    assert state.traffic == BLUE
    seen = at(Phase.PREPARING)
    assert step(seen).traffic == GREEN


def test_what_the_serving_colour_looks_like_does_not_hold_a_release_up() -> None:
    assert phase_after(gone(at(Phase.PREPARING), "blue")) is Phase.SHIFTING


@pytest.mark.parametrize(("seconds", "phase"), [(0, Phase.PREPARING), (2, Phase.PREPARING), (3, Phase.SHIFTING)])
def test_a_pod_that_is_ready_only_just_now_may_crash_a_moment_later(seconds: int, phase: Phase) -> None:
    """What crashes some seconds after its start is ready for a moment: no client is sent to that."""
    seen = at(Phase.PREPARING)
    since = timestamp(seen.now - timedelta(seconds=seconds))
    young = replace(seen.workloads["green-backend"], steady_since=since)
    assert phase_after(with_workloads(seen, {young.name: young})) is phase
    # With nobody to serve the clients, it is the best there is.
    assert phase_after(gone(with_workloads(seen, {young.name: young}), "blue")) is Phase.SHIFTING
    first_of_all = first(Phase.PREPARING)
    blue = replace(first_of_all.workloads["blue-backend"], steady_since=since)
    assert phase_after(with_workloads(first_of_all, {blue.name: blue})) is Phase.COMPLETED


@pytest.mark.parametrize("weights", [{}, {"a": 0}, {"a": 100, "b": 0}, {"a": 100, "b": None}, {"a": 50}])
def test_a_switch_counts_only_once_every_router_has_it(weights: dict[str, int | None]) -> None:
    state = step(replace(at(Phase.SHIFTING), routers=weights))
    assert state.release is not None
    assert state.release.phase is Phase.SHIFTING
    assert state.active is not None
    assert state.active.revision == "rev-1"


@pytest.mark.parametrize("router", [{}, unsettled("router")], ids=["no router", "a router that is not settled"])
def test_a_first_release_is_there_once_the_routers_are(router: dict[str, Workload]) -> None:
    seen = first(Phase.PREPARING)
    others = {name: item for name, item in seen.workloads.items() if name != "router"}
    assert phase_after(replace(seen, workloads={**others, **router})) is Phase.PREPARING
    assert phase_after(replace(seen, routers={"a": None})) is Phase.PREPARING


def test_a_trouble_that_does_not_pass_rejects_at_once_with_its_reason() -> None:
    status = after(crashing(at(Phase.PREPARING)))
    assert status.rejected == [RejectedStatus(id="rev-2", reason=STALL.reason, message=STALL.message)]
    assert status.release is not None
    assert (status.release.reason, status.release.message) == (STALL.reason, STALL.message)
    assert status.colours == {"blue": "memo-r1"}
    assert serves_now(status) == ("blue", "rev-1", 0)
    found = conditions(status)
    assert (found["Available"][0], found["Ready"], found["Stalled"]) == (
        True,
        (False, STALL.reason),
        (True, STALL.reason),
    )


def test_a_registry_that_hiccups_once_rejects_nothing_and_an_image_that_stays_away_does() -> None:
    """The kubelet pulls again after ten seconds."""
    away = Trouble(PULL_FAILED, "green-backend: the image x cannot be pulled", stalls=True)
    seen = with_workloads(at(Phase.PREPARING), unsettled("green-backend", 0, away))
    assert seen.app.status.release is not None
    began = datetime.fromisoformat(seen.app.status.release.deadline or "") - timedelta(minutes=30)
    early = replace(seen, now=began + timedelta(seconds=PULL_PATIENCE - 1))
    assert phase_after(early) is Phase.PREPARING
    assert conditions(after(early))["Ready"] == (False, PULL_FAILED)
    status = after(replace(seen, now=began + timedelta(seconds=PULL_PATIENCE)))
    assert status.rejected == [RejectedStatus(id="rev-2", reason=PULL_FAILED, message=away.message)]


@pytest.mark.parametrize(
    ("trouble", "reason", "text"),
    [
        (None, "DeadlineExceeded", "not ready for 30m"),
        (PASSING, PASSING.reason, f"{PASSING.message} for 30m"),
    ],
)
def test_the_deadline_rejects_with_the_reason_of_what_was_in_the_way(
    trouble: Trouble | None, reason: str, text: str
) -> None:
    waiting = with_workloads(at(Phase.PREPARING), unsettled("green-backend", 1, trouble))
    assert waiting.app.status.release is not None
    deadline = datetime.fromisoformat(waiting.app.status.release.deadline or "")
    assert phase_after(replace(waiting, now=deadline - timedelta(seconds=1))) is Phase.PREPARING
    status = after(replace(waiting, now=deadline))
    assert status.rejected == [RejectedStatus(id="rev-2", reason=reason, message=text)]


@pytest.mark.parametrize("number", [0, 1])
def test_a_deadline_that_passed_before_a_pod_was_asked_for_begins_anew(number: int) -> None:
    """The operator was killed once Preparing was committed, and came back late."""
    seen = with_workloads(at(Phase.PREPARING), unsettled("green-backend", 0, PASSING))
    names = ("green-backend", "green-frontend")
    missing = tuple(child(ChildState.MISSING, f"memo-{name}") for name in names[number:])
    late = replace(hours(seen, 5), children=missing)
    release = step(late).release
    assert release is not None
    assert (release.phase, release.deadline) == (Phase.PREPARING, timestamp(late.now + timedelta(minutes=30)))
    refused = replace(late, refusals={item.ref: "denied" for item in missing})
    assert phase_after(refused) is Phase.REJECTED


def test_a_deadline_that_passed_before_a_router_was_told_begins_anew() -> None:
    late = hours(replace(at(Phase.SHIFTING), routers={"a": 0, "b": 0}, recorded=0), 5)
    release = step(late).release
    assert release is not None
    assert (release.phase, release.deadline) == (Phase.SHIFTING, timestamp(late.now + timedelta(minutes=30)))


def test_the_deadline_is_that_of_the_spec_and_counts_from_the_first_pod() -> None:
    seen = with_spec(at(Phase.PENDING), release={"deadline": "90s"})
    release = step(hours(seen, 5)).release
    assert release is not None
    assert release.deadline == timestamp(seen.now + timedelta(hours=5, seconds=90))


@pytest.mark.parametrize("trouble", [None, PASSING, STALL])
def test_a_first_release_is_never_rejected(trouble: Trouble | None) -> None:
    seen = with_workloads(first(Phase.PREPARING), unsettled("blue-backend", 0, trouble))
    state = step(hours(seen, 100))
    assert state.release is not None
    assert state.release.phase is Phase.PREPARING
    assert state.rejected == ()
    assert dict(state.colours) == {"blue": "memo-r1"}


def test_a_rejected_revision_stays_rejected_however_often_it_is_declared() -> None:
    seen = at(Phase.REJECTED)
    for declared in (R2, R1, R2, R1, R2):
        seen = onward(hours(replace(seen, declared=declared), 1))
        assert ids(seen) == ["rev-2"]
        assert seen.app.status.colours == {"blue": "memo-r1"}
    assert conditions(after(seen))["Stalled"] == (True, STALL.reason)


def test_retry_lets_it_try_again_and_once() -> None:
    seen = onward(ordered(at(Phase.REJECTED), RETRY_ANNOTATION, "again"))
    assert (phase_of(seen), seen.app.status.rejected) == (Phase.PENDING, None)
    assert seen.app.status.release is not None
    assert seen.app.status.release.id == "rev-2"
    seen = onward(crashing(until(seen, Phase.PREPARING)))
    assert phase_of(seen) is Phase.REJECTED
    for _ in range(3):
        seen = onward(seen)
        assert phase_of(seen) is Phase.REJECTED
    assert phase_of(onward(ordered(seen, RETRY_ANNOTATION, "and again"))) is Phase.PENDING


def test_another_revision_that_completed_forgives() -> None:
    seen = until(onward(replace(at(Phase.REJECTED), declared=R3)), Phase.COMPLETED)
    assert serves_now(seen.app.status) == ("green", "rev-3", 100)
    assert seen.app.status.rejected is None
    assert phase_of(onward(replace(seen, declared=R2))) is Phase.PENDING


def test_a_second_bad_version_after_the_first_leaves_what_serves_alone() -> None:
    seen = until(onward(replace(at(Phase.REJECTED), declared=R3)), Phase.PREPARING)
    assert serves_now(seen.app.status) == ("blue", "rev-1", 0)
    assert seen.app.status.colours == {"blue": "memo-r1", "green": "memo-r3"}
    seen = onward(crashing(seen))
    assert phase_of(seen) is Phase.REJECTED
    assert serves_now(seen.app.status) == ("blue", "rev-1", 0)
    assert seen.app.status.colours == {"blue": "memo-r1"}
    assert ids(seen) == ["rev-2", "rev-3"]
    for declared in (R2, R3, R2):
        seen = onward(replace(seen, declared=declared))
        assert phase_of(seen) is Phase.REJECTED
    seen = onward(ordered(seen, RETRY_ANNOTATION))
    assert (phase_of(seen), ids(seen)) == (Phase.PENDING, ["rev-3"])


def test_back_to_what_serves_all_is_well_again() -> None:
    for phase in (Phase.REJECTED, Phase.ROLLED_BACK):
        seen = onward(replace(at(phase), declared=R1))
        assert phase_of(seen) is Phase.WITHDRAWN
        assert conditions(after(seen))["Ready"] == (True, "Ready")
        assert after(onward(seen)) == after(seen)


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.PREPARING])
def test_another_spec_before_any_client_moved_starts_anew(phase: Phase) -> None:
    seen = onward(replace(at(phase), declared=R3))
    assert phase_of(seen) is Phase.WITHDRAWN
    assert seen.app.status.colours == {"blue": "memo-r1"}
    seen = onward(seen)
    assert seen.app.status.release is not None
    assert (seen.app.status.release.id, phase_of(seen)) == ("rev-3", Phase.PENDING)
    seen = until(seen, Phase.COMPLETED)
    assert serves_now(seen.app.status) == ("green", "rev-3", 100)


def test_another_spec_while_clients_move_goes_back_first_and_rejects_nothing() -> None:
    seen = replace(at(Phase.SHIFTING), declared=R3)
    passed = []
    while phase_of(seen) is not Phase.COMPLETED:
        seen = onward(seen)
        phase = phase_of(seen)
        assert phase is not None
        assert seen.app.status.rejected is None
        assert "blue" in (seen.app.status.colours or {})
        if not passed or passed[-1] != phase.value:
            passed.append(phase.value)
    assert passed == ["RollingBack", "Withdrawn", "Pending", "Preparing", "Shifting", "Completed"]
    assert serves_now(seen.app.status) == ("green", "rev-3", 100)


def test_another_spec_takes_the_place_of_a_warm_colour() -> None:
    seen = onward(replace(at(Phase.COMPLETED), declared=R3))
    assert phase_of(seen) is Phase.PENDING
    assert seen.app.status.colours == {"green": "memo-r2"}
    assert serves_now(seen.app.status) == ("green", "rev-2", 100)
    seen = until(seen, Phase.COMPLETED)
    assert serves_now(seen.app.status) == ("blue", "rev-3", 0)


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.SHIFTING])
def test_what_cannot_be_told_for_now_is_no_other_spec(phase: Phase) -> None:
    """A Secret went missing: what is under way names the copies, and goes on."""
    assert phase_after(replace(at(phase), declared=None)) is phase_after(at(phase))


def test_back_to_the_warm_colours_revision_its_pods_stay_and_take_over_again() -> None:
    seen = onward(replace(at(Phase.COMPLETED), declared=R1))
    assert phase_of(seen) is Phase.PENDING
    assert seen.app.status.colours == {"blue": "memo-r1", "green": "memo-r2"}
    seen = until(seen, Phase.COMPLETED)
    assert serves_now(seen.app.status) == ("blue", "rev-1", 0)


def test_no_client_moves_before_the_routers_know_both_colours() -> None:
    """A new port or a new entry is in the routers' configuration: their pods roll before the weights move."""
    seen = at(Phase.PREPARING)
    rolling = with_workloads(seen, unsettled("router"))
    assert phase_after(rolling) is Phase.PREPARING
    stale = replace(seen, children=(child(ChildState.DIFFERS), *seen.children[1:]))
    assert phase_after(stale) is Phase.PREPARING
    late = after(hours(rolling, 1))
    assert [item.reason for item in late.rejected or ()] == ["RouterNotReady"]
    assert [item.message for item in late.rejected or ()] == ["not every router is ready for 30m"]


def test_routers_that_do_not_take_the_weights_by_the_deadline_get_the_old_ones_back() -> None:
    seen = replace(at(Phase.SHIFTING), routers={"a": 100, "b": None}, recorded=100)
    assert phase_after(hours(seen, 0.4)) is Phase.SHIFTING
    status = after(hours(seen, 0.6))
    assert status.release is not None
    assert (status.release.phase, status.release.reason) == (Phase.ROLLING_BACK, "RoutersNotReached")
    assert serves_now(status) == ("blue", "rev-1", 0)


def test_a_release_notes_the_real_replicas_of_what_serves() -> None:
    seen = with_workloads(at(Phase.PENDING), settled("blue-backend", replicas=5))
    release = step(seen).release
    assert release is not None
    assert release.replicas == {"backend": 5, "frontend": 2}
    first_one = step(first(Phase.PENDING)).release
    assert first_one is not None
    assert first_one.replicas is None
