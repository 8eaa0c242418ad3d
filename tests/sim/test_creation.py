"""A MemoApp that was declared comes up, and costs no more writes than it has to."""

from __future__ import annotations

import pytest
from memoapp_operator.domain.manifest import ref_of

from tests.sim import apps, stage
from tests.sim.runner import Operator


@pytest.mark.parametrize("shape", apps.SHAPES.values(), ids=apps.SHAPES)
async def test_it_is_ready_available_and_its_release_completed(shape: apps.Shape) -> None:
    sim = await stage.serving(shape())
    assert sim.condition("Available")["status"] == "True"
    assert sim.condition("DatabaseReady")["status"] == "True"
    assert sim.condition("Stalled")["status"] == sim.condition("Reconciling")["status"] == "False"
    assert sim.status["release"]["phase"] == "Completed"
    assert sim.status["active"]["version"] == shape()["version"]
    assert sim.status["traffic"] == {"blue": 100, "green": 0}
    assert sim.status["observedGeneration"] == sim.app["metadata"]["generation"]


@pytest.mark.parametrize("shape", apps.SHAPES.values(), ids=apps.SHAPES)
async def test_it_takes_no_more_writes_than_its_children_and_six(shape: apps.Shape) -> None:
    sim = await stage.serving(shape())
    writes = [write for write in sim.writes() if write.verb not in {"note", "steer"}]
    assert len(writes) <= len(sim.children()) + 6


async def test_each_child_is_written_once() -> None:
    sim = await stage.serving(apps.full())
    written = [ref for _, ref in sim.child_writes()]
    assert sorted(written) == sorted(map(str, sim.children()))


async def test_the_shape_of_a_full_app() -> None:
    sim = await stage.serving(apps.full())
    assert len(sim.children()) == 35
    assert {name: len(sim.pods(name)) for name in ("database", "redis", "router", "blue-backend", "blue-frontend")} == {
        "database": 1,
        "redis": 1,
        "router": 2,
        "blue-backend": 2,
        "blue-frontend": 2,
    }


async def test_no_pod_of_the_app_starts_before_database_and_redis_answer() -> None:
    sim = stage.simulation()
    sim.declare(apps.full())
    while not sim.pods("blue-backend"):
        await sim.run_for(0.5)
    assert sim.condition("DatabaseReady")["status"] == sim.condition("CacheReady")["status"] == "True"


async def test_an_app_with_the_longest_name_comes_up() -> None:
    sim = stage.simulation()
    app = apps.memoapp(apps.full())
    app["metadata"]["name"] = "m" * 62 + "x"
    sim.operators = [Operator(sim.world, sim.mint, app["metadata"]["name"])]
    sim.cluster.put(app)
    await sim.until_rest()
    found = sim.cluster.find(ref_of(app))
    assert found is not None
    assert {item["type"]: item["status"] for item in found["status"]["conditions"]}["Ready"] == "True"
    assert len(sim.children()) == 35
    assert max(len(ref.name) for ref in sim.children()) <= 63
