"""Apps with backups in the simulation, and what people do with MemoBackups."""

from __future__ import annotations

from typing import Any

from memoapp_operator.domain.manifest import MEMO_BACKUP, Manifest, Ref

from . import apps, stage
from .cluster import NAMESPACE
from .runner import Simulation

OLD, NEW = "1.4.0", "1.5.0"


def spec(number: str = OLD, release: dict[str, Any] | None = None, **backup: Any) -> dict[str, Any]:
    """The full app in a version, with backups; ``backup`` as in ``spec.backup``."""
    return {**apps.version(number), "backup": backup, **({"release": release} if release else {})}


async def saving(release: dict[str, Any] | None = None, **backup: Any) -> Simulation:
    """An app with backups that serves and rests."""
    return await stage.serving(spec(release=release, **backup))


def order(sim: Simulation, name: str = "by-hand", **more: Any) -> None:
    """``kubectl apply`` of a MemoBackup."""
    sim.cluster.put(
        {
            "apiVersion": MEMO_BACKUP.api_version,
            "kind": MEMO_BACKUP.kind,
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {"appRef": {"name": "memo"}, **more},
        }
    )


def scheduled(sim: Simulation, name: str, phase: str = "Verified") -> None:
    """What an agent of the schedule leaves: the record, with a status."""
    folder = f"prod/memo/2026/01/{name}/"
    order(sim, name, reason="Scheduled", location={"destination": {"volume": {"size": "20Gi"}}, "folder": folder})
    sim.world.agents.stored[folder] = "shown"
    status = {"phase": phase, "takenAt": sim.world.clock.stamp(), "size": 2048, "observedGeneration": 0}
    sim.cluster.set_status(Ref(MEMO_BACKUP, name), status)


def backup(sim: Simulation, name: str = "by-hand") -> Manifest | None:
    """The MemoBackup, if it is there."""
    return sim.cluster.find(Ref(MEMO_BACKUP, name))


def phase_of(sim: Simulation, name: str = "by-hand") -> str | None:
    found = backup(sim, name)
    return (found.get("status") or {}).get("phase") if found is not None else None


def names(sim: Simulation) -> list[str]:
    """Every MemoBackup there is."""
    return sorted(item["metadata"]["name"] for item in sim.cluster.all(MEMO_BACKUP))


def delete(sim: Simulation, name: str = "by-hand") -> None:
    """``kubectl delete memobackup``."""
    sim.cluster.delete_as_a_person(Ref(MEMO_BACKUP, name))
