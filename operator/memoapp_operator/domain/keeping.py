"""Which backups are kept, and which may go, by `keep: {last, daily, weekly, monthly}`. Pure.

Each rule keeps the newest good backup of each of its last so many periods that have one: days, ISO weeks and months of
the schedule's time zone. Only a good backup (verified, or proved) counts in a rule. What no rule keeps may go, but for
what is never pruned: the newest proved and the newest verified one, those that a person ordered, and those that
something refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

FAILED_FOR = timedelta(days=7)
"""How long a failed backup stays to be looked at, once there is a newer good one."""


class Standing(StrEnum):
    """What is known of a backup."""

    PROVED = "Proved"
    """It was restored, and the restore compared with it."""
    VERIFIED = "Verified"
    """It was read back, and its checksums hold."""
    FAILED = "Failed"
    """It could not be taken, or could not be verified."""
    UNKNOWN = "Unknown"
    """It is being taken, or was not read back yet."""


class Why(StrEnum):
    """Why a backup is kept, the strongest first."""

    REFERRED = "Referred"
    MANUAL = "Manual"
    NEWEST_PROVED = "NewestProved"
    NEWEST_VERIFIED = "NewestVerified"
    UNKNOWN = "Unknown"
    LAST = "Last"
    DAILY = "Daily"
    WEEKLY = "Weekly"
    MONTHLY = "Monthly"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that may be kept or not.

    Attributes:
        name: unique among the backups of an app; decides between two of the same moment.
        taken: the moment of its snapshot, aware of its zone.
        standing: what is known of it.
        manual: a person ordered it.
        referred: a release, a restore or a warm colour names it.
    """

    name: str
    taken: datetime
    standing: Standing
    manual: bool = False
    referred: bool = False

    @property
    def good(self) -> bool:
        """It counts in the rules."""
        return self.standing in {Standing.PROVED, Standing.VERIFIED}


@dataclass(frozen=True, slots=True)
class Rules:
    """How many backups each rule keeps; 0: the rule keeps none."""

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0


def kept(backups: Iterable[Backup], rules: Rules, zone: tzinfo, now: datetime) -> dict[str, Why]:
    """Every backup that is kept, by name, with the strongest reason. What is not in it may be pruned."""
    known = sorted(backups, key=lambda item: (item.taken, item.name), reverse=True)
    good = [item for item in known if item.good]
    found: dict[str, Why] = {}
    _note(found, Why.REFERRED, (item for item in known if item.referred))
    _note(found, Why.MANUAL, (item for item in known if item.manual))
    _note(found, Why.NEWEST_PROVED, [item for item in good if item.standing is Standing.PROVED][:1])
    _note(found, Why.NEWEST_VERIFIED, good[:1])
    _note(found, Why.UNKNOWN, (item for item in known if item.standing is Standing.UNKNOWN))
    _note(found, Why.LAST, good[: rules.last])
    for why, (count, period) in _periods(rules).items():
        _note(found, why, _newest_of_each(good, count, zone, period))
    _note(
        found, Why.FAILED, (item for item in known if item.standing is Standing.FAILED and _is_fresh(item, good, now))
    )
    return found


def prunable(backups: Iterable[Backup], rules: Rules, zone: tzinfo, now: datetime) -> tuple[Backup, ...]:
    """What may go, the oldest first."""
    known = tuple(backups)
    stay = kept(known, rules, zone, now)
    return tuple(sorted((item for item in known if item.name not in stay), key=lambda item: (item.taken, item.name)))


def _note(found: dict[str, Why], why: Why, backups: Iterable[Backup]) -> None:
    for item in backups:
        found.setdefault(item.name, why)


_Period = Callable[[datetime], tuple[int, ...]]


def _periods(rules: Rules) -> Mapping[Why, tuple[int, _Period]]:
    return {
        Why.DAILY: (rules.daily, lambda at: (at.year, at.month, at.day)),
        Why.WEEKLY: (rules.weekly, lambda at: at.isocalendar()[:2]),
        Why.MONTHLY: (rules.monthly, lambda at: (at.year, at.month)),
    }


def _newest_of_each(good: Iterable[Backup], count: int, zone: tzinfo, period: _Period) -> list[Backup]:
    """The newest of each of the last ``count`` periods; ``good`` comes newest first."""
    found: dict[tuple[int, ...], Backup] = {}
    for item in good:
        found.setdefault(period(item.taken.astimezone(zone)), item)
    return sorted(found.values(), key=lambda item: (item.taken, item.name), reverse=True)[:count]


def _is_fresh(failed: Backup, good: list[Backup], now: datetime) -> bool:
    """Without a newer good one it stays: it may be all that there is to learn from."""
    return not good or good[0].taken <= failed.taken or now - failed.taken < FAILED_FOR
