"""Gradual releases that go through and that are sent back by their gates, one after the other, and what clients saw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from tests.e2e.app import App
from tests.e2e.history import History, Moment
from tests.e2e.loaded import OLD_ANSWERS, under_load
from tests.load.record import Request
from tests.load.result import Result
from tools.testbed import sample

INTERVAL = 2.0
"""Seconds between two measurements."""
WEIGHT = 10
HOLD = 4.0
STEPS = [{"weight": WEIGHT, "hold": f"{HOLD:g}s"}, {"weight": 50, "hold": f"{HOLD:g}s"}]
HOLDS = 3 * HOLD
"""Seconds that a release holds by its spec: two steps and the soak."""
SPEC: Mapping[str, Any] = {
    "release": {**sample.MIGRATES, "steps": STEPS, "soak": f"{HOLD:g}s", "keepOld": "30m"},
    "gates": {"interval": f"{INTERVAL:g}s"},
}
ERRORS = 40
"""Percent of the bad version's answers that are 500."""
OVERHEAD = 3 * (INTERVAL + 1.5)
"""Seconds that a release may take over its holds: after each of three the measurement that may have begun just before
it ended, and weights that are set and read back."""
BACK = 2 + OLD_ANSWERS / INTERVAL
"""Intervals from the first error to the last: two, and the time in which a router that was told so may still answer."""
CHANCE = 1.5
"""A share of some hundred requests is met with so much room."""
AT_ONCE = 5
"""Rounds in one run of the load, which has an end of its own."""
_Moments: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Release:
    """One release, with its moments (seconds since the epoch), as the status told them.

    Attributes:
        version: the new one's.
        bad: it answers with errors.
        first: the first weight was committed.
        held: every router had it.
        turned: the last weight, or the way back, was committed.
        ended: it was completed, or rolled back.
        result: what clients saw until the next one was ordered.
    """

    version: str
    bad: bool
    first: float
    held: float
    turned: float
    ended: float
    result: Result

    @property
    def own(self) -> tuple[Request, ...]:
        """The failures that the version itself answered."""
        found = self.result.failures if self.bad else ()
        return tuple(item for item in found if item.status == 500 and item.version == self.version)

    @property
    def others(self) -> int:
        """Failures that are nobody's own: requests, and writes that were lost or doubled."""
        return self.result.failed - len(self.own)

    @property
    def overhead(self) -> float:
        """Seconds from the first weight to the end, without what was to be held."""
        return self.ended - self.first - HOLDS

    @property
    def intervals(self) -> float:
        """Intervals from the first error that a client saw to the last answer of the version."""
        last = self.first + self.result.last_answer(self.version, self.first)
        return (last - min(item.finished for item in self.own)) / INTERVAL

    @property
    def reached(self) -> int:
        """Clients' requests that the bad version answered."""
        return len([item for item in self._fresh(self.first, self.ended) if item.version == self.version])

    @property
    def allowed(self) -> float:
        """How many its share of the clients, and the time that it had them, make."""
        return len(self._fresh(self.first, self.turned + OLD_ANSWERS)) * WEIGHT / 100

    def _fresh(self, begin: float, end: float) -> list[Request]:
        """On new connections: each is a client of its own."""
        return [item for item in self.result.within(begin, end).requests if item.connection == "new"]


def releases(app: App, images: dict[str, str], cluster: str, folder: Path, rounds: int) -> Iterator[Release]:
    """So many releases that go through, and after each one that is sent back; the app has ``SPEC`` and is ready."""
    for begin in range(0, rounds, AT_ONCE):
        yield from _run(app, images, cluster, folder, range(begin, min(begin + AT_ONCE, rounds)))


def _run(app: App, images: dict[str, str], cluster: str, folder: Path, numbers: range) -> list[Release]:
    found: list[tuple[str, bool, _Moments]] = []
    with History(app) as history, under_load(app, cluster, folder) as load:
        for number in numbers:
            good, bad = ("1.1.0", "1.0.0") if number % 2 == 0 else ("1.0.0", "1.1.0")
            for version, fault in ((good, {}), (bad, {"FAULT": f"errors-{ERRORS}%"})):
                app.change(**sample.tiered_version(images, version, ROUND=str(number), **fault))
                after = found[-1][2][-1] if found else 0.0
                found.append((version, bool(fault), _followed(history, after, bad=bool(fault))))
        result = load.stop()
    assert history.always_available, history.story
    # Each release's window goes to where the next one begins.
    ends = [moments[0] for _, _, moments in found[1:]] + [float("inf")]
    begins = [0.0, *ends[:-1]]
    return [
        Release(version, bad, *moments, result=result.within(begin, end))
        for (version, bad, moments), begin, end in zip(found, begins, ends, strict=True)
    ]


def _followed(history: History, after: float, *, bad: bool) -> _Moments:
    """first, held, turned, ended."""
    first = history.when(lambda moment: _at(moment, WEIGHT), after)
    held = history.when(lambda moment: _at(moment, WEIGHT) and _release(moment).get("since"), first)
    turned = history.phase("RollingBack" if bad else "Soaking", held)
    return first, held, turned, history.phase("RolledBack" if bad else "Completed", turned)


def _at(moment: Moment, weight: int) -> bool:
    return moment.phase == "Shifting" and _release(moment).get("weight") == weight


def _release(moment: Moment) -> Any:
    return moment.status.get("release") or {}
