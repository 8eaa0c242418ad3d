"""What the rules keep, by examples and by properties."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.domain.keeping import Backup, Rules, Standing, Why, kept, prunable

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def at(days: float, standing: Standing = Standing.VERIFIED, **more: bool) -> Backup:
    """A backup of so many days ago."""
    taken = NOW - timedelta(days=days)
    return Backup(f"memo-{taken:%Y%m%d-%H%M%S}-{standing}", taken, standing, **more)


def names(*backups: Backup) -> set[str]:
    return {item.name for item in backups}


def test_each_rule_keeps_the_newest_of_its_last_periods() -> None:
    nightly = [at(days) for days in range(400)]
    found = kept(nightly, Rules(last=3, daily=5, weekly=4, monthly=3), UTC, NOW)
    days = {(NOW - nightly[index].taken).days for index in range(400) if nightly[index].name in found}
    # 23 November 2026 is a Monday: Sundays are the newest of the weeks before; then the last days of the months before.
    assert days == {0, 1, 2, 3, 4, 8, 15, 23, 54}


def test_two_in_one_day_are_one_of_the_rule() -> None:
    twice = [at(days) for days in (0, 0.2, 1, 1.2, 2)]
    found = kept(twice, Rules(daily=2), UTC, NOW)
    assert found.keys() == names(twice[0], twice[2])


def test_days_are_those_of_the_schedules_zone() -> None:
    """23:30 UTC is the next day in Berlin."""
    late, early = datetime(2026, 11, 21, 23, 30, tzinfo=UTC), datetime(2026, 11, 21, 22, 30, tzinfo=UTC)
    two = [Backup("late", late, Standing.VERIFIED), Backup("early", early, Standing.VERIFIED)]
    assert kept(two, Rules(daily=2), UTC, NOW).keys() == {"late"}
    assert kept(two, Rules(daily=2), BERLIN, NOW).keys() == {"late", "early"}


def test_the_hour_that_comes_twice_is_two_moments_of_one_day() -> None:
    """25 October 2026, 02:30 in Berlin, first and second time."""
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    two = [Backup("first", first, Standing.VERIFIED), Backup("second", second, Standing.VERIFIED)]
    assert kept(two, Rules(daily=3), BERLIN, NOW).keys() == {"second"}


@pytest.mark.parametrize(
    ("backup", "why"),
    [
        (at(300, manual=True), Why.MANUAL),
        (at(300, referred=True), Why.REFERRED),
        (at(300, Standing.PROVED), Why.NEWEST_PROVED),
        (at(300, Standing.UNKNOWN), Why.UNKNOWN),
        (at(300, Standing.FAILED, manual=True), Why.MANUAL),
    ],
)
def test_what_is_never_pruned(backup: Backup, why: Why) -> None:
    found = kept([at(0), at(1), backup], Rules(last=1), UTC, NOW)
    assert found[backup.name] is why
    assert found.keys() == names(at(0), backup)


def test_one_that_failed_counts_in_no_rule() -> None:
    failed, good = [at(days, Standing.FAILED) for days in range(3)], [at(10), at(20)]
    found = kept(failed + good, Rules(last=2), UTC, NOW)
    assert found[good[1].name] is Why.LAST
    assert prunable([*failed, *good], Rules(last=1), UTC, NOW) == (good[1],)


def test_one_that_failed_goes_a_week_after_it_if_there_is_a_newer_good_one() -> None:
    old, fresh = at(8, Standing.FAILED), at(6, Standing.FAILED)
    assert prunable([old, fresh, at(1)], Rules(last=1), UTC, NOW) == (old,)
    assert prunable([old, fresh, at(9)], Rules(last=1), UTC, NOW) == ()


def test_a_clock_that_was_set_back_prunes_nothing_more() -> None:
    nightly = [at(days) for days in range(30)]
    rules = Rules(last=3, daily=7)
    assert kept(nightly, rules, UTC, NOW - timedelta(days=1)) == kept(nightly, rules, UTC, NOW)


BACKUPS = st.lists(
    st.builds(
        Backup,
        name=st.uuids().map(str),
        taken=st.datetimes(
            min_value=NOW.replace(tzinfo=None) - timedelta(days=700),
            max_value=NOW.replace(tzinfo=None) + timedelta(days=30),
            timezones=st.just(UTC),
        ),
        standing=st.sampled_from(Standing),
        manual=st.sampled_from([False, False, False, True]),
        referred=st.sampled_from([False, False, False, True]),
    ),
    max_size=40,
    unique_by=lambda item: item.name,
)
COUNTS = st.integers(0, 12)
RULES = st.builds(Rules, last=COUNTS, daily=COUNTS, weekly=COUNTS, monthly=COUNTS)


@given(BACKUPS, RULES)
def test_the_promise(backups: list[Backup], rules: Rules) -> None:
    gone = prunable(backups, rules, BERLIN, NOW)
    left = [item for item in backups if item not in gone]
    good = [item for item in backups if item.good]
    proved = [item for item in backups if item.standing is Standing.PROVED]
    for known in (good, proved):
        if known:
            assert max(known, key=lambda item: (item.taken, item.name)) in left
    assert not [item for item in gone if item.manual or item.referred or item.standing is Standing.UNKNOWN]


@given(BACKUPS, RULES)
def test_pruned_once_nothing_more_goes(backups: list[Backup], rules: Rules) -> None:
    gone = prunable(backups, rules, BERLIN, NOW)
    assert prunable([item for item in backups if item not in gone], rules, BERLIN, NOW) == ()


@given(BACKUPS, RULES, st.sampled_from(["last", "daily", "weekly", "monthly"]), st.integers(1, 5))
def test_a_greater_number_never_prunes_more(backups: list[Backup], rules: Rules, rule: str, more: int) -> None:
    greater = replace(rules, **{rule: getattr(rules, rule) + more})
    assert kept(backups, rules, BERLIN, NOW).keys() <= kept(backups, greater, BERLIN, NOW).keys()


@given(BACKUPS, RULES)
def test_the_rules_keep_no_more_than_they_say(backups: list[Backup], rules: Rules) -> None:
    found = kept(backups, rules, BERLIN, NOW)
    for why, most in ((Why.LAST, rules.last), (Why.DAILY, rules.daily), (Why.WEEKLY, rules.weekly)):
        assert sum(item is why for item in found.values()) <= most


@given(BACKUPS, RULES, st.randoms())
def test_the_order_in_which_they_are_told_is_nothing(backups: list[Backup], rules: Rules, chance: object) -> None:
    shuffled = list(backups)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert kept(shuffled, rules, BERLIN, NOW) == kept(backups, rules, BERLIN, NOW)


def test_the_newest_good_one_stays_whatever_the_rules_are() -> None:
    only = Backup("only", NOW - timedelta(days=900), Standing.VERIFIED)
    failed = Backup("failed", NOW - timedelta(days=300), Standing.FAILED)
    assert kept([only, failed], Rules(), UTC, NOW)["only"] is Why.NEWEST_VERIFIED
