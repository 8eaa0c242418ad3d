"""The CustomResourceDefinition around a structural schema."""

from __future__ import annotations

from typing import Any

import yaml
from memoapp_operator.api.v1alpha1 import GROUP, VERSION
from memoapp_operator.api.v1alpha1.definition import Column, Definition

from .keywords import Schema
from .schema import structural

HEADER = "# Generated from memoapp_operator.api by tools/crdgen.py: change the models, then run it again.\n"
CATEGORY = "memo"

# The API server puts descriptions of its own in their place when it tells the schema.
_TYPE_META: Schema = {
    "apiVersion": {"type": "string", "description": "Version of the schema of this object, with its API group."},
    "kind": {"type": "string", "description": "Kind of this object."},
    "metadata": {"type": "object"},
}


def root_schema(definition: Definition) -> Schema:
    """The schema of the whole object, keys in the order of declaration; metadata is left to the API server."""
    schema = structural(definition.model)
    schema["properties"] = {**schema["properties"], **_TYPE_META}
    schema["required"] = [name for name in schema["required"] if name != "metadata"]
    return schema


def resource(definition: Definition) -> dict[str, Any]:
    """The CustomResourceDefinition of one kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{definition.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": _names(definition),
            "versions": [_version(definition)],
        },
    }


def file_name(definition: Definition) -> str:
    """The name of its file: ``<group>_<plural>.yaml``, as controller-gen names them."""
    return f"{GROUP}_{definition.plural}.yaml"


def as_yaml(definition: Definition) -> str:
    """The file's content: keys sorted, so that the order of declaration makes no difference."""
    content = yaml.dump(resource(definition), Dumper=_Plain, sort_keys=True, width=110, allow_unicode=True)
    return HEADER + content


class _Plain(yaml.SafeDumper):
    """YAML without anchors: equal parts are written out each time."""

    def ignore_aliases(self, data: Any) -> bool:
        """Nothing is an alias."""
        del data
        return True


def _names(definition: Definition) -> dict[str, Any]:
    return {
        "kind": definition.kind,
        "listKind": f"{definition.kind}List",
        "plural": definition.plural,
        "singular": definition.kind.lower(),
        "shortNames": list(definition.short_names),
        "categories": [CATEGORY],
    }


def _version(definition: Definition) -> dict[str, Any]:
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": root_schema(definition)},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(column) for column in definition.columns],
    }
    if definition.selectable_fields:
        version["selectableFields"] = [{"jsonPath": path} for path in definition.selectable_fields]
    return version


def _column(column: Column) -> dict[str, Any]:
    out: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.json_path}
    return {**out, "priority": column.priority} if column.priority else out
