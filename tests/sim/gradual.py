"""A release by steps, in a world with clients, and how to follow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.counters import API, PAGE

from . import apps, releases
from .runner import Simulation
from .traffic import Fault

GREEN = Colour.GREEN
STEPS = [{"weight": 10, "hold": "30s"}, {"weight": 50, "hold": "30s"}]
INTERVAL = 10.0
HOLDS = 30 + 30 + 60


async def gradual(
    arrange: Callable[[Simulation], None] = releases.nothing, gates: dict[str, Any] | None = None, **release: Any
) -> Simulation:
    """1.5.0 is declared, by steps of 10 and 50 percent and a soak of a minute, in a world that is arranged so."""
    sim = await releases.serving()
    arrange(sim)
    spec = apps.version(releases.NEW)
    spec["release"] = {"steps": STEPS, "soak": "60s", "keepOld": "10m", "deadline": "10m", **release}
    if gates is not None:
        spec["gates"] = gates
    sim.declare(spec)
    await until(sim, "Preparing")
    return sim


def bad(**how: Any) -> Callable[[Simulation], None]:
    """The new version answers so."""

    def arrange(sim: Simulation) -> None:
        sim.world.traffic.faults[GREEN] = Fault(**how)

    return arrange


def quiet(sim: Simulation) -> None:
    """Nobody asks for anything."""
    sim.world.traffic.rates = {PAGE: 0.0, API: 0.0}


async def until(sim: Simulation, *phases: str, most: float = 1500) -> float:
    """Seconds until the release is in one of these phases (``Shifting 10%`` counts as one)."""
    began = sim.world.clock.seconds
    while sim.world.clock.seconds < began + most:
        if sim.phase in phases or sim.status.get("display", {}).get("release") in phases:
            return sim.world.clock.seconds - began
        await sim.run_for(0.5)
    raise AssertionError(f"{phases} not reached within {most} s: {sim.phase} {sim.status['release']}")


async def holding(sim: Simulation, weight: int) -> None:
    """Until the step of that weight holds."""
    await until(sim, f"Shifting {weight}%")
    while not sim.status["release"].get("since"):
        await sim.run_for(0.5)


def green(sim: Simulation) -> set[int | None]:
    return {sim.world.routers.weight(pod) for pod in sim.pods("router").values()}


def reason(sim: Simulation) -> str:
    return str(sim.status["release"].get("reason"))


def gate(sim: Simulation, name: str) -> Any:
    return next(item for item in sim.status["release"]["gates"] if item["name"] == name)
