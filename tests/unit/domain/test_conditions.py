"""Conditions: the transition time moves with the status alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.memoapp import ConditionStatus
from memoapp_operator.domain.conditions import Verdict, find, is_true, merge, timestamp

from tests.unit.domain.building import LATER, NOW

VERDICTS = st.lists(
    st.builds(
        Verdict,
        st.sampled_from(["Available", "Ready", "Stalled"]),
        st.sampled_from([True, False, None]),
        st.sampled_from(["One", "Other"]),
        st.text("ab", max_size=2),
    ),
    unique_by=lambda verdict: verdict.type,
    max_size=3,
)


def test_a_first_verdict_has_its_transition_now() -> None:
    (found,) = merge([], [Verdict("Ready", status=True, reason="Ready", message="well")], generation=3, now=NOW)
    assert found.model_dump(mode="json", by_alias=True) == {
        "type": "Ready",
        "status": "True",
        "reason": "Ready",
        "message": "well",
        "lastTransitionTime": "2026-03-01T12:00:00Z",
        "observedGeneration": 3,
    }


def test_another_reason_or_message_is_no_transition() -> None:
    before = merge([], [Verdict("Ready", status=False, reason="One", message="a")], generation=1, now=NOW)
    (after,) = merge(before, [Verdict("Ready", status=False, reason="Other", message="b")], generation=2, now=LATER)
    assert (after.reason, after.message, after.observed_generation) == ("Other", "b", 2)
    assert after.last_transition_time == timestamp(NOW)


@pytest.mark.parametrize("changed", [True, None])
def test_another_status_is_a_transition(changed: bool | None) -> None:
    before = merge([], [Verdict("Ready", status=False, reason="One")], generation=1, now=NOW)
    (after,) = merge(before, [Verdict("Ready", status=changed, reason="One")], generation=1, now=LATER)
    assert after.last_transition_time == timestamp(LATER)


@pytest.mark.parametrize(
    ("said", "shown"),
    [(True, ConditionStatus.TRUE), (False, ConditionStatus.FALSE), (None, ConditionStatus.UNKNOWN)],
)
def test_what_is_not_known_is_unknown(said: bool | None, shown: ConditionStatus) -> None:
    (found,) = merge([], [Verdict("Ready", status=said, reason="One")], generation=1, now=NOW)
    assert found.status is shown


@given(VERDICTS, VERDICTS, st.integers(0, 10**6))
def test_the_same_verdicts_again_change_nothing_however_late(
    first: list[Verdict], verdicts: list[Verdict], seconds: int
) -> None:
    before = merge(merge([], first, generation=1, now=NOW), verdicts, generation=1, now=NOW)
    assert merge(before, verdicts, generation=1, now=NOW + timedelta(seconds=seconds)) == before


@given(VERDICTS, VERDICTS)
def test_conditions_are_sorted_and_those_without_a_verdict_are_gone(first: list[Verdict], then: list[Verdict]) -> None:
    after = merge(merge([], first, generation=1, now=NOW), then, generation=1, now=NOW)
    assert [item.type for item in after] == sorted(verdict.type for verdict in then)


def test_a_condition_is_found_by_type() -> None:
    found = merge([], [Verdict("Ready", status=True, reason="One")], generation=1, now=NOW)
    assert find(found, "Ready") is found[0]
    assert find(found, "Stalled") is None
    assert is_true(found, "Ready")
    assert not is_true(found, "Stalled")


@pytest.mark.parametrize("status", [False, None])
def test_neither_false_nor_unknown_is_true(status: bool | None) -> None:
    assert not is_true(merge([], [Verdict("Ready", status=status, reason="One")], generation=1, now=NOW), "Ready")


def test_times_are_written_in_whole_seconds_of_utc() -> None:
    assert timestamp(datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)) == "2026-01-02T03:04:05Z"
