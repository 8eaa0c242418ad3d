"""The gates of a release: from what was counted, asked and seen in a while to one measurement each. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from memoapp_operator.api.v1alpha1.gates import ErrorGates, GateName, Gates, Threshold
from memoapp_operator.api.v1alpha1.memoapp import Colour

from .counters import API, CLASSES, PAGE, Counters
from .measurements import Limits, Measurement, Verdict, measured, percentile_ms, share, slow_share

THRESHOLDS = {
    Threshold.MS_100: 100,
    Threshold.MS_250: 250,
    Threshold.MS_500: 500,
    Threshold.S_1: 1000,
    Threshold.S_2: 2000,
    Threshold.S_5: 5000,
}
"""Milliseconds."""
LEAST_PROBES = 3
"""Probes without which they say nothing."""


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods of the new colour.

    Attributes:
        ended: containers that ended since the first clients came, each as ``backend: OOMKilled``.
        short: tiers that have fewer ready pods than the release began with, each as a sentence part.
    """

    ended: tuple[str, ...] = ()
    short: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sources:
    """What a measurement is made of.

    Attributes:
        new: responses of the new colour to clients, by class.
        old: the same of the old colour, in the same time, or the last in which it had clients.
        probes: answers of the new colour to the operator itself, by class.
        named: a person named the probes' paths, so that they count like clients.
        silent: routers that did not tell.
        told: routers that told.
        pods: of the new colour.
        asked: measurements that were made elsewhere (Prometheus).
    """

    new: Mapping[str, Counters] = field(default_factory=dict)
    old: Mapping[str, Counters] = field(default_factory=dict)
    probes: Mapping[str, Counters] = field(default_factory=dict)
    named: bool = False
    silent: tuple[str, ...] = ()
    told: int = 0
    pods: Pods = Pods()
    asked: tuple[Measurement, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """One round of measurements.

    Attributes:
        stage: of the release in which it was made.
        regular: at the end of an interval. Others come between, to end a step in time: they count no failure.
        seconds: for how long this process has watched the stage.
        found: a measurement for each gate.
        old: responses of the old colour, by class, that they were compared with.
    """

    stage: str
    regular: bool
    seconds: float
    found: tuple[Measurement, ...]
    old: Mapping[str, Counters] = field(default_factory=dict)

    @property
    def abort(self) -> Measurement | None:
        """The first that is so bad that nobody waits for another one."""
        return next((item for item in self.found if item.abort), None)


def measure(spec: Gates, sources: Sources, colour: Colour) -> tuple[Measurement, ...]:
    """Every gate's measurement, those that are only watched among them."""
    return tuple(_measured(spec, sources, colour))


def _measured(spec: Gates, sources: Sources, colour: Colour) -> Iterator[Measurement]:
    yield _client_errors(spec, sources)
    yield _server_errors(spec, sources)
    times = {GateName.FRONTEND_TIME: (PAGE, spec.response_time.frontend)}
    times[GateName.BACKEND_TIME] = (API, spec.response_time.backend)
    for name, (class_, threshold) in times.items():
        yield _time(name, class_, threshold, spec, sources)
    yield _pods(spec, sources.pods, colour)
    yield _probes(spec.errors, sources.probes)
    yield from sources.asked


def _client_errors(spec: Gates, sources: Sources) -> Measurement:
    limits = Limits(Fraction(spec.errors.client_error_percent))
    clients = {key: item.client_errors for key, item in _counted(sources).items()}
    others = {key: item.client_errors for key, item in sources.old.items()}
    return _errors(GateName.CLIENT_ERRORS, limits, spec.min_requests, sources, (clients, others))


def _server_errors(spec: Gates, sources: Sources) -> Measurement:
    limits = Limits(Fraction(spec.errors.server_error_percent), Fraction(spec.errors.abort_server_error_percent))
    servers = {key: item.server_errors for key, item in _counted(sources).items()}
    others = {key: item.server_errors for key, item in sources.old.items()}
    return _errors(GateName.SERVER_ERRORS, limits, spec.min_requests, sources, (servers, others))


def _errors(
    gate: str, limits: Limits, least: int, sources: Sources, errors: tuple[Mapping[str, int], Mapping[str, int]]
) -> Measurement:
    """The worst of all requests together and of each class that has enough of them.

    Errors of a class that few ask for would drown among the others.
    """
    if (silence := _silence(gate, limits, sources)) is not None:
        return silence
    new, old = _counted(sources), sources.old
    found = []
    for classes in (CLASSES, *((class_,) for class_ in CLASSES)):
        counted, before = _sum(new, classes), _sum(old, classes)
        bad, other = (sum(part.get(class_, 0) for class_ in classes) for part in errors)
        if len(classes) > 1 or counted.requests >= least:
            value, known = share(bad, counted), share(other, before)
            note = "" if len(classes) > 1 else f"of the {classes[0]} class"
            item = measured(gate, limits, value, known, requests=counted.requests, least=least)
            found.append(_noted(item, sources, note, classes, least))
    return max(found, key=_badness)


def _badness(item: Measurement) -> tuple[bool, bool, bool, Fraction]:
    """Orders measurements of one gate: what decides most comes last. Of equals the first, all classes together."""
    failed = item.verdict is Verdict.FAIL
    return (
        item.abort,
        failed,
        item.verdict is Verdict.INCONCLUSIVE,
        item.value or Fraction(0) if failed else Fraction(0),
    )


def _time(name: str, class_: str, threshold: Threshold, spec: Gates, sources: Sources) -> Measurement:
    """The share of the slow responses of a class.

    A class that is so rare that the requests it takes cannot be expected says nothing. One that has fewer requests than
    its share on the old colour lets expect is no such class: a new version that is not asked any more may be broken.
    """
    limits = Limits(Fraction(spec.response_time.slow_percent))
    if (silence := _silence(name, limits, sources)) is not None:
        return silence
    new, least = _counted(sources), spec.min_requests
    counted, before, total = new.get(class_, Counters()), sources.old.get(class_, Counters()), _sum(new, CLASSES)
    if counted.requests < least <= total.requests:
        among = _sum(sources.old, CLASSES).requests
        expected = before.requests * total.requests // among if among else 0
        if expected < least:
            why = f"{counted.requests} requests of its class, {expected} expected, {least} are needed"
            return Measurement(name, Verdict.SKIPPED, limits.most, requests=counted.requests, why=why)
    milliseconds = THRESHOLDS[threshold]
    value, other = slow_share(counted, milliseconds), slow_share(before, milliseconds)
    item = measured(name, limits, value, other, requests=counted.requests, least=least)
    most = percentile_ms(counted)
    p95 = f"p95 about {most:,} ms" if most is not None else f"p95 beyond {max(THRESHOLDS.values()):,} ms"
    return _noted(item, sources, f"percent slower than {threshold.value}, {p95}", (class_,), least)


def _noted(item: Measurement, sources: Sources, note: str, classes: Iterable[str], least: int) -> Measurement:
    """The measurement with what else is known of it."""
    if item.value is None:
        return item
    clients = _sum(sources.new, classes).requests
    alone = "measured by probes only" if sources.named and clients < least else ""
    words = ", ".join(text for text in (note, alone) if text)
    return Measurement(
        item.gate, item.verdict, item.limit, item.value, item.other, item.requests, item.abort, item.why, words
    )


def _pods(spec: Gates, pods: Pods, colour: Colour) -> Measurement:
    """Containers that ended end the release at once; too few ready pods, once that has been so too often."""
    most, ended = Fraction(spec.pods.restarts), Fraction(len(pods.ended))
    if ended > most:
        note = f"containers ended: {', '.join(sorted(set(pods.ended)))}"
        return Measurement(GateName.PODS, Verdict.FAIL, most, ended, abort=True, note=note)
    if pods.short:
        why = f"on {colour} {' and '.join(pods.short)}"
        return Measurement(GateName.PODS, Verdict.FAIL, most, why=why)
    return Measurement(GateName.PODS, Verdict.PASS, most, ended, note="containers ended")


def _probes(errors: ErrorGates, probes: Mapping[str, Counters]) -> Measurement:
    """Answers to the operator itself: errors fail, and never so much that nobody waits for another measurement."""
    counted = _sum(probes, CLASSES)
    limits = Limits(Fraction(errors.server_error_percent))
    value = share(counted.server_errors, counted)
    item = measured(GateName.PROBES, limits, value, None, requests=counted.requests, least=LEAST_PROBES)
    if item.value is None:
        return Measurement(item.gate, item.verdict, item.limit, requests=item.requests, why="not yet asked")
    return item


def _silence(gate: str, limits: Limits, sources: Sources) -> Measurement | None:
    """No measurement where a router keeps its counts to itself: what it does not tell may be the errors."""
    if sources.silent:
        why = f"no answer from {', '.join(sources.silent)}"
    elif not sources.told:
        why = "no router tells"
    else:
        return None
    return Measurement(gate, Verdict.ERROR, limits.most, why=why)


def _counted(sources: Sources) -> dict[str, Counters]:
    """What counts as requests to the new colour, by class."""
    beside = sources.probes if sources.named else {}
    return {class_: sources.new.get(class_, Counters()) + beside.get(class_, Counters()) for class_ in CLASSES}


def _sum(counted: Mapping[str, Counters], classes: Iterable[str]) -> Counters:
    found = Counters()
    for class_ in classes:
        found += counted.get(class_, Counters())
    return found
