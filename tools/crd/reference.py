"""The field reference of a kind, as Markdown, from the same schema as its CustomResourceDefinition."""

from __future__ import annotations

import json
from collections.abc import Iterator

from memoapp_operator.api.v1alpha1 import GROUP, VERSION
from memoapp_operator.api.v1alpha1.definition import Definition

from .definition import root_schema
from .keywords import Schema

_HEAD = "| Field | Type | Default | Constraints | Description |\n|---|---|---|---|---|\n"


def as_markdown(definition: Definition) -> str:
    """One section per object, in the order of declaration; one row per field."""
    root = root_schema(definition)
    parts = [_title(definition, root)]
    for name in ("spec", "status"):
        parts += [_section(path, schema) for path, schema in _objects(name, root["properties"][name])]
    return "\n".join(parts)


def _title(definition: Definition, root: Schema) -> str:
    note = "<!-- Generated from the models by tools/crdgen.py: change those, then run it again. -->"
    names = ", ".join(f"`{name}`" for name in (definition.plural, *definition.short_names))
    intro = f"{root['description']} API version `{GROUP}/{VERSION}`; `kubectl get` knows it as {names}."
    return f"{note}\n\n# {definition.kind}\n\n{intro}\n{_rules(root)}"


def _section(path: str, schema: Schema) -> str:
    required = set(schema.get("required", []))
    rows = [_row(name, field, required=name in required) for name, field in schema["properties"].items()]
    return f"## `{path}`\n\n{schema['description']}\n{_rules(schema)}\n{_HEAD}{''.join(rows)}"


def _rules(schema: Schema) -> str:
    messages = [rule["message"] for rule in schema.get("x-kubernetes-validations", [])]
    return "\n" + "".join(f"- {message}\n" for message in messages) if messages else ""


def _objects(path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The object at ``path`` if it has fields, and then all below it."""
    if "properties" in schema:
        yield path, schema
    for name, field in schema.get("properties", {}).items():
        yield from _objects(f"{path}.{name}", field)
    if "items" in schema:
        yield from _objects(f"{path}[]", schema["items"])


def _row(name: str, field: Schema, *, required: bool) -> str:
    default = f"`{json.dumps(field['default'])}`" if "default" in field else ""
    cells = (f"`{name}`", _type(field), default, _constraints(field, required=required), field["description"])
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n\n", "<br>") for cell in cells) + " |\n"


def _type(field: Schema) -> str:
    if "items" in field:
        return f"list of {_type(field['items'])}"
    if "additionalProperties" in field:
        return f"map of {_type(field['additionalProperties'])}"
    if field.get("x-kubernetes-int-or-string"):
        return "integer or string"
    return str(field["type"])


def _constraints(field: Schema, *, required: bool) -> str:
    said = ["required"] if required else []
    said += _limits(field)
    inner = field.get("items") or field.get("additionalProperties") or {}
    said += [f"each: {limit}" for limit in _limits(inner)]
    if "properties" not in field:
        said += [rule["message"] for rule in field.get("x-kubernetes-validations", [])]
    return "; ".join(said)


def _limits(field: Schema) -> list[str]:
    said = [_range(field, low, high, unit) for low, high, unit in _RANGES]
    said += ["one of " + ", ".join(f"`{value}`" for value in field.get("enum", []))] if "enum" in field else []
    said += [f"`{field['pattern']}`"] if "pattern" in field else []
    said += [field["format"]] if "format" in field else []
    keys = field.get("x-kubernetes-list-map-keys", [])
    said += ["unique by " + ", ".join(f"`{key}`" for key in keys)] if keys else []
    return [limit for limit in said if limit]


_RANGES = (
    ("minimum", "maximum", ""),
    ("minLength", "maxLength", " characters"),
    ("minItems", "maxItems", " items"),
    ("minProperties", "maxProperties", " entries"),
)


def _range(field: Schema, low: str, high: str, unit: str) -> str:
    match field.get(low), field.get(high):
        case None, None:
            return ""
        case least, None:
            return f"at least {least}{unit}"
        case None, most:
            return f"at most {most}{unit}"
        case least, most:
            return f"{least} to {most}{unit}"
