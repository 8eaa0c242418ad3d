"""Promise 8: a MemoApp that is deleted leaves nothing but what is kept, and one of its name can follow at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from memoapp_operator.domain.manifest import DEPLOYMENT, POD, Manifest, Ref

from tests.sim import apps, stage
from tests.sim.endstate import end_state
from tests.sim.faults import After
from tests.sim.runner import Simulation

WRITES = asyncio.run(stage.undisturbed(apps.full)).writes
KEPT = {"Secret/memo-database", "PersistentVolumeClaim/memo-database", "PersistentVolumeClaim/memo-redis"}


@pytest.mark.parametrize("number", range(1, WRITES + 1))
async def test_deleted_in_mid_creation_it_leaves_what_is_kept(sim: Simulation, number: int) -> None:
    sim.cluster.faults = After(number, lambda: sim.cluster.remove(apps.APP))
    sim.declare(apps.full())
    await sim.until_rest()
    assert set(map(str, sim.children())) <= KEPT
    assert not [*sim.cluster.all(POD)]


async def test_held_back_by_a_finalizer_it_is_left_alone() -> None:
    """``kubectl delete --cascade=foreground``: what the garbage collector takes is not brought back."""
    sim = await stage.serving(apps.full())
    await sim.run_for(1)
    written = sim.written
    sim.cluster.leave(apps.APP)
    for ref in [ref for ref in sim.children() if str(ref) not in KEPT]:
        sim.cluster.remove(ref)
    await sim.until_rest()
    assert sim.written == written
    assert set(map(str, sim.children())) == KEPT


def all_at_once(orphans: list[Manifest]) -> list[Manifest]:
    return orphans


def one_by_one(orphans: list[Manifest]) -> list[Manifest]:
    return orphans[:1]


def last_ones_first(orphans: list[Manifest]) -> list[Manifest]:
    return orphans[-2:]


def kinds_and_names(state: dict[str, Any]) -> set[str]:
    """But for the number of the revision: the old one may not be gone yet when the new one is stored."""
    return {name.rstrip("0123456789") if name.startswith("ControllerRevision/") else name for name in state}


@pytest.mark.parametrize("collect", [all_at_once, one_by_one, last_ones_first])
@pytest.mark.parametrize("restarted", [False, True])
async def test_declared_again_at_once_it_waits_and_comes_up(
    collect: Callable[[list[Manifest]], list[Manifest]], restarted: bool
) -> None:
    sim = await stage.serving(apps.full())
    first = end_state(sim)
    sim.world.controllers.collect = collect
    sim.cluster.remove(apps.APP)
    sim.declare(apps.full())
    if restarted:
        sim.restart()
    await sim.until_rest()
    assert sim.ready == "True"
    assert kinds_and_names(first) == kinds_and_names(end_state(sim))
    assert all(item["status"]["phase"] == "Running" for item in sim.cluster.all(POD))


async def test_as_long_as_old_children_are_on_their_way_out_nothing_is_made() -> None:
    """A new pod could take an old Secret along, which is gone a moment later."""
    sim = await stage.serving(apps.full())
    sim.world.controllers.collect = lambda orphans: [each for each in orphans if each["kind"] in {"StatefulSet", "Pod"}]
    sim.cluster.remove(apps.APP)
    await sim.run_for(5)
    assert not sim.pods("redis")
    written = sim.written
    sim.declare(apps.full())
    await sim.run_for(20)
    assert sim.child_writes(written) == []
    assert sim.ready == "ChildrenLeaving"
    assert "Deployment/memo-router" in sim.condition("Ready")["message"]
    assert sim.condition("Stalled")["status"] == "False"


@pytest.mark.parametrize("number", [1, 2, *range(3, WRITES + 1, 5)])
async def test_deleted_and_declared_again_in_mid_creation_it_comes_up(sim: Simulation, number: int) -> None:
    def replace() -> None:
        sim.cluster.remove(apps.APP)
        sim.declare(apps.full())

    sim.world.controllers.collect = one_by_one
    sim.cluster.faults = After(number, replace)
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "True"
    owners = {owner["uid"] for item in sim.children().values() for owner in item["metadata"].get("ownerReferences", [])}
    assert owners == {sim.app["metadata"]["uid"]}


async def test_orphaned_children_are_taken_over_as_they_are() -> None:
    """``kubectl delete --cascade=orphan`` and a second declaration: no pod notices."""
    sim = await stage.serving(apps.full())
    pods = {pod["metadata"]["uid"] for pod in sim.cluster.all(POD)}
    for ref in sim.children():
        sim.cluster.edit(ref, lambda found: found["metadata"].pop("ownerReferences", None))
    sim.cluster.remove(apps.APP)
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "True"
    assert {pod["metadata"]["uid"] for pod in sim.cluster.all(POD)} == pods
    owner = sim.find(*apps.place(Ref(DEPLOYMENT, "memo-router")))["metadata"]["ownerReferences"][0]
    assert owner["uid"] == sim.app["metadata"]["uid"]
