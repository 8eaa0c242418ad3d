"""Releases from their beginning to their end, each measured once without a disturbance."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import Colour

from . import apps, stage
from .endstate import end_state, history
from .faults import Faults
from .kubelet import Behaviour
from .runner import Simulation
from .traffic import Fault

OLD, NEW = "1.4.0", "1.5.0"
BROKEN = "docker.io/memoapp/sample-backend:1.5.0"


@dataclass(frozen=True)
class Story:
    """One release.

    Attributes:
        start: where it begins, at rest; the world may be gone on from, never changed.
        happens: what people or the world do then.
        phase: in which it ends.
        version: that serves then.
    """

    start: Callable[[], Coroutine[Any, Any, Simulation]]
    happens: Callable[[Simulation], None]
    phase: str
    version: str


async def serving() -> Simulation:
    return await stage.serving(apps.version(OLD))


async def switched() -> Simulation:
    """Green serves, blue is warm, and both have been ready for long."""
    if not _SWITCHED:
        found = await serving()
        found.declare(apps.version(NEW))
        await found.until_rest()
        assert (found.phase, found.colour) == ("Completed", "green")
        _SWITCHED.append(found)
    return stage.resumed(_SWITCHED[0])


_SWITCHED: list[Simulation] = []


def new_version(sim: Simulation) -> None:
    sim.declare(apps.version(NEW))


GRADUAL: dict[str, Any] = {
    "steps": [{"weight": 10, "hold": "10s"}, {"weight": 50, "hold": "10s"}],
    "soak": "10s",
}


def by_steps(sim: Simulation) -> None:
    sim.declare({**apps.version(NEW), "release": GRADUAL})


def by_steps_with_errors(sim: Simulation) -> None:
    sim.world.traffic.faults[Colour.GREEN] = Fault(errors=25)
    by_steps(sim)


def broken_version(sim: Simulation) -> None:
    sim.world.behaviours[BROKEN] = Behaviour.NOT_PULLED
    sim.declare(apps.version(NEW))


def order(sim: Simulation) -> None:
    sim.order("rollback")


def green_dies(sim: Simulation) -> None:
    sim.world.behaviours[BROKEN] = Behaviour.CRASHES


STORIES = {
    "a switch": Story(serving, new_version, "Completed", NEW),
    "a gradual release": Story(serving, by_steps, "Completed", NEW),
    "a rollback by its gates": Story(serving, by_steps_with_errors, "RolledBack", OLD),
    "a rejection": Story(serving, broken_version, "Rejected", OLD),
    "a rollback by order": Story(switched, order, "RolledBack", OLD),
    "a rollback because green dies": Story(switched, green_dies, "RolledBack", OLD),
}


@dataclass(frozen=True)
class Told:
    """How a story went.

    Attributes:
        writes: numbers of its write requests.
        state: what was there in the end.
        history: creations and deletions of each object, from the app's own creation on.
    """

    writes: range
    state: dict[str, Any]
    history: dict[str, tuple[int, int]]

    def repeats(self, other: Told) -> dict[str, tuple[int, int]]:
        """What was created or deleted more often than in the other."""
        return {
            name: (born, gone)
            for name, (born, gone) in self.history.items()
            if born > other.history.get(name, (0, 0))[0] or gone > other.history.get(name, (0, 0))[1]
        }


def nothing(sim: Simulation) -> None:
    del sim


async def told(
    story: Story, faults: Faults | None = None, leaders: int = 1, disturb: Callable[[Simulation], None] = nothing
) -> Told:
    """Let a story happen, with faults and whatever else disturbs it."""
    sim = stage.resumed(await story.start(), leaders)
    began = sim.written
    sim.cluster.faults = faults or Faults()
    disturb(sim)
    story.happens(sim)
    await sim.until_rest(quiet=30)
    assert sim.phase == story.phase
    assert sim.status["active"]["version"] == story.version
    return Told(range(began + 1, sim.written + 1), end_state(sim), history(sim))


async def undisturbed(name: str) -> Told:
    """Measured once for each story."""
    if name not in _UNDISTURBED:
        _UNDISTURBED[name] = await told(STORIES[name])
    return _UNDISTURBED[name]


_UNDISTURBED: dict[str, Told] = {}
