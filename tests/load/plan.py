"""What is sent when: fixed before the first request, so that no answer can slow it down."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

FASTEST = 1000.0
"""Requests per second."""
LONGEST = 900.0
"""Seconds."""
CLIENTS = 16
"""Clients that keep their connection; each has one, and a further one for every request that finds it busy."""
WITH_COOKIE = 8
"""How many of them keep the cookie that the router gives them."""
PATHS = ("/", "/api/memos", "/api/version")
MEMOS = "/api/memos"
# 20 %: one of them on a new connection, the other on a kept one.
_WRITES = {3, 8}


class PlanError(ValueError):
    """More than the tool is made for."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One request.

    Attributes:
        at: seconds after the start.
        method: GET or POST.
        path: without query.
        client: the number of the client that keeps its connection; None for a connection of its own.
        cookie: the client keeps the router's cookie.
        journal: the id that a write carries; empty for reads.
    """

    at: float
    method: str
    path: str
    client: int | None
    cookie: bool
    journal: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A constant rate for a time.

    Attributes:
        rate: requests per second, at most ``FASTEST``.
        seconds: at most ``LONGEST``.
        run: begins every journal id of this run, and no other's.

    Raises:
        PlanError: beyond these bounds.
    """

    rate: float
    seconds: float
    run: str = field(default_factory=lambda: f"load-{secrets.token_hex(4)}")

    def __post_init__(self) -> None:
        if not 0 < self.rate <= FASTEST:
            raise PlanError(f"{self.rate:g} requests/s: it must be more than 0 and at most {FASTEST:g}")
        if not 0 < self.seconds <= LONGEST:
            raise PlanError(f"{self.seconds:g} s: it must be more than 0 and at most {LONGEST:g}")

    def requests(self) -> Iterator[Planned]:
        """All requests in order: half on new connections, a fifth writes, the same in every run."""
        return (self._planned(number) for number in range(int(self.rate * self.seconds)))

    def _planned(self, number: int) -> Planned:
        write = number % 10 in _WRITES
        client = (number // 2) % CLIENTS if number % 2 else None
        return Planned(
            at=number / self.rate,
            method="POST" if write else "GET",
            path=MEMOS if write else PATHS[number % len(PATHS)],
            client=client,
            cookie=client is not None and client < WITH_COOKIE,
            journal=f"{self.run}-{number:06d}" if write else "",
        )
