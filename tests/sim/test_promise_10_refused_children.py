"""Promise 10: what the API server does not take is told in a condition, and nothing is built on it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from memoapp_operator.domain.manifest import Manifest, Ref, ref_of

from tests.sim import apps, stage
from tests.sim.runner import Simulation


def refuse(name: str) -> Callable[[Manifest], str | None]:
    def answer(manifest: Manifest) -> str | None:
        return "exceeded quota" if str(ref_of(manifest)) == name else None

    return answer


@pytest.mark.parametrize("name", ["Secret/memo-database", "Secret/memo-router-tls", "Service/memo-green-backend"])
async def test_it_is_named_and_asked_again_after_a_minute(sim: Simulation, name: str) -> None:
    sim.cluster.refuse = refuse(name)
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "ChildRefused"
    assert name in sim.condition("Stalled")["message"]
    written = sim.written
    await sim.run_for(600)
    assert {write.outcome for write in sim.writes(written)} == {"Refused"}
    assert len(sim.writes(written)) <= 600 / 60 + 1
    sim.cluster.refuse = lambda _: None
    await sim.until_rest(quiet=70)
    assert sim.ready == "True"


async def test_without_its_passwords_no_volume_is_made(sim: Simulation) -> None:
    """A volume without the Secret that opens it would be taken for one whose Secret is lost."""
    sim.cluster.refuse = refuse("Secret/memo-database")
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.children() == {}


async def test_a_serving_app_goes_on_serving() -> None:
    sim = await stage.serving(apps.full())
    sim.cluster.refuse = refuse("Deployment/memo-blue-backend")
    spec = apps.full()
    spec["backend"]["replicas"] = 4
    sim.declare(spec)
    await sim.until_rest()
    assert sim.ready == "ChildRefused"
    assert sim.condition("Available")["status"] == "True"


async def test_a_new_process_tries_nothing_where_something_else_stands_in_the_way(sim: Simulation) -> None:
    sim.cluster.refuse = refuse("Deployment/memo-blue-backend")
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "ChildRefused"
    policy = next(ref for ref in sim.children() if str(ref) == "NetworkPolicy/memo-backend")
    sim.cluster.remove(policy)
    sim.cluster.put(apps.foreign(policy.kind.kind, policy.name))
    sim.cluster.refuse = lambda _: None
    written = sim.written
    sim.restart()
    await sim.run_for(5)
    assert sim.ready == "ForeignObject"
    assert sim.child_writes(written) == []
    sim.cluster.remove(Ref(policy.kind, policy.name))
    await sim.until_rest()
    assert sim.ready == "True"
