"""What holds for every node of the committed schema."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.api.constraints import schema_of
from tests.unit.api.walk import nodes

NODES = nodes()
Schema = dict[str, Any]

FORBIDDEN = {
    "$ref",
    "$defs",
    "title",
    "const",
    "discriminator",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "uniqueItems",
    "nullable",
    "oneOf",
    "allOf",
    "not",
    "readOnly",
    "patternProperties",
    "dependencies",
    "definitions",
    "id",
    "deprecated",
}


def test_no_node_has_an_empty_list_of_fields() -> None:
    """The API server does not keep one: what it tells would never be what was sent."""
    assert but_for(lambda node: node.get("properties") != {}) == []


def but_for(holds: Callable[[Schema], Any], among: Callable[[str], Any] = lambda _: True) -> list[str]:
    """The paths of the nodes for which something does not hold."""
    return [path for path, node in NODES if among(path) and not holds(node)]


def test_there_is_something_to_look_at() -> None:
    assert len(NODES) > 100


def test_no_node_uses_what_a_structural_schema_forbids() -> None:
    assert but_for(FORBIDDEN.isdisjoint) == []
    assert but_for(lambda node: not isinstance(node.get("additionalProperties"), bool)) == []
    assert but_for(lambda node: len({"properties", "additionalProperties"} & set(node)) < 2) == []


def test_every_node_has_one_type() -> None:
    assert but_for(lambda node: ("type" in node) != node.get("x-kubernetes-int-or-string", False)) == []


def test_unions_are_integer_or_string_alone() -> None:
    both = [{"type": "integer"}, {"type": "string"}]
    assert but_for(lambda node: node.get("anyOf", both) == both) == []
    assert but_for(lambda node: ("anyOf" in node) == node.get("x-kubernetes-int-or-string", False)) == []


def test_an_object_says_what_is_in_it() -> None:
    ways = {"properties", "additionalProperties", "x-kubernetes-preserve-unknown-fields"}
    assert but_for(lambda node: len(ways & set(node)) == (node.get("type") == "object")) == []


def test_every_field_is_described_by_a_sentence() -> None:
    def described(node: Schema) -> bool:
        text = node.get("description", "")
        return text[:1].isupper() and text.endswith(".") and "``" not in text and "  " not in text

    assert but_for(described, among=lambda path: not path.endswith(("[]", "{}"))) == []
    assert but_for(lambda node: "properties" not in node or described(node)) == []


def test_there_are_no_defaults_inside_lists_and_maps() -> None:
    assert but_for(lambda node: "default" not in node, among=lambda path: {"[", "{"} & set(path)) == []


def test_no_default_holds_null() -> None:
    assert but_for(lambda node: "null" not in json.dumps(node.get("default", ""))) == []


def test_what_can_grow_has_a_limit() -> None:
    def limited(node: Schema) -> bool:
        if "additionalProperties" in node:
            return "maxProperties" in node
        limits = {"string": {"maxLength", "enum", "format"}, "array": {"maxItems"}}
        wanted = limits.get(node.get("type", ""), set())
        return not wanted or bool(wanted & set(node))

    assert but_for(limited) == []


def test_numbers_are_whole_and_have_a_least() -> None:
    assert but_for(lambda node: node.get("type") != "number") == []
    assert but_for(lambda node: node.get("type") != "integer" or "minimum" in node) == []


def test_a_list_map_requires_its_keys() -> None:
    def required(node: Schema) -> bool:
        keys = node.get("x-kubernetes-list-map-keys", [])
        return not keys or (node["x-kubernetes-list-type"] == "map" and set(keys) <= set(node["items"]["required"]))

    assert but_for(required) == []


def test_rules_have_a_message_for_people() -> None:
    def worded(node: Schema) -> bool:
        return all("self" in rule["rule"] and rule["message"] for rule in node.get("x-kubernetes-validations", []))

    assert but_for(worded) == []


def test_fields_are_camel_case_and_enums_too() -> None:
    def spelled(node: Schema) -> bool:
        # Gates are named like the fields that they are declared by; times are times.
        pattern = r"[A-Z][a-zA-Z]*|[0-9]+m?s|[a-z][a-zA-Z]*(\.[a-z]+)?"
        return all(re.fullmatch(pattern, value) for value in node.get("enum", []))

    fields = [path for path, _ in NODES if not re.fullmatch(r"[a-z][a-zA-Z0-9]*(\[]|{})?", path.rpartition(".")[2])]
    assert fields == []
    assert but_for(spelled, among=lambda path: not path.endswith(".colour")) == []


def test_the_root_leaves_metadata_to_the_api_server() -> None:
    root = schema_of("memoapps")
    assert root["properties"]["metadata"] == {"type": "object"}
    assert root["required"] == ["spec"]
    assert set(root["properties"]) == {"apiVersion", "kind", "metadata", "spec", "status"}
