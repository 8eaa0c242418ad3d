"""PostgreSQL of the simulation as a whole: its databases, whose data they hold, and whether they take connections."""

from __future__ import annotations

from dataclasses import dataclass, field

LIVE = "memo_app"
EMPTY = "empty"


@dataclass
class Server:
    """One server.

    Attributes:
        held: whose data each database holds, by its name.
        closed: databases that take no connections.
        away: it does not answer.
        stubborn: somebody stays connected, so nothing can be renamed.
        swaps: how often databases were renamed.
        dropped: whose data was dropped.
    """

    held: dict[str, str] = field(default_factory=lambda: {"postgres": "none", LIVE: "live"})
    closed: set[str] = field(default_factory=set)
    away: bool = False
    stubborn: bool = False
    swaps: int = 0
    dropped: list[str] = field(default_factory=list)

    def resume(self, other: Server) -> None:
        """Go on from where another one is."""
        self.held, self.closed, self.swaps = {**other.held}, {*other.closed}, other.swaps
        self.away, self.stubborn, self.dropped = other.away, other.stubborn, [*other.dropped]

    def names(self) -> dict[str, bool] | None:
        """Databases, and whether they take connections."""
        return None if self.away else {name: name not in self.closed for name in self.held}

    def restore(self, name: str, data: str) -> None:
        """An agent makes a database."""
        self.held[name] = data

    def close(self, name: str) -> None:
        """The first half of a swap: it may be all that there is of it."""
        if name in self.held:
            self.closed.add(name)

    def swap(self, live: str, fresh: str, kept: str) -> None:
        """Both names at once, or none."""
        if self.away or self.stubborn or live not in self.held or fresh not in self.held or kept in self.held:
            return
        self.held[kept] = self.held.pop(live)
        self.held[live] = self.held.pop(fresh)
        self.closed -= {live, fresh, kept}
        self.swaps += 1

    def open(self, name: str) -> None:
        """It takes connections again."""
        if not self.away:
            self.closed.discard(name)

    def drop(self, name: str) -> None:
        """It is gone."""
        if not self.away and name in self.held:
            self.dropped.append(self.held.pop(name))
            self.closed.discard(name)
