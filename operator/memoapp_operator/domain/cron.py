"""When a schedule is due, as Kubernetes' CronJobs read it: five fields, in a time zone.

A time of day that a clock skips (its zone goes to summer time) does not come that day; one that it repeats comes once.
Source: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ and robfig/cron v3, which they use.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_TRIED = 512
"""Times that are looked at; those of a whole day each minute would not be skipped by any zone."""


def zone(name: str) -> ZoneInfo | None:
    """The time zone of this name; None where nobody knows it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def next_run(schedule: str, name: str, after: datetime) -> datetime | None:
    """The first time after ``after`` (aware), in UTC; None where the schedule or the zone cannot be read.

    Args:
        schedule: five fields.
        name: of the time zone.
        after: excluded.
    """
    where = zone(name)
    if where is None:
        return None
    try:
        # A day before: a wall clock that went back shows times again that were there already.
        times = CronSim(schedule, after.astimezone(where).replace(tzinfo=None) - timedelta(hours=3))
    except CronSimError:
        return None
    return next((moment for moment in islice(_moments(times, where), _TRIED) if moment > after), None)


def interval(schedule: str, name: str, now: datetime) -> timedelta | None:
    """Between the next two times; None where there are not two."""
    first = next_run(schedule, name, now)
    second = next_run(schedule, name, first) if first is not None else None
    return second - first if first is not None and second is not None else None


def _moments(times: Iterator[datetime], where: ZoneInfo) -> Iterator[datetime]:
    for naive in times:
        moment = naive.replace(tzinfo=where).astimezone(UTC)
        if moment.astimezone(where).replace(tzinfo=None) == naive:
            yield moment
