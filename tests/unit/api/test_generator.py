"""Each rule by which a model becomes a structural schema."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from memoapp_operator.api.v1alpha1.base import Spec, list_map, rules
from pydantic import ConfigDict, Field, create_model

from tools.crd.keywords import UnsupportedSchemaError
from tools.crd.schema import structural


def converted(annotation: Any, field: Any = ...) -> dict[str, Any]:
    """The schema of one field of that type."""
    schema = structural(create_model("Probe", __base__=Spec, probe=(annotation, field)))
    found: dict[str, Any] = schema["properties"]["probe"]
    return found


class Shade(StrEnum):
    """How dark it is."""

    LIGHT = "Light"
    DARK = "Dark"


class Inner(Spec):
    """An inner object."""

    model_config = ConfigDict(json_schema_extra=rules(("self.size > 0", "size must be more than 0")))
    size: int = 1
    """How big it is."""
    name: str | None = None
    shade: Shade = Shade.LIGHT


class Node(Spec):
    """An object that holds its own kind."""

    below: list[Node]


INNER = {
    "description": "An inner object.",
    "type": "object",
    "x-kubernetes-validations": [{"rule": "self.size > 0", "message": "size must be more than 0"}],
    "properties": {
        "size": {"type": "integer", "default": 1, "description": "How big it is."},
        "name": {"type": "string"},
        "shade": {
            "type": "string",
            "enum": ["Light", "Dark"],
            "default": "Light",
            "description": "How dark it is.",
        },
    },
}


def test_references_are_inlined() -> None:
    assert converted(Inner) == INNER


def test_what_stands_beside_a_reference_wins_but_rules_add_up() -> None:
    extra = rules(("self.size < 9", "size must be less than 9"))
    found = converted(Inner, Field(description="This one.", json_schema_extra=extra))
    assert found["description"] == "This one."
    assert [rule["rule"] for rule in found["x-kubernetes-validations"]] == ["self.size > 0", "self.size < 9"]


def test_titles_are_dropped_but_a_field_may_be_called_title() -> None:
    model = create_model("Probe", __base__=Spec, title=(str, ...))
    assert structural(model) == {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]}


def test_closed_models_do_not_forbid_additional_properties() -> None:
    class Closed(Spec):
        model_config = ConfigDict(extra="forbid")
        size: int

    assert "additionalProperties" not in structural(Closed)


@pytest.mark.parametrize("annotation", [str | None, Annotated[str | None, Field()]])
def test_optional_is_plain_and_absent(annotation: Any) -> None:
    assert converted(annotation, None) == {"type": "string"}


def test_an_optional_object_is_inlined() -> None:
    assert converted(Inner | None, None) == INNER


def test_an_optional_field_with_a_default_is_refused() -> None:
    with pytest.raises(UnsupportedSchemaError, match="cannot have a default beside null"):
        converted(int | None, 3)


def test_exclusive_limits_become_inclusive() -> None:
    assert converted(int, Field(gt=0, lt=10)) == {"type": "integer", "minimum": 1, "maximum": 9}


def test_exclusive_limits_of_fractions_are_refused() -> None:
    with pytest.raises(UnsupportedSchemaError, match="whole numbers"):
        converted(float, Field(gt=0.5))


def test_a_constant_is_an_enum_of_one() -> None:
    assert converted(Literal["One"]) == {"type": "string", "enum": ["One"]}


def test_an_enum_keeps_its_values() -> None:
    assert converted(Shade) == {"type": "string", "enum": ["Light", "Dark"], "description": "How dark it is."}


def test_a_set_is_a_list_of_type_set() -> None:
    found = converted(set[str])
    assert found == {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"}


def test_an_integer_or_string_is_written_as_kubernetes_does() -> None:
    annotation = Annotated[int, Field(ge=0)] | Annotated[str, Field(max_length=9, pattern="^a$")]
    assert converted(annotation) == {
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "x-kubernetes-int-or-string": True,
        "minimum": 0,
        "maxLength": 9,
        "pattern": "^a$",
    }


def test_an_integer_or_string_may_be_optional() -> None:
    assert converted(int | str | None, None) == converted(int | str)


@pytest.mark.parametrize("annotation", [str | int, int | bool, Inner | str, list[int] | str])
def test_other_unions_are_refused(annotation: Any) -> None:
    with pytest.raises(UnsupportedSchemaError, match="of the unions only"):
        converted(annotation)


def test_a_map_says_what_its_values_are() -> None:
    assert converted(dict[str, int]) == {"type": "object", "additionalProperties": {"type": "integer"}}


def test_extensions_pass_through() -> None:
    found = converted(list[Inner], Field(json_schema_extra=list_map("name")))
    assert (found["x-kubernetes-list-type"], found["x-kubernetes-list-map-keys"]) == ("map", ["name"])


@pytest.mark.parametrize(("annotation", "inner"), [(list[Inner], "items"), (dict[str, Inner], "additionalProperties")])
def test_inside_lists_and_maps_there_are_no_defaults(annotation: Any, inner: str) -> None:
    fields = converted(annotation)[inner]["properties"]
    assert [name for name, field in fields.items() if "default" in field] == []


def test_a_list_itself_may_have_a_default() -> None:
    assert converted(list[str], []) == {"type": "array", "items": {"type": "string"}, "default": []}


def test_the_default_of_an_object_is_written_in_full_without_nulls() -> None:
    assert converted(Inner, Inner())["default"] == {"size": 1, "shade": "Light"}


def test_the_default_of_a_field_wins_over_that_of_its_type() -> None:
    assert converted(Inner, Inner(size=7))["default"] == {"size": 7, "shade": "Light"}


def test_null_is_no_default() -> None:
    with pytest.raises(UnsupportedSchemaError, match="null is no default"):
        converted(str, None)


def test_a_docstring_is_running_text() -> None:
    found = converted(int, Field(description="The ``size``,\nin bytes.\n\nMore of\nit."))
    assert found["description"] == "The `size`, in bytes.\n\nMore of it."


def test_recursion_is_refused() -> None:
    with pytest.raises(UnsupportedSchemaError, match="Node contains itself"):
        structural(Node)


@pytest.mark.parametrize(
    ("annotation", "field", "message"),
    [
        (Annotated[str, Field(json_schema_extra={"pattern": "^(?!a)"})], ..., "RE2 has no lookaround"),
        (Annotated[str, Field(json_schema_extra={"format": "hostname"})], ..., "format hostname is not checked"),
        (Annotated[int, Field(multiple_of=2)], ..., "keyword multipleOf is not known"),
        (Annotated[str, Field(json_schema_extra={"readOnly": True})], ..., "keyword readOnly is not known"),
        (list, ..., "a value must have a type"),
        (Any, ..., "a value must have a type"),
        (tuple[int, int], ..., "keyword prefixItems is not known"),
    ],
)
def test_what_the_api_server_would_refuse_or_overlook_is_an_error(annotation: Any, field: Any, message: str) -> None:
    with pytest.raises(UnsupportedSchemaError, match=message):
        converted(annotation, field)


def test_errors_name_the_place() -> None:
    class Outer(Spec):
        inner: list[Node]

    with pytest.raises(UnsupportedSchemaError, match=r"^\.inner\[\]\.below\[\]: "):
        structural(Outer)
