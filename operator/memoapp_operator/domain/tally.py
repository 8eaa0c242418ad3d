"""How often each gate said what, in the present step of a release; and what follows. Pure.

A step passes once every gate that blocks passed since the step began and none is over its limit. Each verdict has a
limit of its own: a gate that fails, one that cannot tell and one whose source does not answer are three troubles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from .measurements import Measurement, Verdict


@dataclass(frozen=True, slots=True)
class Tally:
    """What one gate has said since the step began.

    Attributes:
        gate: its name.
        passed: measurements that passed.
        failed: measurements that failed. They do not become fewer by others that pass: a version that fails every
            other time is no good one.
        unclear: inconclusive ones in a row, up to the last.
        errors: errors in a row, up to the last.
        blocks: False of a gate that is only watched (``dryRun``), or that was skipped for want of a source.
        last: the last measurement, for people.
    """

    gate: str
    passed: int = 0
    failed: int = 0
    unclear: int = 0
    errors: int = 0
    blocks: bool = True
    last: Measurement | None = None

    def counted(self, found: Measurement) -> Tally:
        """The tally with one measurement more."""
        after = replace(self, last=found, unclear=0, errors=0)
        match found.verdict:
            case Verdict.PASS:
                return replace(after, passed=self.passed + 1)
            case Verdict.FAIL:
                return replace(after, failed=self.failed + 1)
            case Verdict.INCONCLUSIVE:
                return replace(after, unclear=self.unclear + 1)
            case Verdict.ERROR:
                return replace(after, errors=self.errors + 1)


class Outcome(StrEnum):
    """What the gates together say of the present step."""

    ABORT = "Abort"
    """One is so bad that nobody waits for another measurement."""
    FAILED = "Failed"
    """One failed more often than it may."""
    PASSED = "Passed"
    """Every one that blocks passed since the step began, and what it said last was a pass."""
    WAITING = "Waiting"
    """One has not said enough yet: no data is not a pass."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome, and the measurement that made it."""

    outcome: Outcome
    because: Measurement | None = None


def counted(before: Mapping[str, Tally], found: Iterable[Measurement], watched: frozenset[str]) -> dict[str, Tally]:
    """Every tally with what was measured now; gates in ``watched`` are only watched."""
    after = dict(before)
    for item in found:
        tally = replace(after.get(item.gate, Tally(item.gate)), blocks=item.gate not in watched)
        after[item.gate] = tally.counted(item)
    return after


def judged(tallies: Mapping[str, Tally], failure_limit: int, error_limit: int) -> Judgement:
    """What follows from the tallies.

    Args:
        tallies: by gate.
        failure_limit: measurements that may fail in a step; one more is too many.
        error_limit: errors in a row that may be; one more counts as failed.
    """
    blocking = [tally for _, tally in sorted(tallies.items()) if tally.blocks and tally.last is not None]
    for tally in blocking:
        if tally.last is not None and tally.last.abort and tally.last.verdict is Verdict.FAIL:
            return Judgement(Outcome.ABORT, tally.last)
    for tally in blocking:
        if tally.failed > failure_limit or tally.errors > error_limit:
            return Judgement(Outcome.FAILED, tally.last)
    waiting = next((tally for tally in blocking if not _is_well(tally)), None)
    if waiting is not None:
        return Judgement(Outcome.WAITING, waiting.last)
    return Judgement(Outcome.PASSED if blocking else Outcome.WAITING)


def _is_well(tally: Tally) -> bool:
    return tally.passed > 0 and tally.last is not None and tally.last.verdict is Verdict.PASS
