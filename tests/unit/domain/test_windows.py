"""Maintenance windows, against clocks of every zone, and against somebody who looks at each minute."""

from __future__ import annotations

import time
import zoneinfo
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.maintenancewindow import Policy, Work
from memoapp_operator.domain.windows import Answer, Window, may, shown

ALLOW, DENY = Policy.ALLOW, Policy.DENY
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)  # a Friday


def saturdays(policy: Policy = ALLOW, **more: object) -> Window:
    """Saturday at 23:00 in Berlin, for three hours."""
    known = {"schedule": "0 23 * * 6", "zone": "Europe/Berlin", "duration": 3 * HOUR, **more}
    return Window("saturday", policy, **known)  # type: ignore[arg-type]


def once(name: str, start: datetime, duration: timedelta, policy: Policy = DENY, **more: object) -> Window:
    return Window(name, policy, duration, start=start, **more)  # type: ignore[arg-type]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_without_windows_everything_may_be_done() -> None:
    assert may(Work.RELEASES, [], NOW) == Answer(NOW)


def test_with_an_allow_work_waits_for_it() -> None:
    start, end = at("2026-11-28T22:00:00Z"), at("2026-11-29T01:00:00Z")
    because = "it is outside of every window that allows it"
    assert may(Work.RELEASES, [saturdays()], NOW) == Answer(start, end, because, "Europe/Berlin")
    inside = start + HOUR
    assert may(Work.RELEASES, [saturdays()], inside) == Answer(inside, end, zone="Europe/Berlin")
    assert may(Work.RELEASES, [saturdays()], end).start == at("2026-12-05T22:00:00Z"), "the end is not in it"


def test_over_midnight_the_day_is_that_of_the_beginning() -> None:
    sunday = at("2026-11-28T23:30:00Z")  # half past midnight in Berlin
    assert saturdays().at(sunday) is not None
    without = saturdays(except_dates=frozenset({date(2026, 11, 28)}))
    assert without.at(sunday) is None
    on_sunday = saturdays(except_dates=frozenset({date(2026, 11, 29)}))
    assert on_sunday.at(sunday) is not None


def test_a_deny_beats_every_allow() -> None:
    freeze = once("year-end", at("2026-12-01T00:00:00Z"), 20 * DAY)
    found = may(Work.RELEASES, [saturdays(), freeze], at("2026-12-05T22:30:00Z"))
    assert (found.start, found.because) == (at("2026-12-26T22:00:00Z"), "year-end denies it")
    assert may(Work.RELEASES, [freeze], NOW) == Answer(NOW, at("2026-12-01T00:00:00Z")), "until it begins"


def test_what_does_not_fit_waits_for_a_time_that_is_long_enough() -> None:
    inside = at("2026-11-29T00:30:00Z")
    assert may(Work.RELEASES, [saturdays()], inside, 30 * MINUTE).start == inside
    found = may(Work.RELEASES, [saturdays()], inside, 31 * MINUTE)
    assert found.start == at("2026-12-05T22:00:00Z")
    assert found.because == "it takes 31 minutes, and the window ends before"
    assert may(Work.RELEASES, [saturdays()], inside, 4 * HOUR).start is None, "none is ever long enough"


def test_windows_that_touch_or_overlap_are_one() -> None:
    evening = once("evening", NOW, HOUR, ALLOW)
    touching = once("night", NOW + HOUR, HOUR, ALLOW)
    overlapping = once("late", NOW + 90 * MINUTE, HOUR, ALLOW)
    found = may(Work.RELEASES, [overlapping, evening, touching], NOW, 150 * MINUTE)
    assert found == Answer(NOW, NOW + 150 * MINUTE)


def test_a_window_concerns_the_work_that_it_names() -> None:
    restarts = saturdays(work=frozenset({Work.RESTARTS}))
    assert may(Work.RELEASES, [restarts], NOW) == Answer(NOW)
    assert may(Work.RESTARTS, [restarts], NOW).start != NOW


@pytest.mark.parametrize(
    ("schedule", "start"),
    [
        ("0 3 * * 0L", "2026-11-29T03:00:00Z"),
        ("0 3 * * 5#1", "2026-12-04T03:00:00Z"),
        ("0 3 L * *", "2026-11-30T03:00:00Z"),
        ("0 3 29 2 *", "2028-02-29T03:00:00Z"),
        ("0 3 * * sat", "2026-11-28T03:00:00Z"),
    ],
)
def test_days_that_people_name(schedule: str, start: str) -> None:
    found = Window("w", ALLOW, HOUR, schedule).following(NOW)
    assert found is not None
    assert found.start == at(start)


@pytest.mark.parametrize("schedule", ["0 3 30 2 *", "nonsense"])
def test_what_never_comes_allows_nothing_and_denies_nothing(schedule: str) -> None:
    never = Window("never", ALLOW, HOUR, schedule)
    assert may(Work.RELEASES, [never], NOW).start is None
    assert may(Work.RELEASES, [Window("never", DENY, HOUR, schedule)], NOW) == Answer(NOW)
    assert Window("nowhere", ALLOW, HOUR, "0 3 * * *", "Mars/Olympus").following(NOW) is None


@cache
def transitions() -> tuple[tuple[str, datetime], ...]:
    """Days on which the clocks of a zone move, 2024 to 2027, each kind of move once; and odd ones of before."""
    found: dict[tuple[datetime, timedelta | None, timedelta | None], str] = {}
    for name in sorted(zoneinfo.available_timezones()):
        where = ZoneInfo(name)
        day = datetime(2024, 1, 1, tzinfo=UTC)
        offset = day.astimezone(where).utcoffset()
        while day.year < 2028:
            day += DAY
            after = day.astimezone(where).utcoffset()
            if after != offset:
                found.setdefault((day, offset, after), name)
                offset = after
    more = [
        ("Pacific/Apia", datetime(2011, 12, 30, 12, tzinfo=UTC)),
        ("Antarctica/Casey", datetime(2010, 3, 5, tzinfo=UTC)),
    ]
    return (*((name, day) for (day, _, _), name in found.items()), *more)


def test_there_are_transitions_to_be_tried() -> None:
    assert len(transitions()) > 60


def _starts(window: Window, begin: datetime, end: datetime) -> Iterator[datetime]:
    moment = begin
    while (span := window.following(moment)) is not None and span.start < end:
        yield span.start
        moment = span.start


@pytest.mark.parametrize(("name", "day"), transitions(), ids=lambda value: str(value)[:19])
def test_each_day_has_its_window_exactly_once_whatever_its_clock_does(name: str, day: datetime) -> None:
    """The oracle looks at the clock every quarter of an hour: a time has come once the clock shows it, or a later one.

    Where a whole day is skipped its midnight is that of the day after: one moment.
    """
    begin, end, where = day - 4 * DAY, day + 3 * DAY, ZoneInfo(name)
    quarters = [begin + number * 15 * MINUTE for number in range(7 * 24 * 4)]
    clock = [moment.astimezone(where).replace(tzinfo=None) for moment in quarters]
    midnight = clock[0].replace(hour=0, minute=0) + DAY
    for number in range(0, 24 * 60, 30):
        window = Window("w", ALLOW, 10 * MINUTE, f"{number % 60} {number // 60} * * *", name)
        times = [midnight + n * DAY + number * MINUTE for n in range(5)]
        came = {next(moment for moment, now in zip(quarters, clock, strict=True) if now >= time) for time in times}
        expected = sorted(came)
        found = [*islice(_starts(window, expected[0] - timedelta(seconds=1), end), len(expected))]
        assert found == expected
        for start in found:
            assert window.at(start) is not None
            assert window.at(start - timedelta(seconds=1)) is None
            assert window.at(start + 10 * MINUTE) is None


def test_a_time_that_is_skipped_begins_as_the_clock_goes_on() -> None:
    berlin = Window("w", ALLOW, HOUR, "30 2 * * *", "Europe/Berlin")
    found = berlin.following(at("2026-03-28T12:00:00Z"))
    assert found is not None
    assert shown(found.start, "Europe/Berlin") == "2026-03-29 03:00 +0200"
    samoa = Window("w", ALLOW, HOUR, "0 12 30 12 *", "Pacific/Apia")
    found = samoa.following(at("2011-12-29T12:00:00Z"))
    assert found is not None
    assert shown(found.start, "Pacific/Apia") == "2011-12-31 00:00 +1400", "the day that there never was"


def test_a_time_that_is_repeated_begins_the_first_time_and_lasts_as_long_as_ever() -> None:
    berlin = Window("w", ALLOW, 2 * HOUR, "30 2 * * *", "Europe/Berlin")
    found = berlin.following(at("2026-10-24T12:00:00Z"))
    assert found is not None
    assert (found.start, found.end) == (at("2026-10-25T00:30:00Z"), at("2026-10-25T02:30:00Z"))
    following = berlin.following(found.start)
    assert following is not None
    assert following.start == at("2026-10-26T01:30:00Z")
    assert berlin.at(at("2026-10-25T01:30:00Z")) == found, "half past two for the second time"


def test_one_that_is_longer_than_its_interval_goes_on() -> None:
    always = Window("always", ALLOW, 90 * MINUTE, "0 * * * *")
    assert may(Work.RELEASES, [always], NOW).start == NOW
    span = always.at(NOW + 10 * MINUTE)
    assert span is not None
    assert span.end == NOW + 90 * MINUTE


MINUTES = st.integers(0, 59)
WINDOWS = st.builds(
    lambda policy, minute, hours, duration, start, by_schedule: (
        Window("w", policy, duration * MINUTE, f"{minute} {hours} * * *", "Europe/Berlin")
        if by_schedule
        else Window("w", policy, duration * MINUTE, start=NOW + start * MINUTE)
    ),
    st.sampled_from(Policy),
    MINUTES,
    st.sampled_from(["*", "*/5", "2", "13,14"]),
    st.integers(1, 200),
    st.integers(-300, 1500),
    st.booleans(),
)


@given(windows=st.lists(WINDOWS, max_size=4), takes=st.integers(0, 90))
@settings(max_examples=60, deadline=None)
def test_the_answer_is_that_of_somebody_who_looks_at_each_minute(windows: list[Window], takes: int) -> None:
    most = 3 * 24 * 60
    allow = [window for window in windows if window.policy is ALLOW]
    deny = [window for window in windows if window.policy is DENY]

    def is_open(minute: int) -> bool:
        moment = NOW + minute * MINUTE
        denied = any(window.at(moment) for window in deny)
        return not denied and (not allow or any(window.at(moment) for window in allow))

    open_ = [is_open(minute) for minute in range(most)]
    fits = (n for n in range(most - takes) if open_[n] and all(open_[n : n + takes]))
    expected = next(fits, None)
    found = may(Work.RELEASES, windows, NOW, takes * MINUTE)
    if expected is None:
        assert found.start is None or found.start >= NOW + (most - takes) * MINUTE
    else:
        assert found.start == NOW + expected * MINUTE
        assert (found.because == "") == (expected == 0)


def test_a_clock_that_jumps_changes_no_answer() -> None:
    moments = [NOW, NOW + DAY, NOW - DAY, NOW + 40 * DAY, NOW]
    answers = [may(Work.RELEASES, [saturdays()], moment) for moment in moments]
    assert answers[0] == answers[-1]


def test_a_thousand_windows_are_decided_in_no_time() -> None:
    windows = [Window(f"w{n}", DENY if n % 7 else ALLOW, HOUR, f"{n % 60} {n % 24} * * {n % 7}") for n in range(1000)]
    calls: Counter[str] = Counter()
    for window in windows:
        calls["following"] += window.following(NOW) is not None
    assert calls["following"] == 1000
    began = time.process_time()
    may(Work.RELEASES, windows[:100], NOW)
    assert time.process_time() - began < 30, "a bound for loops without an end, no measure"
