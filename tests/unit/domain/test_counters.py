"""Counters of routers: differences, sums, and what restarts and silence make of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.counters import API, PAGE, SLOW_MS, Counters, Reading, between

GREEN = (Colour.GREEN, API)
NUMBERS = st.integers(0, 1000)


def counters(requests: int, client: int = 0, server: int = 0, slow: int = 0) -> Counters:
    return Counters(requests, client, server, (slow,) * len(SLOW_MS))


COUNTERS = st.builds(counters, NUMBERS, NUMBERS, NUMBERS, NUMBERS)


@given(COUNTERS, COUNTERS)
def test_what_came_since_is_the_difference(before: Counters, more: Counters) -> None:
    assert (before + more).since(before) == more


def test_a_router_that_began_anew_counts_from_its_start() -> None:
    assert counters(5, 1).since(counters(100, 2)) == counters(5, 1)
    assert counters(200, 1).since(counters(100, 2)) == counters(200, 1)


def test_all_routers_are_summed_by_colour_and_class() -> None:
    page = (Colour.BLUE, PAGE)
    before = Reading({"a": {GREEN: counters(10)}, "b": {GREEN: counters(1), page: counters(7)}})
    after = Reading({"a": {GREEN: counters(15, 1)}, "b": {GREEN: counters(2), page: counters(9)}})
    assert between(before, after) == {GREEN: counters(6, 1), page: counters(2)}


def test_a_new_router_counts_all_and_one_that_was_silent_before_nothing() -> None:
    before = Reading({"a": None})
    after = Reading({"a": {GREEN: counters(500)}, "new": {GREEN: counters(3)}})
    assert between(before, after) == {GREEN: counters(3)}


def test_a_router_that_is_silent_or_gone_counts_nothing_and_is_named() -> None:
    before = Reading({"a": {GREEN: counters(5)}, "gone": {GREEN: counters(5)}})
    after = Reading({"a": None})
    assert between(before, after) == {}
    assert after.silent == ("a",)
