"""What a measurement says of numbers, and how it says it."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.domain.counters import Counters
from memoapp_operator.domain.measurements import (
    Limits,
    Measurement,
    Verdict,
    measured,
    percentile_ms,
    share,
    shown,
    slow_share,
)

ERRORS = Limits(Fraction("0.1"), Fraction(5))
PERCENT = st.fractions(0, 100, max_denominator=1000)


def of(new: str | None, old: str | None, requests: int = 1000, limits: Limits = ERRORS) -> Measurement:
    value, other = (Fraction(text) if text is not None else None for text in (new, old))
    return measured("serverErrorPercent/api", limits, value, other, requests=requests, least=20)


@pytest.mark.parametrize(
    ("new", "old", "verdict", "abort"),
    [
        ("0", "0", Verdict.PASS, False),
        ("0.1", "0", Verdict.PASS, False),
        ("0.2", "0", Verdict.FAIL, False),
        ("0.2", None, Verdict.FAIL, False),
        ("0.2", "0.2", Verdict.PASS, False),
        ("0.3", "0.2", Verdict.PASS, False),
        ("0.31", "0.2", Verdict.FAIL, False),
        ("5", "0", Verdict.FAIL, False),
        ("5.1", "0", Verdict.FAIL, True),
        ("5.1", None, Verdict.FAIL, True),
        ("5.1", "4.9", Verdict.FAIL, True),
        ("9", "8", Verdict.PASS, False),
        ("13", "8", Verdict.FAIL, False),
    ],
)
def test_the_new_colour_is_compared_with_the_limit_and_with_the_old_one(
    new: str, old: str | None, verdict: Verdict, abort: bool
) -> None:
    found = of(new, old)
    assert (found.verdict, found.abort) == (verdict, abort)


@pytest.mark.parametrize(("new", "requests"), [(None, 0), ("0", 19), ("100", 19)])
def test_too_few_requests_say_nothing(new: str | None, requests: int) -> None:
    found = of(new, "0", requests)
    assert (found.verdict, found.abort, found.value) == (Verdict.INCONCLUSIVE, False, None)
    assert found.text("green", "blue") == f"serverErrorPercent/api: {requests} of the 20 requests that it takes"


@given(PERCENT, st.none() | PERCENT)
def test_within_the_limit_is_a_pass_whatever_the_old_colour_does(new: Fraction, old: Fraction | None) -> None:
    found = measured("x", Limits(Fraction(100)), new, old, requests=100, least=1)
    assert (found.verdict, found.abort) == (Verdict.PASS, False)


@given(PERCENT, PERCENT)
def test_a_worse_colour_never_passes_where_a_better_one_fails(new: Fraction, old: Fraction) -> None:
    better, worse = (measured("x", ERRORS, value, old, requests=100, least=1) for value in (new, new + 1))
    assert not (better.verdict is Verdict.FAIL and worse.verdict is Verdict.PASS)


def test_a_text_has_the_gate_the_value_the_limit_and_what_it_rests_on() -> None:
    assert of("7.2", "0", 1204).text("green", "blue") == (
        "abortServerErrorPercent/api 7.2 > 5 on green (blue 0.0), 1,204 requests"
    )
    assert of("0.05", None).text("green", "blue") == "serverErrorPercent/api 0.050 <= 0.1 on green, 1,000 requests"


@pytest.mark.parametrize(
    ("value", "text"), [("0", "0.0"), ("7.25", "7.2"), ("0.1", "0.10"), ("0.02", "0.020"), ("0.0004", "4.0e-04")]
)
def test_a_small_number_is_not_shown_as_nothing(value: str, text: str) -> None:
    assert shown(Fraction(value)) == text
    assert shown(None) == "unknown"


def test_shares_are_of_the_requests_and_none_without_any() -> None:
    counted = Counters(200, 3, 1, (40, 30, 20, 10, 0, 0))
    assert share(counted.client_errors, counted) == Fraction("1.5")
    assert [slow_share(counted, limit) for limit in (100, 500, 1000, 2000)] == [20, 10, 5, 0]
    assert share(0, Counters()) is None
    with pytest.raises(KeyError):
        slow_share(counted, 300)


@pytest.mark.parametrize(
    ("slow", "expected"),
    [
        ((0, 0, 0, 0, 0, 0), 95),
        ((10, 0, 0, 0, 0, 0), 100),
        ((20, 0, 0, 0, 0, 0), 175),
        ((40, 30, 20, 5, 0, 0), 833),
        ((99, 50, 50, 50, 11, 10), 5000),
        ((99, 50, 50, 50, 50, 11), None),
    ],
)
def test_a_percentile_is_estimated_between_two_thresholds(slow: tuple[int, ...], expected: int | None) -> None:
    assert percentile_ms(Counters(200, 0, 0, slow)) == expected
    assert percentile_ms(Counters()) is None
