"""Apps whose releases migrate and are tested, in the simulation."""

from __future__ import annotations

from typing import Any

from memoapp_operator.domain.manifest import JOB, LEASE, Manifest, Ref

from . import apps, stage
from .runner import Simulation

OLD, NEW = "1.4.0", "1.5.0"
LEASE_REF = Ref(LEASE, "memo-data")


def spec(number: str = OLD, migration: dict[str, Any] | None = None, **release: Any) -> dict[str, Any]:
    """The full app in a version; ``migration`` as in ``spec.release.migration``."""
    declared = {"command": ["migrate"], **(migration or {})}
    return {**apps.version(number), "release": {"migration": declared, **release}}


async def migrating(migration: dict[str, Any] | None = None, **release: Any) -> Simulation:
    """Such an app, which serves and rests."""
    return await stage.serving(spec(OLD, migration, **release))


def told(sim: Simulation) -> Manifest:
    """What the status says of the migration."""
    found: Manifest = sim.status["release"]["migration"]
    return found


def jobs(sim: Simulation, component: str = "migration") -> list[str]:
    """The Jobs of that component."""
    labelled = {item["metadata"]["name"]: item["metadata"]["labels"] for item in sim.cluster.all(JOB)}
    return sorted(name for name, labels in labelled.items() if labels["app.kubernetes.io/component"] == component)


def births(sim: Simulation) -> dict[str, int]:
    """How often each migration's Job was created."""
    return {ref.name: times for ref, times in sim.cluster.born.items() if ref.kind is JOB and "-migrate-" in ref.name}
