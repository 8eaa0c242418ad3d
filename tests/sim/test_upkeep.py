"""Regular work: one write for each time, nothing in between, and nothing lost to a process that is killed."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain.manifest import JOB, POD, Ref

from tests.sim import migrations, stage
from tests.sim.faults import KillAfter, KillBefore
from tests.sim.runner import Simulation

HOURLY = {"check": {"schedule": "0 * * * *"}, "prune": {"schedule": "0 * * * *", "olderThan": "1m"}}


def jobs(sim: Simulation) -> list[str]:
    return [item["metadata"]["name"] for item in sim.cluster.all(JOB)]


async def kept(upkeep: dict[str, Any]) -> Simulation:
    sim = await stage.serving({**migrations.spec(), "upkeep": upkeep})
    assert jobs(sim)
    return sim


async def test_it_costs_one_write_a_time_and_the_jobs_are_gone() -> None:
    sim = await kept(HOURLY)
    written = sim.written
    await sim.run_for(50 * 60)
    assert sim.written == written
    await sim.run_for(15 * 60)
    assert sim.written == written + 2, "the status, and the deletion of the Job"
    assert not jobs(sim)
    assert sim.status["upkeep"]["prune"]["removed"] == 1
    assert sim.condition("UpkeepDone")["status"] == "True"
    await sim.run_for(3600)
    assert sim.written == written + 3
    sim.restart()
    await sim.run_for(600)
    assert sim.written == written + 3


@pytest.mark.parametrize("fault", [KillBefore, KillAfter])
async def test_killed_at_any_write_the_jobs_go_all_the_same(fault: Any) -> None:
    for number in (1, 2):
        sim = await kept(HOURLY)
        sim.cluster.faults = fault(sim.written + number)
        await sim.run_for(65 * 60)
        assert not jobs(sim)
        assert sim.status["upkeep"]["prune"]["removed"] == 1


async def test_a_check_of_an_app_that_is_not_well_says_so_and_sees_it_mended() -> None:
    sim = await kept({"check": {"schedule": "0 * * * *"}})
    sim.world.quota["redis"] = "exceeded quota"
    for pod in [*sim.pods("redis").values()]:
        sim.cluster.remove(Ref(POD, pod["metadata"]["name"]))
    await sim.run_for(65 * 60)
    assert sim.condition("UpkeepDone")["reason"] == "CheckFailed"
    sim.world.quota.clear()
    await sim.run_for(70 * 60)
    assert sim.condition("UpkeepDone")["status"] == "True"
