"""A spec that changes is carried out: the last one, wholly, and once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from memoapp_operator.domain.manifest import DEPLOYMENT, DISRUPTION_BUDGET, Manifest, Ref

from tests.sim import apps, stage
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation


def completed(sim: Simulation) -> list[str]:
    """Versions whose releases completed, as told by Events."""
    told = [event for event in sim.cluster.events() if event["reason"] == "ReleaseCompleted"]
    return [event["message"].split()[1].rstrip(",") for event in told]


@pytest.mark.parametrize("between", [0.0, 0.1, 0.3, 0.9])
async def test_of_two_changes_within_a_second_the_last_wins(between: float) -> None:
    sim = await stage.serving(apps.version("1.4.0"))
    sim.declare(apps.version("1.5.0"))
    await sim.run_for(between)
    sim.declare(apps.version("1.6.0"))
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.status["active"]["version"] == "1.6.0"
    assert completed(sim) == ["1.4.0", "1.6.0"]
    images = {pod["spec"]["containers"][0]["image"] for pod in sim.pods(f"{sim.colour}-backend").values()}
    assert images == {"docker.io/memoapp/sample-backend:1.6.0"}


async def test_a_change_that_is_taken_back_at_once_rolls_back() -> None:
    sim = await stage.serving(apps.version("1.4.0"))
    sim.declare(apps.version("1.5.0"))
    await sim.run_for(1.5)
    sim.declare(apps.version("1.4.0"))
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.status["active"]["version"] == "1.4.0"
    assert "1.5.0" not in completed(sim)


def without_env(spec: dict[str, Any]) -> None:
    spec["backend"]["env"] = [item for item in spec["backend"]["env"] if item["name"] != "LOG_LEVEL"]


def without_args(spec: dict[str, Any]) -> None:
    spec["backend"].pop("args")


def without_env_from(spec: dict[str, Any]) -> None:
    del spec["backend"]["envFrom"]


@pytest.mark.parametrize("remove", [without_env, without_args, without_env_from], ids=lambda each: each.__name__)
async def test_a_field_that_leaves_the_spec_leaves_the_deployment(remove: Callable[[dict[str, Any]], None]) -> None:
    spec = apps.full()
    spec["backend"]["args"] = ["--loud"]
    sim = await stage.serving(spec)
    remove(spec)
    sim.declare(spec)
    await sim.until_rest()
    assert sim.ready == "True"
    container = backend(sim)["spec"]["template"]["spec"]["containers"][0]
    names = [item["name"] for item in container.get("env", [])]
    fresh = await stage.serving(spec)
    assert container == backend(fresh)["spec"]["template"]["spec"]["containers"][0]
    assert len(names) == len(set(names))


def backend(sim: Simulation) -> Manifest:
    return sim.find(DEPLOYMENT, f"memo-{sim.colour}-backend")


async def test_replicas_alone_are_no_release() -> None:
    sim = await stage.serving(apps.full())
    release, pods = sim.status["release"], sim.pods("backend").keys()
    spec = apps.full()
    spec["backend"]["replicas"] = 4
    sim.declare(spec)
    await sim.until_rest()
    assert sim.status["release"] == release
    assert pods < sim.pods("backend").keys()
    assert len(sim.pods("backend")) == 4


async def test_a_single_replica_has_no_disruption_budget() -> None:
    """It would only keep its node from being drained."""
    sim = await stage.serving(apps.full())
    budget = Ref(DISRUPTION_BUDGET, "memo-blue-backend")
    for replicas in (1, 2):
        spec = apps.full()
        spec["backend"]["replicas"] = replicas
        sim.declare(spec)
        await sim.until_rest()
        assert sim.ready == "True"
        assert (budget in sim.children()) == (replicas > 1)
        assert len(sim.pods("backend")) == replicas


async def test_without_a_frontend_its_children_go() -> None:
    sim = await stage.serving(apps.full())
    spec = apps.version("1.5.0", keepOld="5s")
    del spec["frontend"]
    sim.declare(spec)
    await sim.until_rest()
    assert sim.ready == "True"
    assert not [ref for ref in sim.children() if "frontend" in ref.name]
    assert not sim.pods("frontend")


async def test_what_serves_is_removed_only_once_nothing_leads_there() -> None:
    """Routers that have not heard yet still send their clients to the old frontend."""
    sim = await stage.serving(apps.full())
    spec = apps.version("1.5.0", keepOld="0s")
    del spec["frontend"]
    sim.declare(spec)
    while any(sim.world.routers.weight(pod) == 0 for pod in sim.pods("router").values()):
        assert sim.pods("blue-frontend")
        await sim.run_for(0.25)
    await sim.until_rest()
    assert not sim.pods("frontend")


async def test_without_redis_its_children_go_once_no_pod_uses_it() -> None:
    sim = await stage.serving(apps.full())
    spec = {**apps.full(), "release": {"keepOld": "5s"}}
    del spec["redis"]
    sim.declare(spec)
    old = sim.pods("backend").keys()
    while old & sim.pods("backend").keys():
        assert sim.pods("redis")
        await sim.run_for(0.25)
    await sim.until_rest()
    assert sim.ready == "True"
    assert {str(ref) for ref in sim.children() if "redis" in ref.name} == {"PersistentVolumeClaim/memo-redis"}
    assert "CacheReady" not in {item["type"] for item in sim.status["conditions"]}


async def test_a_part_that_comes_later_comes_up() -> None:
    spec = apps.full()
    del spec["frontend"], spec["redis"]
    sim = await stage.serving(spec)
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "True"
    assert len(sim.pods(f"{sim.colour}-frontend")) == 2


@pytest.mark.parametrize("component", ["backend", "database"])
async def test_an_image_that_was_mended_comes_up(component: str) -> None:
    """kubernetes/kubernetes#67250: a StatefulSet would keep the pod, were it not Parallel."""
    sim = stage.simulation()
    sim.world.behaviours["registry.example/typo:17"] = Behaviour.NOT_PULLED
    spec = apps.full()
    target = spec["backend"] if component == "backend" else spec["database"]["managed"]
    right, target["image"] = target["image"], "registry.example/typo:17"
    sim.declare(spec)
    await sim.until_rest()
    assert sim.ready == "ImagePullBackOff"
    target["image"] = right
    sim.declare(spec)
    await sim.until_rest()
    assert (sim.ready == "True") == (component == "backend"), "the database's restart waits for an order"
    sim.order("restart")
    await sim.until_rest()
    assert sim.ready == "True"
