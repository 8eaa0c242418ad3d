"""The schema of the values: what is not known is refused, so that a typing error never installs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def schema(chart: Path) -> dict[str, Any]:
    return json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def defaults(chart: Path) -> dict[str, Any]:
    return yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "values",
    [
        {"replica": 3},
        {"image": {"name": "x"}},
        {"operator": {"worker": 3}},
        {"crds": {"enabled": False}},
        {"rbac": {"create": False}},
        {"serviceAccount": {"automount": True}},
        {"resources": {"request": {}}},
        {"metrics": {"enabled": True}},
        {"metrics": {"serviceMonitor": {"period": "1m"}}},
        {"networkPolicy": {"from": []}},
        {"podDisruptionBudget": {"minAvailable": 1}},
        {"imagePullSecrets": [{"nam": "x"}]},
    ],
    ids=str,
)
def test_unknown_values_are_refused(
    template: Callable[..., subprocess.CompletedProcess[str]], values: dict[str, Any]
) -> None:
    result = template(values)
    assert result.returncode != 0
    assert "additional propert" in result.stderr.lower()


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": "2"},
        {"replicas": -1},
        {"image": {"repository": ""}},
        {"image": {"digest": "0123"}},
        {"image": {"pullPolicy": "Sometimes"}},
        {"imagePullSecrets": ["registry"]},
        {"watchNamespaces": "memo"},
        {"watchNamespaces": ["*"]},
        {"watchNamespaces": ["a", "a"]},
        {"watchNamespaces": [""]},
        {"operator": {"logLevel": "loud"}},
        {"operator": {"workers": 0}},
        {"operator": {"workers": 1.5}},
        {"operator": {"leaseSeconds": "15s"}},
        {"operator": {"resyncSeconds": 0}},
        {"crds": {"install": "yes"}},
        {"rbac": {"aggregatedRoles": True}},
        {"runAsUser": 0},
        {"podLabels": {"a": 1}},
        {"metrics": {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}},
        {"metrics": {"podMonitor": {"enabled": True, "interval": "30"}}},
        {"fullnameOverride": "Upper"},
    ],
    ids=str,
)
def test_wrong_values_are_refused(
    template: Callable[..., subprocess.CompletedProcess[str]], values: dict[str, Any]
) -> None:
    result = template(values)
    assert result.returncode != 0
    assert "schema" in result.stderr


def test_values_that_may_be_left_out_are_accepted_as_such(
    template: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    assert template({"runAsUser": None, "global": {"anything": 1}, "replicas": 0}).returncode == 0


def _properties(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, child in schema.get("properties", {}).items():
        yield f"{path}.{name}", child
        yield from _properties(child, f"{path}.{name}")


def test_every_value_is_typed_and_every_object_closed(schema: dict[str, Any]) -> None:
    parts = [("", schema), *_properties(schema), *schema["definitions"].items()]
    parts += [(f"{path}[]", part["items"]) for path, part in parts if "items" in part]
    for path, part in parts:
        assert "type" in part or "$ref" in part, path
        if "properties" in part:
            assert part["additionalProperties"] is False, path


def _keys(values: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], path: str = "") -> Iterator[str]:
    """Where the keys of values and schema differ."""
    if "$ref" in schema:
        schema = root["definitions"][schema["$ref"].removeprefix("#/definitions/")]
    if "properties" not in schema:
        return
    for name in sorted(set(values) ^ set(schema["properties"])):
        yield f"{path}.{name}"
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _keys(value, schema["properties"][name], root, f"{path}.{name}")


def test_schema_and_defaults_name_the_same_values(schema: dict[str, Any], defaults: dict[str, Any]) -> None:
    assert list(_keys(defaults, schema, schema)) == [".global"]
