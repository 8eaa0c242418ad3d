"""Clients of the simulation: a constant stream through every router, and what versions make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.counters import API, CLASSES, PAGE, SLOW_MS, Counters, Key

PER_ROUTER = 50.0
"""Requests a second through each router."""


@dataclass(frozen=True)
class Fault:
    """How the images of a version answer.

    Attributes:
        errors: percent of the responses that are 500.
        missing: percent of the responses that are 404.
        slow_ms: how long each takes.
        classes: the classes that are concerned.
        above: share of the clients, in percent, up to which the version behaves well.
    """

    errors: float = 0.0
    missing: float = 0.0
    slow_ms: int = 20
    classes: tuple[str, ...] = CLASSES
    above: int = 0


WELL = Fault()


@dataclass
class _Router:
    counted: float
    found: dict[Key, list[Fraction]] = field(default_factory=dict)


class Traffic:
    """What every router counted, by the pod's uid.

    Attributes:
        rates: requests a second and router, by class.
        faults: how a colour answers.
    """

    def __init__(self) -> None:
        self.rates: dict[str, float] = dict.fromkeys(CLASSES, PER_ROUTER / 2)
        self.faults: dict[Colour, Fault] = {}
        self._routers: dict[str, _Router] = {}
        self.served: dict[Colour, Fraction] = dict.fromkeys(Colour, Fraction(0))
        self.failed: dict[Colour, Fraction] = dict.fromkeys(Colour, Fraction(0))

    def resume(self, other: Traffic) -> None:
        """Go on from where another one is."""
        self.rates, self.faults = {**other.rates}, {**other.faults}

    def start(self, uid: str, now: float) -> None:
        """A router starts: it has counted nothing."""
        self._routers[uid] = _Router(now)

    def run(self, uid: str, green: int | None, now: float) -> None:
        """Requests up to ``now`` go where the router sends them.

        Args:
            uid: of the router's pod.
            green: percent of its clients that it sends to green; None while it serves none.
            now: virtual seconds.
        """
        router = self._routers.setdefault(uid, _Router(now))
        seconds, router.counted = now - router.counted, now
        if green is None or seconds <= 0:
            return
        for colour, weight in ((Colour.GREEN, green), (Colour.BLUE, 100 - green)):
            for class_, rate in self.rates.items():
                requests = Fraction(rate) * Fraction(seconds) * weight / 100
                self._count(router, (colour, class_), requests, weight)

    def _count(self, router: _Router, key: Key, requests: Fraction, weight: int) -> None:
        fault = self.faults.get(key[0], WELL)
        if key[1] not in fault.classes or weight <= fault.above:
            fault = WELL
        errors = requests * Fraction(fault.errors) / 100
        self.served[key[0]] += requests
        self.failed[key[0]] += errors
        slow = [requests if fault.slow_ms > limit else Fraction(0) for limit in SLOW_MS]
        added = [requests, requests * Fraction(fault.missing) / 100, errors, *slow]
        before = router.found.setdefault(key, [Fraction(0)] * len(added))
        router.found[key] = [one + two for one, two in zip(before, added, strict=True)]

    def counters(self, uid: str) -> Mapping[Key, Counters]:
        """What the router's table holds."""
        found = {}
        for key, (requests, client, server, *slow) in self._routers[uid].found.items():
            found[key] = Counters(int(requests), int(client), int(server), tuple(map(int, slow)))
        return found


__all__ = ["API", "PAGE", "WELL", "Fault", "Traffic"]
