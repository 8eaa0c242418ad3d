"""Promise 4: a way back is committed first, moves the clients, then takes pods away, and only then is called done.

Where the old colour is not well either, the clients stay with the healthier one and people are told.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from memoapp_operator.domain.manifest import Manifest

from tests.sim import apps, releases, stage
from tests.sim.apps import APP
from tests.sim.faults import Faults, Write
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation


def green_weights(sim: Simulation) -> set[int | None]:
    return {sim.world.routers.weight(pod) for pod in sim.pods("router").values()}


def steps(sim: Simulation) -> list[str]:
    """What the operator does from now on, each kind of step once in a row."""
    found: list[str] = []

    def note(before: Manifest | None, after: Manifest | None) -> None:
        write = sim.cluster.writing
        if write is None or write.verb == "note":
            return
        about = after or before or {}
        told = f"{write.verb} {write.ref}"
        if write.ref == APP:
            status = about["status"]
            told = f"{status['release']['phase']}, {status['active']['colour']} is active"
        if not found or found[-1] != told:
            found.append(told)

    sim.cluster.listeners.append(note)
    sim.world.routers.listeners.append(lambda _, wanted: found.append(f"routers: {wanted.weight}"))
    return found


ROUTERS = ["apply ConfigMap/memo-router-state", "routers: 0", "routers: 0"]
GREENS = [
    f"delete {name}"
    for name in (
        "Deployment/memo-green-backend",
        "Deployment/memo-green-frontend",
        "PodDisruptionBudget/memo-green-backend",
        "PodDisruptionBudget/memo-green-frontend",
    )
]


@pytest.mark.parametrize("name", ["a rollback by order", "a rollback because green dies"])
async def test_the_order_of_a_rollback(name: str) -> None:
    story = releases.STORIES[name]
    sim = await story.start()
    found = steps(sim)
    story.happens(sim)
    await sim.until_rest()
    back = found.index("RollingBack, green is active")
    assert not [step for step in found[:back] if not step.endswith("green is active")], "nothing before it is committed"
    done = found.index("RolledBack, blue is active")
    kept = [step for step in found[back + 1 : done] if not step.startswith("RollingBack")]
    assert kept == [*ROUTERS, *GREENS]
    turned = found.index("RollingBack, blue is active")
    assert max(index for index, step in enumerate(found) if step in ROUTERS and index < done) < turned
    assert turned < found.index(GREENS[0])


async def test_a_switch_that_fails_while_routers_are_told_goes_back_in_that_order() -> None:
    sim = await releases.serving()
    sim.declare(apps.version(releases.NEW))
    while sim.phase != "Shifting":
        await sim.run_for(0.25)
        sim.world.routers.deaf = {next(iter(sim.pods("router").values()))["status"]["podIP"]}
    found = steps(sim)
    releases.green_dies(sim)
    await sim.run_for(3)
    assert sim.phase == "RollingBack"
    assert not [step for step in found if step.startswith("delete")], "a router that does not answer may send there"
    sim.world.routers.deaf.clear()
    await sim.until_rest()
    assert sim.phase == "RolledBack"
    assert green_weights(sim) == {0}
    assert found.index("RolledBack, blue is active") > found.index(GREENS[-1]) > found.index(ROUTERS[0])


# Held.


class LosesBlue(Faults):
    """As soon as the way back is committed, no pod of blue is ready any more."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim
        self._done = False

    def after(self, write: Write) -> None:
        if write.ref == APP and self._sim.phase == "RollingBack" and not self._done:
            self._done = True
            lose(self._sim, "blue")


def lose(sim: Simulation, colour: str) -> None:
    for component in ("backend", "frontend"):
        sim.world.unready |= {pod["metadata"]["name"] for pod in sim.pods(f"{colour}-{component}").values()}
    sim.world.step()


async def held() -> Simulation:
    """A rollback by order whose old colour died as it began."""
    sim = stage.resumed(await releases.switched())
    sim.cluster.faults = LosesBlue(sim)
    sim.order("rollback")
    await sim.until_rest()
    assert sim.phase == "Held"
    sim.watch.unserved.clear()
    return sim


async def test_where_the_old_colour_is_not_well_the_clients_stay_and_people_are_told() -> None:
    sim = await held()
    assert sim.status["traffic"] == {"blue": 0, "green": 100}
    assert green_weights(sim) == {100}
    assert (sim.ready, sim.condition("Stalled")["reason"]) == ("Held", "Held")
    assert "blue has no ready pod" in sim.condition("Stalled")["message"]
    assert sim.condition("Available")["status"] == "True"
    assert [event["type"] for event in sim.cluster.events() if event["reason"] == "ReleaseHeld"] == ["Warning"]
    assert sim.pods("green-backend")
    assert sim.pods("blue-backend")
    written = sim.written
    sim.restart()
    await sim.run_for(120)
    assert sim.written == written


async def test_the_way_back_goes_on_once_the_old_colour_is_well() -> None:
    sim = await held()
    sim.world.unready.clear()
    await sim.until_rest()
    assert (sim.phase, sim.colour) == ("RolledBack", "blue")
    assert sim.ready == "RolledBackByHand"
    assert green_weights(sim) == {0}


async def test_a_person_may_keep_the_new_colour_instead() -> None:
    sim = await held()
    sim.order("retry")
    await sim.until_rest()
    assert (sim.phase, sim.colour) == ("Completed", "green")
    assert green_weights(sim) == {100}
    assert sim.ready == "True"


async def test_a_third_revision_comes_up_in_the_place_of_the_colour_without_clients() -> None:
    sim = await held()
    sim.world.unready.clear()
    lose(sim, "blue")
    sim.declare(apps.version("1.6.0"))
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.colour == "blue"
    assert sim.status["active"]["version"] == "1.6.0"
    assert sim.watch.unserved == []


def green_too(sim: Simulation) -> None:
    lose(sim, "green")


def a_third_that_fails(sim: Simulation) -> None:
    sim.world.behaviours["docker.io/memoapp/sample-backend:1.6.0"] = Behaviour.CRASHES
    sim.declare(apps.version("1.6.0"))


@pytest.mark.parametrize("happens", [green_too, a_third_that_fails], ids=lambda each: each.__name__)
async def test_held_and_worse(happens: Callable[[Simulation], None]) -> None:
    """Nothing of either colour goes, and what is well first gets the clients."""
    sim = await held()
    happens(sim)
    await sim.run_for(60)
    assert sim.pods("green-backend")
    sim.world.unready.clear()
    await sim.until_rest()
    assert sim.condition("Available")["status"] == "True"
    assert sim.status["active"]["version"] != "1.6.0"
