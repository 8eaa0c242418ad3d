"""The way back: its order, what holds it, the colour that is kept warm for it; and what people order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoAppStatus, RejectedStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.colours import GONE_AFTER
from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.decide import PROGRESS_INTERVAL, STALLED_INTERVAL, decide
from memoapp_operator.domain.observation import ChildState, Observation, Trouble
from memoapp_operator.domain.orders import RETRY_ANNOTATION, ROLLBACK_ANNOTATION
from memoapp_operator.domain.release import step
from memoapp_operator.domain.restarts import RESTART_ANNOTATION
from memoapp_operator.domain.state import BY_HAND, holder

from tests.unit.domain.building import (
    R3,
    RESYNC,
    STALL,
    Child,
    child,
    committed,
    onward,
    phase_of,
    serving,
    settled,
    unsettled,
    until,
    with_spec,
    with_workloads,
    without_pods,
)
from tests.unit.domain.moves import at, gone, hours, ordered
from tests.unit.domain.reading import BLUE, GREEN, after, conditions, phase_after, serves_now


def rolled_back(seen: Observation) -> list[tuple[str, int, tuple[str, ...], str]]:
    """Phase, green's share, colours and what serves, pass by pass until it is over."""
    told = []
    while not told or told[-1][0] not in {"RolledBack", "Withdrawn"}:
        seen = onward(seen)
        status = seen.app.status
        assert status.release is not None
        colour, _, share = serves_now(status)
        told.append((status.release.phase.value, share, tuple(sorted(status.colours or {})), colour))
    return told


BACK = {
    "pods lost while clients move": (lambda: without_pods(at(Phase.SHIFTING), "green"), "blue"),
    "pods lost afterwards": (lambda: gone(at(Phase.COMPLETED), "green"), "green"),
    "by order": (lambda: ordered(at(Phase.COMPLETED), ROLLBACK_ANNOTATION), "green"),
}


@pytest.mark.parametrize(("begin", "served"), BACK.values(), ids=BACK)
def test_a_way_back_is_written_down_then_walked_then_cleared_then_closed(begin: Any, served: str) -> None:
    """Promise 4: RollingBack with the weights; then the pods of the new colour; only then RolledBack."""
    assert rolled_back(begin()) == [
        ("RollingBack", 0, ("blue", "green"), served),
        ("RollingBack", 0, ("blue",), "blue"),
        ("RolledBack", 0, ("blue",), "blue"),
    ]


def test_no_pod_goes_before_every_router_sends_the_clients_back() -> None:
    seen = replace(at(Phase.ROLLING_BACK), routers={"a": 0, "b": 100})
    for _ in range(3):
        seen = onward(seen, routers={"a": 0, "b": 100})
        assert seen.app.status.colours == {"blue": "memo-r1", "green": "memo-r2"}
        assert phase_of(seen) is Phase.ROLLING_BACK


def test_it_is_not_over_while_a_pod_of_the_new_colour_is_left() -> None:
    seen = onward(at(Phase.ROLLING_BACK))
    left = with_workloads(seen, settled("green-backend"))
    assert phase_after(left) is Phase.ROLLING_BACK
    assert phase_after(seen) is Phase.ROLLED_BACK


def test_a_revision_that_was_rolled_back_is_rejected_with_its_reason() -> None:
    lost = with_workloads(at(Phase.SHIFTING), unsettled("green-backend", 0, STALL))
    seen = until(onward(lost), Phase.ROLLED_BACK)
    assert seen.app.status.rejected == [RejectedStatus(id="rev-2", reason=STALL.reason, message=STALL.message)]
    status = after(seen)
    found = conditions(status)
    assert (found["Available"][0], found["Ready"][0], found["Stalled"]) == (True, False, (True, STALL.reason))
    plain = until(at(Phase.ROLLING_BACK), Phase.ROLLED_BACK).app.status.rejected
    assert plain == [RejectedStatus(id="rev-2", reason="NoReadyPods", message="no pod of green is ready")]


def test_a_serving_colour_that_crashes_again_and_again_is_looked_at_often() -> None:
    """It stalls, which is looked at every ten seconds; but the clients go back to the warm colour after five."""
    seen = at(Phase.COMPLETED)
    moment = timestamp(seen.now)
    decision = decide(with_workloads(seen, unsettled("green-backend", 0, STALL, gone_since=moment)), resync=RESYNC)
    assert conditions(decision.status)["Stalled"] == (True, STALL.reason)
    assert decision.again == PROGRESS_INTERVAL
    alone = with_workloads(serving(), unsettled("blue-backend", 0, STALL, gone_since=moment))
    assert decide(alone, resync=RESYNC).again == STALLED_INTERVAL


def test_the_weights_stay_where_nobody_could_serve_and_go_back_once_somebody_can() -> None:
    seen = without_pods(gone(at(Phase.SHIFTING), "green"), "blue")
    state = step(seen)
    assert state.release is not None
    assert (state.release.phase, state.traffic) == (Phase.ROLLING_BACK, GREEN)
    well_again = onward(onward(seen))
    assert serves_now(well_again.app.status)[2] == 0


def test_held_keeps_the_clients_with_the_colour_that_has_pods_and_tells_people() -> None:
    seen = without_pods(at(Phase.ROLLING_BACK), "blue")
    decision = decide(seen, resync=RESYNC)
    status = decision.status
    assert status.traffic == GREEN
    assert set(status.colours or {}) == {"blue", "green"}
    text = "no pod of green is ready; and blue has no ready pod"
    assert status.release is not None
    assert (status.release.phase, status.release.message) == (Phase.HELD, text)
    assert conditions(status)["Stalled"] == (True, "Held")
    told = [(note.warning, note.reason) for note in decision.notes]
    assert (True, "ReleaseHeld") in told
    assert (True, "Held") in told


def test_held_with_nobody_well_moves_nobody() -> None:
    seen = without_pods(without_pods(at(Phase.ROLLING_BACK), "blue"), "green")
    status = after(seen)
    assert (status.release.phase if status.release else None) is Phase.HELD
    assert status.traffic == BLUE
    still = without_pods(without_pods(onward(seen), "blue"), "green")
    assert after(committed(still)) == after(still)


def test_held_ends_by_itself_once_the_old_colour_is_well() -> None:
    seen = at(Phase.HELD)
    assert rolled_back(seen)[-1] == ("RolledBack", 0, ("blue",), "blue")
    rejected = until(onward(seen), Phase.ROLLED_BACK).app.status.rejected
    assert [item.message for item in rejected or ()] == ["no pod of green is ready"]


def test_held_again_and_again_says_the_same_and_never_more_than_the_api_takes() -> None:
    said = Trouble("CrashLoopBackOff", "x" * 2000, stalls=True)
    seen = onward(with_workloads(at(Phase.SHIFTING), unsettled("green-backend", 0, said)))
    messages = set()
    for _ in range(3):
        seen = onward(without_pods(seen, "blue"))
        assert seen.app.status.release is not None
        messages.add(seen.app.status.release.message)
        MemoAppStatus.model_validate(seen.app.status.model_dump(mode="json", by_alias=True, exclude_none=True))
        seen = onward(seen)
        assert phase_of(seen) is Phase.ROLLING_BACK
    (message,) = messages
    assert message is not None
    assert message.endswith("x; and blue has no ready pod")


def test_held_while_withdrawing_says_why_and_is_withdrawn_in_the_end() -> None:
    seen = onward(replace(at(Phase.SHIFTING), declared=R3))
    held = onward(without_pods(seen, "blue"))
    assert held.app.status.release is not None
    assert held.app.status.release.message == "the spec changed; and blue has no ready pod"
    seen = until(onward(held), Phase.WITHDRAWN)
    assert seen.app.status.rejected is None
    assert seen.app.status.release is not None
    assert seen.app.status.release.message is None


def test_a_person_may_keep_the_new_colour_of_a_held_release() -> None:
    seen = without_pods(at(Phase.HELD), "blue")
    assert phase_after(seen) is Phase.HELD
    kept = committed(ordered(seen, RETRY_ANNOTATION))
    assert phase_of(kept) is Phase.SHIFTING
    done = without_pods(onward(kept), "blue")
    assert phase_of(done) is Phase.COMPLETED
    assert serves_now(done.app.status) == ("green", "rev-2", 100)
    assert done.app.status.release is not None
    assert (done.app.status.release.reason, done.app.status.release.message) == (None, None)


def test_held_the_clients_follow_the_colour_that_comes_back_first() -> None:
    """They were on their way to blue when blue lost its pods too; green is well again, and blue is not."""
    both = without_pods(without_pods(at(Phase.ROLLING_BACK), "blue"), "green")
    held = without_pods(onward(both), "blue")
    assert (phase_of(held), held.app.status.traffic) == (Phase.HELD, BLUE)
    followed = committed(held)
    assert (phase_of(followed), followed.app.status.traffic) == (Phase.HELD, GREEN)
    kept = committed(ordered(without_pods(held, "blue"), RETRY_ANNOTATION))
    assert (phase_of(kept), kept.app.status.traffic) == (Phase.SHIFTING, GREEN)


def test_held_another_revision_never_comes_up_under_the_clients() -> None:
    """Green completed and went down, the clients are back with blue, and blue went down too: blue is what is left."""
    back = onward(gone(at(Phase.COMPLETED), "green"))
    assert (phase_of(back), back.app.status.traffic) == (Phase.ROLLING_BACK, BLUE)
    held = onward(without_pods(without_pods(back, "blue"), "green"))
    seen = onward(replace(without_pods(without_pods(held, "blue"), "green"), declared=R3))
    assert phase_of(seen) is Phase.PENDING
    assert seen.app.status.active is not None
    assert seen.app.status.release is not None
    assert (seen.app.status.active.colour, seen.app.status.traffic) == (Colour.BLUE, BLUE)
    assert seen.app.status.release.colour is Colour.GREEN


def test_a_warm_colour_is_not_given_up_for_a_new_release_while_it_is_the_way_back() -> None:
    dying = gone(at(Phase.COMPLETED), "green", seconds=1)
    assert phase_after(replace(dying, declared=R3)) is Phase.COMPLETED
    assert phase_after(replace(gone(at(Phase.COMPLETED), "green"), declared=R3)) is Phase.ROLLING_BACK


def test_a_held_release_whose_new_colour_cannot_serve_is_not_kept_by_order() -> None:
    seen = without_pods(without_pods(at(Phase.HELD), "blue"), "green")
    assert phase_after(ordered(seen, RETRY_ANNOTATION)) is Phase.HELD


def test_keep_old_is_over_when_it_is_over() -> None:
    seen = at(Phase.COMPLETED)
    early = replace(seen, now=seen.now + timedelta(minutes=29))
    assert phase_after(early) is Phase.COMPLETED
    retired = onward(replace(seen, now=seen.now + timedelta(minutes=30)))
    assert phase_of(retired) is Phase.RETIRED
    assert retired.app.status.colours == {"green": "memo-r2"}
    assert serves_now(retired.app.status) == ("green", "rev-2", 100)
    assert (retired.app.status.display or {})["release"] == "Completed"
    assert decide(early, resync=3600).again == 10


def test_no_time_is_kept_where_none_is_asked_for() -> None:
    seen = with_spec(at(Phase.COMPLETED), release={"keepOld": "0s"})
    assert phase_after(seen) is Phase.RETIRED


def test_a_serving_colour_is_given_up_only_after_a_while() -> None:
    seen = at(Phase.COMPLETED)
    assert phase_after(gone(seen, "green", GONE_AFTER - 1)) is Phase.COMPLETED
    assert phase_after(gone(seen, "green", GONE_AFTER)) is Phase.ROLLING_BACK
    assert phase_after(without_pods(seen, "green")) is Phase.COMPLETED


def test_one_tier_without_pods_is_a_colour_that_cannot_serve() -> None:
    seen = at(Phase.COMPLETED)
    since = timestamp(seen.now - timedelta(seconds=GONE_AFTER))
    one = with_workloads(seen, unsettled("green-frontend", 0, gone_since=since))
    assert phase_after(one) is Phase.ROLLING_BACK
    some = with_workloads(seen, unsettled("green-frontend", 1, gone_since=since))
    assert phase_after(some) is Phase.COMPLETED


def test_a_serving_colour_is_not_given_up_for_one_that_is_no_better() -> None:
    assert phase_after(without_pods(gone(at(Phase.COMPLETED), "green"), "blue")) is Phase.COMPLETED
    assert phase_after(gone(at(Phase.RETIRED), "green")) is Phase.RETIRED


@pytest.mark.parametrize(("seconds", "phase"), [(1, Phase.COMPLETED), (GONE_AFTER, Phase.ROLLING_BACK)])
def test_pods_of_both_colours_that_come_back_together_are_no_reason_to_move(seconds: float, phase: Phase) -> None:
    """The database was down for a minute, and no pod was ready: which colour's are asked first says nothing."""
    seen = gone(at(Phase.COMPLETED), "green", 60)
    back = timestamp(seen.now - timedelta(seconds=seconds))
    warm = {name: replace(seen.workloads[name], ready_since=back) for name in ("blue-backend", "blue-frontend")}
    assert phase_after(with_workloads(seen, warm)) is phase


def test_a_roll_back_by_order_says_so_until_the_spec_changes() -> None:
    seen = until(onward(ordered(at(Phase.COMPLETED), ROLLBACK_ANNOTATION)), Phase.ROLLED_BACK)
    assert serves_now(seen.app.status) == ("blue", "rev-1", 0)
    assert conditions(after(seen))["Ready"] == (False, BY_HAND)
    assert BY_HAND == "RolledBackByHand"
    assert phase_of(onward(replace(seen, declared=R3))) is Phase.PENDING


def test_a_roll_back_is_carried_out_once() -> None:
    seen = until(onward(ordered(at(Phase.COMPLETED), ROLLBACK_ANNOTATION, "n")), Phase.ROLLED_BACK)
    again = until(onward(ordered(seen, RETRY_ANNOTATION, "m")), Phase.COMPLETED)
    assert again.app.status.orders is not None
    assert (again.app.status.orders.rollback, again.app.status.orders.retry) == ("n", "m")
    assert serves_now(again.app.status)[1] == "rev-2"
    assert phase_of(onward(again)) is Phase.COMPLETED


BACK = {Phase.SHIFTING, Phase.SOAKING, Phase.COMPLETED, Phase.RETIRED}


@pytest.mark.parametrize("phase", sorted(set(Phase) - BACK))
def test_a_roll_back_that_has_nowhere_to_go_is_noted_and_changes_nothing(phase: Phase) -> None:
    plain, told = step(at(phase)), step(ordered(at(phase), ROLLBACK_ANNOTATION, "n"))
    assert told.orders.rollback == "n"
    assert replace(told, orders=plain.orders) == plain


@pytest.mark.parametrize("phase", [Phase.SHIFTING, Phase.SOAKING])
def test_a_roll_back_in_mid_release_takes_the_clients_back(phase: Phase) -> None:
    seen = onward(ordered(at(phase), ROLLBACK_ANNOTATION, "n"))
    assert (phase_of(seen), seen.app.status.traffic) == (Phase.ROLLING_BACK, BLUE)
    assert serves_now(until(seen, Phase.ROLLED_BACK).app.status) == ("blue", "rev-1", 0)


@pytest.mark.parametrize("cold", [at(Phase.RETIRED), without_pods(at(Phase.COMPLETED), "blue")])
def test_a_roll_back_to_a_colour_that_is_gone_is_a_release_of_what_served_before(cold: Observation) -> None:
    seen = onward(ordered(cold, ROLLBACK_ANNOTATION, "n"))
    assert seen.app.status.release is not None
    assert (seen.app.status.release.id, seen.app.status.release.instead) == ("rev-1", "rev-2")
    back = until(seen, Phase.COMPLETED)
    assert serves_now(back.app.status) == ("blue", "rev-1", 0)
    for later in (back, onward(back), onward(hours(back, 2))):
        assert conditions(after(later))["Ready"] == (False, BY_HAND)
        assert serves_now(after(later)) == ("blue", "rev-1", 0)
    assert phase_of(onward(replace(back, declared=R3))) is Phase.PENDING
    again = until(onward(ordered(back, RETRY_ANNOTATION, "m")), Phase.COMPLETED)
    assert serves_now(again.app.status) == ("green", "rev-2", 100)


def test_a_roll_back_never_brings_a_revision_that_was_rejected_since() -> None:
    seen = onward(ordered(at(Phase.RETIRED), ROLLBACK_ANNOTATION, "n"))
    back = until(seen, Phase.COMPLETED)
    # The spec follows: what serves is declared, and what served before it is rejected.
    first = next(item for item in back.stored.values() if item.id == "rev-1")
    cold = without_pods(replace(back, declared=first), "green")
    told = onward(ordered(cold, ROLLBACK_ANNOTATION, "again"))
    assert [item.id for item in told.app.status.rejected or ()] == ["rev-2"]
    assert phase_of(told) is Phase.COMPLETED
    assert serves_now(told.app.status) == ("blue", "rev-1", 0)


def test_the_declared_revision_comes_back_in_the_middle_of_such_a_release_only_if_the_spec_changes() -> None:
    seen = onward(ordered(at(Phase.RETIRED), ROLLBACK_ANNOTATION, "n"))
    assert phase_of(onward(seen)) is Phase.PREPARING
    assert phase_of(onward(replace(onward(seen), declared=R3))) is Phase.WITHDRAWN


def test_a_restart_lets_pass_what_waits_now_and_nothing_later() -> None:
    def waiting(digest: str) -> Child:
        return replace(child(ChildState.WAITING), detail=digest)

    seen = serving(children=(waiting("d2"), waiting("d1"), child(ChildState.CURRENT)))
    assert conditions(after(seen))["Ready"] == (False, "RestartPending")
    done = committed(ordered(seen, RESTART_ANNOTATION, "n"))
    assert done.app.status.orders is not None
    assert (done.app.status.orders.restart, done.app.status.orders.restarts) == ("n", ["d1", "d2"])
    assert conditions(after(done))["Ready"] == (True, "Ready")
    later = committed(replace(done, children=(waiting("d3"),)))
    assert later.app.status.orders == done.app.status.orders
    assert conditions(after(later))["Ready"] == (False, "RestartPending")


def test_an_order_is_written_down_before_a_pod_goes_even_where_the_routers_are_there_already() -> None:
    state = step(ordered(replace(at(Phase.COMPLETED), routers={"a": 0}), ROLLBACK_ANNOTATION))
    assert state.release is not None
    assert state.release.phase is Phase.ROLLING_BACK
    assert set(state.colours) == {"blue", "green"}


def test_held_another_revision_comes_up_in_the_place_of_the_colour_without_clients() -> None:
    """Green has the clients and is not well, blue has no pods: neither way is good, and a third one is declared."""
    held = without_pods(at(Phase.HELD), "blue")
    seen = onward(replace(held, declared=R3))
    assert phase_of(seen) is Phase.PENDING
    assert seen.app.status.release is not None
    assert seen.app.status.traffic is not None
    place = seen.app.status.release.colour
    assert place is not holder(seen.app.status.traffic)
    assert place.value not in (seen.app.status.colours or {})
    assert holder(seen.app.status.traffic) in (seen.app.status.colours or {})
    seen = until(seen, Phase.COMPLETED)
    assert serves_now(seen.app.status)[:2] == (place.value, "rev-3")


def test_held_what_failed_stays_rejected_where_another_revision_goes_on() -> None:
    both = without_pods(without_pods(at(Phase.ROLLING_BACK), "blue"), "green")
    held = without_pods(without_pods(onward(both), "blue"), "green")
    assert phase_of(held) is Phase.HELD
    assert held.app.status.traffic == BLUE
    seen = onward(replace(held, declared=R3))
    assert [item.id for item in seen.app.status.rejected or ()] == ["rev-2"]
    assert (seen.app.status.colours, phase_of(seen)) == ({"blue": "memo-r1"}, Phase.PENDING)


def test_held_the_weights_must_be_in_every_router_before_another_revision_takes_a_colour() -> None:
    held = without_pods(at(Phase.HELD), "blue")
    seen = replace(held, declared=R3, routers={"a": 100, "b": 0})
    assert phase_after(seen) is Phase.HELD
