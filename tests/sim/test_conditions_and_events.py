"""What people read: conditions with a reason, and an Event for each transition.

That lastTransitionTime moves with the status alone, invariants.py checks at each write of every test here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.sim import apps, stage
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation


def behaves(behaviour: Behaviour, image: str = apps.BACKEND) -> Callable[[Simulation], None]:
    def arrange(sim: Simulation) -> None:
        sim.world.behaviours[image] = behaviour

    return arrange


def quota(component: str) -> Callable[[Simulation], None]:
    def arrange(sim: Simulation) -> None:
        sim.world.quota[component] = "exceeded quota: compute, requested: cpu=50m, used: cpu=1, limited: cpu=1"

    return arrange


TROUBLES: dict[str, tuple[Callable[[Simulation], None], str, str]] = {
    "an image that is not there": (behaves(Behaviour.NOT_PULLED), "ImagePullBackOff", apps.BACKEND),
    "a crash loop": (behaves(Behaviour.CRASHES), "CrashLoopBackOff", "exit code 3"),
    "an image that runs as root": (behaves(Behaviour.RUNS_AS_ROOT), "ImageRunsAsRoot", "securityContext.runAsUser"),
    "no node": (behaves(Behaviour.UNSCHEDULABLE), "Unschedulable", "Insufficient memory"),
    "a quota": (quota("backend"), "QuotaExceeded", "exceeded quota: compute"),
    "a database's image": (behaves(Behaviour.NOT_PULLED, apps.DATABASE), "ImagePullBackOff", apps.DATABASE),
}


@pytest.mark.parametrize(("arrange", "reason", "text"), TROUBLES.values(), ids=TROUBLES)
async def test_a_trouble_is_named_and_told_once(
    sim: Simulation, arrange: Callable[[Simulation], None], reason: str, text: str
) -> None:
    arrange(sim)
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == reason
    stalled = sim.condition("Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", reason)
    assert text in stalled["message"]
    assert sim.condition("Reconciling")["status"] == "False"
    assert [event["type"] for event in sim.cluster.events() if event["reason"] == reason] == ["Warning"]


async def test_a_health_path_that_is_not_reached_stalls_once_the_time_for_it_is_over(sim: Simulation) -> None:
    sim.world.behaviours[apps.BACKEND] = Behaviour.NEVER_READY
    sim.declare(apps.full())
    await sim.run_for(30)
    assert sim.ready == "HealthNotReached"
    assert sim.condition("Stalled")["status"] == "False"
    sim.world.clock.advance_to(300)
    await sim.run_for(30)
    assert sim.ready == "HealthNotReached"
    assert sim.condition("Stalled")["message"] == "blue-backend: /api/health answered 503 for 5m"


async def test_what_is_tried_in_vain_for_long_costs_no_write(sim: Simulation) -> None:
    sim.world.behaviours[apps.BACKEND] = Behaviour.CRASHES
    sim.declare(apps.full())
    await sim.until_rest()
    written = sim.written
    await sim.run_for(300)
    assert sim.written == written


async def test_each_transition_is_told_once() -> None:
    sim = await stage.serving(apps.full())
    told = Counter(event["reason"] for event in sim.cluster.events())
    names = ("ReleaseStarted", "ReleasePreparing", "ReleaseCompleted", "Available", "DatabaseReady", "CacheReady")
    assert told == Counter(names)
    sim.restart()
    await sim.until_rest()
    assert Counter(event["reason"] for event in sim.cluster.events()) == told


async def test_a_database_that_goes_and_comes_is_told_both_times() -> None:
    sim = await stage.serving(apps.full())
    sim.world.behaviours[apps.DATABASE] = Behaviour.NEVER_READY
    await sim.run_for(40)
    assert sim.condition("DatabaseReady")["status"] == "False"
    assert sim.condition("Ready")["status"] == "False"
    sim.world.behaviours.clear()
    await sim.until_rest()
    assert sim.ready == "True"
    told = [event["reason"] for event in sim.cluster.events()]
    assert told.count("DatabaseNotReady") == 1
    assert told.count("DatabaseReady") == 2


async def test_observed_generation_follows_every_spec() -> None:
    sim = await stage.serving(apps.full())
    spec: dict[str, Any] = apps.full()
    for replicas in (3, 4):
        spec["backend"]["replicas"] = replicas
        sim.declare(spec)
        await sim.until_rest()
        assert sim.status["observedGeneration"] == sim.app["metadata"]["generation"]
        assert {item["observedGeneration"] for item in sim.status["conditions"]} == {sim.status["observedGeneration"]}
