"""The defaults of the CRD are those of the models, field by field."""

from __future__ import annotations

import json
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, MemoAppSpec, MemoAppStatus

from tests.api.constraints import schema_of
from tests.api.samples import EXTERNAL, LEAST, MANAGED, STATUS, memo_app

SCHEMA = schema_of("memoapps")["properties"]


def defaulted(value: Any, schema: dict[str, Any]) -> Any:
    """What the API server makes of a value: absent fields get their default, from the outside in."""
    if isinstance(value, list):
        return [defaulted(item, schema["items"]) for item in value]
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    fields = schema["properties"]
    absent = {name: field["default"] for name, field in fields.items() if name not in value and "default" in field}
    return {name: defaulted(inner, fields[name]) for name, inner in json.loads(json.dumps({**value, **absent})).items()}


@pytest.mark.parametrize("spec", [LEAST, MANAGED, EXTERNAL], ids=["least", "managed", "external"])
def test_a_spec_is_read_the_same_with_and_without_the_api_server(spec: dict[str, Any]) -> None:
    assert MemoAppSpec.model_validate(spec) == MemoAppSpec.model_validate(defaulted(spec, SCHEMA["spec"]))


@pytest.mark.parametrize("spec", [LEAST, MANAGED, EXTERNAL], ids=["least", "managed", "external"])
def test_the_api_server_fills_in_all_that_the_models_do(spec: dict[str, Any]) -> None:
    dumped = MemoAppSpec.model_validate(spec).model_dump(mode="json", by_alias=True, exclude_none=True)
    assert defaulted(spec, SCHEMA["spec"]) == dumped


def test_an_absent_status_is_the_empty_one() -> None:
    empty = MemoAppStatus().model_dump(mode="json", by_alias=True, exclude_none=True)
    assert SCHEMA["status"]["default"] == empty == defaulted({}, SCHEMA["status"])


def test_a_full_status_has_no_defaults_left_to_fill_in() -> None:
    assert defaulted(STATUS, SCHEMA["status"]) == STATUS


def test_an_older_operator_bears_a_newer_crd() -> None:
    app = memo_app("memo", "prod", {**LEAST, "later": {"than": "this"}}, {**STATUS, "later": True})
    app["metadata"] |= {"uid": "1", "later": True}
    assert MemoApp.model_validate(app).spec == MemoAppSpec.model_validate(LEAST)
