"""A measurement: numbers that a person can check, and the verdict about them. Pure: what was counted comes in.

A gate compares the new colour with its limit and with the old colour: what both share is no reason to go back.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from memoapp_operator.api.v1alpha1.memoapp import GateVerdict

from .counters import SLOW_MS, Counters

Verdict = GateVerdict

WORSE = Fraction(3, 2)
"""Where the old colour is over the limit too, the new one fails only if it is this much worse."""
PERCENTILE = 95
"""Responses may be slower than the limit in so small a share that this percentile is within it."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One gate, measured once.

    Attributes:
        gate: its name, with the class where there are two: ``serverErrorPercent/api``.
        verdict: what it says.
        value: what was measured of the new colour; None where nothing was.
        limit: the most that is allowed.
        other: the same of the old colour, as far as it is known.
        requests: how many of the new colour it rests on.
        abort: so bad that nobody waits for another one.
        why: where there is no value, what is missing; or all there is to say, where it is no share of requests.
        note: what else a person may want to know of the value.
        again: it rests on nothing newer than the last one, and so is not counted once more.
    """

    gate: str
    verdict: Verdict
    limit: Fraction
    value: Fraction | None = None
    other: Fraction | None = None
    requests: int = 0
    abort: bool = False
    why: str = ""
    note: str = ""
    again: bool = False

    def text(self, new: str, old: str) -> str:
        """For people: ``serverErrorPercent/api 7.2 > 0.1 on green (blue 0.0), 1,204 requests``."""
        if self.value is None or self.why:
            return f"{self.gate}: {self.why}"
        sign = ">" if self.value > self.limit else "<="
        name = f"abort{self.gate[0].upper()}{self.gate[1:]}" if self.abort and self.requests else self.gate
        beside = f" ({old} {shown(self.other)})" if self.other is not None else ""
        rests = f", {self.requests:,} requests" if self.requests else ""
        note = f", {self.note}" if self.note else ""
        return f"{name} {shown(self.value)} {sign} {plain(self.limit)} on {new}{beside}{rests}{note}"


@dataclass(frozen=True, slots=True)
class Limits:
    """The limit of a gate, in percent, and that of an abort; None where there is none."""

    most: Fraction
    abort: Fraction | None = None


def plain(limit: Fraction) -> str:
    """A limit as people wrote it."""
    return f"{float(limit):g}"


def shown(value: Fraction | None) -> str:
    """A number as people read it: two digits that count, so that none is rounded to nothing or to its limit."""
    if value is None:
        return "unknown"
    for digits in (1, 2, 3):
        text = f"{float(value):.{digits}f}"
        if value == 0 or abs(value) * 10**digits >= 10:  # noqa: PLR2004 -- two digits
            return text
    return f"{float(value):.1e}"


def share(part: int, counted: Counters) -> Fraction | None:
    """Percent of the requests; None where there were none."""
    return Fraction(100 * part, counted.requests) if counted.requests else None


def measured(
    gate: str, limits: Limits, new: Fraction | None, old: Fraction | None, *, requests: int, least: int
) -> Measurement:
    """The verdict about a share of the new colour's requests.

    Args:
        gate: its name.
        limits: what is allowed.
        new: percent of the new colour's requests; None where it had none.
        old: the same of the old colour; None where it is not known.
        requests: of the new colour.
        least: requests without which nothing can be said.
    """
    if new is None or requests < least:
        why = f"{requests} of the {least} requests that it takes"
        return Measurement(gate, Verdict.INCONCLUSIVE, limits.most, requests=requests, why=why)
    known = old or Fraction(0)
    failed = new > limits.most and (known <= limits.most or new > WORSE * known)
    abort = limits.abort is not None and new > limits.abort > known
    verdict = Verdict.FAIL if failed or abort else Verdict.PASS
    limit = limits.abort if abort and limits.abort is not None else limits.most
    return Measurement(gate, verdict, limit, new, old, requests, abort)


def slow_share(counted: Counters, limit_ms: int) -> Fraction | None:
    """Percent of the responses that took longer than ``limit_ms``, which is one of ``SLOW_MS`` (KeyError otherwise)."""
    at = {threshold: index for index, threshold in enumerate(SLOW_MS)}[limit_ms]
    return share(counted.slow[at], counted)


def percentile_ms(counted: Counters, percent: int = PERCENTILE) -> int | None:
    """An estimate of the time within which ``percent`` percent of the responses came, in milliseconds.

    Between two of ``SLOW_MS`` the responses are taken to be spread evenly, as Prometheus' ``histogram_quantile`` takes
    them. None where there was no response, or where it lies beyond the last of ``SLOW_MS``.
    """
    if not counted.requests:
        return None
    slower = Fraction((100 - percent) * counted.requests, 100)
    begin, above = 0, counted.requests
    for end, number in zip(SLOW_MS, counted.slow, strict=True):
        if number <= slower:
            within = Fraction(above - slower, above - number) if above > number else Fraction(1)
            return round(begin + (end - begin) * within)
        begin, above = end, number
    return None
