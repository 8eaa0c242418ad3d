"""For one constraint: values that show it lets right ones pass, and values that show it stops wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.api.constraints import REQUIRED, RULES, Constraint
from tests.api.rules import CASES
from tests.api.texts import ANY, TEXTS, Texts


@dataclass(frozen=True, slots=True)
class Proof:
    """Values for the place of a constraint.

    Attributes:
        accept: taken.
        reject: refused.
        message: part of the message with which they are refused.
        blamed: what follows the place in the name of the field that is blamed.
    """

    accept: list[Any]
    reject: list[Any]
    message: str
    blamed: str = ""


def proof(constraint: Constraint, present: Any) -> Proof:
    """Values for one constraint; ``present`` is what a sample has in its place.

    Raises:
        KeyError: for a pattern or rule that nobody has written examples of.
    """
    return _PROOFS[constraint.keyword](constraint, present)


def _type(constraint: Constraint, present: Any) -> Proof:
    wrong: dict[str, list[Any]] = {
        "array": ["text"],
        "boolean": ["yes", 1],
        "integer": ["seven", 1.5],
        "object": ["text"],
        "string": [7, True],
    }
    named = constraint.schema.get("format", constraint.value)
    return Proof([present], wrong[constraint.value], f"must be of type {named}")


def _int_or_string(_: Constraint, __: Any) -> Proof:
    return Proof([1, "1"], [["1"], True, {}], "must be of type integer,string")


def _required(constraint: Constraint, present: Any) -> Proof:
    without = {key: value for key, value in present.items() if key != constraint.detail}
    return Proof([present], [without], "Required value", blamed=f".{constraint.detail}")


def _enum(constraint: Constraint, _: Any) -> Proof:
    return Proof(list(constraint.value), ["Nonsense", "", constraint.value[0].swapcase()], "Unsupported value")


def _minimum(constraint: Constraint, _: Any) -> Proof:
    least = constraint.value
    message = f"should be greater than or equal to {least}"
    return Proof([least], [least - 1, -(2**31)], message)


def _maximum(constraint: Constraint, _: Any) -> Proof:
    most = constraint.value
    return Proof([most], [most + 1, 2**53], f"should be less than or equal to {most}")


def _min_length(constraint: Constraint, _: Any) -> Proof:
    least = constraint.value
    texts = _texts(constraint)
    return Proof([texts.of_length(least)], [texts.of_length(least - 1)], f"should be at least {least} chars long")


def _max_length(constraint: Constraint, _: Any) -> Proof:
    most = constraint.value
    texts = _texts(constraint)
    return Proof([texts.of_length(most)], [texts.of_length(most + 1)], f"may not be more than {most} bytes")


def _pattern(constraint: Constraint, _: Any) -> Proof:
    texts = _texts(constraint)
    return Proof(list(texts.accept), list(texts.reject), f"should match '{constraint.value}'")


def _texts(constraint: Constraint) -> Texts:
    pattern = constraint.schema.get("pattern")
    return ANY if pattern is None else TEXTS[pattern]


def _format(constraint: Constraint, _: Any) -> Proof:
    accept = {"date-time": ["2026-11-23T12:00:00Z", "2026-11-23T12:00:00.123456+01:00"]}
    reject = {"date-time": ["yesterday", "2026-11-23", "2026-13-23T12:00:00Z", ""]}
    return Proof(accept[constraint.value], reject[constraint.value], f"must be of type {constraint.value}")


def _max_items(constraint: Constraint, present: Any) -> Proof:
    keys = constraint.schema.get("x-kubernetes-list-map-keys", [])
    many = [_numbered(present[0], keys, number) for number in range(constraint.value + 1)]
    return Proof([many[:-1]], [many], f"must have at most {constraint.value} items")


def _min_items(constraint: Constraint, present: Any) -> Proof:
    least = constraint.value
    return Proof([present[:least]], [present[: least - 1]], f"should have at least {least} items")


def _numbered(item: Any, keys: list[str], number: int) -> Any:
    """Another item that may stand beside the others: of steps each has more clients than the one before."""
    if isinstance(item, dict) and "weight" in item:
        return {**item, "weight": number + 1}
    return {**item, **{key: f"{item[key]}{number}" for key in keys}} if keys else item


def _max_properties(constraint: Constraint, present: Any) -> Proof:
    value = next(iter(present.values()))
    many = {f"k{number}": value for number in range(constraint.value + 1)}
    fewer = dict.fromkeys(list(many)[:-1], value)
    return Proof([fewer], [many], f"must have at most {constraint.value} items")


def _unique(_: Constraint, present: Any) -> Proof:
    return Proof([present], [[*present, present[0]]], "Duplicate value", blamed=f"[{len(present)}]")


def _rule(constraint: Constraint, _: Any) -> Proof:
    cases = CASES[constraint.detail]
    return Proof(list(cases.accept), list(cases.reject), constraint.detail)


_PROOFS: dict[str, Callable[[Constraint, Any], Proof]] = {
    REQUIRED: _required,
    RULES: _rule,
    "enum": _enum,
    "format": _format,
    "maxItems": _max_items,
    "maxLength": _max_length,
    "maxProperties": _max_properties,
    "maximum": _maximum,
    "minItems": _min_items,
    "minLength": _min_length,
    "minimum": _minimum,
    "pattern": _pattern,
    "type": _type,
    "x-kubernetes-int-or-string": _int_or_string,
    "x-kubernetes-list-map-keys": _unique,
}
