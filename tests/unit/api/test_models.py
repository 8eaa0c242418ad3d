"""What the models promise beyond their schema."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.base import Part, Spec, Status
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, MemoAppSpec
from memoapp_operator.domain.durations import seconds
from pydantic import BaseModel, ValidationError

from tests.api.samples import LEAST, memo_app

RULES = "x-kubernetes-validations"


def descendants(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for child in model.__subclasses__():
        if child.__module__.startswith("memoapp_operator."):
            yield child
            yield from descendants(child)


MODELS = list(descendants(Part))
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)


def own_rules(model: type[BaseModel]) -> list[dict[str, str]]:
    extra: Any = model.model_config.get("json_schema_extra") or {}
    found: list[dict[str, str]] = extra.get(RULES, [])
    return found


@every_model
def test_a_model_keeps_the_rules_of_its_parents(model: type[BaseModel]) -> None:
    """``json_schema_extra`` of a child replaces that of its parent, silently."""
    inherited = [rule for parent in model.__mro__[1:] if parent in MODELS for rule in own_rules(parent)]
    assert all(rule in own_rules(model) for rule in inherited)


@every_model
def test_a_model_is_frozen_and_speaks_camel_case(model: type[BaseModel]) -> None:
    assert model.model_config["frozen"]
    assert all("_" not in (field.alias or "") for field in model.model_fields.values())


@every_model
def test_a_model_has_a_docstring_and_so_has_each_field(model: type[BaseModel]) -> None:
    assert model.__doc__
    assert [name for name, field in model.model_fields.items() if not field.description] == []


def test_specs_and_statuses_are_told_apart() -> None:
    assert not issubclass(Status, Spec)
    assert not issubclass(Spec, Status)


@pytest.mark.parametrize("quantity", [-1, "-1", 0.5, "much", "1e3", "", None])
def test_a_quantity_is_checked_without_an_api_server_too(quantity: Any) -> None:
    backend = {**LEAST["backend"], "resources": {"limits": {"cpu": quantity}}}
    with pytest.raises(ValidationError):
        MemoAppSpec.model_validate({**LEAST, "backend": backend})


@pytest.mark.parametrize("text", ["", "30", "7d", "1.5h", "-1m", "1000000h", "1h" * 9, None])
def test_a_duration_is_checked_without_an_api_server_too(text: Any) -> None:
    with pytest.raises(ValidationError):
        MemoAppSpec.model_validate({**LEAST, "release": {"keepOld": text}})


def test_no_duration_that_can_be_written_runs_over_the_calendar() -> None:
    longest = "999999h999999h9h"
    release = MemoAppSpec.model_validate({**LEAST, "release": {"keepOld": longest}}).release
    assert datetime.now(UTC) + timedelta(seconds=seconds(release.keep_old))


def test_annotations_are_read_and_need_not_be_there() -> None:
    app = memo_app("memo", "prod", LEAST)
    app["metadata"]["uid"] = "1"
    assert MemoApp.model_validate(app).metadata.annotations == {}
    app["metadata"]["annotations"] = {"memoapp.dev/retry": "1"}
    assert MemoApp.model_validate(app).metadata.annotations == {"memoapp.dev/retry": "1"}
