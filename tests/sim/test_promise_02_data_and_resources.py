"""Promise 2, of gates that ask the database, pods and volumes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from memoapp_operator.domain.manifest import POD, Manifest
from memoapp_operator.domain.observation import Probe
from memoapp_operator.domain.usage import DatabaseStats, Statement

from tests.sim import apps, stage
from tests.sim.releases import GRADUAL, NEW, OLD
from tests.sim.runner import Simulation

WELL = DatabaseStats(5, 100, lacking={"replicationLag": "there is no replica"}, statements={})


def spec(number: str, gates: dict[str, Any] | None = None, **release: Any) -> dict[str, Any]:
    found = apps.version(number)
    for tier in ("frontend", "backend"):
        found[tier]["resources"] = {"limits": {"cpu": "1", "memory": "100Mi"}}
    return {**found, "release": {**GRADUAL, **release}, "gates": gates or {}}


async def serving(gates: dict[str, Any] | None = None) -> Simulation:
    sim = await stage.serving(spec(OLD, gates))
    sim.world.statistics_told = WELL
    return sim


def metrics(sim: Simulation, green: str = "100m", blue: str = "100m", *, stale: bool = False) -> None:
    """metrics-server is there, and tells this of every container."""
    frozen = sim.world.clock.stamp()

    def told() -> list[Manifest]:
        usage = {"green": green, "blue": blue}
        return [
            {
                "metadata": {"name": pod["metadata"]["name"], "labels": labels},
                "timestamp": frozen if stale else sim.world.clock.stamp(),
                "containers": [{"name": "x", "usage": {"cpu": usage[labels["memoapp.dev/colour"]], "memory": "10Mi"}}],
            }
            for pod in sim.cluster.all(POD)
            if "memoapp.dev/colour" in (labels := pod["metadata"]["labels"])
        ]

    sim.cluster.metrics = told


def verdicts(sim: Simulation) -> dict[str, str]:
    return {item["name"]: item["verdict"] for item in sim.status["release"].get("gates", [])}


async def test_what_has_no_source_is_skipped_and_listed() -> None:
    sim = await serving()
    sim.declare(spec(NEW))
    await sim.until_rest()
    assert (sim.phase, sim.colour) == ("Completed", "green")
    assert sim.status["release"]["skipped"] == ["cpuPercent", "memoryPercent", "replicationLag"]
    assert verdicts(sim)["cpuPercent"] == "Skipped"
    assert verdicts(sim)["connectionsPercent"] == "Pass"


@pytest.mark.parametrize(
    "gates", [{"resources": {"cpuPercent": 80}}, {"database": {"replicationLag": "1s"}}], ids=["cpu", "lag"]
)
async def test_what_a_person_wrote_and_nobody_measures_holds_the_release(gates: dict[str, Any]) -> None:
    sim = await serving(gates)
    sim.declare(spec(NEW, gates))
    await sim.until_rest()
    assert (sim.phase, sim.colour, sim.ready) == ("RolledBack", "blue", "GateError")


@pytest.mark.parametrize(
    ("numbers", "gate"),
    [
        ({"connections": 90}, "connectionsPercent"),
        ({"lock_wait": 40.0}, "lockWait"),
        ({"transaction": 400.0}, "transactionAge"),
        ({"deadlocks": 1}, "deadlocks"),
    ],
)
async def test_a_database_that_is_not_well_takes_the_clients_back(numbers: dict[str, Any], gate: str) -> None:
    sim = await serving()
    sim.declare(spec(NEW, steps=[{"weight": 10, "hold": "5m"}]))
    await sim.run_for(30)
    assert sim.phase == "Shifting"
    sim.world.statistics_told = replace(WELL, **numbers)
    await sim.until_rest()
    assert (sim.phase, sim.colour, sim.ready) == ("RolledBack", "blue", "GateFailed")
    assert sim.status["release"]["message"].startswith(f"{gate}: ")


async def test_a_query_made_slow_takes_the_clients_back_and_is_told() -> None:
    sim = await serving()
    sim.world.statistics_told = replace(WELL, statements={"7": Statement(1000, 5000)})
    sim.declare(spec(NEW, steps=[{"weight": 10, "hold": "5m"}]))
    await sim.run_for(30)
    calls = 1000

    def slower() -> None:
        nonlocal calls
        calls += 10
        sim.world.statistics_told = replace(WELL, statements={"7": Statement(calls, 5000 + (calls - 1000) * 2000)})

    for _ in range(12):
        slower()
        await sim.run_for(10)
    assert (sim.phase, sim.colour) == ("RolledBack", "blue")
    assert "2.0 s > 1 s on average" in sim.status["release"]["message"]
    assert "SELECT of 7" in sim.status["release"]["message"]


async def test_a_database_that_stops_answering_in_mid_release_is_an_error_and_goes_back() -> None:
    sim = await serving()
    sim.declare(spec(NEW, steps=[{"weight": 10, "hold": "5m"}]))
    await sim.run_for(30)
    sim.world.statistics_told = Probe(healthy=False, reason="Timeout", message="no answer")
    await sim.until_rest()
    assert (sim.phase, sim.colour, sim.ready) == ("RolledBack", "blue", "GateError")


async def test_pods_that_use_too_much_take_the_clients_back() -> None:
    sim = await serving()
    metrics(sim)
    sim.declare(spec(NEW, steps=[{"weight": 10, "hold": "5m"}]))
    await sim.run_for(30)
    assert verdicts(sim).get("cpuPercent") == "Pass"
    metrics(sim, green="950m")
    await sim.until_rest()
    assert (sim.phase, sim.colour, sim.ready) == ("RolledBack", "blue", "GateFailed")
    assert "cpuPercent 95.0 > 80 on green (blue 10.0)" in sim.status["release"]["message"]


async def test_metrics_that_grow_stale_or_are_gone_hold_and_those_that_come_back_go_on() -> None:
    sim = await serving()
    metrics(sim)
    sim.declare(spec(NEW, {"errorLimit": 100}, steps=[{"weight": 10, "hold": "5m"}]))
    await sim.run_for(20)
    metrics(sim, stale=True)
    await sim.run_for(400)
    assert (sim.phase, verdicts(sim)["cpuPercent"]) == ("Shifting", "Error")
    metrics(sim)
    await sim.until_rest()
    assert (sim.phase, sim.colour) == ("Completed", "green")


PREFLIGHT = {
    "read-only": ({"read_only": True}, "takes no writes"),
    "full of connections": ({"connections": 85}, "connections are taken"),
}


@pytest.mark.parametrize("name", PREFLIGHT)
async def test_before_it_begins_the_database_must_be_well(name: str) -> None:
    numbers, text = PREFLIGHT[name]
    sim = await serving()
    sim.world.statistics_told = replace(WELL, **numbers)
    sim.declare(spec(NEW, deadline="5m"))
    await sim.run_for(60)
    assert (sim.phase, sim.ready) == ("Preflight", "Preflight")
    assert text in sim.condition("Ready")["message"]
    assert not sim.pods("green-backend")
    await sim.run_for(400)
    assert (sim.phase, sim.ready, sim.colour) == ("Rejected", "PreflightFailed", "blue")
    sim.world.statistics_told = WELL
    await sim.run_for(3700)
    assert (sim.phase, sim.colour) == ("Completed", "green"), "tried again by itself"


async def test_a_release_that_is_held_for_hours_costs_nothing_and_goes_on() -> None:
    sim = await serving()
    sim.declare({**spec(NEW), "paused": True})
    await sim.until_rest()
    written = sim.written
    await sim.run_for(6 * 3600)
    assert sim.written == written
    sim.declare(spec(NEW))
    await sim.until_rest()
    assert (sim.phase, sim.colour) == ("Completed", "green")


async def test_an_interval_asks_once_and_an_app_at_rest_not_at_all() -> None:
    sim = await serving()
    asked = 0

    def counting() -> list[Manifest]:
        nonlocal asked
        asked += 1
        return []

    sim.cluster.metrics = counting
    sim.declare(spec(NEW, steps=[{"weight": 10, "hold": "10m"}]))
    await sim.run_for(60)
    before, listed = sim.world.questions["statistics"], asked
    await sim.run_for(300)
    assert sim.phase == "Shifting"
    assert sim.world.questions["statistics"] - before <= 300 / 10 + 1
    assert asked - listed <= 300 / 10 + 1
    sim.declare(spec(OLD))
    await sim.until_rest()
    before, listed = sim.world.questions["statistics"], asked
    await sim.run_for(3600)
    assert (sim.world.questions["statistics"], asked) == (before, listed)


async def test_the_definitions_are_asked_for_around_a_migration_alone() -> None:
    release = {"migration": {"command": ["migrate"]}}
    sim = await stage.serving({**spec(OLD), "release": release})
    sim.world.agents.stuck.add("migration")
    before = sim.world.questions["definitions"]
    sim.declare({**spec(NEW), "release": release})
    await sim.run_for(600)
    assert sim.phase == "Migrating"
    assert sim.world.questions["definitions"] - before <= 4
