"""MaintenanceWindows of the simulation: they begin and end minutes from now."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.manifest import MAINTENANCE_WINDOW, Manifest, Ref

from .apps import APP
from .cluster import NAMESPACE
from .runner import Simulation

NAME = "night"
WINDOW = Ref(MAINTENANCE_WINDOW, NAME)
SHORT = {"deadline": "60s"}
"""Of a release that fits into windows of some minutes."""


def window(sim: Simulation, policy: str, starts_in: float, minutes: float, name: str = NAME, **spec: Any) -> None:
    """``kubectl apply`` of a window that begins so many seconds from now."""
    start = sim.world.clock.now() + timedelta(seconds=starts_in)
    manifest: Manifest = {
        "apiVersion": MAINTENANCE_WINDOW.api_version,
        "kind": MAINTENANCE_WINDOW.kind,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {
            "apps": {"names": [APP.name]},
            "policy": policy,
            "start": timestamp(start),
            "duration": f"{int(minutes * 60)}s",
            **spec,
        },
    }
    sim.cluster.put(manifest)


def status_of(sim: Simulation, name: str = NAME) -> Manifest:
    """The status of a window."""
    found = sim.cluster.find(Ref(MAINTENANCE_WINDOW, name))
    assert found is not None
    told: Manifest = found.get("status") or {}
    return told
