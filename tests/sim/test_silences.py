"""Alerts are silenced as long as maintenance lasts, and an Alertmanager that is away holds nothing up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from memoapp_operator.domain.conditions import timestamp

from tests.sim import apps, releases, saving
from tests.sim.faults import KillAfter, KillBefore
from tests.sim.runner import Simulation
from tests.sim.test_promise_12_runs import TASKS, maintained, over, until

OWNER = "memoapp-operator/prod/memo"
ALERTS: dict[str, Any] = {"url": "http://alertmanager.monitoring:9093"}


def spec(sim: Simulation, seconds: float | None = None) -> dict[str, Any]:
    found = {**apps.version(releases.OLD), "alertmanager": ALERTS}
    if seconds is None:
        return found
    ends = timestamp(sim.world.clock.now() + timedelta(seconds=seconds))
    return {**found, "maintenance": {"until": ends}}


async def test_the_page_silences_until_its_end_and_no_longer() -> None:
    sim = await releases.serving()
    sim.declare(spec(sim, 600))
    await sim.run_for(10)
    silence = sim.world.alerts.silences[OWNER]
    assert silence.labels == (("namespace", "prod"),)
    assert timestamp(silence.until) == sim.status["maintenance"]["until"] == sim.status["silence"]["until"]
    asked, written = sim.world.alerts.asked, sim.written
    await sim.run_for(200)
    assert (sim.world.alerts.asked, sim.written) == (asked, written), "once is enough"
    sim.declare(spec(sim))
    await sim.run_for(30)
    assert (sim.world.alerts.silences, sim.status.get("silence")) == ({}, None)
    asked = sim.world.alerts.asked
    await sim.run_for(200)
    assert sim.world.alerts.asked == asked, "without maintenance nobody is asked"


async def test_a_run_silences_too() -> None:
    sim = await saving.saving()
    sim.world.agents.stuck = {"tidy"}
    sim.declare({**saving.spec(), "alertmanager": ALERTS})
    maintained(sim, tasks=[{**TASKS[1], "timeout": "1m"}], page=False, message=None)
    await until(sim, "tidy")
    await sim.run_for(10)
    assert OWNER in sim.world.alerts.silences
    await over(sim)
    await sim.run_for(40)
    assert sim.world.alerts.silences == {}


async def test_one_that_is_away_is_told_and_tried_again() -> None:
    sim = await releases.serving()
    sim.world.alerts.away = "no answer in 5s"
    sim.declare(spec(sim, 600))
    await sim.run_for(60)
    assert sim.status["silence"] == {"message": "no answer in 5s"}
    assert sim.status["maintenance"]["since"], "the page is up all the same"
    assert sim.world.alerts.asked <= 4
    sim.world.alerts.away = ""
    await sim.run_for(60)
    assert sim.status["silence"] == {"until": sim.status["maintenance"]["until"]}


async def test_a_secret_that_is_missing_is_named() -> None:
    sim = await releases.serving()
    declared = spec(sim, 600)
    declared["alertmanager"] = {**ALERTS, "bearerSecretRef": {"name": "nobody", "key": "token"}}
    sim.declare(declared)
    await sim.run_for(30)
    assert sim.status["silence"]["message"] == "no Secret/nobody"


@pytest.mark.parametrize("fault", [KillBefore, KillAfter])
async def test_killed_at_any_write_there_is_one_and_then_none(fault: Any) -> None:
    undisturbed = await releases.serving()
    began = undisturbed.written
    undisturbed.declare(spec(undisturbed, 60))
    await undisturbed.run_for(120)
    for number in range(began + 1, undisturbed.written + 1):
        sim = await releases.serving()
        sim.cluster.faults = fault(number)
        sim.declare(spec(sim, 60))
        await sim.run_for(40)
        assert [*sim.world.alerts.silences] == [OWNER]
        await sim.run_for(120)
        assert "silence" not in sim.status
