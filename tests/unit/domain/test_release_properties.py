"""The promises of the release, for whatever happens in whatever order."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.memoapp import (
    ActiveStatus,
    Colour,
    MemoAppStatus,
    OrdersStatus,
    RejectedStatus,
    ReleaseStatus,
    TrafficStatus,
)
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain import phases
from memoapp_operator.domain.colours import complete, serves
from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.observation import Observation
from memoapp_operator.domain.orders import ORDERS
from memoapp_operator.domain.release import step
from memoapp_operator.domain.state import State, holder

from tests.unit.domain.building import NOW, STORED, memoapp, onward, spec
from tests.unit.domain.worlds import Pass, histories, sights, without_status

thorough = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


TIMES = st.sampled_from([timestamp(NOW + timedelta(seconds=number)) for number in (-3600, 0, 30)])
COLOURS = st.sampled_from(list(Colour))
IDS = st.sampled_from(["rev-1", "rev-2", "rev-3", "rev-9"])
RELEASES = st.fixed_dictionaries(
    {
        "id": IDS,
        "version": st.just("1"),
        "colour": COLOURS,
        "phase": st.sampled_from(Phase),
        "started_at": TIMES,
        "deadline": st.none() | TIMES,
        "finished_at": st.none() | TIMES,
        "reason": st.none() | st.just("CrashLoopBackOff"),
        "message": st.none() | st.just("told"),
    }
).map(ReleaseStatus.model_validate)
STATUSES = st.builds(
    MemoAppStatus,
    release=st.none() | RELEASES,
    active=st.none() | st.builds(ActiveStatus, colour=COLOURS, version=st.just("1"), revision=IDS, since=TIMES),
    traffic=st.none() | st.sampled_from([TrafficStatus(blue=100, green=0), TrafficStatus(blue=0, green=100)]),
    colours=st.none() | st.dictionaries(st.sampled_from(["blue", "green"]), st.sampled_from([*STORED, "memo-r9"])),
    rejected=st.none()
    | st.lists(
        st.builds(RejectedStatus, id=IDS, reason=st.just("X"), message=st.just("y")),
        min_size=1,
        unique_by=lambda item: item.id,
    ),
    orders=st.none() | st.builds(OrdersStatus, retry=st.none() | st.just("1"), rollback=st.none() | st.just("1")),
)


@st.composite
def strange(draw: st.DrawFn) -> Observation:
    """Any status at all, also such as nothing leads to (a person edited it), and a sight of it."""
    return draw(sights(memoapp(spec(), draw(STATUSES))))


@given(strange())
@settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow])
def test_no_state_whatever_leads_out_of_the_table(seen: Observation) -> None:
    before, after = seen.app.status.release, step(seen).release
    if before is None or after is None:
        return
    if (before.id, before.started_at) == (after.id, after.started_at):
        assert after.phase is before.phase or after.phase in phases.MOVES[before.phase].moves
    else:
        assert after.phase is Phase.PENDING
        assert Phase.PENDING in phases.MOVES[before.phase].moves


def awake(passes: list[Pass]) -> list[Pass]:
    """The passes of an app that is not suspended: there is no client to speak of otherwise."""
    return [each for each in passes if not each.seen.app.spec.suspend]


@given(histories())
@thorough
def test_the_colour_that_has_the_clients_is_never_dropped(passes: list[Pass]) -> None:
    """Promise 1: neither the one that had them before a pass nor the one that is to have them after it."""
    for each in awake(passes):
        before, after = each.before.status, each.after.status
        for colour in {holder(before.traffic), holder(after.traffic)} - {None}:
            assert colour in (after.colours or {})
            if before.traffic == after.traffic:
                assert (after.colours or {})[colour] == (before.colours or {})[colour]


@given(histories())
@thorough
def test_a_colour_goes_only_once_every_router_sends_its_clients_elsewhere(passes: list[Pass]) -> None:
    for each in passes:
        before, after = each.before.status, each.after.status
        gone = set(before.colours or {}) - set(after.colours or {})
        if gone and after.release is not None and after.release.phase is Phase.ROLLING_BACK:
            green = after.traffic.green if after.traffic else None
            assert set(each.seen.routers.values()) == {green}
            assert before.release is not None
            assert before.release.phase is Phase.ROLLING_BACK


@given(histories())
@thorough
def test_no_client_moves_to_a_colour_that_is_not_there(passes: list[Pass]) -> None:
    """Promise 2: forwards only what is whole and was asked; back only where pods are ready; and written down first."""
    for each in awake(passes):
        before, after = each.before.status, each.after.status
        moved = holder(after.traffic)
        if moved is None or moved == holder(before.traffic):
            continue
        assert after.release is not None
        colours = after.colours or {}
        match after.release.phase:
            case Phase.SHIFTING:
                assert moved is after.release.colour
                assert complete(each.seen, colours, moved)
            case Phase.COMPLETED:
                assert before.active is None
                assert complete(each.seen, colours, moved)
            case Phase.ROLLING_BACK:
                assert moved is not after.release.colour
                assert serves(each.seen, colours, moved)
            case phase:
                assert phase is Phase.HELD
                assert serves(each.seen, colours, moved)


@given(histories())
@thorough
def test_what_serves_changes_only_where_a_release_completed_or_went_back(passes: list[Pass]) -> None:
    for each in awake(passes):
        before, after = each.before.status, each.after.status
        if after.active == before.active:
            continue
        assert after.active is not None
        assert after.traffic is not None
        assert after.release is not None
        assert after.active.colour == holder(after.traffic)
        assert set(each.seen.routers.values()) == {after.traffic.green}
        assert after.release.phase in {Phase.COMPLETED, Phase.ROLLING_BACK, Phase.PENDING}


@given(histories())
@thorough
def test_a_rejected_revision_is_forgiven_only_by_retry_or_another_that_completed(passes: list[Pass]) -> None:
    for each in passes:
        before, after = each.before.status, each.after.status
        forgiven = {item.id for item in before.rejected or ()} - {item.id for item in after.rejected or ()}
        if not forgiven:
            continue
        ordered = (after.orders or OrdersStatus()).retry != (before.orders or OrdersStatus()).retry
        assert ordered or (after.release is not None and after.release.phase is Phase.COMPLETED)


@given(histories())
@thorough
def test_a_release_that_begins_is_of_a_revision_that_is_declared_and_not_rejected(passes: list[Pass]) -> None:
    for each in passes:
        before, after = each.before.status, each.after.status
        if after.release is None or after.release.phase is not Phase.PENDING or _is_same(before.release, after.release):
            continue
        assert each.seen.declared is not None
        # By order also the revision before, in the declared one's stead.
        assert each.seen.declared.id in {after.release.id, after.release.instead}
        # One that proved nothing against the revision is over at its time, and kept to count the tries.
        assert State.of(after).rejection(after.release.id, each.seen.now) is None
        assert after.active is None or after.release.colour is not after.active.colour
        assert not each.seen.app.spec.suspend


@given(histories())
@thorough
def test_an_order_is_noted_once_and_never_forgotten(passes: list[Pass]) -> None:
    for each in passes:
        before = (each.before.status.orders or OrdersStatus()).model_dump()
        after = (each.after.status.orders or OrdersStatus()).model_dump()
        for annotation in ORDERS:
            key, nonce = annotation.rpartition("/")[2], each.seen.orders.get(annotation)
            assert after[key] == (before[key] if nonce is None or each.seen.app.spec.suspend else nonce)


@given(histories())
@thorough
def test_a_lost_status_keeps_the_clients_where_they_are(passes: list[Pass]) -> None:
    last = passes[-1]
    status = last.after.status
    assume(status.active is not None and not last.seen.app.spec.suspend)
    seen = onward(last.seen)
    again = step(without_status(seen))
    assert holder(again.traffic) == holder(seen.app.status.traffic)
    assert holder(again.traffic) in again.colours
    assert list(again.rejected) == (seen.app.status.rejected or [])


@given(histories())
@thorough
def test_at_rest_the_clients_are_with_the_colour_that_serves(passes: list[Pass]) -> None:
    """Or the next release would come up in the colour that has them."""
    for each in awake(passes):
        status = each.after.status
        if status.release is not None and phases.is_over(status.release.phase) and status.active is not None:
            assert holder(status.traffic) is status.active.colour


def _is_same(one: ReleaseStatus | None, other: ReleaseStatus) -> bool:
    """The same release, which may have gone back to its beginning."""
    return one is not None and (one.id, one.started_at) == (other.id, other.started_at)
