"""Maintenance windows: may work disrupt people now, and if not, when next. Pure.

A window begins at times of day of its zone. A time that a clock skips (its zone goes to summer time) begins as the
clock goes on, and one that it repeats begins the first time: each comes exactly once. The day of a window over midnight
is that of its beginning. A Deny beats any Allow; where any Allow concerns a kind of work, that work waits for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock

from cronsim import CronSim, CronSimError

from memoapp_operator.api.v1alpha1.maintenancewindow import Policy, UnderWay, Work

from .cron import zone

_BACK = timedelta(hours=4)
"""Longer than any clock has gone back since 2000 (Antarctica/Casey: three hours)."""
_STEPS = 1_000
"""Beginnings and ends that are looked at for one answer."""
_HOPELESS = 4
"""The same where no time can be long enough, to say why."""
_OUTSIDE = "it is outside of every window that allows it"
_TOO_LATE = "the window began too long ago for it to begin"


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment, included, to another one, excluded; aware, UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """One window.

    Attributes:
        name: for people.
        policy: what it says.
        duration: of each time, by the clock of the universe: an hour more or less on the wall does not count.
        schedule: five cron fields, among them "5#2" (the second Friday) and "0L" (the last Sunday); None: once.
        zone: IANA time zone of the schedule and of the dates.
        start: aware; where there is no schedule.
        except_dates: dates, in its zone, on which none begins.
        work: kinds of work that it concerns; None: all.
        last_start: how long after its beginning work may begin; None: as long as it fits.
        under_way: of a Deny: what becomes of a release that is under way.
        announce: how long before its tasks people are told; None: they are not, or it has none.
        message: what it says of itself to them.
        updates: `database` and `redis`, where a task of it brings the images that are declared for them.
    """

    name: str
    policy: Policy
    duration: timedelta
    schedule: str | None = None
    zone: str = "Etc/UTC"
    start: datetime | None = None
    except_dates: frozenset[date] = frozenset()
    work: frozenset[Work] | None = None
    last_start: timedelta | None = None
    under_way: UnderWay = UnderWay.FINISH
    announce: timedelta | None = None
    message: str = ""
    updates: frozenset[str] = frozenset()

    def concerns(self, work: Work) -> bool:
        """It has a say in this kind of work."""
        return self.work is None or work in self.work

    def at(self, now: datetime) -> Span | None:
        """The time of it that is under way; where several overlap, the one that ends last."""
        start = self.latest(now)
        found = Span(start, start + self.duration) if start is not None else None
        return found if found is not None and found.end > now else None

    def following(self, now: datetime) -> Span | None:
        """The first time of it that begins after ``now``; None where none comes any more."""
        if self.schedule is None:
            start = self.start if self.start is not None and self.start > now else None
        else:
            start = next((moment for moment in self._moments(now, backward=False) if moment > now), None)
        return Span(start, start + self.duration) if start is not None else None

    def latest(self, now: datetime) -> datetime | None:
        """When the last time of it began, whether or not it is over; None where none did."""
        if self.schedule is None:
            return self.start if self.start is not None and self.start <= now else None
        return next((moment for moment in self._moments(now, backward=True) if moment <= now), None)

    def _moments(self, now: datetime, *, backward: bool) -> Iterator[datetime]:
        """Beginnings around ``now``, in order; nothing where schedule or zone cannot be read."""
        where = zone(self.zone)
        if where is None or self.schedule is None:
            return
        naive = now.astimezone(where).replace(tzinfo=None)
        try:
            begin = naive + _BACK if backward else naive - timedelta(seconds=1)
            times = CronSim(self.schedule, begin, reverse=backward)
        except CronSimError:
            return
        while True:
            time = next(times)
            if time.date() not in self.except_dates:
                yield on_the_clock(time, self.zone)
            else:  # on with the next day: one that comes each minute is not asked for each of them
                midnight = datetime.combine(time.date(), clock.min)
                beyond = midnight if backward else midnight + timedelta(days=1, seconds=-1)
                times = CronSim(self.schedule, beyond, reverse=backward)


def on_the_clock(naive: datetime, name: str) -> datetime:
    """The moment, in UTC, at which a clock of that zone shows this time first, or goes on from a gap that has it.

    Args:
        naive: what the clock shows.
        name: a time zone that is known.
    """
    where = zone(name)
    moment = naive.replace(tzinfo=where).astimezone(UTC)
    if moment.astimezone(where).replace(tzinfo=None) == naive:
        return moment
    # In a gap: by the offset of after it the moment is before it, by that of before it is after it.
    before, after = naive.replace(tzinfo=where, fold=1).astimezone(UTC), moment
    offset = before.astimezone(where).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(where).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Answer:
    """May it be done, and when.

    Attributes:
        start: when it may begin: ``now`` where it may at once; None where no time comes.
        until: when it must be over; None where nothing ends it.
        because: why it has to wait, for people; empty where it need not.
        zone: IANA time zone of the window that says so.
    """

    start: datetime | None
    until: datetime | None = None
    because: str = ""
    zone: str = "Etc/UTC"


def may(work: Work, windows: Iterable[Window], now: datetime, takes: timedelta = timedelta()) -> Answer:
    """When work of this kind, which takes so long, may be done.

    Args:
        work: the kind.
        windows: that concern the app.
        now: aware.
        takes: how long it takes: it begins only where it fits before the end.
    """
    concerned = [window for window in windows if window.concerns(work)]
    found = _first(concerned, now, takes)
    shows = next((window for window in concerned if found.start is not None and window.at(found.start)), None)
    first = shows or next(iter(concerned), None)
    return replace(found, zone=first.zone) if first is not None else found


def _first(concerned: Sequence[Window], now: datetime, takes: timedelta) -> Answer:
    allow = [_Track(window) for window in concerned if window.policy is Policy.ALLOW]
    deny = [_Track(window) for window in concerned if window.policy is Policy.DENY]
    moment, because = now, ""
    for _ in range(_HOPELESS if _is_hopeless(allow, now, takes) else _STEPS):
        denied = _covering(deny, moment)
        if denied is not None:
            because = because or f"{denied[0].window.name} denies it"
            moment = denied[1].end
            continue
        end = _first_start(deny, moment)
        if allow:
            open_ = _open_until(allow, moment)
            if open_ is None or not any(window.lets_begin(moment) for window in allow):
                because = because or (_OUTSIDE if open_ is None else _TOO_LATE)
                following = _first_start(allow, moment)
                if following is None:
                    return Answer(None, None, because)
                moment = following
                continue
            end = min(open_, end) if end is not None else open_
        if end is None or moment + takes <= end:
            return Answer(moment, end, because if moment > now else "")
        because = because or f"it takes {_minutes(takes)}, and the window ends before"
        moment = end
    return Answer(None, None, because or "no time is long enough")


@dataclass(slots=True)
class _Track:
    """A window whose times are asked for in order, mostly: what was found is kept until its next beginning.

    Attributes:
        window: itself.
        known: from when to the next time: the time that began last, and the next one; the newest last.
    """

    window: Window
    known: list[tuple[datetime, Span | None, Span | None]] = field(default_factory=list)

    def at(self, moment: datetime) -> Span | None:
        """As of the window."""
        latest = self._around(moment)[1]
        return latest if latest is not None and latest.end > moment else None

    def following(self, moment: datetime) -> Span | None:
        """As of the window."""
        return self._around(moment)[2]

    def lets_begin(self, moment: datetime) -> bool:
        """As of the window."""
        span, most = self.at(moment), self.window.last_start
        return span is not None and (most is None or moment - span.start <= most)

    def _around(self, moment: datetime) -> tuple[datetime, Span | None, Span | None]:
        for found in reversed(self.known):
            if found[0] <= moment and (found[2] is None or moment < found[2].start):
                return found
        last = self.known[-1][2] if self.known else None
        after = self.window.following(last.start) if last is not None and last.start <= moment else None
        if last is not None and after is not None and moment < after.start:
            fresh: tuple[datetime, Span | None, Span | None] = (last.start, last, after)
        else:
            start = self.window.latest(moment)
            span = Span(start, start + self.window.duration) if start is not None else None
            fresh = (moment, span, self.window.following(moment))
        self.known = [*self.known[-3:], fresh]
        return fresh


def _is_hopeless(allow: Sequence[_Track], now: datetime, takes: timedelta) -> bool:
    """All windows together are shorter than that, and none of them goes on where its last time ends."""
    if not allow or sum((track.window.duration for track in allow), timedelta()) >= takes:
        return False
    for track in allow:
        first = track.window.following(now)
        second = track.window.following(first.start) if first is not None else None
        if first is not None and second is not None and second.start - first.end < _BACK:
            return False
    return True


def _covering(windows: Iterable[_Track], moment: datetime) -> tuple[_Track, Span] | None:
    """The window that is under way and ends last."""
    found = [(window, span) for window in windows if (span := window.at(moment)) is not None]
    return max(found, key=lambda item: item[1].end, default=None)


def _open_until(windows: Sequence[_Track], moment: datetime) -> datetime | None:
    """Until when one window after another is open without a gap; None where none is."""
    end = None
    for _ in range(_STEPS):
        found = _covering(windows, moment)
        if found is None:
            return end
        end = moment = found[1].end
    return end


def _first_start(windows: Iterable[_Track], moment: datetime) -> datetime | None:
    """When the next one begins."""
    found = [span.start for window in windows if (span := window.following(moment)) is not None]
    return min(found, default=None)


def _minutes(time: timedelta) -> str:
    return f"{-(-time // timedelta(minutes=1))} minutes"


def shown(moment: datetime, name: str) -> str:
    """A moment as people of that zone read it: ``2026-11-28 23:00 +0100``."""
    return f"{moment.astimezone(zone(name) or UTC):%Y-%m-%d %H:%M %z}"
