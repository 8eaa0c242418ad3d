"""Schedules: the next time, over the changes of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from memoapp_operator.domain.cron import next_run

BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("schedule", "zone", "after", "expected"),
    [
        ("0 2 * * *", "Etc/UTC", "2026-11-26T01:59:59Z", "2026-11-26T02:00:00Z"),
        ("0 2 * * *", "Etc/UTC", "2026-11-26T02:00:00Z", "2026-11-27T02:00:00Z"),
        ("0 2 * * *", BERLIN, "2026-11-26T02:00:00Z", "2026-11-27T01:00:00Z"),
        ("*/15 * * * *", "Etc/UTC", "2026-11-26T02:07:00Z", "2026-11-26T02:15:00Z"),
        ("0 4 * * SUN", "Etc/UTC", "2026-11-26T00:00:00Z", "2026-11-29T04:00:00Z"),
        ("0 0 29 2 *", "Etc/UTC", "2026-11-26T00:00:00Z", "2028-02-29T00:00:00Z"),
    ],
)
def test_the_next_time(schedule: str, zone: str, after: str, expected: str) -> None:
    assert next_run(schedule, zone, at(after)) == at(expected)


def test_a_time_that_the_clock_skips_does_not_come_that_day() -> None:
    assert next_run("30 2 * * *", BERLIN, at("2026-03-28T12:00:00Z")) == at("2026-03-30T00:30:00Z")


def test_a_time_that_the_clock_repeats_comes_once() -> None:
    first = next_run("30 2 * * *", BERLIN, at("2026-10-24T12:00:00Z"))
    assert first == at("2026-10-25T00:30:00Z")
    assert next_run("30 2 * * *", BERLIN, first) == at("2026-10-26T01:30:00Z")


def test_every_next_time_is_later_over_a_year_of_changing_clocks() -> None:
    moment = at("2026-01-01T00:00:00Z")
    found = []
    while moment < at("2027-01-01T00:00:00Z"):
        following = next_run("0 */6 * * *", "America/New_York", moment)
        assert following is not None
        assert timedelta(0) < following - moment <= timedelta(hours=7)
        moment = following
        found.append(moment)
    assert len(found) == 365 * 4 + 1


@pytest.mark.parametrize(("schedule", "zone"), [("61 2 * * *", "Etc/UTC"), ("0 2 * * *", "Mars/Base"), ("x", "UTC")])
def test_what_cannot_be_read_has_no_next_time(schedule: str, zone: str) -> None:
    assert next_run(schedule, zone, datetime(2026, 1, 1, tzinfo=UTC)) is None
