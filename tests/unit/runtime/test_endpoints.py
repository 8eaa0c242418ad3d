"""Who may answer for a Service: a pod on its way out as well, until it serves no more."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.runtime.endpoints import answering

READY = {"ready": True, "serving": True, "terminating": False}
STARTING = {"ready": False, "serving": False, "terminating": False}
GOING = {"ready": False, "serving": True, "terminating": True}
GONE = {"ready": False, "serving": False, "terminating": True}


def endpoint(conditions: dict[str, bool], name: str | None = "a") -> dict[str, Any]:
    target = {"targetRef": {"kind": "Pod", "name": name}} if name else {}
    return {"addresses": ["10.0.0.1"], "conditions": conditions, **target}


@pytest.mark.parametrize(
    ("found", "names"),
    [
        ([], set()),
        ([{}], set()),
        ([{"endpoints": None}], set()),
        ([{"endpoints": [endpoint(READY), endpoint(STARTING, "b")]}], {"a"}),
        ([{"endpoints": [endpoint(READY)]}, {"endpoints": [endpoint(READY, "b")]}], {"a", "b"}),
        ([{"endpoints": [endpoint(READY), endpoint(GOING, "old")]}], {"a", "old"}),
        ([{"endpoints": [endpoint(READY), endpoint(GONE, "old")]}], {"a"}),
        ([{"endpoints": [endpoint(READY, None)]}], {""}),
    ],
)
def test_who_may_answer(found: list[dict[str, Any]], names: set[str]) -> None:
    assert answering(found) == names
