"""Promise 2, of tests: no client comes to a version whose tests did not pass, and none stays with one."""

from __future__ import annotations

from typing import Any

from memoapp_operator.domain.manifest import JOB

from tests.sim import apps, stage
from tests.sim.migrations import NEW, OLD, jobs
from tests.sim.runner import Simulation

SMOKE, LOGIN, WHOLE = {"name": "smoke"}, {"name": "login"}, {"name": "whole", "when": "AfterSwitch"}


def spec(number: str, *tests: dict[str, Any], **release: Any) -> dict[str, Any]:
    return {**apps.version(number), "release": {"tests": [*tests], **release}}


async def tested(*tests: dict[str, Any], **release: Any) -> Simulation:
    return await stage.serving(spec(OLD, *tests, **release))


def outcomes(sim: Simulation) -> dict[str, str]:
    return {item["name"]: item["outcome"] for item in sim.status["release"].get("tests", [])}


async def test_they_run_one_after_another_before_any_client_comes() -> None:
    sim = await tested(SMOKE, LOGIN)
    sim.world.agents.stuck |= {"login"}
    sim.declare(spec(NEW, SMOKE, LOGIN))
    await sim.run_for(60)
    assert (sim.phase, sim.status["traffic"]) == ("Testing", {"blue": 100, "green": 0})
    assert outcomes(sim) == {"smoke": "Passed", "login": "Running"}
    assert sim.condition("Ready")["message"].startswith("waiting for the test memo-r2-test-login-")
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert (sim.phase, sim.colour, outcomes(sim)["login"]) == ("Completed", "green", "Passed")


async def test_the_first_release_is_tested_too() -> None:
    sim = await tested(SMOKE)
    assert outcomes(sim) == {"smoke": "Passed"}


async def test_a_job_knows_where_the_new_colour_is() -> None:
    sim = await tested(SMOKE, WHOLE)
    found = {item["metadata"]["name"].split("-")[3]: item for item in sim.cluster.all(JOB)}
    env = {
        name: {each["name"]: each["value"] for each in job["spec"]["template"]["spec"]["containers"][0]["env"]}
        for name, job in found.items()
    }
    assert env["smoke"]["MEMOAPP_URL"] == "http://memo-blue-frontend.prod.svc:8080"
    assert env["smoke"]["MEMOAPP_BACKEND_URL"] == "http://memo-blue-backend.prod.svc:3001"
    assert env["smoke"]["MEMOAPP_VERSION"] == OLD


async def test_one_that_fails_rejects_the_version() -> None:
    sim = await tested(SMOKE)
    sim.world.agents.endings["smoke"] = (1, "GET /api/memos answered 500\n")
    sim.declare(spec(NEW, SMOKE))
    await sim.until_rest()
    assert (sim.phase, sim.colour, sim.ready) == ("Rejected", "blue", "TestFailed")
    assert "exit code 1: GET /api/memos answered 500" in sim.status["release"]["message"]
    assert not sim.pods("green-backend")


async def test_the_first_version_that_fails_never_serves() -> None:
    sim = stage.simulation()
    sim.world.agents.endings["smoke"] = (1, "")
    sim.declare(spec(OLD, SMOKE))
    await sim.until_rest()
    assert (sim.phase, sim.ready, sim.condition("Available")["status"]) == ("Rejected", "TestFailed", "False")
    sim.world.agents.endings.clear()
    sim.order("retry")
    await sim.until_rest()
    assert (sim.phase, sim.ready) == ("Completed", "True")


async def test_after_the_switch_one_that_fails_takes_the_clients_back() -> None:
    sim = await tested(WHOLE)
    sim.world.agents.endings["whole"] = (1, "the whole is broken")
    sim.declare(spec(NEW, WHOLE))
    await sim.until_rest()
    assert (sim.phase, sim.colour, sim.ready) == ("RolledBack", "blue", "TestFailed")


async def test_after_the_switch_the_release_waits_for_them() -> None:
    sim = await tested(WHOLE)
    sim.world.agents.stuck.add("whole")
    sim.declare(spec(NEW, WHOLE))
    await sim.run_for(120)
    assert (sim.phase, sim.status["traffic"]["green"], outcomes(sim)) == ("Soaking", 100, {"whole": "Running"})
    assert "MEMOAPP_URL" in str(sim.find(JOB, sim.status["release"]["tests"][0]["job"]))
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert (sim.phase, sim.colour) == ("Completed", "green")


async def test_the_jobs_of_a_release_stay_until_the_next_one_is_over() -> None:
    sim = await tested(SMOKE)
    sim.declare(spec(NEW, SMOKE))
    await sim.until_rest()
    assert [name.rpartition("-")[0] for name in jobs(sim, "test")] == ["memo-r2-test-smoke"]


async def test_what_runs_is_stopped_with_its_release() -> None:
    sim = await tested(SMOKE)
    sim.world.agents.stuck.add("smoke")
    sim.declare(spec(NEW, SMOKE))
    await sim.run_for(60)
    sim.declare(spec(OLD, SMOKE))
    await sim.until_rest()
    assert (sim.phase, sim.ready) == ("Withdrawn", "True")
    assert not any("r2" in name for name in jobs(sim, "test"))
