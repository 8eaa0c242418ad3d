"""What a run sends, and its bounds."""

from __future__ import annotations

import itertools

import pytest

from tests.load.plan import PATHS, Plan, PlanError


def test_the_rate_is_constant() -> None:
    times = [planned.at for planned in Plan(200, 3).requests()]
    assert len(times) == 600
    assert {round(later - earlier, 9) for earlier, later in itertools.pairwise(times)} == {0.005}


def test_the_mix() -> None:
    planned = list(Plan(480, 10).requests())
    new = [each for each in planned if each.client is None]
    writes = [each for each in planned if each.method == "POST"]
    assert len(new) == len(planned) / 2
    assert len(writes) == len(planned) / 5
    assert len([each for each in writes if each.client is None]) == len(writes) / 2
    assert {each.path for each in planned if each.method == "GET" and each.client is None} == set(PATHS)
    assert {each.path for each in planned if each.method == "GET" and each.client is not None} == set(PATHS)


def test_half_of_the_kept_clients_keep_the_cookie_and_nobody_else() -> None:
    kept = {each.client: each.cookie for each in Plan(200, 10).requests()}
    assert kept.pop(None) is False
    assert sorted(kept.values()) == [False] * 8 + [True] * 8


def test_journal_ids_are_unique_within_and_between_runs() -> None:
    ids = [each.journal for plan in (Plan(1000, 20), Plan(1000, 20)) for each in plan.requests() if each.journal]
    assert len(ids) == len(set(ids)) == 8000


@pytest.mark.parametrize(("rate", "seconds"), [(1000, 900), (0.5, 1)])
def test_its_bounds_are_allowed(rate: float, seconds: float) -> None:
    assert Plan(rate, seconds).rate == rate


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [(1000.1, 1), (0, 1), (-1, 1), (1, 900.1), (1, 0), (float("nan"), 1), (1, float("nan")), (1, float("inf"))],
)
def test_beyond_its_bounds_it_is_refused(rate: float, seconds: float) -> None:
    with pytest.raises(PlanError, match="must be more than 0 and at most"):
        Plan(rate, seconds)
