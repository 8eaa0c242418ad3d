"""Steps, soak, approval, and what a gate that does not pass makes of a release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from memoapp_operator.api.v1alpha1.gates import GateName
from memoapp_operator.api.v1alpha1.memoapp import Colour, RejectedStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.measurements import Verdict
from memoapp_operator.domain.observation import Observation, Trouble
from memoapp_operator.domain.orders import ABORT_ANNOTATION, APPROVE_ANNOTATION, RETRY_ANNOTATION
from memoapp_operator.domain.release import step
from memoapp_operator.domain.state import State, split

from tests.unit.domain.building import (
    NOW,
    R1,
    R2,
    R3,
    RESYNC,
    gradually,
    healthy,
    measurement,
    onward,
    phase_of,
    says,
    serving,
    until,
    with_spec,
    without_pods,
)
from tests.unit.domain.moves import at, at_step, gone, held_at, hours, measuring, ordered
from tests.unit.domain.reading import BLUE, GREEN, after, conditions, phase_after, serves_now

FAIL, ABORT, UNCLEAR = says(Verdict.FAIL), says(Verdict.FAIL, abort=True), says(Verdict.INCONCLUSIVE)


def later(seen: Observation, seconds: float) -> Observation:
    return replace(seen, now=seen.now + timedelta(seconds=seconds))


def shown(seen: Observation) -> str:
    return (seen.app.status.display or {})["release"]


def test_a_release_goes_through_its_steps_and_the_soak() -> None:
    seen, told = onward(onward(gradually(serving()), declared=R2)), []
    for _ in range(200):
        if not told or told[-1] != (shown(seen), seen.app.status.traffic):
            told.append((shown(seen), seen.app.status.traffic))
        seen = onward(seen)
    green = Colour.GREEN
    assert told == [
        ("Pending", BLUE),
        ("Preparing", BLUE),
        ("Shifting 10%", split(green, 10)),
        ("Shifting 50%", split(green, 50)),
        ("Shifting 100%", GREEN),
        ("Soaking", GREEN),
        ("Completed", GREEN),
    ]


def test_a_hold_is_not_over_before_its_time_however_well_the_gates_are() -> None:
    seen = at_step(10)
    since = datetime.fromisoformat(seen.app.status.release.since or "") if seen.app.status.release else NOW
    short = step(replace(seen, now=since + timedelta(seconds=29))).release
    over = step(replace(seen, now=since + timedelta(seconds=30))).release
    assert short is not None
    assert over is not None
    assert ((short.weight, short.since), (over.weight, over.passed, over.since)) == ((10, short.since), (50, 10, None))


def test_a_step_counts_from_the_moment_at_which_every_router_has_its_weight() -> None:
    seen = at(Phase.PREPARING)
    moving = onward(gradually(seen))
    stuck = replace(moving, routers={"a": 10, "b": 0})
    for pass_ in (stuck, later(stuck, 60)):
        release = step(pass_).release
        assert release is not None
        assert (release.weight, release.since) == (10, None)
    release = step(later(moving, 90)).release
    assert release is not None
    assert release.since is not None


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_no_traffic_moves_on_while_a_gate_does_not_pass(verdict: Verdict) -> None:
    seen = later(measuring(at_step(10), says(verdict, GateName.BACKEND_TIME)), 100)
    state = step(seen)
    assert state.traffic == split(Colour.GREEN, 10)
    assert phase_after(seen) is Phase.SHIFTING


def test_no_measurement_is_no_pass_and_neither_is_one_of_another_stage() -> None:
    seen = later(at_step(10), 100)
    assert step(replace(seen, measured=None)).traffic == split(Colour.GREEN, 10)
    stale = measurement(at_step(50).app)
    assert step(replace(seen, measured=stale)).traffic == split(Colour.GREEN, 10)
    assert step(seen).traffic == split(Colour.GREEN, 50)


def test_an_abort_goes_back_at_once_and_a_failure_after_its_limit() -> None:
    assert phase_after(measuring(at_step(10), ABORT)) is Phase.ROLLING_BACK
    seen = at_step(10)
    for _ in range(3):
        seen = onward(measuring(seen, FAIL))
        assert phase_of(seen) is Phase.SHIFTING
    back = onward(measuring(seen, FAIL))
    release = back.app.status.release
    assert release is not None
    assert (phase_of(back), back.app.status.traffic) == (Phase.ROLLING_BACK, BLUE)
    assert (release.reason, release.message) == (
        "GateFailed",
        "serverErrorPercent 7.2 > 5 on green (blue 0.0), 1,204 requests",
    )
    ended = until(back, Phase.ROLLED_BACK)
    assert conditions(after(ended))["Ready"] == (False, "GateFailed")
    assert conditions(after(ended))["Stalled"][0] is True
    assert [item.id for item in ended.app.status.rejected or ()] == [R2.id]
    assert phase_of(onward(hours(ended, 48))) is Phase.ROLLED_BACK


def test_failures_count_anew_in_each_step() -> None:
    seen = at_step(10)
    for _ in range(3):
        seen = onward(measuring(seen, FAIL))
    for _ in range(200):
        if seen.app.status.release and seen.app.status.release.weight == 50 and seen.app.status.release.since:
            break
        seen = onward(seen)
    assert phase_after(measuring(seen, FAIL)) is Phase.SHIFTING
    assert seen.app.status.release is not None
    assert not any(gate.failed for gate in seen.app.status.release.gates or ())


def test_the_gates_of_the_soak_send_the_clients_back_too() -> None:
    back = onward(measuring(at(Phase.SOAKING), ABORT))
    assert (phase_of(back), back.app.status.traffic) == (Phase.ROLLING_BACK, BLUE)
    assert serves_now(until(back, Phase.ROLLED_BACK).app.status) == ("blue", "rev-1", 0)


def test_while_the_old_colour_is_warm_only_an_abort_sends_them_back() -> None:
    seen = at(Phase.COMPLETED)
    assert phase_after(measuring(seen, FAIL)) is Phase.COMPLETED
    assert phase_after(measuring(seen, ABORT)) is Phase.ROLLING_BACK
    assert phase_after(measuring(at(Phase.RETIRED), ABORT)) is Phase.RETIRED
    assert phase_after(without_pods(measuring(seen, ABORT), "blue")) is Phase.COMPLETED
    watched = seen.app.spec.gates.model_copy(update={"dry_run": ["serverErrorPercent"]})
    dry = seen.app.model_copy(update={"spec": seen.app.spec.model_copy(update={"gates": watched})})
    assert phase_after(replace(measuring(seen, ABORT), app=dry)) is Phase.COMPLETED


def test_what_cannot_be_told_until_the_deadline_goes_back_and_is_tried_again() -> None:
    seen = at_step(10)
    assert phase_after(measuring(hours(seen, 0.5), UNCLEAR)) is Phase.SHIFTING
    young = measuring(hours(seen, 1), UNCLEAR, seconds=30.0)
    assert phase_after(young) is Phase.SHIFTING  # this process has not looked for long enough
    ended = until(onward(measuring(hours(seen, 1), UNCLEAR)), Phase.ROLLED_BACK)
    (rejected,) = ended.app.status.rejected or ()
    assert (rejected.reason, rejected.attempts) == ("GateInconclusive", 1)
    assert "serverErrorPercent: 3 of the 20 requests" in rejected.message
    assert phase_of(onward(hours(ended, 0.9))) is Phase.ROLLED_BACK
    again = onward(hours(ended, 1.1))
    assert phase_of(again) is Phase.PENDING
    assert decide(hours(ended, 0.99), resync=3600).again < 60
    assert phase_of(onward(ordered(ended, RETRY_ANNOTATION))) is Phase.PENDING


def test_each_time_it_is_tried_again_it_waits_longer_and_no_longer_than_a_day() -> None:
    state, waits = State.of(serving().app.status), []
    why = step(onward(measuring(hours(at_step(10), 1), UNCLEAR))).release
    assert why is not None
    for _ in range(8):
        ended = until(onward(measuring(hours(at_step(10), 1), UNCLEAR)), Phase.ROLLED_BACK)
        entry = (ended.app.status.rejected or [])[0]
        state = state.rejecting(R2.id, _trouble(entry), NOW)
        waits.append((datetime.fromisoformat(state.rejected[-1].retry_at or "") - NOW).total_seconds() / 3600)
    assert waits == [1, 2, 4, 8, 16, 24, 24, 24]


def _trouble(entry: RejectedStatus) -> Trouble:
    return Trouble(entry.reason, entry.message, stalls=True)


def test_sources_that_do_not_answer_prove_nothing_against_the_version() -> None:
    seen = at_step(10)
    for _ in range(6):
        seen = onward(measuring(seen, says(Verdict.ERROR)))
    ended = until(seen, Phase.ROLLED_BACK)
    (rejected,) = ended.app.status.rejected or ()
    assert (rejected.reason, rejected.retry_at is not None) == ("GateError", True)


def test_an_old_colour_that_dies_leaves_the_clients_with_the_new_one_loudly() -> None:
    dying = gone(at_step(10), "blue")
    assert phase_after(dying) is Phase.ROLLING_BACK
    held = onward(without_pods(onward(dying), "blue"))
    assert (phase_of(held), held.app.status.traffic) == (Phase.HELD, GREEN)
    assert conditions(after(without_pods(held, "blue")))["Ready"] == (False, "Held")
    back = onward(held)
    assert (phase_of(back), back.app.status.traffic) == (Phase.ROLLING_BACK, GREEN)


def test_held_keeps_the_weight_of_the_last_step_that_passed() -> None:
    seen = at_step(50, onFailure="Hold")
    for _ in range(4):
        seen = onward(measuring(seen, FAIL))
    assert (phase_of(seen), seen.app.status.traffic) == (Phase.HELD, split(Colour.GREEN, 10))
    assert conditions(after(seen))["Ready"] == (False, "Held")
    assert phase_of(onward(hours(seen, 10))) is Phase.HELD


def test_held_over_an_abort_limit_keeps_the_clients_with_the_old_colour() -> None:
    assert held_at(50).app.status.traffic == BLUE


@pytest.mark.parametrize(
    ("annotation", "weight", "passed"), [(RETRY_ANNOTATION, 50, 10), (APPROVE_ANNOTATION, 100, 50)]
)
def test_a_person_has_the_step_tried_again_or_lets_it_pass(annotation: str, weight: int, passed: int) -> None:
    seen = onward(ordered(held_at(50), annotation))
    release = seen.app.status.release
    assert release is not None
    assert (release.phase, release.weight, release.passed, release.reason) == (Phase.SHIFTING, weight, passed, None)
    assert seen.app.status.traffic == split(Colour.GREEN, weight)


def test_a_soak_that_a_person_lets_pass_is_over() -> None:
    seen = onward(measuring(gradually(at(Phase.SOAKING), onFailure="Hold"), ABORT))
    assert (phase_of(seen), serves_now(seen.app.status)) == (Phase.HELD, ("blue", "rev-1", 0))
    done = onward(onward(ordered(seen, APPROVE_ANNOTATION)))
    assert (phase_of(done), serves_now(done.app.status)) == (Phase.COMPLETED, ("green", "rev-2", 100))


def test_a_person_gives_a_held_release_up() -> None:
    back = onward(ordered(held_at(50), ABORT_ANNOTATION))
    assert phase_of(back) is Phase.ROLLING_BACK
    ended = until(back, Phase.ROLLED_BACK)
    assert conditions(after(ended))["Ready"] == (False, "AbortedByHand")


@pytest.mark.parametrize("phase", [Phase.PENDING, Phase.PREPARING, Phase.APPROVING])
def test_what_has_no_clients_yet_is_rejected_by_an_abort(phase: Phase) -> None:
    seen = onward(ordered(at(phase), ABORT_ANNOTATION))
    assert (phase_of(seen), seen.app.status.traffic) == (Phase.REJECTED, BLUE)
    assert "green" not in (seen.app.status.colours or {})
    assert conditions(after(seen))["Ready"] == (False, "AbortedByHand")


def test_approval_is_waited_for_and_counts_for_this_release_alone() -> None:
    seen = at(Phase.APPROVING)
    assert phase_of(onward(hours(seen, 100))) is Phase.APPROVING
    gone_one = ordered(seen, APPROVE_ANNOTATION, R1.id)
    assert phase_of(onward(onward(gone_one))) is Phase.APPROVING
    assert "ApproveIgnored" in [note.reason for note in decide(gone_one, resync=RESYNC).notes]
    assert phase_of(onward(onward(ordered(seen, APPROVE_ANNOTATION, "yes")))) is Phase.SHIFTING


def test_an_old_approval_lets_no_later_release_pass() -> None:
    seen = with_spec(ordered(serving(), APPROVE_ANNOTATION, "yes"), release={"approval": "Manual"})
    waiting = until(onward(onward(seen), declared=R2), Phase.APPROVING)
    assert phase_of(onward(waiting)) is Phase.APPROVING
    early = gradually(ordered(at(Phase.PREPARING), APPROVE_ANNOTATION, R2.id), approval="Manual")
    assert phase_of(onward(onward(early))) is Phase.SHIFTING


def test_a_new_spec_in_mid_release_takes_the_clients_back_first() -> None:
    for seen in (at_step(10), at_step(50), at(Phase.SOAKING), held_at(50)):
        back = onward(replace(seen, declared=R3))
        assert (phase_of(back), back.app.status.traffic) == (Phase.ROLLING_BACK, BLUE)
        release = until(back, Phase.PENDING).app.status.release
        assert release is not None
        assert release.id == R3.id


def test_steps_that_change_in_mid_release_are_followed_upwards() -> None:
    seen = later(at_step(10), 100)
    for steps, weight in (([{"weight": 30, "hold": "1s"}], 30), ([{"weight": 5, "hold": "1h"}], 100), ([], 100)):
        release = step(replace(with_spec(seen, release={"steps": steps}), measured=seen.measured)).release
        assert release is not None
        assert release.weight == weight


def test_a_hold_of_nothing_waits_for_its_gates_all_the_same() -> None:
    seen = at_step(10)
    at_once = with_spec(seen, release={"steps": [{"weight": 10, "hold": "0s"}], "soak": "0s"})
    assert step(measuring(at_once, UNCLEAR)).traffic == split(Colour.GREEN, 10)
    assert step(measuring(at_once)).traffic == GREEN


def test_the_first_release_has_nothing_to_be_compared_with() -> None:
    seen = onward(gradually(healthy()))
    assert phase_of(until(seen, Phase.COMPLETED)) is Phase.COMPLETED


def test_a_step_under_way_is_written_when_something_changes_and_not_before() -> None:
    seen = onward(at_step(10))
    assert after(measuring(later(seen, 1))) == seen.app.status
    changed = after(measuring(later(seen, 1), UNCLEAR))
    assert changed != seen.app.status


def test_the_history_has_the_last_ten_the_newest_first() -> None:
    seen = serving()
    for number in range(12):
        seen = until(onward(replace(seen, declared=(R2, R1)[number % 2])), Phase.COMPLETED)
    history = seen.app.status.history or []
    assert [item.id for item in history] == [R1.id, R2.id] * 5
    back = until(onward(measuring(seen, ABORT)), Phase.ROLLED_BACK)
    first, second = (back.app.status.history or [])[:2]
    assert (first.id, first.result, first.reason) == (R1.id, Phase.ROLLED_BACK, "GateFailed")
    assert second.id == R2.id
    assert len(back.app.status.history or []) == 10


@pytest.mark.parametrize(
    ("seen", "result", "reason"),
    [
        (lambda: at(Phase.REJECTED), Phase.REJECTED, "CrashLoopBackOff"),
        (lambda: at(Phase.WITHDRAWN), Phase.WITHDRAWN, None),
        (lambda: at(Phase.ROLLED_BACK), Phase.ROLLED_BACK, "NoReadyPods"),
        (lambda: onward(replace(without_pods(at(Phase.HELD), "blue"), declared=R3)), Phase.HELD, "NoReadyPods"),
    ],
)
def test_every_end_is_remembered_with_its_reason(
    seen: Callable[[], Observation], result: Phase, reason: str | None
) -> None:
    entry = (seen().app.status.history or [])[0]
    assert (entry.id, entry.result, entry.reason) == (R2.id, result, reason)
