"""From the JSON schema that pydantic writes to the structural schema that a CustomResourceDefinition takes.

References are inlined, ``X | None`` becomes optional, defaults lose their nulls. Inside list items and map values there
are no defaults: a GitOps tool would see them as drift for ever.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from . import keywords
from .keywords import Schema, UnsupportedSchemaError

_RULES = "x-kubernetes-validations"
_DROPPED = frozenset({"title", "discriminator"})


def structural(model: type[BaseModel]) -> Schema:
    """The structural schema of a model, keys in the order of declaration.

    Raises:
        UnsupportedSchemaError: where the model uses what a structural schema cannot say.
    """
    raw = model.model_json_schema(by_alias=True)
    return _Converter(raw.pop("$defs", {})).convert(raw, path="", defaults=True)


class _Converter:
    """Converts one document; takes its ``$defs``."""

    def __init__(self, definitions: dict[str, Schema]) -> None:
        self._definitions = definitions
        self._open: list[str] = []

    def convert(self, node: Schema, path: str, *, defaults: bool) -> Schema:
        """One node and all below it; ``defaults`` is False inside list items and map values."""
        reference = node.get("$ref")
        if reference is not None:
            return self._inline(node, reference, path, defaults=defaults)
        merged = _constant(_optional(node, path))
        if merged is not node:
            return self.convert(merged, path, defaults=defaults)
        return self._plain(node, path, defaults=defaults)

    def _inline(self, node: Schema, reference: str, path: str, *, defaults: bool) -> Schema:
        name = reference.removeprefix("#/$defs/")
        if name in self._open:
            raise UnsupportedSchemaError(path, f"{name} contains itself")
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        self._open.append(name)
        try:
            return self.convert(_overlaid(self._definitions[name], siblings), path, defaults=defaults)
        finally:
            self._open.pop()

    def _plain(self, node: Schema, path: str, *, defaults: bool) -> Schema:
        out: Schema = {}
        for key, value in node.items():
            if key not in _DROPPED:
                out |= self._keyword(key, value, path, defaults=defaults)
        if "type" not in out and "x-kubernetes-int-or-string" not in out:
            raise UnsupportedSchemaError(path, "a value must have a type")
        return _full_default(out, path) if defaults else _without_default(out)

    def _keyword(self, key: str, value: Any, path: str, *, defaults: bool) -> Schema:
        """What one keyword becomes: nothing, itself, or its structural counterpart."""
        match key:
            case "properties":
                fields = {n: self.convert(v, f"{path}.{n}", defaults=defaults) for n, v in value.items()}
                return {key: fields} if fields else {}  # the API server does not keep an empty one
            case "items":
                return {key: self.convert(value, f"{path}[]", defaults=False)}
            case "additionalProperties":
                return self._map_values(value, path)
            case "anyOf":
                return keywords.int_or_string(value, path)
            case "exclusiveMinimum" | "exclusiveMaximum" | "uniqueItems":
                return keywords.counterpart(key, value, path)
        return keywords.checked(key, value, path)

    def _map_values(self, value: bool | Schema, path: str) -> Schema:
        if isinstance(value, bool):
            return {}
        return {"additionalProperties": self.convert(value, f"{path}{{}}", defaults=False)}


def _optional(node: Schema, path: str) -> Schema:
    """``X | None`` is X, and absent where it is not set: never nullable, no default null."""
    branches = [branch for branch in node.get("anyOf", []) if branch != {"type": "null"}]
    if len(branches) == len(node.get("anyOf", [])):
        return node
    if node.get("default") is not None:
        raise UnsupportedSchemaError(path, "an optional field cannot have a default beside null")
    siblings = {key: value for key, value in node.items() if key not in {"anyOf", "default"}}
    return _overlaid(branches[0], siblings) if len(branches) == 1 else {"anyOf": branches, **siblings}


def _overlaid(inner: Schema, siblings: Schema) -> Schema:
    """What stands beside a reference wins, but rules add up: a field may ask for more than its type."""
    found = [*inner.get(_RULES, []), *siblings.get(_RULES, [])]
    return {**inner, **siblings, **({_RULES: found} if found else {})}


def _constant(node: Schema) -> Schema:
    """``const`` is an enum of one value."""
    if "const" not in node:
        return node
    rest = {key: value for key, value in node.items() if key != "const"}
    return {**rest, "enum": [node["const"]]}


def _without_default(node: Schema) -> Schema:
    return {key: value for key, value in node.items() if key != "default"}


def _full_default(node: Schema, path: str) -> Schema:
    """A default without nulls. It says everything: CEL rules see it before defaults of fields inside are added."""
    if "default" not in node:
        return node
    if node["default"] is None:
        raise UnsupportedSchemaError(path, "null is no default")
    return {**node, "default": _without_nulls(node["default"])}


def _without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
