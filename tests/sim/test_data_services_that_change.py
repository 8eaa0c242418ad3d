"""Changes of the data services: a restart waits for an order, a volume grows where it can, and the app serves on."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain.manifest import INGRESS, STATEFUL_SET, VOLUME_CLAIM, Manifest

from tests.sim import apps, stage
from tests.sim.runner import Simulation


def changed(connections: str = "100", size: str = "10Gi") -> dict[str, Any]:
    spec = apps.full()
    spec["database"]["managed"]["parameters"] = {"max_connections": connections}
    spec["database"]["managed"]["storage"]["size"] = size
    return spec


def others(sim: Simulation) -> set[str]:
    return {uid for name in ("redis", "router", "backend", "frontend") for uid in sim.pods(name)}


def template(sim: Simulation) -> Manifest:
    found: Manifest = sim.find(STATEFUL_SET, "memo-database")["spec"]["template"]
    return found


async def test_a_restart_waits_for_an_order_and_takes_no_other_pod_along() -> None:
    sim = await stage.serving(changed())
    before, pods, served = template(sim), sim.pods("database").keys(), others(sim)
    sim.declare(changed("200"))
    await sim.until_rest()
    assert (sim.ready, sim.condition("Stalled")["reason"]) == ("RestartPending", "RestartPending")
    assert sim.condition("Available")["status"] == "True"
    assert template(sim) == before
    written = sim.written
    sim.restart()
    await sim.run_for(120)
    assert sim.written == written
    sim.order("restart")
    await sim.until_rest()
    assert sim.ready == "True"
    assert template(sim) != before
    assert not pods & sim.pods("database").keys()
    assert others(sim) == served


async def test_an_order_lets_pass_what_waited_then_and_nothing_later() -> None:
    sim = await stage.serving(changed())
    sim.declare(changed("200"))
    await sim.until_rest()
    sim.order("restart")
    await sim.until_rest()
    sim.declare(changed("300"))
    await sim.until_rest()
    assert sim.ready == "RestartPending"
    sim.declare(changed("200"))
    await sim.until_rest()
    assert sim.ready == "True"


async def test_another_major_version_is_refused_whatever_is_ordered() -> None:
    sim = await stage.serving(changed())
    before = template(sim)
    spec = changed()
    spec["database"]["managed"]["image"] = "docker.io/library/postgres:18"
    sim.declare(spec)
    sim.order("restart")
    await sim.until_rest()
    assert sim.ready == "MajorVersionRefused"
    assert template(sim) == before


@pytest.mark.parametrize("expands", [True, False])
async def test_a_volume_grows_where_its_storage_class_can(expands: bool) -> None:
    sim = await stage.serving(changed())
    pods = {*sim.pods("database"), *others(sim)}
    sim.cluster.expands = expands
    sim.declare(changed(size="20Gi"))
    await sim.until_rest()
    size = sim.find(VOLUME_CLAIM, "memo-database")["spec"]["resources"]["requests"]["storage"]
    assert (sim.ready, size) == (("True", "20Gi") if expands else ("StorageClassCannotExpand", "10Gi"))
    assert {*sim.pods("database"), *others(sim)} == pods
    assert sim.condition("Available")["status"] == "True"


async def test_a_volume_is_never_asked_to_shrink() -> None:
    sim = await stage.serving(changed(size="20Gi"))
    written = sim.written
    sim.declare(changed(size="10Gi"))
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.child_writes(written) == []


async def test_a_way_in_from_outside_comes_and_goes_and_is_no_release() -> None:
    sim = await stage.serving(apps.full())
    release, pods = sim.status["release"], others(sim)
    sim.declare({**apps.full(), "traffic": {"ingress": {"host": "memo.example"}}})
    await sim.until_rest()
    assert [ref.name for ref in sim.children(INGRESS)] == ["memo"]
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "True"
    assert not sim.children(INGRESS)
    assert (sim.status["release"], others(sim)) == (release, pods)
