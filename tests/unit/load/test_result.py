"""What is read out of the requests of a run."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.load.journal import Writes, compared
from tests.load.record import Failure, Fault, Request
from tests.load.result import Result, Verdict
from tests.unit.load.fine import FINE

NO_WRITES = Writes(0, (), (), ())


def at(moment: float, took: float = 0.01, **changes: object) -> Request:
    return replace(FINE, planned=moment, sent=moment, finished=moment + took, **changes)  # type: ignore[arg-type]


def result(*requests: Request, writes: Writes | None = NO_WRITES) -> Result:
    return Result(requests, writes)


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({}, None),
        ({"status": 302}, None),
        ({"status": 500}, Failure.SERVER_ERROR),
        ({"status": 404}, Failure.OTHER),
        ({"status": None, "fault": Fault.REFUSED}, Failure.REFUSED),
        ({"status": None, "fault": Fault.RESET}, Failure.RESET),
        ({"status": None, "fault": Fault.TIMEOUT}, Failure.SLOW),
        ({"status": None, "fault": Fault.OTHER}, Failure.OTHER),
        ({"status": None, "fault": Fault.CLIENT}, Failure.CLIENT),
        ({"finished": 102.001}, Failure.SLOW),
        ({"finished": 102.0}, None),
    ],
)
def test_what_counts_as_failed(changes: dict[str, object], failure: Failure | None) -> None:
    assert replace(FINE, **changes).failure is failure  # type: ignore[arg-type]


def test_percentiles_are_of_answers_and_of_those_that_timed_out() -> None:
    requests = [at(100 + number / 100, took=number / 100) for number in range(1, 100)]
    found = result(
        *requests, at(200, took=2.0, status=None, fault=Fault.TIMEOUT), at(1, status=None, fault=Fault.RESET)
    )
    assert found.percentile(50) == pytest.approx(0.5)
    assert found.percentile(99) == pytest.approx(0.99)
    assert found.percentile(100) == pytest.approx(2.0)
    assert found.within(150, 250).percentile(99) == pytest.approx(2.0)
    assert math.isnan(found.within(500, 501).percentile(99))


def test_the_last_answer_of_a_version() -> None:
    found = result(at(100), at(101, took=0.5), at(104, version="1.1.0"), at(103, connection="kept"))
    assert found.last_answer("1.0.0", 101.2) == pytest.approx(0.3)
    assert found.last_answer("1.0.0", 101.2, connection="kept") == pytest.approx(1.81)
    assert found.last_answer("1.0.0", 102) == 0.0
    assert found.last_answer("0.9.0", 100) == 0.0


def test_seconds_are_counted_from_the_first_request() -> None:
    rows = result(at(100.5), at(101.4, status=503), at(101.6, version="1.1.0")).by_second()
    assert rows == [
        {"second": 0, "total": 2, "failures": {"5xx": 1}, "versions": {"1.0.0": 2}},
        {"second": 1, "total": 1, "failures": {}, "versions": {"1.1.0": 1}},
    ]


def test_a_window_has_the_writes_of_its_own_requests() -> None:
    writes = [at(100, journal="a", status=201), at(200, journal="b", status=201)]
    found = result(*writes, writes=compared(writes, {"b": 2}))
    assert found.within(0, 150).counts | {"total": 0} == {**dict.fromkeys(found.counts, 0), "lost": 1}
    assert found.within(150, 250).counts["doubled"] == 1


def test_writes_against_rows() -> None:
    writes = [
        at(1, journal="fine", status=201),
        at(2, journal="lost", status=201),
        at(3, journal="twice", status=201),
        at(4, journal="unheard", status=None, fault=Fault.RESET),
        at(5, journal="failed", status=503),
        at(6),
    ]
    found = compared(writes, {"fine": 1, "twice": 2, "unheard": 1, "another's": 3})
    assert found == Writes(3, ("lost",), ("twice",), ("unheard",))


def test_one_frontend_with_anothers_backend_is_seen() -> None:
    assert len(result(at(1), at(2, version="1.1.0"), at(3, version="1.1.0", frontend="")).mixed) == 1


LATE = replace(FINE, sent=100.2, finished=100.21)
SLOW = at(100, took=2.0, status=None, fault=Fault.TIMEOUT)
OWN = at(100, status=None, fault=Fault.CLIENT)


@pytest.mark.parametrize(
    ("requests", "writes", "verdict"),
    [
        ([FINE], NO_WRITES, Verdict.PASS),
        ([FINE] * 99 + [LATE], NO_WRITES, Verdict.PASS),
        ([FINE] * 98 + [LATE] * 2, NO_WRITES, Verdict.INCONCLUSIVE),
        ([FINE] * 97 + [LATE] * 2 + [SLOW], NO_WRITES, Verdict.INCONCLUSIVE),
        ([FINE] * 97 + [LATE] * 2 + [at(1, status=503)], NO_WRITES, Verdict.FAIL),
        ([FINE] * 99 + [SLOW], NO_WRITES, Verdict.FAIL),
        ([FINE] * 99 + [OWN], NO_WRITES, Verdict.INCONCLUSIVE),
        ([FINE], None, Verdict.INCONCLUSIVE),
        ([], NO_WRITES, Verdict.INCONCLUSIVE),
        ([FINE, at(1, status=503)], None, Verdict.FAIL),
        ([FINE], Writes(1, ("a",), (), ()), Verdict.FAIL),
        ([FINE], Writes(1, (), ("a",), ()), Verdict.FAIL),
        ([FINE], Writes(1, (), (), ("a",)), Verdict.PASS),
    ],
)
def test_verdicts(requests: list[Request], writes: Writes | None, verdict: Verdict) -> None:
    assert Result(tuple(requests), writes).verdict is verdict


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (at(50), at(100), Verdict.PASS),
        (at(50), at(100, status=503), Verdict.FAIL),
        (at(50), SLOW, Verdict.FAIL),
        (at(50, status=503), at(100), Verdict.INCONCLUSIVE),
        (at(50, status=503), SLOW, Verdict.INCONCLUSIVE),
        (at(50, took=2.1), at(100, status=503), Verdict.INCONCLUSIVE),
    ],
)
def test_what_fails_at_rest_already_is_not_blamed_on_what_came_later(
    before: Request, after: Request, verdict: Verdict
) -> None:
    found = result(before, after).since(99)
    assert found.verdict is verdict
    assert found.counts["total"] == 1


def test_a_lost_write_is_lost_however_it_was_at_rest() -> None:
    write = at(100, journal="a", status=201)
    requests = (at(50, status=503), write)
    assert result(*requests, writes=compared(requests, {})).since(99).verdict is Verdict.FAIL


def test_a_line_of_the_log_is_read_back() -> None:
    for request in (FINE, SLOW, replace(FINE, connected=100.002, journal="a-1", method="POST", status=201)):
        assert Request.parse(request.line()) == request
