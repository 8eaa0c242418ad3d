"""Promise 1: what serves is not restarted, scaled or taken down but by what a person declared."""

from __future__ import annotations

import pytest
from memoapp_operator.domain.manifest import DEPLOYMENT, STATEFUL_SET, Manifest, Ref

from tests.sim import apps, stage
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation


def templates(sim: Simulation) -> dict[Ref, Manifest]:
    return {ref: item["spec"]["template"] for ref, item in sim.children(DEPLOYMENT, STATEFUL_SET).items()}


def pods(sim: Simulation) -> set[str]:
    names = ("database", "redis", "router", "backend", "frontend")
    return {uid for name in names for uid in sim.pods(name)}


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("shape", apps.SHAPES.values(), ids=apps.SHAPES)
async def test_a_lost_status_is_rebuilt_and_no_pod_restarts(shape: apps.Shape, restarted: bool) -> None:
    sim = await stage.serving(shape())
    before, status, running, written = templates(sim), sim.status, pods(sim), sim.written
    sim.cluster.edit(apps.APP, lambda app: app.pop("status"))
    if restarted:
        sim.restart()
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.child_writes(written) == []
    assert templates(sim) == before
    assert pods(sim) == running
    for key in ("colour", "version", "revision"):
        assert sim.status["active"][key] == status["active"][key]
    assert sim.status["addresses"] == status["addresses"]


async def test_a_lost_status_while_the_database_is_away_takes_no_pod_down() -> None:
    sim = await stage.serving(apps.full())
    sim.world.behaviours[apps.DATABASE] = Behaviour.NEVER_READY
    sim.cluster.edit(apps.APP, lambda app: app.pop("status"))
    running, written = pods(sim), sim.written
    await sim.run_for(30)
    assert pods(sim) == running
    assert sim.child_writes(written) == []
    sim.world.behaviours.clear()
    await sim.run_for(40)
    await sim.until_rest()
    assert sim.ready == "True"
    assert pods(sim) == running


async def test_a_new_version_that_does_not_start_leaves_the_old_pods_serving() -> None:
    sim = await stage.serving(apps.full())
    running = sim.pods("backend").keys()
    sim.world.behaviours["registry.example/typo:1"] = Behaviour.NOT_PULLED
    spec = apps.full()
    spec["version"], spec["backend"]["image"] = "1.5.0", "registry.example/typo:1"
    sim.declare(spec)
    await sim.until_rest()
    assert sim.ready == "ImagePullBackOff"
    assert running == sim.pods("backend").keys(), "what was rejected is gone, what serves is untouched"
    assert sim.condition("Available")["status"] == "True"
    assert sim.status["active"]["version"] == "1.4.0"


@pytest.mark.parametrize("component", ["database", "redis"])
async def test_while_a_data_service_is_away_no_pod_of_the_app_is_touched(component: str) -> None:
    sim = await stage.serving(apps.full())
    image = next(iter(sim.pods(component).values()))["spec"]["containers"][0]["image"]
    running, written = pods(sim), sim.written
    sim.world.behaviours[image] = Behaviour.NEVER_READY
    sim.restart()
    await sim.run_for(30)
    assert pods(sim) == running
    assert sim.child_writes(written) == []
    assert sim.ready != "True"
    sim.world.behaviours.clear()
    sim.world.step()
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.child_writes(written) == []


async def test_another_operator_image_restarts_no_database() -> None:
    sim = await stage.serving(apps.full())
    running = {*sim.pods("database"), *sim.pods("redis")}
    sim.upgrade("docker.io/memoapp/operator:0.2.0")
    await sim.until_rest()
    assert {*sim.pods("database"), *sim.pods("redis")} == running
    assert sim.ready == "True"
