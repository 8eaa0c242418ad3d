"""Promise 12: at its end maintenance finishes or undoes: images go back, and so does what tests do not pass."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain.manifest import JOB, MEMO_BACKUP, STATEFUL_SET

from tests.sim import saving, stage
from tests.sim.apps import APP, DATABASE
from tests.sim.faults import KillAfter, KillBefore
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation
from tests.sim.test_promise_12_runs import maintained, over, pages, run_of, states, until

NEWER = f"{DATABASE}.99"
UPGRADE: list[dict[str, Any]] = [{"name": "upgrade", "updateDatabaseImage": {}}]
MOVE = {"name": "move", "job": {"image": "registry.example/move:1", "command": ["move"], "undo": ["back"]}}
TESTS = [{"name": "smoke", "command": ["smoke"]}]


def declared(image: str = NEWER, **more: Any) -> dict[str, Any]:
    found = saving.spec(release={"tests": TESTS})
    found["database"] = {"managed": {**found["database"]["managed"], "image": image}}
    return {**found, **more}


async def waiting() -> Simulation:
    """An app with backups, whose newer image waits for its window."""
    sim = await stage.serving(declared(DATABASE))
    sim.declare(declared())
    await sim.until_rest()
    assert sim.ready == "RestartPending"
    return sim


def image(sim: Simulation) -> str:
    found = sim.find(STATEFUL_SET, "memo-database")["spec"]["template"]["spec"]["containers"]
    return str(next(item["image"] for item in found if item["name"] == "database"))


def upgraded(sim: Simulation, **spec: Any) -> None:
    maintained(sim, tasks=UPGRADE, watch="5s", **spec)


async def test_an_image_comes_after_a_backup_and_is_tested_behind_the_page() -> None:
    sim = await waiting()
    upgraded(sim)
    await sim.run_for(8)
    run = await over(sim)
    assert run["phase"] == "Completed", run
    assert image(sim) == NEWER
    assert [*states(sim)] == ["Health", "Page", "Save/upgrade", "upgrade", "Test/smoke", "PageDown", "Watch"]
    assert set(states(sim).values()) == {"Succeeded"}
    assert [item["spec"]["reason"] for item in sim.cluster.all(MEMO_BACKUP)] == ["Maintenance"]
    await sim.until_rest()
    assert (sim.ready, "heldImages" in sim.status) == ("True", False)
    written = sim.written
    await sim.run_for(600)
    assert sim.written == written


@pytest.mark.parametrize("behaviour", [Behaviour.NOT_PULLED, Behaviour.CRASHES, Behaviour.NEVER_READY])
async def test_an_image_that_does_not_get_ready_is_taken_back(behaviour: Behaviour) -> None:
    sim = await waiting()
    sim.world.behaviours[NEWER] = behaviour
    upgraded(sim)
    await sim.run_for(8)
    run = await over(sim)
    assert run["phase"] == "Failed"
    assert run["message"].endswith("; taken back: upgrade")
    assert image(sim) == DATABASE
    await sim.until_rest()
    assert pages(sim) == {(0, "")}
    assert sim.condition("DatabaseReady")["status"] == "True"
    assert sim.condition("Available")["status"] == "True"
    assert sim.ready == "ImageTakenBack"
    assert sim.condition("Stalled")["status"] == "True"
    before = sim.cluster.find(APP)
    assert before is not None
    assert before["spec"]["database"]["managed"]["image"] == NEWER, "the spec is never written"
    written = sim.written
    sim.restart()
    await sim.run_for(600)
    assert (sim.written, image(sim)) == (written, DATABASE), "it is not tried again by itself"


@pytest.mark.parametrize("good", [True, False])
async def test_redis_goes_the_same_way(good: bool) -> None:
    spec = declared(DATABASE)
    sim = await stage.serving(spec)
    old = sim.find(STATEFUL_SET, "memo-redis")["spec"]["template"]["spec"]["containers"][0]["image"]
    newer = f"{old}.99"
    sim.declare({**spec, "redis": {"managed": {**spec["redis"]["managed"], "image": newer}}})
    await sim.until_rest()
    assert sim.ready == "RestartPending"
    if not good:
        sim.world.behaviours[newer] = Behaviour.CRASHES
    maintained(sim, tasks=[{"name": "cache", "updateRedisImage": {}}], watch="5s")
    await sim.run_for(8)
    run = await over(sim)
    assert run["phase"] == ("Completed" if good else "Failed"), run
    await sim.until_rest()
    live = sim.find(STATEFUL_SET, "memo-redis")["spec"]["template"]["spec"]["containers"][0]["image"]
    assert (live, sim.ready) == ((newer, "True") if good else (old, "ImageTakenBack"))
    assert sim.condition("CacheReady")["status"] == "True"


async def test_backups_do_not_rest_on_an_image_that_waits() -> None:
    sim = await waiting()
    saving.order(sim)
    await sim.run_for(1)
    (job,) = [item for item in sim.cluster.all(JOB) if "by-hand" in item["metadata"]["name"]]
    pod = job["spec"]["template"]["spec"]
    images = {item["image"] for item in [*pod.get("initContainers", []), *pod["containers"]]}
    assert DATABASE in images
    assert NEWER not in images


async def test_one_that_was_taken_back_is_tried_again_by_order_and_by_another_image() -> None:
    sim = await waiting()
    sim.world.behaviours[NEWER] = Behaviour.NOT_PULLED
    upgraded(sim)
    await sim.run_for(8)
    await over(sim)
    await sim.until_rest()
    sim.order("retry")
    await sim.until_rest()
    assert sim.ready == "RestartPending"
    assert image(sim) == DATABASE
    del sim.world.behaviours[NEWER]
    maintained(sim, tasks=UPGRADE, name="another", watch="5s")
    await sim.run_for(8)
    assert (await over(sim, "another"))["phase"] == "Completed"
    await sim.until_rest()
    assert (sim.ready, image(sim)) == ("True", NEWER)


async def test_a_test_that_fails_takes_image_and_command_back() -> None:
    sim = await waiting()
    sim.world.agents.endings = {"test-smoke": (1, "GET /api/memos: 500")}
    maintained(sim, tasks=[*UPGRADE, MOVE], watch="5s")
    await sim.run_for(8)
    run = await over(sim)
    assert run["phase"] == "Failed"
    assert run["message"] == "Test/smoke: exit code 1: GET /api/memos: 500; taken back: move, upgrade"
    assert image(sim) == DATABASE
    made = {job["metadata"]["name"] for job in sim.cluster.all(JOB)}
    assert any(name.startswith("memo-undo-move-") for name in made)
    assert pages(sim) == {(0, "")}


async def test_at_the_end_of_the_window_what_is_not_tested_is_taken_back() -> None:
    sim = await waiting()
    sim.world.agents.stuck = {"test-smoke"}
    maintained(sim, minutes=3, tasks=[*UPGRADE, MOVE], watch="5s", overrun="Undo")
    await until(sim, "Test/smoke")
    assert image(sim) == NEWER
    run = await over(sim)
    assert run["phase"] == "Overrun", run
    assert run["message"] == "not done before the end of the window: Test/smoke; taken back: move, upgrade"
    assert image(sim) == DATABASE
    assert not [job for job in sim.cluster.all(JOB) if job["metadata"]["name"].startswith("memo-test-smoke-")], (
        "it was ended"
    )


@pytest.mark.parametrize("fault", [KillBefore, KillAfter])
@pytest.mark.parametrize("good", [True, False])
async def test_killed_at_any_write_it_comes_or_goes_back(fault: Any, good: bool) -> None:
    def world(sim: Simulation) -> Simulation:
        if not good:
            sim.world.behaviours[NEWER] = Behaviour.NOT_PULLED
        return sim

    undisturbed = world(await waiting())
    began = undisturbed.written
    upgraded(undisturbed)
    await undisturbed.run_for(8)
    await over(undisturbed)
    await undisturbed.until_rest()
    for number in range(began + 1, undisturbed.written + 1, 2):
        sim = world(await waiting())
        sim.cluster.faults = fault(number)
        upgraded(sim)
        await sim.run_for(8)
        run = await over(sim)
        await sim.until_rest()
        assert run["phase"] == ("Completed" if good else "Failed"), run
        assert (image(sim), sim.ready) == ((NEWER, "True") if good else (DATABASE, "ImageTakenBack"))
        assert states(sim) == states(undisturbed)
        assert len([*sim.cluster.all(MEMO_BACKUP)]) == 1
        assert pages(sim) == {(0, "")}


async def test_an_operator_that_comes_back_after_the_end_takes_it_back() -> None:
    sim = await waiting()
    sim.world.agents.stuck = {"test-smoke"}
    maintained(sim, minutes=10, tasks=UPGRADE, overrun="Undo")
    await until(sim, "Test/smoke")
    sim.world.clock.advance_to(sim.world.clock.seconds + 2 * 3600)
    sim.restart()
    run = await over(sim)
    assert (run["phase"], image(sim)) == ("Overrun", DATABASE)


async def test_jobs_that_are_over_are_pruned_by_a_task_and_by_schedule() -> None:
    sim = await waiting()
    maintained(sim, tasks=[MOVE], watch="5s", page=False, message=None)
    await sim.run_for(8)
    await over(sim)
    left = {job["metadata"]["name"] for job in sim.cluster.all(JOB)}
    assert left
    sim.world.clock.advance_to(sim.world.clock.seconds + 2 * 3600)
    prune = [{"name": "jobs", "pruneObjects": {"olderThan": "1h"}}]
    maintained(sim, tasks=prune, name="another", watch="5s", page=False, message=None)
    await sim.run_for(8)
    run = await over(sim, "another")
    assert run["phase"] == "Completed", run
    assert not [job for job in sim.cluster.all(JOB) if "-move-" in job["metadata"]["name"]]
    assert run_of(sim)["phase"] == "Completed"
