"""Promise 10: a bad value that got past the schema is shown in a condition, and nothing is half applied."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim import apps, stage
from tests.sim.runner import Simulation


def invalid() -> dict[str, Any]:
    """As an older schema might have taken it."""
    return {**apps.full(), "version": "1.5.0", "traffic": {"replicas": "many"}}


async def test_it_is_told_and_nothing_is_made(sim: Simulation) -> None:
    sim.declare(invalid())
    await sim.until_rest(quiet=70)
    assert sim.ready == "InvalidSpec"
    assert "spec.traffic.replicas" in sim.condition("Stalled")["message"]
    assert "many" not in sim.condition("Stalled")["message"]
    assert sim.child_writes() == []
    written = sim.written
    sim.restart()
    await sim.run_for(120)
    assert sim.written == written


async def test_a_serving_app_goes_on_as_it_was() -> None:
    sim = await stage.serving(apps.full())
    active, written = sim.status["active"], sim.written
    sim.declare(invalid())
    await sim.until_rest()
    assert sim.ready == "InvalidSpec"
    assert sim.status["active"] == active
    assert sim.condition("Available")["status"] == "True"
    assert sim.child_writes(written) == []
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.child_writes(written) == []


@pytest.mark.parametrize("serving", [True, False])
async def test_tools_that_wait_by_kstatus_see_that_it_was_looked_at(serving: bool) -> None:
    sim = await stage.serving(apps.full()) if serving else stage.simulation()
    sim.declare(invalid())
    await sim.until_rest()
    assert sim.status["observedGeneration"] == sim.app["metadata"]["generation"]


async def test_an_event_and_the_metrics_tell_it_too() -> None:
    sim = await stage.serving(apps.full())
    await sim.run_for(1)
    sim.declare(invalid())
    await sim.until_rest(quiet=130)
    told = [(event["type"], event["reason"]) for event in sim.cluster.events()]
    assert told.count(("Warning", "InvalidSpec")) == 1
    series = 'memoapp_condition{name="memo",namespace="prod",type="Ready"}'
    assert f"{series} 0.0" in sim.operators[0].metrics.text().decode()
