"""How often each gate said what in the present step of a release, and what follows. Pure.

A step passes in a round of measurements in which no gate that decides says anything but Pass (or Skipped), and one at
least says Pass. Each other verdict has a limit of its own: a gate that fails, one that cannot tell and one whose source
does not answer are three troubles.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from memoapp_operator.api.v1alpha1.gates import Gates
from memoapp_operator.api.v1alpha1.memoapp import Colour, GateStatus

from .gates import Measured
from .measurements import Measurement, Verdict, plain, shown
from .state import other

TEXT = 512


class Outcome(StrEnum):
    """What the gates together say of the present step."""

    ABORT = "Abort"
    """One is so bad that nobody waits for another measurement."""
    FAILED = "Failed"
    """One failed more often than it may."""
    BLIND = "Blind"
    """One did not answer more often than it may."""
    PASSED = "Passed"
    """Every one that decides passed."""
    WAITING = "Waiting"
    """One has not said enough yet: no data is not a pass."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome, and the gate that made it, for people."""

    outcome: Outcome
    because: str = ""


def counted(
    before: Iterable[GateStatus] | None, measured: Measured, spec: Gates, colour: Colour
) -> tuple[GateStatus, ...]:
    """The gates after a round; each unchanged, with its numbers, as long as it says the same.

    Failures do not become fewer by measurements that pass: a version that fails every other time is no good one.
    """
    known = {item.name: item for item in before or ()}
    found = []
    for item in measured.found:
        fresh = _status(item, known.get(item.gate), colour, regular=measured.regular)
        if item.gate in spec.watched:
            fresh = fresh.model_copy(update={"dry_run": True})
        old = known.get(item.gate)
        found.append(old if old is not None and _same(old, fresh) else fresh)
    return tuple(found)


def _status(item: Measurement, before: GateStatus | None, colour: Colour, *, regular: bool) -> GateStatus:
    failed, errors = (before.failed or 0, before.errors or 0) if before is not None else (0, 0)
    failed += regular and item.verdict is Verdict.FAIL and not item.again
    errors = errors + regular if item.verdict is Verdict.ERROR else 0
    return GateStatus(
        name=item.gate,
        verdict=item.verdict,
        message=item.text(colour, other(colour))[:TEXT],
        value=shown(item.value) if item.value is not None else None,
        limit=plain(item.limit),
        other=shown(item.other) if item.other is not None else None,
        requests=item.requests or None,
        failed=failed or None,
        errors=errors or None,
    )


def _same(old: GateStatus, new: GateStatus) -> bool:
    """It says what it said: its numbers are for the metrics, not for a write."""
    return (old.verdict, old.failed, old.errors, old.dry_run) == (new.verdict, new.failed, new.errors, new.dry_run)


def judged(gates: Iterable[GateStatus], measured: Measured, spec: Gates, colour: Colour) -> Judgement:
    """What follows from a round, given the gates with it counted in."""
    watched = spec.watched
    deciding = {item.gate: item for item in measured.found if item.gate not in watched}
    texts = {name: item.text(colour, other(colour)) for name, item in deciding.items()}
    for name, item in deciding.items():
        if item.abort:
            return Judgement(Outcome.ABORT, texts[name])
    for gate in gates:
        if gate.name in deciding and (gate.failed or 0) > spec.failure_limit:
            return Judgement(Outcome.FAILED, texts[gate.name] if _fails(deciding[gate.name]) else gate.message)
    for gate in gates:
        if gate.name in deciding and (gate.errors or 0) > spec.error_limit:
            return Judgement(Outcome.BLIND, texts[gate.name])
    well = {Verdict.PASS, Verdict.SKIPPED}
    waiting = next((name for name, item in deciding.items() if item.verdict not in well), None)
    if waiting is not None:
        return Judgement(Outcome.WAITING, texts[waiting])
    passed = any(item.verdict is Verdict.PASS for item in deciding.values())
    return Judgement(Outcome.PASSED if passed else Outcome.WAITING, "" if passed else "no gate decides")


def _fails(item: Measurement) -> bool:
    return item.verdict is Verdict.FAIL
