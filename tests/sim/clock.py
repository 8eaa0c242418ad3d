"""Virtual time: it goes on only when nobody has anything left to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


class SimClock:
    """The port ``Clock``.

    Attributes:
        skew: seconds by which the wall clock is ahead of where it should be; it may jump.
    """

    def __init__(self) -> None:
        self._seconds = 0.0
        self.skew = 0.0

    @property
    def seconds(self) -> float:
        """Seconds since the beginning of the simulation."""
        return self._seconds

    def now(self) -> datetime:
        return START + timedelta(seconds=self._seconds + self.skew)

    def stamp(self, later: float = 0.0) -> str:
        """Now, or some seconds later, as the API writes times."""
        return (self.now() + timedelta(seconds=later)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def advance_to(self, seconds: float) -> None:
        self._seconds = max(self._seconds, seconds)
