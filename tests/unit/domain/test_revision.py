"""Stored revisions: their numbers, and which of them may go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.domain.revision import KEPT_REVISIONS, next_number, superfluous

from tests.unit.domain.building import revision

NUMBERS = st.sets(st.integers(1, 30))


@given(NUMBERS, NUMBERS)
def test_the_next_number_is_larger_than_any_that_is_stored_or_named(numbers: set[int], named: set[int]) -> None:
    """One that was deleted while a colour holds it must not come to mean something else."""
    stored, names = [revision(each, "1") for each in numbers], [f"memo-r{each}" for each in named]
    assert next_number(stored, [*names, "unknown", ""]) == max(numbers | named, default=0) + 1


@given(NUMBERS, NUMBERS)
def test_what_is_used_and_the_newest_of_the_rest_are_kept(numbers: set[int], used: set[int]) -> None:
    stored = [revision(each, "1") for each in numbers]
    gone = {item.number for item in superfluous(stored, (f"memo-r{each}" for each in used))}
    unused = sorted(numbers - used)
    assert gone == set(unused[:-KEPT_REVISIONS])
    assert not gone & used
