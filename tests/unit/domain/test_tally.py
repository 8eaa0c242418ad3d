"""What the gates of a step say together: each verdict counts by itself, and no data is not a pass."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.gates import GateName, Gates
from memoapp_operator.api.v1alpha1.memoapp import Colour, GateStatus
from memoapp_operator.domain.gates import Measured
from memoapp_operator.domain.measurements import Measurement, Verdict
from memoapp_operator.domain.tally import Judgement, Outcome, counted, judged

from tests.unit.domain.building import says

SPEC = Gates(failure_limit=2, error_limit=1)
TIMES = GateName.BACKEND_TIME


def rounds(
    *told: tuple[Measurement, ...], spec: Gates = SPEC, regular: bool = True
) -> tuple[Judgement, list[GateStatus]]:
    """What follows from the last of these rounds, and how the gates stand."""
    gates: tuple[GateStatus, ...] = ()
    outcome = Judgement(Outcome.WAITING)
    for found in told:
        measured = Measured("stage", regular, 100.0, found)
        gates = counted(gates, measured, spec, Colour.GREEN)
        outcome = judged(gates, measured, spec, Colour.GREEN)
    return outcome, list(gates)


PASS, FAIL = says(Verdict.PASS, value="0"), says(Verdict.FAIL)
UNCLEAR, ERROR = says(Verdict.INCONCLUSIVE), says(Verdict.ERROR)


def test_a_step_passes_once_every_gate_says_so() -> None:
    assert rounds((PASS, says(Verdict.PASS, TIMES)))[0].outcome is Outcome.PASSED
    assert rounds((PASS, says(Verdict.SKIPPED, TIMES)))[0].outcome is Outcome.PASSED


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR])
def test_one_that_says_anything_else_holds_the_others_up(verdict: Verdict) -> None:
    found, _ = rounds((PASS, says(verdict, TIMES)))
    assert found.outcome is Outcome.WAITING
    assert found.because.startswith("responseTime.backend")


def test_nothing_that_was_measured_is_no_pass() -> None:
    assert rounds(())[0].outcome is Outcome.WAITING
    assert rounds((says(Verdict.SKIPPED), says(Verdict.SKIPPED, TIMES)))[0].outcome is Outcome.WAITING


def test_a_gate_may_fail_as_often_as_its_limit_says() -> None:
    assert rounds((FAIL,), (FAIL,))[0].outcome is Outcome.WAITING
    found, (gate,) = rounds((FAIL,), (FAIL,), (FAIL,))
    assert (found.outcome, gate.failed) == (Outcome.FAILED, 3)
    assert found.because == "serverErrorPercent 7.2 > 5 on green (blue 0.0), 1,204 requests"


def test_failures_do_not_become_fewer_by_passes() -> None:
    found, (gate,) = rounds((FAIL,), (PASS,), (FAIL,), (PASS,), (FAIL,))
    assert (found.outcome, gate.failed) == (Outcome.FAILED, 3)


def test_two_gates_that_fail_in_turn_are_counted_apart() -> None:
    one, two = (FAIL, says(Verdict.PASS, TIMES)), (PASS, says(Verdict.FAIL, TIMES))
    assert rounds(one, two, one, two)[0].outcome is Outcome.WAITING


def test_an_abort_waits_for_nothing() -> None:
    found, _ = rounds((says(Verdict.FAIL, abort=True),))
    assert found.outcome is Outcome.ABORT
    assert found.because == "abortServerErrorPercent 7.2 > 5 on green (blue 0.0), 1,204 requests"


def test_sources_that_do_not_answer_have_a_limit_of_their_own_and_an_answer_ends_it() -> None:
    assert rounds((ERROR,))[0].outcome is Outcome.WAITING
    assert rounds((ERROR,), (ERROR,))[0].outcome is Outcome.BLIND
    assert rounds((ERROR,), (PASS,), (ERROR,))[0].outcome is Outcome.WAITING
    assert rounds((UNCLEAR,), (UNCLEAR,), (UNCLEAR,), (UNCLEAR,))[0].outcome is Outcome.WAITING


def test_rounds_between_two_intervals_count_no_failure() -> None:
    found, gates = rounds((FAIL,), (FAIL,), (FAIL,), (ERROR,), (ERROR,), (ERROR,), regular=False)
    assert (found.outcome, [gate.failed for gate in gates]) == (Outcome.WAITING, [None])


@pytest.mark.parametrize("told", [FAIL, ERROR, UNCLEAR, says(Verdict.FAIL, abort=True)])
def test_a_gate_that_is_only_watched_decides_nothing(told: Measurement) -> None:
    spec = SPEC.model_copy(update={"dry_run": [told.gate]})
    found, gates = rounds(*[(told, says(Verdict.PASS, TIMES))] * 5, spec=spec)
    assert found.outcome is Outcome.PASSED
    assert [(gate.name, gate.dry_run) for gate in gates if gate.dry_run] == [(told.gate, True)]


def test_a_gate_that_says_the_same_is_the_same_value() -> None:
    _, before = rounds((PASS,))
    _, after = rounds((PASS,), (says(Verdict.PASS, value="0.05"),))
    assert before == after
    _, changed = rounds((PASS,), (UNCLEAR,))
    assert changed != before


def test_what_stands_in_the_status_can_be_checked() -> None:
    _, (gate,) = rounds((FAIL,))
    assert (gate.name, gate.verdict, gate.value, gate.limit, gate.other, gate.requests, gate.failed) == (
        "serverErrorPercent",
        Verdict.FAIL,
        "7.2",
        "5",
        "0.0",
        1204,
        1,
    )
    assert gate.message == "serverErrorPercent 7.2 > 5 on green (blue 0.0), 1,204 requests"


VERDICTS = st.lists(st.tuples(*[st.sampled_from(list(Verdict))] * 3), min_size=1, max_size=8)


@given(VERDICTS)
def test_it_passes_only_if_the_last_round_says_nothing_else(told: list[tuple[Verdict, ...]]) -> None:
    names = (GateName.SERVER_ERRORS, TIMES, GateName.PODS)
    given_rounds = [tuple(says(verdict, name) for verdict, name in zip(each, names, strict=True)) for each in told]
    found, _ = rounds(*given_rounds)
    if found.outcome is Outcome.PASSED:
        assert set(told[-1]) <= {Verdict.PASS, Verdict.SKIPPED}
        assert Verdict.PASS in told[-1]
        assert all(sum(each[at] is Verdict.FAIL for each in told) <= SPEC.failure_limit for at in range(3))


def test_limits_are_shown_as_people_wrote_them() -> None:
    measurement = Measurement("pods", Verdict.PASS, Fraction("0.125"), Fraction(0))
    (gate,) = counted((), Measured("stage", True, 1.0, (measurement,)), SPEC, Colour.GREEN)
    assert (gate.limit, gate.requests, gate.failed, gate.errors) == ("0.125", None, None, None)
