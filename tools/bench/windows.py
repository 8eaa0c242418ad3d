"""What maintenance windows cost: the time of a decision, beside the bare search for the next time of a schedule."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from cronsim import CronSim
from memoapp_operator.api.v1alpha1.maintenancewindow import Policy, Work
from memoapp_operator.domain.windows import Window, may

from tools.bench.figures import Fact, Figure

WINDOWS = 1000
SECOND = 1.0
"""Limit: seconds for that many windows, each decided by itself."""
TOGETHER = 20.0
"""Limit: one decision that all of them have a say in takes so many times as long."""
_NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Etc/UTC")


def main() -> int:
    """Print one line a figure."""
    kept = True
    for figure in _figures():
        print(figure, flush=True)
        kept &= figure.holds
    return 0 if kept else 1


def _windows() -> list[Window]:
    chance = random.Random(9)  # noqa: S311 -- the same each time
    return [
        Window(
            name=f"window-{number}",
            policy=Policy.ALLOW if number % 3 else Policy.DENY,
            duration=timedelta(minutes=chance.randint(5, 600)),
            schedule=f"{chance.randint(0, 59)} {chance.randint(0, 23)} * * {chance.choice(['*', '6', '0L', '5#2'])}",
            zone=chance.choice(_ZONES),
        )
        for number in range(WINDOWS)
    ]


def _figures() -> Iterator[Figure | Fact]:
    windows, takes = _windows(), timedelta(minutes=30)
    alone = _best(lambda: [may(Work.RELEASES, [window], _NOW, takes) for window in windows])
    yield Figure(f"seconds for {WINDOWS} windows, each by itself", round(alone, 3), SECOND, "s")
    together = _best(lambda: [may(Work.RELEASES, windows, _NOW, takes)])
    yield Figure(f"times that for one decision by all {WINDOWS}", round(together / alone, 1), TOGETHER)
    naive = _NOW.replace(tzinfo=None)
    bare = _best(lambda: [next(CronSim(window.schedule or "", naive)) for window in windows])
    yield Fact("times the bare search for the next time", round(alone / bare, 1), f"{bare:.3f} s")


def _best(work: Callable[[], object], rounds: int = 5) -> float:
    """Seconds, the least of some rounds."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


if __name__ == "__main__":
    sys.exit(main())
