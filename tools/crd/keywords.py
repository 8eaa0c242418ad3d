"""Single keywords of a JSON schema, in the dialect of CustomResourceDefinitions.

A keyword that no rule knows is an error, so that nothing which the API server would refuse, or silently read otherwise,
reaches the committed file.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

_KEPT = frozenset(
    {
        "default",
        "description",
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
        "required",
        "type",
    }
)
# Formats that the API server checks (k8s.io/apiextensions-apiserver/pkg/apiserver/validation/formats.go).
_FORMATS = frozenset({"date", "date-time", "duration", "int32", "int64", "uri"})
_EXTENSIONS = "x-kubernetes-"


class UnsupportedSchemaError(ValueError):
    """A construct that a structural schema cannot say, or that no rule here covers."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(f"{path or '.'}: {what}")


def int_or_string(branches: list[Schema], path: str) -> Schema:
    """``int | str`` as Kubernetes writes it: the branches say the types alone, what they ask for stands beside."""
    if [branch.get("type") for branch in branches] != ["integer", "string"]:
        raise UnsupportedSchemaError(path, "of the unions only X | None and int | str can be said")
    out: Schema = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-kubernetes-int-or-string": True}
    for branch in branches:
        out |= {key: value for key, value in branch.items() if key in _KEPT - {"type"}}
    return out


def counterpart(key: str, value: Any, path: str) -> Schema:
    """Keywords with another meaning in OpenAPI 3.0, which CRDs follow."""
    if key == "uniqueItems":
        return {"x-kubernetes-list-type": "set"} if value else {}
    if not isinstance(value, int):
        raise UnsupportedSchemaError(path, "limits of the API are whole numbers")
    return {"minimum": value + 1} if key == "exclusiveMinimum" else {"maximum": value - 1}


def checked(key: str, value: Any, path: str) -> Schema:
    """A keyword that both dialects share."""
    if key not in _KEPT and not key.startswith(_EXTENSIONS):
        raise UnsupportedSchemaError(path, f"keyword {key} is not known")
    if key == "format" and value not in _FORMATS:
        raise UnsupportedSchemaError(path, f"format {value} is not checked by the API server")
    if key == "pattern" and "(?" in value:
        raise UnsupportedSchemaError(path, "RE2 has no lookaround; write groups plainly")
    return {key: _prose(value) if key == "description" else value}


def _prose(text: str) -> str:
    """A docstring as running text: double backticks are single ones, line ends inside a paragraph are spaces."""
    paragraphs = text.replace("``", "`").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
