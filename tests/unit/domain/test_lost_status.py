"""A status that was lost is rebuilt from what is live; and what is suspended stays as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoAppStatus, RejectedStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.observation import Observation
from memoapp_operator.domain.orders import RETRY_ANNOTATION, ROLLBACK_ANNOTATION
from memoapp_operator.domain.release import rebuilt, step
from memoapp_operator.domain.restarts import RESTART_ANNOTATION
from memoapp_operator.domain.state import State, rejection_text, rejections_in

from tests.unit.domain.building import (
    R1,
    R2,
    R3,
    WELL,
    committed,
    decided,
    healthy,
    memoapp,
    onward,
    phase_of,
    serving,
    spec,
    unsettled,
    until,
    with_spec,
    with_workloads,
)
from tests.unit.domain.moves import at, hours, ordered, suspended
from tests.unit.domain.reading import GREEN, after, conditions, phase_after, serves_now


def lost(seen: Observation, **changes: Any) -> Observation:
    """The same cluster without the status: Deployments and the routers' ConfigMap are what is left."""
    status = seen.app.status
    return replace(
        seen,
        app=memoapp(spec()),
        found=dict(status.colours or {}),
        **{
            "recorded": status.traffic.green if status.traffic else None,
            "noted": rejections_in(rejection_text(status.rejected or ())),
            **changes,
        },
    )


# PENDING and PREPARING begin again; a switch counts as made where its weights were set.
REBUILT = {
    Phase.PENDING: ("blue", "rev-1", 0),
    Phase.PREFLIGHT: ("blue", "rev-1", 0),
    Phase.BACKING_UP: ("blue", "rev-1", 0),
    Phase.MIGRATING: ("blue", "rev-1", 0),
    Phase.TESTING: ("blue", "rev-1", 0),
    Phase.PREPARING: ("blue", "rev-1", 0),
    Phase.APPROVING: ("blue", "rev-1", 0),
    Phase.SHIFTING: ("green", "rev-2", 100),
    Phase.SOAKING: ("green", "rev-2", 100),
    Phase.COMPLETED: ("green", "rev-2", 100),
    Phase.RETIRED: ("green", "rev-2", 100),
    Phase.ROLLING_BACK: ("blue", "rev-1", 0),
    Phase.ROLLED_BACK: ("blue", "rev-1", 0),
    Phase.HELD: ("green", "rev-2", 100),
    Phase.REJECTED: ("blue", "rev-1", 0),
    Phase.WITHDRAWN: ("blue", "rev-1", 0),
}


@pytest.mark.parametrize("phase", Phase)
def test_a_lost_status_is_rebuilt_with_what_serves_and_what_is_rejected(phase: Phase) -> None:
    seen = at(phase)
    status = after(lost(seen))
    assert serves_now(status) == REBUILT[phase]
    assert status.rejected == seen.app.status.rejected
    assert REBUILT[phase][0] in (status.colours or {})


def test_once_rebuilt_it_goes_on_where_it_can() -> None:
    seen = onward(lost(at(Phase.PREPARING)))
    # The pods that were coming up are of the very revision that begins again: they stay.
    assert (phase_of(seen), seen.app.status.colours) == (Phase.PENDING, {"blue": "memo-r1", "green": "memo-r2"})
    assert serves_now(until(seen, Phase.COMPLETED).app.status) == ("green", "rev-2", 100)


def test_what_was_rejected_is_not_tried_again_because_the_status_was_lost() -> None:
    for phase in (Phase.REJECTED, Phase.ROLLED_BACK):
        seen = onward(lost(at(phase)))
        assert seen.app.status.rejected is not None
        assert seen.app.status.colours == {"blue": "memo-r1"}
        assert conditions(after(seen))["Stalled"][0] is True


@pytest.mark.parametrize("annotation", [RETRY_ANNOTATION, ROLLBACK_ANNOTATION, RESTART_ANNOTATION])
def test_an_order_of_old_is_not_obeyed_once_more_because_the_status_was_lost(annotation: str) -> None:
    for phase in (Phase.COMPLETED, Phase.REJECTED, Phase.ROLLED_BACK):
        plain, told = step(lost(at(phase))), step(lost(ordered(at(phase), annotation, "old")))
        assert replace(told, orders=plain.orders) == plain
        assert "old" in told.orders.model_dump().values()


def test_nothing_to_rebuild_from_is_a_first_release() -> None:
    assert rebuilt(healthy()) == State.of(MemoAppStatus())
    assert phase_after(healthy()) is Phase.PENDING


def test_what_serves_is_kept_even_where_its_stored_revision_was_deleted_too() -> None:
    seen = lost(at(Phase.RETIRED), stored={R1.name: R1})
    status = after(seen)
    assert status.active is not None
    assert (status.active.colour, status.active.version) == (Colour.GREEN, "unknown")
    assert (status.colours or {})["green"] == "memo-r2"
    assert status.traffic == GREEN


def test_a_way_back_to_a_colour_whose_stored_revision_was_deleted_names_that_colour() -> None:
    seen = ordered(at(Phase.COMPLETED), ROLLBACK_ANNOTATION)
    for _ in range(3):
        seen = onward(replace(seen, stored={R2.name: R2}))
    assert seen.app.status.active is not None
    assert seen.app.status.active.colour is Colour.BLUE
    assert "blue" in step(replace(seen, declared=R3, stored={R2.name: R2})).colours


REJECTIONS = [
    RejectedStatus(id="rev-2", reason="CrashLoopBackOff", message="a b\n c"),
    RejectedStatus(id="rev-3", reason="HealthNotReached", message=""),
]


@pytest.mark.parametrize("rejected", [[], REJECTIONS[:1], REJECTIONS[1:], REJECTIONS])
def test_rejections_are_read_back_as_they_were_written_a_line_each(rejected: list[RejectedStatus]) -> None:
    text = rejection_text(rejected)
    assert text.count("\n") == len(rejected)
    in_a_line = [item.model_copy(update={"message": " ".join(item.message.split())}) for item in rejected]
    assert list(rejections_in(text)) == in_a_line


@pytest.mark.parametrize("text", ["", " ", "rev-2", "rev-2 "])
def test_half_a_rejection_is_none(text: str) -> None:
    assert rejections_in(text) == ()


# With no pod anywhere the clients are with the old colour by being said to be: what moved is ended as it stood.
ENDED = {
    Phase.SHIFTING: (Phase.WITHDRAWN, []),
    Phase.SOAKING: (Phase.WITHDRAWN, []),
    Phase.ROLLING_BACK: (Phase.ROLLED_BACK, ["rev-2"]),
}


@pytest.mark.parametrize("phase", ENDED)
def test_suspended_while_clients_move_the_old_colour_is_what_comes_back(phase: Phase) -> None:
    asleep = committed(suspended(at(phase)))
    assert (phase_of(asleep), [item.id for item in asleep.app.status.rejected or ()]) == ENDED[phase]
    assert serves_now(asleep.app.status) == ("blue", "rev-1", 0)
    assert asleep.app.status.colours == {"blue": "memo-r1"}
    assert after(asleep) == asleep.app.status


def test_a_switch_that_was_suspended_begins_anew_and_nothing_is_rejected() -> None:
    woken = healthy(with_spec(committed(suspended(at(Phase.SHIFTING))), suspend=False).app, declared=R2)
    woken = until(woken, Phase.COMPLETED)
    assert serves_now(woken.app.status) == ("green", "rev-2", 100)


def test_an_old_colour_that_was_given_up_by_hand_comes_back_from_suspension_as_what_serves() -> None:
    back = onward(ordered(at(Phase.COMPLETED), ROLLBACK_ANNOTATION))
    asleep = committed(suspended(back))
    assert serves_now(asleep.app.status) == ("blue", "rev-1", 0)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase not in ENDED])
def test_suspended_nothing_moves_but_a_warm_colour_goes(phase: Phase) -> None:
    seen = suspended(replace(at(phase), jobs={}))
    before, state = State.of(seen.app.status), step(hours(seen, 10))
    assert (state.traffic, state.active, state.rejected) == (before.traffic, before.active, before.rejected)
    assert state.release is not None
    assert before.release is not None
    if phase is Phase.COMPLETED:
        assert state.release.phase is Phase.RETIRED
        assert dict(state.colours) == {"green": "memo-r2"}
    else:
        again_from = {
            Phase.TESTING: Phase.PREPARING,
            Phase.APPROVING: Phase.PREPARING,
            Phase.PREFLIGHT: Phase.PENDING,
            Phase.BACKING_UP: Phase.PENDING,
            Phase.MIGRATING: Phase.PENDING,
        }
        expected = again_from.get(phase, before.release.phase)
        assert (state.release.phase, state.colours) == (expected, before.colours)
    again = committed(seen)
    assert decided(again).status == again.app.status


def test_suspended_says_so_and_nothing_else() -> None:
    found = conditions(after(suspended(serving())))
    assert found["Ready"] == (False, "Suspended")
    assert found["Available"] == (False, "Suspended")
    assert (found["Stalled"][0], found["Reconciling"][0]) == (False, False)
    assert found["DatabaseReady"][1] == found["CacheReady"][1] == "Suspended"


def test_no_release_begins_while_suspended_and_no_order_is_carried_out() -> None:
    seen = suspended(serving(declared=R2))
    assert step(ordered(seen, ROLLBACK_ANNOTATION)) == State.of(seen.app.status)
    assert step(suspended(healthy())).release is None


def test_a_deadline_counts_no_time_of_suspension() -> None:
    asleep = committed(suspended(at(Phase.PREPARING)))
    assert asleep.app.status.release is not None
    assert asleep.app.status.release.deadline is None
    woken = with_spec(hours(asleep, 10), suspend=False)
    woken = with_workloads(replace(woken, database=WELL, cache=WELL), unsettled("green-backend", 0))
    state = step(woken)
    assert state.release is not None
    assert state.release.phase is Phase.PREPARING
    assert state.release.deadline == timestamp(woken.now + timedelta(minutes=30))


def test_a_lost_status_beside_lost_weights_is_what_the_routers_or_the_only_colour_tell() -> None:
    warm = lost(at(Phase.COMPLETED), recorded=None)
    assert serves_now(after(warm)) == ("green", "rev-2", 100)
    assert serves_now(after(replace(warm, routers={}))) == ("blue", "rev-1", 0)
    alone = lost(at(Phase.RETIRED), recorded=None, routers={})
    assert serves_now(after(alone)) == ("green", "rev-2", 100)
