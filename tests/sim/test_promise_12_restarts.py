"""Promise 12, and 1: a restart of all pods in a window is a release of the same revision, wherever it is killed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim import apps, releases, stage
from tests.sim.faults import KillAfter, KillBefore
from tests.sim.runner import Simulation
from tests.sim.test_promise_12_runs import maintained, over

FRESH: list[dict[str, Any]] = [{"name": "fresh", "restartPods": {}, "timeout": "10m"}]


def restarting(sim: Simulation) -> None:
    maintained(sim, tasks=FRESH, page=False, message=None, watch="5s")


def pods(sim: Simulation) -> set[str]:
    return {uid for colour in ("blue", "green") for uid in sim.pods(f"{colour}-backend")}


async def test_every_pod_is_new_and_the_app_served_all_the_while() -> None:
    sim = await releases.serving()
    before = pods(sim)
    restarting(sim)
    await sim.run_for(10)
    run = await over(sim)
    assert run["phase"] == "Completed", run
    assert sim.colour == "green"
    assert sim.status["active"]["version"] == releases.OLD
    assert not before & {*sim.pods("green-backend")}
    assert not sim.watch.unserved
    (fresh,) = [step for step in run["steps"] if step["name"] == "fresh"]
    assert fresh["message"] == "all pods of version 1.4.0 are new, in green"
    assert "rejected" not in sim.status
    await sim.run_for(60)
    assert sim.ready == "True"


async def test_one_whose_pods_do_not_come_up_fails_the_task_and_rejects_nothing() -> None:
    sim = await stage.serving({**apps.version(releases.OLD), "release": {"deadline": "30s"}})
    sim.world.quota["backend"] = "exceeded quota"
    restarting(sim)
    await sim.run_for(10)
    run = await over(sim)
    assert run["phase"] == "Failed"
    assert run["message"].endswith("QuotaExceeded: green-backend: exceeded quota")
    assert sim.colour == "blue"
    assert "rejected" not in sim.status
    assert sim.condition("Available")["status"] == "True"
    assert not sim.watch.unserved
    sim.world.quota.clear()
    await sim.run_for(60)
    assert sim.ready == "True"


@pytest.mark.parametrize("fault", [KillBefore, KillAfter])
async def test_killed_at_any_write_it_restarts_once(fault: Any) -> None:
    undisturbed = await releases.serving()
    began = undisturbed.written
    restarting(undisturbed)
    await undisturbed.run_for(5)
    await over(undisturbed)
    for number in range(began + 1, undisturbed.written + 1, 2):
        sim = await releases.serving()
        sim.cluster.faults = fault(number)
        restarting(sim)
        await sim.run_for(10)
        run = await over(sim)
        assert run["phase"] == "Completed", run
        assert (sim.colour, sim.ready) == ("green", "True")
        assert not sim.watch.unserved
        restarts = [item for item in sim.status["history"] if item.get("restart")]
        assert [item["result"] for item in restarts] == ["Completed"]
