"""Empty clusters of the simulation, and apps that come back into them from a destination of backups."""

from __future__ import annotations

from typing import Any

from . import apps
from .runner import Simulation
from .server import EMPTY, LIVE

NEWEST = "prod/memo/2026/01/newest/"
STORE = {
    "s3": {
        "endpoint": "https://s3.example:9000",
        "bucket": "backups",
        "credentialsSecretRef": "store",
    }
}


def spec(saves: dict[str, Any] | None = None, **source: Any) -> dict[str, Any]:
    """The full app, its data from a bucket; ``source`` as in ``restoreFrom``."""
    found = {**apps.full(), **({"backup": saves} if saves is not None else {})}
    managed = {**found["database"]["managed"], "restoreFrom": {"destination": STORE, **source}}
    return {**found, "database": {"managed": managed}}


def nothing() -> Simulation:
    """A cluster with nothing in it but the operator; the backups have the Secret and the ConfigMap of the app."""
    sim = Simulation()
    sim.world.server.held[LIVE] = EMPTY
    sim.world.agents.saved = tuple(apps.beside()[:2])
    return sim


def bring_key(sim: Simulation, name: str = "store") -> None:
    """What a person brings: the credentials of the bucket."""
    sim.cluster.put(apps.secret(name, **{"access-key": "storekeygeheim", "secret-key": "storesecretgeheim"}))
