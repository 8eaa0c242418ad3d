"""Promise 2, as far as health goes: no client is sent to a revision whose health was not reached, and read back.

That every pod of it was ready and well when its clients came, release_invariants.py looks at in every test here.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from memoapp_operator.domain.manifest import Manifest

from tests.sim import apps, releases
from tests.sim.cluster import NAMESPACE
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation

SOON = {"deadline": "20s"}


def green_weights(sim: Simulation) -> set[int | None]:
    return {sim.world.routers.weight(pod) for pod in sim.pods("router").values()}


async def declared(arrange: Callable[[Simulation], None]) -> Simulation:
    """The new version, with twenty seconds to come up, in a world that is arranged so."""
    sim = await releases.serving()
    arrange(sim)
    sim.declare(apps.version(releases.NEW, **SOON))
    return sim


def never_ready(sim: Simulation) -> None:
    sim.world.behaviours[releases.BROKEN] = Behaviour.NEVER_READY


def unwell(sim: Simulation) -> None:
    sim.world.health_codes["green-backend"] = 500


def no_answer(sim: Simulation) -> None:
    sim.world.health_codes["green-frontend"] = None


def crashing(sim: Simulation) -> None:
    sim.world.behaviours[releases.BROKEN] = Behaviour.CRASHES


@pytest.mark.parametrize("arrange", [never_ready, unwell, no_answer, crashing], ids=lambda each: each.__name__)
async def test_without_health_no_client_moves_and_it_is_rejected(arrange: Callable[[Simulation], None]) -> None:
    sim = await declared(arrange)
    await sim.until_rest(quiet=30)
    assert sim.phase == "Rejected"
    assert green_weights(sim) == {0}
    assert sim.colour == "blue"
    assert sim.watch.unserved == []
    assert sim.condition("Available")["status"] == "True"
    assert sim.condition("Stalled")["status"] == "True"


def theirs(sim: Simulation) -> Manifest:
    """A pod of somebody else's that bears the labels which green's Service chooses by."""
    labels = sim.find(*apps.place(apps.service("memo-green-backend")))["spec"]["selector"]
    metadata = {"name": "theirs", "namespace": NAMESPACE, "labels": labels}
    container = {"name": "x", "image": "x.example/x"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}


async def test_with_a_pod_of_somebody_elses_behind_its_service_no_client_moves() -> None:
    sim = await releases.serving()
    pod = theirs(sim)
    sim.cluster.put(pod)
    sim.declare(apps.version(releases.NEW))
    await sim.run_for(30)
    assert sim.phase == "Preparing"
    assert green_weights(sim) == {0}
    sim.cluster.remove(apps.pod_ref("theirs"))
    await sim.until_rest()
    assert (sim.phase, sim.colour, sim.ready) == ("Completed", "green", "True")


async def test_a_router_that_does_not_answer_holds_the_switch_and_then_ends_it() -> None:
    """Half of the clients would be with each colour, for as long as it does not answer."""
    sim = await declared(lambda _: None)
    while sim.phase != "Shifting":
        await sim.run_for(0.25)
        deaf = next(iter(sim.pods("router").values()))
        sim.world.routers.deaf = {deaf["status"]["podIP"]}
    await sim.run_for(5)
    assert sim.phase == "Shifting"
    assert sim.colour == "blue"
    await sim.run_for(25)
    assert sim.phase == "RollingBack"
    sim.world.routers.deaf.clear()
    await sim.until_rest()
    assert sim.phase == "RolledBack"
    assert sim.status["rejected"][0]["reason"] == "RoutersNotReached"
    assert green_weights(sim) == {0}
    assert sim.watch.unserved == []


@pytest.mark.parametrize("name", ["a switch", "a rollback by order"])
async def test_a_router_that_starts_with_old_weights_gets_no_client_before_it_has_the_new_ones(name: str) -> None:
    """Its file may be a minute old: it is ready only once its weights were confirmed."""
    story = releases.STORIES[name]
    sim = await story.start()
    story.happens(sim)
    await sim.until_rest()
    weight = sim.status["traffic"]["green"]
    restarted = next(iter(sim.pods("router").values()))
    sim.world.routers.unsettle(restarted, 100 - weight)
    await sim.until_rest()
    assert green_weights(sim) == {weight}
    assert sim.watch.unserved == []
    assert sim.ready == "True" or sim.phase == "RolledBack"
