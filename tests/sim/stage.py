"""The simulation with all that the shapes of apps.py refer to."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from memoapp_operator.domain.manifest import Ref

from . import apps
from .endstate import end_state
from .runner import Simulation


def simulation(leaders: int = 1) -> Simulation:
    """An empty cluster but for the Secrets and ConfigMaps that people bring."""
    found = Simulation(leaders)
    for manifest in apps.beside():
        found.cluster.put(manifest)
    found.world.elsewhere = {"postgres.example": "postgresgeheim", "redis.example": "redisgeheim"}
    return found


async def serving(spec: dict[str, Any]) -> Simulation:
    """An app that is Ready and rests, with an operator that has just started; made once for each spec."""
    key = json.dumps(spec, sort_keys=True)
    if key not in _SERVING:
        _SERVING[key] = simulation()
        _SERVING[key].declare(spec)
        await _SERVING[key].until_rest()
        assert _SERVING[key].ready == "True"
    return resumed(_SERVING[key])


_SERVING: dict[str, Simulation] = {}


def resumed(other: Simulation, leaders: int = 1) -> Simulation:
    """A second world that goes on from where the other is, with operators that have just started."""
    found = Simulation(leaders)
    found.world.resume(other.world)
    found.mint.values += other.mint.values
    found.restart()
    return found


@dataclass(frozen=True)
class Undisturbed:
    """A creation in which nothing went wrong.

    Attributes:
        writes: how many write requests it took, Events included.
        state: what was there in the end.
    """

    writes: int
    state: dict[str, Any]


async def undisturbed(shape: Callable[[], dict[str, Any]]) -> Undisturbed:
    """Measured once for each shape."""
    if shape not in _MEASURED:
        found = await serving(shape())
        _MEASURED[shape] = Undisturbed(found.written, end_state(found))
    return _MEASURED[shape]


async def children(shape: Callable[[], dict[str, Any]]) -> set[Ref]:
    """The children of an app that serves."""
    return set((await serving(shape())).children())


_MEASURED: dict[Callable[[], dict[str, Any]], Undisturbed] = {}
