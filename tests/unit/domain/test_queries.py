"""What a Prometheus' answers say of a gate."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.domain.measurements import Verdict
from memoapp_operator.domain.queries import BEYOND, Answer, filled, measured_query, parse


def body(kind: str, result: Any) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()


def vector(*values: str) -> bytes:
    return body("vector", [{"metric": {}, "value": [1, value]} for value in values])


@pytest.mark.parametrize(
    ("given_body", "values"),
    [
        (vector("1", "0.5"), (Fraction(1), Fraction("0.5"))),
        (vector(), ()),
        (vector("NaN"), ()),
        (vector("NaN", "2"), (Fraction(2),)),
        (vector("+Inf", "-Inf"), (BEYOND, -BEYOND)),
        (vector("1e-3"), (Fraction("0.001"),)),
        (body("scalar", [1, "4"]), (Fraction(4),)),
    ],
)
def test_proper_answers(given_body: bytes, values: tuple[Fraction, ...]) -> None:
    assert parse(200, given_body) == Answer(values)


@pytest.mark.parametrize(
    "given_body",
    [
        b"",
        b"[]",
        b"null",
        b'{"status":"success"}',
        body("matrix", []),
        body("string", [1, "a"]),
        body("scalar", []),
        body("vector", [{"value": [1]}]),
        body("vector", [{"value": [1, 2]}]),
        body("vector", {"a": 1}),
        vector("many"),
    ],
)
def test_anything_else_is_an_error(given_body: bytes) -> None:
    assert parse(200, given_body).values is None
    assert parse(503, given_body) == Answer(None, "answered 503")


def test_prometheus_own_words_are_handed_on_in_short() -> None:
    told = parse(400, json.dumps({"status": "error", "errorType": "bad_data", "error": "x" * 999}).encode())
    assert told.error.startswith("bad_data: xxx")
    assert len(told.error) == 256


@pytest.mark.parametrize(
    ("values", "least", "most", "verdict", "text"),
    [
        (("1",), None, "2", Verdict.PASS, "prometheus/q: 1.0 <= 2"),
        (("2",), None, "2", Verdict.PASS, "prometheus/q: 2.0 <= 2"),
        (("2.5",), None, "2", Verdict.FAIL, "prometheus/q: 2.5 > 2"),
        (("0.5",), "0.9", None, Verdict.FAIL, "prometheus/q: 0.50 < 0.9"),
        (("1", "3", "2"), None, "2", Verdict.FAIL, "prometheus/q: 3.0 > 2"),
        (("1", "-3"), "0", "2", Verdict.FAIL, "prometheus/q: -3.0 < 0"),
        (("1", "1.5"), "0", "2", Verdict.PASS, "prometheus/q: 1.5 >= 0 and <= 2"),
        ((), "0", "2", Verdict.INCONCLUSIVE, "prometheus/q: the query gave no data"),
        (None, "0", "2", Verdict.ERROR, "prometheus/q: not reached"),
    ],
)
def test_the_worst_sample_counts(
    values: tuple[str, ...] | None, least: str | None, most: str | None, verdict: Verdict, text: str
) -> None:
    answer = Answer(tuple(map(Fraction, values)) if values is not None else None, "not reached")
    low, high = (Fraction(limit) if limit is not None else None for limit in (least, most))
    found = measured_query("q", answer, low, high)
    assert (found.verdict, found.abort, found.text("green", "blue")) == (verdict, False, text)


@given(st.lists(st.fractions(-10, 10), min_size=1), st.fractions(-5, 0), st.fractions(0, 5))
def test_it_passes_only_if_every_sample_does(values: list[Fraction], least: Fraction, most: Fraction) -> None:
    found = measured_query("q", Answer(tuple(values)), least, most)
    assert (found.verdict is Verdict.PASS) is all(least <= value <= most for value in values)


def test_words_are_filled_in_and_cannot_leave_their_quotes() -> None:
    text = 'x{colour="$(colour)", version="$(version)", other="$(unknown)"}'
    assert filled(text, {"colour": "green", "version": '1"} or y{'}) == (
        'x{colour="green", version="1\\"} or y{", other="$(unknown)"}'
    )
