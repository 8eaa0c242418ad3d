"""The gates of the database: what its numbers say, and what they say of a release."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.gates import DatabaseGates
from memoapp_operator.domain.database_gates import NAMES, Past, Seen, measure, milliseconds, slowest
from memoapp_operator.domain.measurements import Measurement, Verdict
from memoapp_operator.domain.observation import Probe
from memoapp_operator.domain.usage import DatabaseStats, Statement

WELL = DatabaseStats(connections=8, most=100, lag=0.1, deadlocks=4, statements={})
PAST = Past(WELL, WELL, WELL)
DOWN = Probe(healthy=False, reason="NotReachable", message="Connection refused")


def found(now: Any = WELL, spec: dict[str, Any] | None = None, **more: Any) -> dict[str, Measurement]:
    seen = Seen(**{"reading": now, "past": PAST, **more})
    return {item.gate: item for item in measure(DatabaseGates.model_validate(spec or {}), seen)}


def test_one_that_is_well_passes_every_gate() -> None:
    assert {name: item.verdict for name, item in found().items()} == dict.fromkeys(NAMES, Verdict.PASS)


@pytest.mark.parametrize(
    ("gate", "within", "beyond"),
    [
        ("connectionsPercent", {"connections": 80}, {"connections": 81}),
        ("replicationLag", {"lag": 1.0}, {"lag": 1.5}),
        ("deadlocks", {"deadlocks": 4}, {"deadlocks": 5}),
        ("lockWait", {"lock_wait": 30.0}, {"lock_wait": 31.0}),
        ("transactionAge", {"transaction": 300.0}, {"transaction": 301.0}),
        ("slowQuery", {"statements": {"1": Statement(2, 2000)}}, {"statements": {"1": Statement(2, 2002)}}),
    ],
)
def test_each_has_the_runbooks_limit(gate: str, within: dict[str, Any], beyond: dict[str, Any]) -> None:
    assert found(replace(WELL, **within))[gate].verdict is Verdict.PASS
    failed = found(replace(WELL, **beyond))
    assert {name for name, item in failed.items() if item.verdict is not Verdict.PASS} == {gate}
    assert ">" in failed[gate].text("green", "blue")


@pytest.mark.parametrize(
    ("spec", "numbers", "gate"),
    [
        ({"connectionsPercent": 5}, {}, "connectionsPercent"),
        ({"replicationLag": "50ms"}, {}, "replicationLag"),
        ({"lockWait": "1s"}, {"lock_wait": 1.5}, "lockWait"),
        ({"transactionAge": "1m"}, {"transaction": 61.0}, "transactionAge"),
        ({"slowQuery": "100ms"}, {"statements": {"1": Statement(1, 101)}}, "slowQuery"),
    ],
)
def test_each_can_be_declared(spec: dict[str, Any], numbers: dict[str, Any], gate: str) -> None:
    assert found(replace(WELL, **numbers), spec)[gate].verdict is Verdict.FAIL


def test_deadlocks_may_be_allowed() -> None:
    assert found(replace(WELL, deadlocks=6), {"deadlocks": 2})["deadlocks"].verdict is Verdict.PASS
    assert found(replace(WELL, deadlocks=7), {"deadlocks": 2})["deadlocks"].value == 3


def test_numbers_that_were_reset_are_no_deadlocks() -> None:
    assert found(replace(WELL, deadlocks=0))["deadlocks"].value == 0


def test_no_answer_is_an_error_of_every_gate() -> None:
    assert {item.verdict for item in found(DOWN).values()} == {Verdict.ERROR}


def test_no_connection_left_is_a_failure_of_its_gate() -> None:
    full = found(replace(DOWN, reason="TooManyConnections", message="too many clients"))
    assert full["connectionsPercent"].verdict is Verdict.FAIL
    assert full["lockWait"].verdict is Verdict.ERROR


LACKING = replace(WELL, lag=None, lacking={"replicationLag": "there is no replica", "slowQuery": "no extension"})


def test_what_had_no_source_as_the_release_began_is_skipped() -> None:
    told = found(LACKING, skipped=frozenset({"replicationLag", "slowQuery"}))
    assert told["replicationLag"].verdict is Verdict.SKIPPED
    assert told["replicationLag"].why == "there is no replica"


def test_a_source_that_comes_back_changes_nothing_of_it() -> None:
    assert found(skipped=frozenset({"slowQuery"}))["slowQuery"].verdict is Verdict.SKIPPED


def test_a_source_that_is_lost_in_the_middle_is_an_error() -> None:
    assert found(LACKING)["slowQuery"].verdict is Verdict.ERROR


def test_a_gate_that_a_person_wrote_is_never_skipped() -> None:
    told = found(LACKING, {"slowQuery": "1s"}, skipped=frozenset({"replicationLag", "slowQuery"}))
    assert told["slowQuery"].verdict is Verdict.ERROR


def with_statement(calls: int, spent: float) -> DatabaseStats:
    return replace(WELL, statements={"1": Statement(calls, spent)})


def test_only_what_was_run_since_the_last_measurement_counts() -> None:
    past = replace(PAST, last=with_statement(100, 500_000), before=with_statement(100, 500_000))
    assert found(with_statement(100, 500_000), past=past)["slowQuery"].value == 0
    assert found(with_statement(110, 510_000), past=past)["slowQuery"].value == 1


def test_a_statement_that_was_as_slow_before_is_nobodys_fault() -> None:
    past = replace(PAST, last=with_statement(10, 20_000), before=with_statement(10, 20_000))
    assert found(with_statement(11, 22_900), past=past)["slowQuery"].verdict is Verdict.PASS
    slower = found(with_statement(11, 23_100), past=past)["slowQuery"]
    assert (slower.verdict, slower.value, slower.other) == (Verdict.FAIL, Fraction(31, 10), 2)


def test_after_a_reset_of_the_statistics_all_that_they_say_counts() -> None:
    past = replace(PAST, last=with_statement(100, 500_000))
    assert found(with_statement(2, 4000), past=past)["slowQuery"].value == 2


def test_the_slowest_new_one_is_told_with_its_text() -> None:
    now = replace(
        WELL, statements={"old": Statement(2, 90_000), "new": Statement(4, 8000), "other": Statement(1, 1500)}
    )
    past = replace(PAST, last=replace(WELL, statements={"old": Statement(1, 45_000)}))
    past = replace(past, before=past.last)
    worst = slowest(now, past, 1000)
    assert worst is not None
    assert worst.query == "new"
    told = found(now, past=past, text="SELECT * FROM memo WHERE body LIKE $1")["slowQuery"]
    assert told.verdict is Verdict.FAIL
    assert told.text("green", "blue").endswith(
        "2.0 s > 1 s on average in 4 calls (not so slow before): SELECT * FROM memo WHERE body LIKE $1"
    )


@pytest.mark.parametrize(("span", "wanted"), [("1s", 1000), ("500ms", 500), ("5m", 300_000), ("1m1s1ms", 61_001)])
def test_spans(span: str, wanted: int) -> None:
    assert milliseconds(span) == wanted
