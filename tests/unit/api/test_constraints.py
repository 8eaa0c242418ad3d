"""Every constraint has a right and a wrong value to be shown to the API server, and a sample to stand in."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.constraints import Constraint, constraints, of_crd
from tests.api.places import at, placed, places, written
from tests.api.proofs import proof
from tests.api.rules import CASES
from tests.api.samples import SAMPLED, SAMPLES
from tests.api.texts import TEXTS
from tests.unit.api.walk import nodes

KINDS = {plural: of_crd(plural) for plural in SAMPLED}
CONSTRAINTS = [(plural, constraint) for plural, found in KINDS.items() for constraint in found]


@pytest.mark.parametrize(("plural", "constraint"), CONSTRAINTS, ids=str)
def test_a_constraint_has_a_right_and_a_wrong_value(plural: str, constraint: Constraint) -> None:
    samples = SAMPLED[plural].samples
    sample, place = next((sample, place) for sample in samples for place in places(sample, constraint.path))
    shown = proof(constraint, at(sample, place))
    assert shown.accept
    assert shown.reject


def test_no_example_is_left_over() -> None:
    patterns = {constraint.value for _, constraint in CONSTRAINTS if constraint.keyword == "pattern"}
    messages = {constraint.detail for _, constraint in CONSTRAINTS if constraint.keyword == "x-kubernetes-validations"}
    assert set(TEXTS) == patterns
    assert set(CASES) == messages


def test_no_constraint_is_named_twice() -> None:
    assert len({(plural, str(constraint)) for plural, constraint in CONSTRAINTS}) == len(CONSTRAINTS)


def test_the_samples_reach_every_node() -> None:
    paths = {path.replace("[]", ".[]").replace("{}", ".{}") for path, _ in nodes()}
    assert [path for path in paths if not any(any(places(s, tuple(path.split(".")))) for s in SAMPLES)] == []


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 2}, [".:maximum", ".:minimum", ".:type"]),
        ({"type": "string", "pattern": "a", "enum": ["A"]}, [".:enum", ".:pattern", ".:type"]),
        ({"required": ["a", "b"]}, [".:required:a", ".:required:b"]),
        ({"x-kubernetes-validations": [{"rule": "r", "message": "m"}]}, [".:x-kubernetes-validations:m"]),
        ({"items": {"maxLength": 1}, "maxItems": 2}, ["[]:maxLength", ".:maxItems"]),
        ({"properties": {"a": {"additionalProperties": {"format": "date"}}}}, ["a{}:format"]),
        ({"description": "d", "default": 1}, []),
    ],
)
def test_constraints_are_found_wherever_they_stand(schema: dict[str, Any], expected: list[str]) -> None:
    assert [str(constraint) for constraint in constraints(schema)] == expected


def test_a_keyword_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(ValueError, match="no test knows the keyword multipleOf"):
        list(constraints({"type": "integer", "multipleOf": 2}))


@pytest.mark.parametrize(
    "constraint",
    [
        Constraint((), "pattern", schema={"pattern": "^new$"}),
        Constraint((), "x-kubernetes-validations", "a new rule"),
        Constraint((), "multipleOf", schema={"multipleOf": 2}),
    ],
    ids=str,
)
def test_a_new_constraint_without_examples_is_an_error(constraint: Constraint) -> None:
    with pytest.raises(KeyError):
        proof(constraint, "present")


def test_a_place_is_changed_in_a_copy() -> None:
    sample = {"spec": {"env": [{"name": "A"}, {"name": "B"}], "labels": {"x": "1"}}}
    found = list(places(sample, ("spec", "env", "[]", "name")))
    assert found == [("spec", "env", 0, "name"), ("spec", "env", 1, "name")]
    assert list(places(sample, ("spec", "labels", "{}"))) == [("spec", "labels", "x")]
    assert at(placed(sample, found[1], "C"), found[1]) == "C"
    assert at(sample, found[1]) == "B"
    assert written(found[1]) == "spec.env[1].name"
