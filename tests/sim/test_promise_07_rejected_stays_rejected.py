"""Promise 7: what was rejected stays so until a person says retry or another revision completed.

That none is tried again and none forgiven unasked, release_invariants.py looks at in every test of this folder.
"""

from __future__ import annotations

import pytest

from tests.sim import apps, releases
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation

A, B, C = releases.OLD, releases.NEW, "1.6.0"


async def rejected() -> Simulation:
    """B was declared and rejected, A serves."""
    sim = await releases.serving()
    for number in (B, C):
        sim.world.behaviours[f"docker.io/memoapp/sample-backend:{number}"] = Behaviour.NOT_PULLED
    sim.declare(apps.version(B))
    await sim.until_rest()
    assert sim.phase == "Rejected"
    return sim


def tries(sim: Simulation) -> list[str]:
    """Versions whose release was begun, in order."""
    told = [event["message"] for event in sim.cluster.events() if event["reason"] == "ReleaseStarted"]
    return [text.split(",")[0].removeprefix("version ") for text in told]


async def test_it_says_so_and_the_old_version_serves() -> None:
    sim = await rejected()
    assert sim.ready == "ImagePullBackOff"
    assert (sim.condition("Stalled")["status"], sim.condition("Available")["status"]) == ("True", "True")
    assert not sim.pods("green-backend")
    assert sim.colour == "blue"


@pytest.mark.parametrize("lost", [False, True], ids=["restarted", "and the status lost"])
async def test_operators_come_and_go_and_it_stays_rejected(lost: bool) -> None:
    sim = await rejected()
    id_, written = sim.status["rejected"][0]["id"], sim.written
    for _ in range(3):
        if lost:
            sim.cluster.edit(apps.APP, lambda app: app.pop("status"))
        sim.restart()
        await sim.run_for(40)
    await sim.until_rest()
    assert sim.ready == "ImagePullBackOff"
    assert [item["id"] for item in sim.status["rejected"]] == [id_]
    assert tries(sim) == [A, B]
    if not lost:
        assert sim.written == written
    assert not [write for write in sim.child_writes(written) if "Deployment" in write[1]]


async def test_back_and_there_again_it_is_not_tried() -> None:
    sim = await rejected()
    written = sim.written
    sim.declare(apps.version(A))
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.phase == "Withdrawn"
    sim.declare(apps.version(B))
    await sim.until_rest()
    assert sim.ready == "ImagePullBackOff"
    assert sim.condition("Stalled")["status"] == "True"
    assert sim.child_writes(written) == []
    assert tries(sim) == [A, B]


async def test_a_second_bad_version_makes_nobody_forget_the_first() -> None:
    sim = await rejected()
    for number in (C, B, C, B):
        sim.declare(apps.version(number))
        await sim.until_rest()
        assert sim.ready == "ImagePullBackOff"
    assert tries(sim) == [A, B, C]
    assert len(sim.status["rejected"]) == 2


async def test_by_order_it_is_tried_again_once() -> None:
    sim = await rejected()
    sim.order("retry", "one")
    await sim.until_rest()
    assert sim.phase == "Rejected"
    sim.restart()
    await sim.until_rest()
    assert tries(sim)[1:] == [B, B]
    sim.world.behaviours.clear()
    sim.order("retry", "two")
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.status["active"]["version"] == B
    assert "rejected" not in sim.status


async def test_once_another_revision_completed_it_may_be_tried_again() -> None:
    sim = await rejected()
    sim.world.behaviours.clear()
    sim.declare(apps.version(C))
    await sim.until_rest()
    assert sim.status["active"]["version"] == C
    sim.declare(apps.version(B))
    await sim.until_rest()
    assert sim.status["active"]["version"] == B
    assert sim.ready == "True"


async def test_what_a_person_rolled_back_stays_so() -> None:
    sim = await releases.switched()
    sim.order("rollback")
    await sim.until_rest()
    assert sim.ready == "RolledBackByHand"
    for _ in range(2):
        sim.restart()
        await sim.run_for(60)
    assert (sim.phase, sim.colour, sim.ready) == ("RolledBack", "blue", "RolledBackByHand")
    sim.declare(apps.version(A))
    await sim.until_rest()
    assert sim.ready == "True"
    sim.declare(apps.version(B))
    await sim.until_rest()
    assert (sim.colour, sim.ready) == ("blue", "RolledBackByHand")


async def test_that_it_is_rejected_is_kept_beside_the_weights() -> None:
    """Where a lost status finds it: the ConfigMap's text holds the id and the reason."""
    sim = await rejected()
    text = sim.find(*apps.place(apps.config_map_ref("memo-router-state")))["data"]["rejected"]
    assert text.startswith(f"{sim.status['rejected'][0]['id']} ImagePullBackOff ")


async def test_the_spec_stays_what_people_declared_throughout() -> None:
    sim = await rejected()
    assert sim.app["spec"] == apps.version(B)
