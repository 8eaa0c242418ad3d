"""Every constraint of a structural schema, one by one: what a test has to prove."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CRDS = Path(__file__).resolve().parents[2] / "crds"
ITEM = "[]"
ENTRY = "{}"

# Keywords that refuse values, each of them one constraint; the two below them make one for each element.
SINGLE = frozenset(
    {
        "enum",
        "format",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
        "type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
    }
)
REQUIRED = "required"
RULES = "x-kubernetes-validations"
# Keywords that hold further schemas, or refuse nothing.
STRUCTURE = frozenset({"properties", "items", "additionalProperties"})
# ``anyOf`` stands beside int-or-string alone and says the same; the list type is told by its keys.
PASSIVE = frozenset(
    {"description", "default", "anyOf", "x-kubernetes-list-type", "x-kubernetes-preserve-unknown-fields"}
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that the schema asks for.

    Attributes:
        path: of the node: field names, ``[]`` for an item of a list, ``{}`` for a value of a map.
        keyword: of the schema.
        detail: the required field, or the message of the rule; else empty.
        schema: the node.
    """

    path: tuple[str, ...]
    keyword: str
    detail: str = ""
    schema: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def value(self) -> Any:
        """What the keyword says."""
        return self.schema[self.keyword]

    def __str__(self) -> str:
        where = ".".join(self.path).replace(".[]", "[]").replace(".{}", "{}") or "."
        return f"{where}:{self.keyword}" + (f":{self.detail}" if self.detail else "")


def constraints(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[Constraint]:
    """The constraints of a node and of all below it; ValueError on a keyword that is not known here."""
    for keyword, value in sorted(schema.items()):
        if keyword in STRUCTURE:
            yield from _below(keyword, value, path)
        elif keyword in SINGLE:
            yield Constraint(path, keyword, schema=schema)
        elif keyword == REQUIRED:
            yield from (Constraint(path, keyword, name, schema) for name in value)
        elif keyword == RULES:
            yield from (Constraint(path, keyword, rule["message"], schema) for rule in value)
        elif keyword not in PASSIVE:
            raise ValueError(f"{path}: no test knows the keyword {keyword}")


def of_crd(plural: str) -> list[Constraint]:
    """The constraints of a committed CRD; what the API server itself asks of every object is left out."""
    root = schema_of(plural)
    own = {**root, "properties": {name: root["properties"][name] for name in ("spec", "status")}}
    return [constraint for constraint in constraints(own) if constraint.path or constraint.keyword != "type"]


def schema_of(plural: str) -> dict[str, Any]:
    """The schema of a committed CRD."""
    manifest = yaml.safe_load((CRDS / f"memoapp.dev_{plural}.yaml").read_text(encoding="utf-8"))
    found: dict[str, Any] = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def _below(keyword: str, value: Any, path: tuple[str, ...]) -> Iterator[Constraint]:
    if keyword == "properties":
        for name, inner in value.items():
            yield from constraints(inner, (*path, name))
    else:
        yield from constraints(value, (*path, ITEM if keyword == "items" else ENTRY))
