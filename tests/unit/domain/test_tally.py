"""What follows from many measurements: limits of their own for failures and errors, and no data is not a pass."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.domain.measurements import Measurement, Verdict
from memoapp_operator.domain.tally import Outcome, Tally, counted, judged

P, F, U, E = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR
VERDICTS = st.lists(st.sampled_from(Verdict), max_size=12)


def said(verdict: Verdict, gate: str = "errors", *, abort: bool = False) -> Measurement:
    return Measurement(gate, verdict, Fraction(1), Fraction(2), requests=100, abort=abort)


def after(verdicts: Iterable[Verdict], gate: str = "errors", watched: frozenset[str] = frozenset()) -> dict[str, Tally]:
    found: dict[str, Tally] = {}
    for verdict in verdicts:
        found = counted(found, [said(verdict, gate)], watched)
    return found


def outcome(*verdicts: Verdict) -> Outcome:
    return judged(after(verdicts), failure_limit=3, error_limit=4).outcome


def test_a_step_passes_once_every_gate_passed_and_says_so_still() -> None:
    assert outcome(P) is Outcome.PASSED
    assert outcome(F, P) is Outcome.PASSED
    assert outcome(P, F) is Outcome.WAITING
    both = {**after([P]), **after([U], "time")}
    assert judged(both, 3, 4).outcome is Outcome.WAITING


def test_no_data_is_not_a_pass() -> None:
    assert judged({}, 3, 4).outcome is Outcome.WAITING
    for verdicts in ([U], [E], [U] * 100, [P, U]):
        assert outcome(*verdicts) is Outcome.WAITING


def test_a_gate_may_fail_as_often_as_its_limit_and_no_more() -> None:
    assert outcome(F, F, F) is Outcome.WAITING
    assert outcome(F, F, F, F) is Outcome.FAILED
    assert outcome(F, P, F, P, F, P, F, P) is Outcome.FAILED, "every other time is no good version"


def test_errors_count_in_a_row_and_have_a_limit_of_their_own() -> None:
    assert outcome(E, E, E, E) is Outcome.WAITING
    assert outcome(E, E, E, E, E) is Outcome.FAILED
    assert outcome(E, E, E, E, P, E) is Outcome.WAITING
    assert outcome(E, E, F, E, E, F, E, E, P) is Outcome.PASSED


def test_what_is_over_an_abort_limit_waits_for_nobody() -> None:
    found = counted(after([P] * 9), [said(F, abort=True)], frozenset())
    judgement = judged(found, 3, 4)
    assert judgement.outcome is Outcome.ABORT
    assert judgement.because is not None
    assert judgement.because.gate == "errors"


def test_a_gate_that_is_only_watched_blocks_nothing_and_passes_nothing() -> None:
    watched = frozenset({"errors"})
    bad = after([F] * 9, watched=watched)
    assert bad["errors"].failed == 9
    assert judged(bad, 3, 4).outcome is Outcome.WAITING
    assert judged({**bad, **after([P], "time")}, 3, 4).outcome is Outcome.PASSED


@given(VERDICTS)
def test_the_outcome_is_the_same_however_often_it_is_asked_and_failures_never_pass(verdicts: list[Verdict]) -> None:
    found = after(verdicts)
    assert judged(found, 3, 4) == judged(dict(found), 3, 4)
    if verdicts.count(F) > 3:
        assert judged(found, 3, 4).outcome is Outcome.FAILED


@given(VERDICTS, VERDICTS)
def test_what_failed_stays_failed_for_the_rest_of_the_step(first: list[Verdict], more: list[Verdict]) -> None:
    if after(first).get("errors", Tally("errors")).failed > 3:
        assert judged(after([*first, *more]), 3, 4).outcome is Outcome.FAILED
