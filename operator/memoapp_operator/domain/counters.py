"""What the routers count, per colour and class of request; and what came between two readings.

A router counts from its start on and forgets all of it when it ends. So a reading is a value for each router, and a
measurement is a sum of differences, router by router.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from memoapp_operator.api.v1alpha1.memoapp import Colour

PAGE, API = "page", "api"
CLASSES = (PAGE, API)
SLOW_MS = (100, 250, 500, 1000, 2000, 5000)
"""Milliseconds to the response's headers beyond which a response is counted as slow, ascending: a counter each."""
COUNTERS = "measure"
"""The routers' table."""
INDICES = ("requests", "client_errors", "server_errors", *(f"slow_{limit}" for limit in SLOW_MS))
"""What each counter of a key in it counts, in their order."""
_NONE = (0,) * len(SLOW_MS)


@dataclass(frozen=True, slots=True)
class Counters:
    """Responses of one class of one colour.

    Attributes:
        requests: all of them.
        client_errors: those with status 400 to 499.
        server_errors: those with status 500 to 599, the router's own (no server answered) among them.
        slow: those slower than each of ``SLOW_MS``.
    """

    requests: int = 0
    client_errors: int = 0
    server_errors: int = 0
    slow: tuple[int, ...] = _NONE

    def __add__(self, other: Counters) -> Counters:
        return Counters(
            self.requests + other.requests,
            self.client_errors + other.client_errors,
            self.server_errors + other.server_errors,
            tuple(one + two for one, two in zip(self.slow, other.slow, strict=True)),
        )

    def since(self, before: Counters) -> Counters:
        """What was counted since ``before``; all of it, where the router began anew in between."""
        found = Counters(
            self.requests - before.requests,
            self.client_errors - before.client_errors,
            self.server_errors - before.server_errors,
            tuple(now - then for now, then in zip(self.slow, before.slow, strict=True)),
        )
        fell = min(found.requests, found.client_errors, found.server_errors, *found.slow) < 0
        return self if fell else found


Key = tuple[Colour, str]
"""Colour and class."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What every router said at one moment.

    Attributes:
        routers: counters by router and key; a router that did not answer is None.
    """

    routers: Mapping[str, Mapping[Key, Counters] | None] = field(default_factory=dict)

    @property
    def silent(self) -> tuple[str, ...]:
        """The routers that did not answer."""
        return tuple(sorted(name for name, counted in self.routers.items() if counted is None))


def between(before: Reading, after: Reading) -> dict[Key, Counters]:
    """What all routers counted between two readings.

    A router that is new counts from its start on. One that did not answer the first time counts nothing: what it said
    before is not known.
    """
    found: dict[Key, Counters] = {}
    for name, counted in after.routers.items():
        if counted is None or (name in before.routers and before.routers[name] is None):
            continue
        old = before.routers.get(name) or {}
        for key, now in counted.items():
            found[key] = found.get(key, Counters()) + now.since(old.get(key, Counters()))
    return found


def class_of(path: str) -> str:
    """The class of requests to a path: the API's lie under ``/api``."""
    return API if path.partition("?")[0] == "/api" or path.startswith("/api/") else PAGE
