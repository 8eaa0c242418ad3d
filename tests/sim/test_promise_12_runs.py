"""Promise 12: the run of a window's tasks goes on wherever it was killed, and ends; so does its page."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.manifest import JOB, MEMO_BACKUP, MEMO_RESTORE, Manifest

from tests.sim import apps, releases, saving
from tests.sim.apps import APP
from tests.sim.faults import KillAfter, KillBefore
from tests.sim.runner import Simulation
from tests.sim.windows import NAME, WINDOW, status_of, window

TASKS: list[dict[str, Any]] = [
    {"name": "save", "backup": {}},
    {"name": "tidy", "vacuumAnalyze": {}},
    {"name": "indexes", "reindex": {}},
    {"name": "clean", "job": {"image": "registry.example/clean:1", "command": ["clean"]}},
]


def maintained(sim: Simulation, minutes: float = 30, tasks: list[dict[str, Any]] | None = None, **spec: Any) -> None:
    """A window that begins now, with tasks and the page."""
    declared = {"tasks": tasks or TASKS, "page": True, "message": "The disks are changed.", "work": [], **spec}
    window(sim, "Allow", 0, minutes, declared.pop("name", NAME), **declared)


def run_of(sim: Simulation, name: str = NAME) -> Manifest:
    (found,) = status_of(sim, name)["runs"]
    told: Manifest = found
    return told


def states(sim: Simulation, name: str = NAME) -> dict[str, str]:
    return {step["name"]: step["state"] for step in run_of(sim, name)["steps"]}


def pages(sim: Simulation) -> set[tuple[int, str]]:
    found = [sim.world.routers.held(pod) for pod in sim.pods("router").values()]
    return {(told.until, told.message) for told in found if told is not None}


async def until(sim: Simulation, step: str) -> None:
    """Until that step is under way."""
    for _ in range(2000):
        if status_of(sim).get("runs") and states(sim).get(step) == "Running":
            return
        await sim.run_for(0.1)
    raise AssertionError(status_of(sim))


async def over(sim: Simulation, name: str = NAME) -> Manifest:
    """The run once it is over."""
    for _ in range(400):
        if run_of(sim, name)["phase"] in {"Completed", "Failed", "Overrun"}:
            return run_of(sim, name)
        await sim.run_for(2)
    raise AssertionError(run_of(sim, name))


async def test_it_goes_through_its_steps_behind_the_page() -> None:
    sim = await saving.saving()
    maintained(sim)
    await until(sim, "tidy")
    ends = run_of(sim)["ends"]
    assert {message for _, message in pages(sim)} == {"The disks are changed."}
    assert [item["name"] for item in sim.status["maintenance"]["holders"]] == [f"window/{NAME}"]
    assert sim.status["maintenance"]["until"] == ends
    run = await over(sim)
    assert run["phase"] == "Completed"
    assert {state for name, state in states(sim).items() if name != "Tests"} == {"Succeeded"}
    assert pages(sim) == {(0, "")}
    assert [item["spec"]["reason"] for item in sim.cluster.all(MEMO_BACKUP)] == ["Maintenance"]
    condition = {item["type"]: item["status"] for item in status_of(sim)["conditions"]}
    assert condition["TasksDone"] == "True"
    await sim.until_rest()
    written = sim.written
    await sim.run_for(300)
    sim.restart()
    await sim.run_for(60)
    assert sim.written == written, "a run that is over costs nothing"


@pytest.mark.parametrize("fault", [KillBefore, KillAfter])
async def test_killed_at_any_write_it_goes_on_and_nothing_is_done_twice(fault: Any) -> None:
    undisturbed = await saving.saving()
    began = undisturbed.written
    maintained(undisturbed)
    await undisturbed.run_for(5)
    await over(undisturbed)
    for number in range(began + 1, undisturbed.written + 1, 2):
        sim = await saving.saving()
        sim.cluster.faults = fault(number)
        maintained(sim)
        await sim.run_for(8)
        run = await over(sim)
        assert run["phase"] == "Completed", run
        made = [times for ref, times in sim.cluster.born.items() if ref.kind in {JOB, MEMO_BACKUP}]
        assert set(made) == {1}
        await sim.run_for(30)
        assert pages(sim) == {(0, "")}
        assert sim.ready == "True"


@pytest.mark.parametrize("step", ["Page", "tidy", "PageDown", "Watch"])
async def test_an_operator_that_comes_back_after_the_end_ends_it(step: str) -> None:
    sim = await saving.saving()
    sim.world.agents.stuck = {"tidy"} if step == "tidy" else set()
    maintained(sim, minutes=10)
    await until(sim, step)
    sim.world.clock.advance_to(sim.world.clock.seconds + 2 * 3600)
    sim.restart()
    run = await over(sim)
    assert run["phase"] in {"Failed", "Overrun"} if step in {"Page", "tidy"} else run["phase"] == "Completed"
    await sim.run_for(30)
    assert pages(sim) == {(0, "")}
    assert "maintenance" not in sim.status


async def test_a_task_that_hangs_is_ended_and_the_page_falls() -> None:
    sim = await saving.saving()
    sim.world.agents.stuck = {"tidy"}
    maintained(sim, tasks=[{"name": "tidy", "vacuumAnalyze": {}, "timeout": "1m"}, TASKS[3]])
    await until(sim, "tidy")
    run = await over(sim)
    assert (run["phase"], run["message"]) == ("Failed", "tidy: not done within 1m")
    assert states(sim)["clean"] == "Skipped"
    assert not [job for job in sim.cluster.all(JOB) if "-tidy-" in job["metadata"]["name"]], "its Job was ended"
    assert pages(sim) == {(0, "")}


async def test_a_task_that_fails_says_why_and_another_one_goes_on_where_it_may() -> None:
    sim = await saving.saving()
    sim.world.agents.endings = {"tidy": (1, "ERROR: lock timeout")}
    maintained(sim, tasks=[{**TASKS[1], "onFailure": "Continue"}, TASKS[3]])
    await until(sim, "clean")
    run = await over(sim)
    assert (run["phase"], run["message"]) == ("Failed", "tidy: exit code 1: ERROR: lock timeout")
    assert states(sim)["clean"] == "Succeeded"


async def test_two_runs_for_one_app_go_one_after_the_other() -> None:
    sim = await saving.saving()
    maintained(sim)
    maintained(sim, name="another")
    await sim.run_for(10)
    phases = {name: run_of(sim, name)["phase"] for name in (NAME, "another")}
    assert sorted(phases.values()) == ["Active", "Queued"]
    waits = next(name for name, phase in phases.items() if phase == "Queued")
    first = next(name for name in phases if name != waits)
    assert run_of(sim, waits)["message"] == f"waits until the run of the window {first} is done"
    await over(sim, first)
    assert (await over(sim, waits))["phase"] == "Completed"


async def test_a_window_that_is_prolonged_keeps_its_page_for_so_long() -> None:
    sim = await saving.saving()
    sim.world.agents.stuck = {"tidy"}
    maintained(sim, minutes=10)
    await until(sim, "tidy")
    before = run_of(sim)["ends"]
    manifest = sim.cluster.find(WINDOW)
    assert manifest is not None
    sim.cluster.put({**manifest, "spec": {**manifest["spec"], "duration": "20m"}})
    await sim.run_for(10)
    after = run_of(sim)["ends"]
    assert after > before
    assert sim.status["maintenance"]["until"] == after
    assert {until for until, _ in pages(sim)} == {int(datetime.fromisoformat(after).timestamp())}


async def test_a_window_that_is_deleted_takes_its_page_along() -> None:
    sim = await saving.saving()
    sim.world.agents.stuck = {"tidy"}
    maintained(sim)
    await until(sim, "tidy")
    sim.cluster.remove(WINDOW)
    await sim.run_for(60)
    assert pages(sim) == {(0, "")}
    assert "maintenance" not in sim.status


async def test_a_memoapp_that_is_deleted_ends_its_run() -> None:
    sim = await releases.serving()
    sim.world.agents.stuck = {"tidy"}
    maintained(sim, tasks=TASKS[1:])
    await until(sim, "tidy")
    sim.cluster.remove(APP)
    await sim.run_for(30)
    run = run_of(sim)
    assert (run["phase"], run["message"]) == ("Failed", "the MemoApp is gone")


async def test_a_new_version_waits_until_the_tasks_are_done() -> None:
    sim = await releases.serving()
    sim.world.agents.stuck = {"tidy"}
    maintained(sim, tasks=[{**TASKS[1], "timeout": "2m"}], page=False, message=None, watch="10s")
    spec = status_of(sim)
    assert spec is not None
    await until(sim, "tidy")
    sim.declare(apps.version(releases.NEW))
    await sim.run_for(60)
    assert (sim.phase, sim.colour) == ("Pending", "blue")
    assert sim.condition("Ready")["message"] == f"waiting until the tasks of the window {NAME} are done"
    await sim.run_for(200)
    await sim.until_rest()
    assert (sim.phase, sim.colour) == ("Completed", "green")


async def test_nothing_is_begun_late_than_it_may() -> None:
    sim = await saving.saving()
    maintained(sim, minutes=30, lastStart="5m")
    sim.world.clock.advance_to(sim.world.clock.seconds + 600)
    sim.restart()
    await sim.run_for(30)
    assert "runs" not in status_of(sim)
    assert status_of(sim)["phase"] == "Active"


async def test_a_backup_task_without_backups_and_a_drill_say_what_is_missing() -> None:
    sim = await releases.serving()
    maintained(sim, tasks=TASKS[:1])
    await until(sim, "save")
    assert (await over(sim))["message"] == "save: the MemoApp has no spec.backup"
    assert run_of(sim)["phase"] == "Failed"
    drilled = await saving.saving()
    maintained(drilled, tasks=[TASKS[0], {"name": "prove", "restoreDrill": {}}])
    await drilled.run_for(20)
    assert (await over(drilled))["phase"] == "Completed"
    assert [item["spec"]["mode"] for item in drilled.cluster.all(MEMO_RESTORE)] == ["Drill"]
    assert timestamp(drilled.world.clock.now()) > run_of(drilled)["window"]
