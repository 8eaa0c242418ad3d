"""Every node of a committed schema, with its path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.api.constraints import schema_of

Node = tuple[str, dict[str, Any]]


def nodes(plural: str = "memoapps") -> list[Node]:
    """The nodes of spec and status; ``[]`` is an item of a list, ``{}`` a value of a map."""
    properties = schema_of(plural)["properties"]
    return [node for part in ("spec", "status") for node in _below(part, properties[part])]


def _below(path: str, schema: dict[str, Any]) -> Iterator[Node]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _below(f"{path}.{name}", inner)
    for keyword, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if keyword in schema:
            yield from _below(path + mark, schema[keyword])
