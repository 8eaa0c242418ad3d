"""Promise 9: secrets never appear in status, events, logs or annotations."""

from __future__ import annotations

import json
import logging
from base64 import b64encode
from collections.abc import Callable

import pytest
from memoapp_operator.domain.manifest import SECRET, Manifest

from tests.sim import apps, stage
from tests.sim.faults import UnavailableEvery
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation

PEOPLES = ("mailtokengeheim", "postgresgeheim", "redisgeheim")


def forms(value: str) -> set[str]:
    return {value, b64encode(value.encode()).decode().rstrip("=")}


def leaks(sim: Simulation, log: str) -> list[str]:
    """Where a value of a Secret stands outside of Secrets."""
    found = []
    for value in (*PEOPLES, *sim.mint.values):
        for form in forms(value):
            found += [f"{form} in the log"] if form in log else []
            for item in sim.cluster.all():
                metadata = json.dumps(item["metadata"])
                if form in (metadata if item["kind"] == SECRET.kind else json.dumps(item)):
                    found.append(f"{form} in {item['kind']}/{item['metadata']['name']}")
    return found


def nothing(sim: Simulation) -> None:
    del sim


def faulty(sim: Simulation) -> None:
    sim.cluster.faults = UnavailableEvery(3, takes_effect=False)


def refused(sim: Simulation) -> None:
    """By a webhook that repeats the object."""
    sim.cluster.refuse = lambda manifest: f"webhook says no to {json.dumps(manifest)}"[:2000]


def refused_connection(sim: Simulation) -> None:
    def refuse(manifest: Manifest) -> str | None:
        return f"no: {json.dumps(manifest['data'])}" if manifest["metadata"]["name"] == "memo-connection" else None

    sim.cluster.refuse = refuse


def crashing(sim: Simulation) -> None:
    sim.world.behaviours[apps.BACKEND] = Behaviour.CRASHES


def wrong_password(sim: Simulation) -> None:
    sim.world.elsewhere = {"postgres.example": "another", "redis.example": "another"}


CIRCUMSTANCES = (nothing, faulty, refused_connection, crashing, wrong_password)


@pytest.mark.parametrize("arrange", CIRCUMSTANCES, ids=lambda each: each.__name__)
@pytest.mark.parametrize("shape", [apps.full, apps.external])
async def test_they_stand_in_secrets_alone(
    shape: apps.Shape, arrange: Callable[[Simulation], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    sim = stage.simulation()
    arrange(sim)
    sim.declare(shape())
    await sim.until_rest(quiet=20)
    sim.cluster.edit(apps.secret_ref("mail"), lambda secret: secret.pop("data"))
    await sim.until_rest(quiet=20)
    assert sim.mint.values
    assert leaks(sim, caplog.text + "".join(str(record.__dict__) for record in caplog.records)) == []


async def test_the_search_would_find_one(sim: Simulation) -> None:
    sim.cluster.put(apps.config_map("leak", url="redis://:mailtokengeheim@memo"))
    assert leaks(sim, "") == ["mailtokengeheim in ConfigMap/leak"]
    assert leaks(sim, "mailtokengeheim")[0] == "mailtokengeheim in the log"
