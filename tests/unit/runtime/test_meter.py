"""Numbers that are read for a check are nothing that a release is compared with."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase
from memoapp_operator.runtime.gauges import Gauging
from memoapp_operator.runtime.meter import Meter, Window

from tests.unit.domain.building import R2, Observation, decided, onward, serving, until, with_spec
from tests.unit.domain.test_upkeep import SEVEN


class Spy:
    """Takes what it is to remember its numbers in."""

    def __init__(self) -> None:
        self.memories: list[Gauging] = []

    async def look(self, _: Any, memory: Gauging, __: Any) -> None:
        self.memories.append(memory)


def looked(seen: Observation, window: Window) -> list[Gauging]:
    spy = Spy()
    meter = Meter(None, None, spy, SimpleNamespace(now=lambda: seen.now))  # type: ignore[arg-type]
    asyncio.run(meter.gauge(SimpleNamespace(observation=seen), window))  # type: ignore[arg-type]
    return spy.memories


@pytest.mark.parametrize("under_way", [True, False])
def test_a_check_leaves_the_numbers_of_a_release_alone(under_way: bool) -> None:
    seen = with_spec(serving(), upkeep={"check": {"schedule": "0 7 * * *"}})
    seen = replace(seen, app=decided(seen))
    if under_way:
        changed = onward(with_spec(seen, upkeep={"check": {"schedule": "0 7 * * *"}}), declared=R2)
        seen = until(changed, ReleasePhase.PREPARING)
    window = Window()
    assert [memory is window.gauging for memory in looked(seen, window)] == ([True] if under_way else [])
    (memory,) = looked(replace(seen, now=SEVEN), window)
    assert memory is not window.gauging
