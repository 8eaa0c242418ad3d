"""Promise 1: clients are always sent to one colour that is there, and a release takes nothing away from it.

At each write of every test of this folder release_invariants.py looks at what has clients.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from memoapp_operator.domain.manifest import AUTOSCALER, DEPLOYMENT, Ref
from memoapp_operator.ports import Steering

from tests.sim import apps, releases, stage
from tests.sim.runner import Simulation

SERVING = {"before a release": (releases.serving, "blue"), "after a switch": (releases.switched, "green")}
EACH = pytest.mark.parametrize(("start", "colour"), SERVING.values(), ids=SERVING)


def weights(sim: Simulation) -> set[int | None]:
    return {sim.world.routers.weight(pod) for pod in sim.pods("router").values()}


def replicas(sim: Simulation, name: str) -> int:
    found: int = sim.find(DEPLOYMENT, f"memo-{name}")["spec"]["replicas"]
    return found


@pytest.mark.parametrize("name", ["a switch", "a rejection", "a rollback by order"])
async def test_no_client_is_sent_to_nobody(name: str) -> None:
    story = releases.STORIES[name]
    sim = await story.start()
    story.happens(sim)
    await sim.until_rest()
    assert sim.watch.unserved == []
    assert sim.condition("Available")["status"] == "True"


async def test_when_what_serves_dies_clients_are_sent_to_nobody_for_a_few_seconds_only() -> None:
    """Five that tell a death from a hiccup, and the time of a pass."""
    sim = await releases.switched()
    began = sim.world.clock.seconds
    releases.green_dies(sim)
    await sim.until_rest()
    moments = [float(text.partition(" ")[0]) for text in sim.watch.unserved]
    assert moments
    assert max(moments) - began <= 5 + 3


async def test_after_a_switch_every_router_has_all_clients_with_the_new_colour() -> None:
    sim = await releases.switched()
    held = {sim.world.routers.held(pod) for pod in sim.pods("router").values()}
    assert held == {Steering(100, sim.status["release"]["id"])}
    assert sim.status["traffic"] == {"blue": 0, "green": 100}


@EACH
async def test_what_serves_is_repaired_from_its_revision_while_the_spec_says_something_else(
    start: Callable[[], object], colour: str
) -> None:
    sim = await start()  # type: ignore[misc]
    assert isinstance(sim, Simulation)
    before = sim.find(DEPLOYMENT, f"memo-{colour}-backend")["spec"]["template"]
    sim.world.behaviours["registry.example/typo:1"] = releases.Behaviour.NOT_PULLED
    spec = apps.version("1.6.0")
    spec["backend"]["image"] = "registry.example/typo:1"
    sim.declare(spec)
    await sim.until_rest()
    assert sim.phase == "Rejected"
    sim.cluster.edit(Ref(DEPLOYMENT, f"memo-{colour}-backend"), other_image)
    await sim.until_rest()
    assert sim.find(DEPLOYMENT, f"memo-{colour}-backend")["spec"]["template"] == before
    spec["backend"]["replicas"] = 4
    sim.declare(spec)
    await sim.until_rest()
    assert sim.colour == colour
    assert len(sim.pods(f"{colour}-backend")) == 4


def other_image(deployment: dict[str, object]) -> None:
    deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "by.hand/x:1"  # type: ignore[index]


@EACH
async def test_a_lost_status_is_rebuilt_as_it_was(start: Callable[[], object], colour: str) -> None:
    sim = await start()  # type: ignore[misc]
    assert isinstance(sim, Simulation)
    before, written = sim.status, sim.written
    sim.cluster.edit(apps.APP, lambda app: app.pop("status"))
    sim.restart()
    await sim.until_rest()
    assert sim.child_writes(written) == []
    assert sim.watch.unserved == []
    assert sim.colour == colour
    assert sim.ready == "True"
    for key in ("traffic", "colours", "addresses"):
        assert sim.status[key] == before[key]


# What a person set, and what the load asks for.


async def test_suspended_every_pod_goes_and_comes_back_as_it_was() -> None:
    sim = await releases.switched()
    colours, deployments = sim.status["colours"], {ref for ref in sim.children(DEPLOYMENT) if "blue" not in ref.name}
    sim.declare({**apps.version(releases.NEW), "suspend": True})
    await sim.until_rest()
    names = ("database", "redis", "router", "backend", "frontend")
    assert {name: len(sim.pods(name)) for name in names} == dict.fromkeys(names, 0)
    assert sim.ready == "Suspended"
    written = sim.written
    await sim.run_for(300)
    assert sim.written == written
    sim.declare(apps.version(releases.NEW))
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.status["colours"] == {"green": colours["green"]}, "a warm colour might come back sooner than what serves"
    assert set(sim.children(DEPLOYMENT)) == deployments
    assert len(sim.pods("green-backend")) == 2


def scaled(number: str = releases.OLD) -> dict[str, object]:
    spec = apps.version(number)
    spec["backend"]["autoscaling"] = {"minReplicas": 2, "maxReplicas": 6, "cpuPercent": 80}
    return spec


async def test_pods_are_as_many_as_the_load_asks_for_and_a_release_begins_with_as_many() -> None:
    sim = await stage.serving(scaled())
    sim.world.controllers.autoscaling.load["memo-blue-backend"] = 5
    await sim.until_rest()
    assert (replicas(sim, "blue-backend"), len(sim.pods("blue-backend"))) == (5, 5)
    sim.declare(scaled(releases.NEW))
    while sim.colour != "green":
        assert len(sim.pods("blue-backend")) >= 5
        await sim.run_for(0.25)
    assert len(sim.pods("green-backend")) == 5
    await sim.until_rest()
    assert sim.ready == "True"
    assert {ref.name for ref in sim.children(AUTOSCALER)} == {"memo-green-backend"}
    written = sim.written
    sim.world.controllers.autoscaling.load["memo-green-backend"] = 3
    await sim.run_for(60)
    assert sim.written == written, "the number is the autoscaler's"
    assert len(sim.pods("green-backend")) == 3


async def test_of_two_autoscalers_bounds_the_least_is_that_of_the_beginning_while_a_release_is_under_way() -> None:
    """The load that moved to the new colour must not find it smaller than the old one was."""
    sim = await stage.serving(scaled())
    sim.world.controllers.autoscaling.load["memo-blue-backend"] = 5
    await sim.until_rest()
    sim.declare(scaled(releases.NEW))
    await sim.run_for(0.5)
    sim.world.controllers.autoscaling.load["memo-blue-backend"] = 2
    while sim.colour != "green":
        assert len(sim.pods("blue-backend")) >= 5
        await sim.run_for(0.25)
    assert len(sim.pods("green-backend")) >= 5


async def test_without_its_autoscaler_a_tier_has_the_pods_that_the_spec_says() -> None:
    sim = await stage.serving(scaled())
    sim.declare(apps.version(releases.OLD))
    await sim.until_rest()
    assert sim.ready == "True"
    assert not sim.children(AUTOSCALER)
    assert len(sim.pods("blue-backend")) == 2
