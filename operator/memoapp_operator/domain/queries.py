"""Gates out of a Prometheus: its answers, read strictly, and what they say. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from http import HTTPStatus
from typing import Any

from .measurements import Measurement, Verdict, plain, shown

TEXT = 256
BEYOND = Fraction(10**18)
"""Stands for an infinite sample: beyond every limit that can be declared."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query gave.

    Attributes:
        values: one for each sample, NaN left out; None where there was no proper answer.
        error: why not.
    """

    values: tuple[Fraction, ...] | None
    error: str = ""


class _ShapeError(Exception):
    """An answer that is not what Prometheus' HTTP API gives."""


def parse(status: int, body: bytes) -> Answer:
    """The answer of ``/api/v1/query``: an instant vector or a scalar."""
    try:
        told = _object(body)
        if told.get("status") == "error":
            return Answer(None, f"{told.get('errorType', 'error')}: {told.get('error', '')}"[:TEXT])
        if status != HTTPStatus.OK or told.get("status") != "success":
            return Answer(None, f"answered {status}")
        return Answer(tuple(value for value in _values(told["data"]) if value is not None))
    except (ValueError, KeyError, TypeError, IndexError, _ShapeError):
        text = f"answered {status}" if status != HTTPStatus.OK else "gave an answer that is not Prometheus'"
        return Answer(None, text)


def _object(body: bytes) -> dict[str, Any]:
    told = json.loads(body)
    if not isinstance(told, dict):
        raise _ShapeError
    return told


def _values(data: Mapping[str, Any]) -> list[Fraction | None]:
    match data["resultType"]:
        case "vector":
            return [_number(sample["value"][1]) for sample in data["result"]]
        case "scalar":
            return [_number(data["result"][1])]
        case _:
            raise _ShapeError


def _number(text: str) -> Fraction | None:
    """A sample's value; None for NaN, which is no data."""
    if not isinstance(text, str):
        raise _ShapeError
    value = float(text)
    if math.isnan(value):
        return None
    if math.isinf(value):
        return BEYOND if value > 0 else -BEYOND
    return Fraction(text)


def filled(query: str, words: Mapping[str, str]) -> str:
    """The query with ``$(word)`` replaced; a word that is not known stays as it is."""
    for word, value in words.items():
        safe = value.replace("\\", "\\\\").replace('"', '\\"')
        query = query.replace(f"$({word})", safe)
    return query


def measured_query(name: str, answer: Answer, least: Fraction | None, most: Fraction | None) -> Measurement:
    """What an answer says: no answer is an error, no data is inconclusive, and of several samples the worst counts.

    Args:
        name: of the query.
        answer: what it gave.
        least: the least value that is allowed; None where there is none.
        most: the greatest, likewise.
    """
    gate, limit = f"prometheus/{name}", most if most is not None else least or Fraction(0)
    if answer.values is None:
        return Measurement(gate, Verdict.ERROR, limit, why=answer.error[:TEXT])
    if not answer.values:
        return Measurement(gate, Verdict.INCONCLUSIVE, limit, why="the query gave no data")
    value = max(answer.values, key=lambda each: _excess(each, least, most))
    if least is not None and value < least:
        why = f"{shown(value)} < {plain(least)}"
        return Measurement(gate, Verdict.FAIL, least, value, why=why)
    verdict = Verdict.FAIL if most is not None and value > most else Verdict.PASS
    return Measurement(gate, verdict, limit, value, why=_told(value, least, most))


def _excess(value: Fraction, least: Fraction | None, most: Fraction | None) -> Fraction:
    """How far a value is outside its limits; negative inside, and the more so the farther from them."""
    over = value - most if most is not None else None
    under = least - value if least is not None else None
    return max(each for each in (over, under) if each is not None) if (over, under) != (None, None) else Fraction(0)


def _told(value: Fraction, least: Fraction | None, most: Fraction | None) -> str:
    if most is not None and value > most:
        return f"{shown(value)} > {plain(most)}"
    bounds = (f">= {plain(least)}" if least is not None else "", f"<= {plain(most)}" if most is not None else "")
    return f"{shown(value)} {' and '.join(each for each in bounds if each)}"
