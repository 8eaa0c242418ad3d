"""Ready speaks of the declared spec: it is never True for one that is not live yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from memoapp_operator.domain.manifest import Manifest

from tests.sim import apps, stage


def more_replicas(spec: dict[str, Any]) -> None:
    spec["backend"]["replicas"] = 4


def more_routers(spec: dict[str, Any]) -> None:
    spec["traffic"] = {"replicas": 3}


def another_version(spec: dict[str, Any]) -> None:
    spec["version"] = "1.5.0"


def a_way_in(spec: dict[str, Any]) -> None:
    spec["traffic"] = {"ingress": {"host": "memo.example"}}


CHANGES = [more_replicas, more_routers, another_version, a_way_in]


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: each.__name__)
async def test_it_is_not_ready_before_the_change_is_live(change: Callable[[dict[str, Any]], None]) -> None:
    """``kubectl apply`` and ``kubectl wait --for=condition=Ready``: what is waited for is the new spec."""
    sim = await stage.serving(apps.full())
    seen: list[tuple[bool, bool]] = []

    def note(before: Manifest | None, after: Manifest | None) -> None:
        del before
        if after is not None and after["kind"] == "MemoApp" and (after.get("status") or {}).get("conditions"):
            conditions = {item["type"]: item for item in after["status"]["conditions"]}
            current = after["status"]["observedGeneration"] == after["metadata"]["generation"]
            seen.append((current, conditions["Ready"]["status"] == "True"))

    sim.cluster.listeners.append(note)
    spec = apps.full()
    change(spec)
    sim.declare(spec)
    await sim.until_rest()
    assert seen[-1] == (True, True)
    assert (True, True) not in seen[:-1]
