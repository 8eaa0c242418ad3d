"""Releases in a world that does not keep still: each ends with one colour that serves, and says what happened."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from memoapp_operator.domain.manifest import POD, Manifest, ref_of

from tests.sim import apps, releases, stage
from tests.sim.faults import After
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation

A, B, C = releases.OLD, releases.NEW, "1.6.0"
WRITES = asyncio.run(releases.undisturbed("a switch")).writes
AT_EACH_WRITE = pytest.mark.parametrize("number", range(len(WRITES)))
QUOTA = "exceeded quota: compute, requested: cpu=50m, used: cpu=1, limited: cpu=1"


async def switching(number: int, happens: Callable[[Simulation], None]) -> Simulation:
    """Something happens as soon as the n-th write of a switch took effect."""
    sim = await releases.serving()
    sim.cluster.faults = After(WRITES.start + number, lambda: happens(sim))
    sim.declare(apps.version(B))
    await sim.until_rest(quiet=30)
    return sim


async def in_phase(phase: str) -> Simulation:
    """A switch that got there."""
    sim = await releases.serving()
    sim.declare(apps.version(B))
    for _ in range(100):
        if sim.phase == phase:
            return sim
        await sim.run_for(0.25)
        if phase == "Shifting":
            sim.world.routers.deaf = {next(iter(sim.pods("router").values()))["status"]["podIP"]}
    raise AssertionError(sim.phase)


def serves_alone(sim: Simulation, version: str) -> bool:
    green = sim.status["traffic"]["green"]
    told = {sim.world.routers.weight(pod) for pod in sim.pods("router").values()}
    pods = sim.pods(f"{sim.colour}-backend").values()
    images = {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in pods}
    return (sim.status["active"]["version"], images, told) == (version, {version}, {green})


def unready(sim: Simulation, *names: str) -> None:
    sim.world.unready |= {pod["metadata"]["name"] for name in names for pod in sim.pods(name).values()}


# Pods.


@pytest.mark.parametrize("names", [("green-backend",), ("green-frontend",), ("green-backend", "green-frontend")])
async def test_unready_after_the_switch_it_goes_back(names: tuple[str, ...]) -> None:
    sim = await releases.switched()
    unready(sim, *names)
    await sim.until_rest()
    assert sim.phase == "RolledBack"
    assert serves_alone(sim, A)
    assert sim.condition("Available")["status"] == "True"


async def test_unready_for_a_moment_after_the_switch_it_stays() -> None:
    sim = await releases.switched()
    unready(sim, "green-backend")
    await sim.run_for(3)
    sim.world.unready.clear()
    await sim.until_rest()
    assert sim.phase == "Completed"
    assert serves_alone(sim, B)


@pytest.mark.parametrize("phase", ["Preparing", "Shifting"])
async def test_a_pod_of_the_old_colour_that_is_evicted_in_mid_switch_comes_back_and_the_switch_goes_on(
    phase: str,
) -> None:
    sim = await in_phase(phase)
    sim.cluster.remove(ref_of(next(iter(sim.pods("blue-backend").values()))))
    sim.world.routers.deaf.clear()
    await sim.until_rest()
    assert sim.phase == "Completed"
    assert serves_alone(sim, B)
    assert len(sim.pods("blue-backend")) == 2
    assert sim.watch.unserved == []


async def test_with_one_pod_that_never_gets_ready_it_is_rejected() -> None:
    sim = await releases.serving()
    sim.declare(apps.version(B, deadline="30s"))
    while len(sim.pods("green-backend")) < 2:
        await sim.run_for(0.25)
    sim.world.unready = {[pod["metadata"]["name"] for pod in sim.pods("green-backend").values()][1]}
    await sim.until_rest(quiet=40)
    assert sim.phase == "Rejected"
    assert serves_alone(sim, A)


async def test_a_quota_that_comes_between_the_pods_refuses_the_release() -> None:
    sim = await releases.serving()

    def one_is_enough(_: Manifest | None, after: Manifest | None) -> None:
        if after is not None and after["kind"] == POD.kind and "green-backend" in after["metadata"]["name"]:
            sim.world.quota["backend"] = QUOTA

    sim.cluster.listeners.append(one_is_enough)
    sim.declare(apps.version(B))
    await sim.until_rest()
    assert (sim.phase, sim.ready) == ("Rejected", "QuotaExceeded")
    assert serves_alone(sim, A)
    assert not sim.pods("green-backend")
    assert sim.watch.unserved == []


# What the pods refer to.


def new_token(sim: Simulation) -> None:
    sim.cluster.put(apps.secret("mail", token="anothergeheim"))


def no_token(sim: Simulation) -> None:
    sim.cluster.remove(apps.secret_ref("mail"))


@AT_EACH_WRITE
async def test_a_secret_that_changes_in_mid_switch_ends_up_in_the_pods(number: int) -> None:
    sim = await switching(number, new_token)
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.ready == "True"
    assert serves_alone(sim, B)
    assert sim.watch.unserved == []
    for pod in sim.pods(f"{sim.colour}-backend").values():
        started_with = sim.world.secrets(pod)
        assert [each["token"] for name, each in started_with.items() if name.startswith("mail-")] == ["anothergeheim"]


@AT_EACH_WRITE
async def test_a_secret_that_is_deleted_in_mid_switch_takes_no_pod_along(number: int) -> None:
    """The colours' pods use copies. What is declared cannot be told any more: the release waits, or goes on."""
    sim = await switching(number, no_token)
    await sim.run_for(35)
    assert sim.watch.unserved == []
    assert sim.condition("Available")["status"] == "True"
    assert sim.ready == "SecretMissing"
    sim.cluster.put(apps.beside()[0])
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.ready == "True"
    assert serves_alone(sim, B)


async def test_a_secret_that_is_deleted_after_the_switch_leaves_pods_that_can_be_made_anew() -> None:
    sim = await releases.switched()
    no_token(sim)
    await sim.run_for(35)
    sim.cluster.remove(ref_of(next(iter(sim.pods("green-backend").values()))))
    await sim.until_rest()
    assert len([pod for pod in sim.pods("green-backend").values() if pod["status"]["phase"] == "Running"]) == 2
    assert sim.ready == "SecretMissing"
    assert serves_alone(sim, B)


# People.


@AT_EACH_WRITE
async def test_a_third_version_in_mid_switch_ends_up_serving(number: int) -> None:
    sim = await switching(number, lambda sim: sim.declare(apps.version(C)))
    assert sim.ready == "True"
    assert serves_alone(sim, C)
    assert sim.watch.unserved == []


@AT_EACH_WRITE
async def test_taken_back_in_mid_switch_the_old_version_serves(number: int) -> None:
    sim = await switching(number, lambda sim: sim.declare(apps.version(A)))
    assert sim.ready == "True"
    assert serves_alone(sim, A)
    assert sim.watch.unserved == []


@AT_EACH_WRITE
async def test_deleted_in_mid_switch_it_leaves_what_is_kept(number: int) -> None:
    sim = await switching(number, lambda sim: sim.cluster.remove(apps.APP))
    kept = {"Secret/memo-database", "PersistentVolumeClaim/memo-database", "PersistentVolumeClaim/memo-redis"}
    assert set(map(str, sim.children())) == kept
    assert not [*sim.cluster.all(POD)]


@AT_EACH_WRITE
async def test_suspended_in_mid_switch_it_freezes_and_goes_on_afterwards(number: int) -> None:
    sim = await switching(number, lambda sim: sim.declare({**apps.version(B), "suspend": True}))
    await sim.until_rest()
    assert sim.ready == "Suspended"
    assert not [pod for pod in sim.cluster.all(POD) if pod["metadata"]["labels"]]
    sim.declare(apps.version(B))
    await sim.until_rest()
    assert sim.ready == "True"
    assert serves_alone(sim, B)


# Time.


@pytest.mark.parametrize("phase", ["Preparing", "Shifting"])
@pytest.mark.parametrize("jump", [-7200.0, 7200.0], ids=["back", "forth"])
async def test_a_clock_that_jumps_ends_a_switch_at_worst(phase: str, jump: float) -> None:
    sim = await in_phase(phase)
    sim.world.clock.skew = jump
    sim.world.routers.deaf.clear()
    await sim.until_rest()
    assert sim.phase in {"Completed", "Rejected", "RolledBack"}
    assert serves_alone(sim, B if sim.phase == "Completed" else A)
    assert sim.watch.unserved == []


@pytest.mark.parametrize("jump", [-7200.0, 7200.0], ids=["back", "forth"])
async def test_a_clock_that_jumps_while_the_old_colour_is_warm_takes_nobodys_clients(jump: float) -> None:
    sim = await releases.switched()
    sim.world.clock.skew = jump
    sim.restart()
    await sim.until_rest()
    assert serves_alone(sim, B)
    assert sim.watch.unserved == []
    assert sim.ready == "True"


async def test_after_an_outage_of_both_colours_the_first_that_is_back_is_no_reason_to_move() -> None:
    sim = await releases.switched()
    unready(sim, "green-backend", "blue-backend")
    await sim.run_for(60)
    sim.world.unready -= {pod["metadata"]["name"] for pod in sim.pods("blue-backend").values()}
    await sim.run_for(2)
    sim.world.unready.clear()
    await sim.until_rest()
    assert sim.phase == "Completed"
    assert serves_alone(sim, B)


async def test_a_crash_loop_a_while_after_the_switch_goes_back_to_the_warm_colour() -> None:
    sim = stage.resumed(await releases.switched())
    await sim.run_for(600)
    sim.world.behaviours[releases.BROKEN] = Behaviour.CRASHES
    await sim.until_rest()
    assert sim.phase == "RolledBack"
    assert serves_alone(sim, A)
