"""The gates of the database: from PostgreSQL's own numbers to measurements. Pure.

The database belongs to both colours: nothing of it is compared between them, but with what it was before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from memoapp_operator.api.v1alpha1.gates import DatabaseGates, GateName

from .measurements import WORSE, Measurement, Verdict, plain, shown
from .observation import Probe
from .usage import DatabaseReading, DatabaseStats, Statement

CONNECTIONS_PERCENT = 80
REPLICATION_LAG = "1s"
DEADLOCKS = 0
"""Sources of these three: the runbook's thresholds."""
LOCK_WAIT = "30s"
TRANSACTION_AGE = "5m"
SLOW_QUERY = "1s"
NAMES = (
    GateName.CONNECTIONS,
    GateName.REPLICATION_LAG,
    GateName.DEADLOCKS,
    GateName.LOCK_WAIT,
    GateName.TRANSACTION_AGE,
    GateName.SLOW_QUERY,
)
_SPAN = re.compile(r"([0-9]+)(ms|s|m)")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000}


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits, as declared or by default.

    Attributes:
        connections: percent.
        lag: seconds.
        deadlocks: how many.
        lock_wait: seconds.
        transaction: seconds.
        slow: milliseconds.
        declared: gates whose limit a person wrote.
    """

    connections: int
    lag: Fraction
    deadlocks: int
    lock_wait: Fraction
    transaction: Fraction
    slow: int
    declared: frozenset[str]


def limits(spec: DatabaseGates) -> Limits:
    """What is allowed."""
    written = spec.model_dump(by_alias=True, exclude_none=True)
    return Limits(
        connections=spec.connections_percent or CONNECTIONS_PERCENT,
        lag=_seconds(spec.replication_lag or REPLICATION_LAG),
        deadlocks=spec.deadlocks if spec.deadlocks is not None else DEADLOCKS,
        lock_wait=_seconds(spec.lock_wait or LOCK_WAIT),
        transaction=_seconds(spec.transaction_age or TRANSACTION_AGE),
        slow=milliseconds(spec.slow_query or SLOW_QUERY),
        declared=frozenset(written),
    )


def milliseconds(span: str) -> int:
    """Milliseconds in a span that the schema took (``1s500ms``)."""
    return sum(int(number) * _MILLISECONDS[unit] for number, unit in _SPAN.findall(span))


def _seconds(span: str) -> Fraction:
    return Fraction(milliseconds(span), 1000)


def unmeasured(reading: DatabaseReading) -> dict[str, str]:
    """The gates that have no source, with the reason; none of one that does not answer just now."""
    return dict(reading.lacking) if isinstance(reading, DatabaseStats) else {}


@dataclass(frozen=True, slots=True)
class Past:
    """What the numbers were.

    Attributes:
        step: as the step began.
        last: at the last measurement, or as the step began.
        before: before the release's first clients.
    """

    step: DatabaseStats | None = None
    last: DatabaseStats | None = None
    before: DatabaseStats | None = None


@dataclass(frozen=True, slots=True)
class Slow:
    """The slowest statement since the last measurement.

    Attributes:
        query: its id.
        mean: milliseconds of a call since then.
        calls: since then.
        earlier: milliseconds of a call before the release; None where it was not run, or too fast to be kept.
    """

    query: str
    mean: Fraction
    calls: int
    earlier: Fraction | None


def slowest(reading: DatabaseReading, past: Past, limit: int) -> Slow | None:
    """The statement that is most beyond the limit, and was not as slow before; else the slowest. None where none ran.

    Args:
        reading: the numbers now.
        past: what they were.
        limit: milliseconds.
    """
    if not isinstance(reading, DatabaseStats) or reading.statements is None:
        return None
    known = past.last.statements or {} if past.last is not None else {}
    before = past.before.statements or {} if past.before is not None else {}
    found = [_since(key, item, known.get(key), before.get(key)) for key, item in reading.statements.items()]
    ran = [item for item in found if item is not None]
    return max(ran, key=lambda item: (is_slow(item, limit), item.mean), default=None)


def _since(key: str, now: Statement, last: Statement | None, before: Statement | None) -> Slow | None:
    """What one statement did since the last measurement; after a reset of the statistics all that it says."""
    if last is None or last.calls > now.calls:
        calls, spent = now.calls, now.milliseconds
    else:
        calls, spent = now.calls - last.calls, now.milliseconds - last.milliseconds
    if calls <= 0:
        return None
    earlier = Fraction(before.milliseconds) / before.calls if before is not None and before.calls else None
    return Slow(key, Fraction(spent) / calls, calls, earlier)


def is_slow(item: Slow, limit: int) -> bool:
    """It is beyond the limit; and where it was so before, by half as much again."""
    if item.mean <= limit:
        return False
    return item.earlier is None or item.earlier <= limit or item.mean > WORSE * item.earlier


@dataclass(frozen=True, slots=True)
class Seen:
    """What a round of measurements is made of.

    Attributes:
        reading: the numbers now.
        past: what they were.
        text: the normalised text of the slowest statement, where it was asked for.
        skipped: gates that had no source as the first clients came.
    """

    reading: DatabaseReading
    past: Past = field(default_factory=Past)
    text: str = ""
    skipped: frozenset[str] = frozenset()


def measure(spec: DatabaseGates, seen: Seen) -> tuple[Measurement, ...]:
    """A measurement for each gate of the database."""
    allowed = limits(spec)
    return tuple(_all(allowed, seen))


def _all(allowed: Limits, seen: Seen) -> Iterator[Measurement]:
    most: Mapping[str, Fraction] = {
        GateName.CONNECTIONS: Fraction(allowed.connections),
        GateName.REPLICATION_LAG: allowed.lag,
        GateName.DEADLOCKS: Fraction(allowed.deadlocks),
        GateName.LOCK_WAIT: allowed.lock_wait,
        GateName.TRANSACTION_AGE: allowed.transaction,
        GateName.SLOW_QUERY: Fraction(allowed.slow, 1000),
    }
    lacking = unmeasured(seen.reading)
    for name in NAMES:
        if name in seen.skipped and name not in allowed.declared:
            why = lacking.get(name, "it had no source as the release began")
            yield Measurement(name, Verdict.SKIPPED, most[name], why=why)
        elif isinstance(seen.reading, Probe):
            yield _unanswered(name, most[name], seen.reading)
        elif name in lacking:
            yield Measurement(name, Verdict.ERROR, most[name], why=lacking[name])
        else:
            yield _measured(name, most[name], allowed, seen, seen.reading)


def _unanswered(name: GateName, most: Fraction, probe: Probe) -> Measurement:
    """No answer is no measurement; but that it is for want of connections is one of these."""
    if name is GateName.CONNECTIONS and probe.reason == "TooManyConnections":
        return Measurement(name, Verdict.FAIL, most, Fraction(100), why=f"all are taken: {probe.message}")
    return Measurement(name, Verdict.ERROR, most, why=probe.message or probe.reason)


def _measured(name: GateName, most: Fraction, allowed: Limits, seen: Seen, stats: DatabaseStats) -> Measurement:
    match name:
        case GateName.CONNECTIONS:
            used = Fraction(100 * stats.connections, stats.most or 1)
            return _told(name, used, most, f"{stats.connections} of {stats.most} connections, in percent")
        case GateName.REPLICATION_LAG:
            lag = Fraction(stats.lag or 0)
            return _told(name, lag, most, "seconds, of the slowest replica")
        case GateName.DEADLOCKS:
            began = seen.past.step.deadlocks if seen.past.step is not None else stats.deadlocks
            return _told(name, Fraction(max(0, stats.deadlocks - began)), most, "since the step began")
        case GateName.LOCK_WAIT:
            return _told(name, Fraction(stats.lock_wait), most, "seconds, the longest")
        case GateName.TRANSACTION_AGE:
            return _told(name, Fraction(stats.transaction), most, "seconds, the longest")
        case _:
            return _slow(name, most, allowed, seen)


def _slow(name: GateName, most: Fraction, allowed: Limits, seen: Seen) -> Measurement:
    worst = slowest(seen.reading, seen.past, allowed.slow)
    if worst is None:
        return Measurement(name, Verdict.PASS, most, Fraction(0), why=f"no statement was slower than {plain(most)} s")
    mean, earlier = worst.mean / 1000, worst.earlier / 1000 if worst.earlier is not None else None
    if not is_slow(worst, allowed.slow):
        known = f", as it was before ({shown(earlier)} s)" if mean > most and earlier is not None else ""
        return Measurement(name, Verdict.PASS, most, mean, earlier, why=f"{shown(mean)} s at most on average{known}")
    before = f"{shown(earlier)} s before" if earlier is not None else "not so slow before"
    text = f": {seen.text}" if seen.text else ""
    why = f"{shown(mean)} s > {plain(most)} s on average in {worst.calls} calls ({before}){text}"
    return Measurement(name, Verdict.FAIL, most, mean, earlier, why=why)


def _told(name: GateName, value: Fraction, most: Fraction, note: str) -> Measurement:
    failed = value > most
    sign = ">" if failed else "<="
    why = f"{shown(value)} {sign} {plain(most)} ({note})"
    return Measurement(name, Verdict.FAIL if failed else Verdict.PASS, most, value, why=why)
