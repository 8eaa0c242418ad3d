"""Apps in the simulation whose backups are restored, and what people do with MemoRestores."""

from __future__ import annotations

from typing import Any

from memoapp_operator.domain.manifest import LEASE, MEMO_RESTORE, Manifest, Ref

from . import saving
from .cluster import NAMESPACE
from .runner import Simulation


async def saved(**backup: Any) -> Simulation:
    """An app that serves and rests, with a verified backup."""
    sim = await saving.saving(**backup)
    saving.order(sim)
    await sim.until_rest()
    return sim


def restore(sim: Simulation, name: str = "back", mode: str = "InPlace", **more: Any) -> None:
    """``kubectl apply`` of a MemoRestore; with consent, where it is in place and nothing else is said."""
    spec: dict[str, Any] = {"appRef": {"name": "memo"}, "mode": mode, "undoFor": "24h", **more}
    spec.setdefault("source", {"backup": "by-hand"})
    if mode == "InPlace":
        spec.setdefault("dataLoss", "Accept")
    put(sim, name, {key: value for key, value in spec.items() if value is not None})


async def restored(**more: Any) -> Simulation:
    """An app whose backup took the place of the live database."""
    sim = await saved()
    restore(sim, **more)
    await sim.until_rest()
    return sim


def put(sim: Simulation, name: str, spec: dict[str, Any]) -> None:
    sim.cluster.put(
        {
            "apiVersion": MEMO_RESTORE.api_version,
            "kind": MEMO_RESTORE.kind,
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": spec,
        }
    )


def change(sim: Simulation, name: str = "back", **more: Any) -> None:
    """``kubectl patch``."""
    found = sim.cluster.find(Ref(MEMO_RESTORE, name))
    assert found is not None
    put(sim, name, {**found["spec"], **more})


def found(sim: Simulation, name: str = "back") -> Manifest:
    item = sim.cluster.find(Ref(MEMO_RESTORE, name))
    assert item is not None
    return item


def status(sim: Simulation, name: str = "back") -> dict[str, Any]:
    item: dict[str, Any] = found(sim, name).get("status") or {}
    return item


def phase(sim: Simulation, name: str = "back") -> str | None:
    return status(sim, name).get("phase")


def delete(sim: Simulation, name: str = "back") -> None:
    """``kubectl delete memorestore``."""
    sim.cluster.delete_as_a_person(Ref(MEMO_RESTORE, name))


def is_gone(sim: Simulation, name: str = "back") -> bool:
    return sim.cluster.find(Ref(MEMO_RESTORE, name)) is None


def names(sim: Simulation) -> list[str]:
    """Every MemoRestore there is."""
    return sorted(item["metadata"]["name"] for item in sim.cluster.all(MEMO_RESTORE))


def data_holder(sim: Simulation) -> str:
    """Who holds the Lease of the app's data."""
    lease = sim.cluster.find(Ref(LEASE, "memo-data"))
    assert lease is not None
    return str((lease.get("spec") or {}).get("holderIdentity") or "")


def live(sim: Simulation) -> str | None:
    """Whose data is live."""
    return sim.world.server.held.get("memo_app")
