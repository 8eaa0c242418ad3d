"""Promise 6: what was live before a restore is kept for a while, comes back by an undo, and goes by rule alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim import restores, saving
from tests.sim.apps import APP
from tests.sim.faults import Faults, KillAfter, KillBefore
from tests.sim.restores import change, data_holder, delete, is_gone, live, phase, restore, status

WHILE = 600.0
BACKUP = "prod/memo/2026/01/by-hand/"
UNDOING = ["Assessing", "BackingUp", "Announcing", "Swapping", "Checking", "Reopening"]


async def test_the_old_database_is_dropped_by_rule_and_never_before() -> None:
    sim = await restores.restored(undoFor="20m")
    kept = status(sim)["kept"]
    await sim.run_for(2 * WHILE - 100)
    assert sim.world.server.held[kept] == "live"
    await sim.run_for(400)
    assert sim.world.server.dropped == ["live"]
    assert "kept" not in status(sim)
    assert status(sim)["message"].endswith("the one that was live before is gone")
    writes = sim.written
    await sim.run_for(WHILE)
    assert sim.written == writes


async def test_how_long_it_is_kept_can_be_changed() -> None:
    sim = await restores.restored(undoFor="10m")
    change(sim, undoFor="48h")
    await sim.run_for(2 * WHILE)
    assert sim.world.server.dropped == []
    change(sim, undoFor="0s")
    await sim.until_rest()
    assert sim.world.server.dropped == ["live"]


async def test_an_undo_brings_it_back_and_keeps_the_other_one() -> None:
    sim = await restores.restored()
    restore(sim, "undo", source={"undoOf": "back"})
    await sim.until_rest()
    told = status(sim, "undo")
    assert (told["phase"], live(sim)) == ("Completed", "live")
    assert sim.world.server.held[told["kept"]] == BACKUP
    assert saving.phase_of(sim, "undo-before") == "Verified"
    assert [item["name"] for item in status(sim, "undo")["steps"]] == UNDOING
    assert "kept" not in status(sim)
    assert status(sim)["message"].endswith("undo undid it")
    change(sim, "undo", undoFor="5m")
    await sim.run_for(WHILE)
    assert sim.world.server.dropped == [BACKUP]
    assert live(sim) == "live"


async def test_an_undo_can_be_undone_and_a_restore_restored_over() -> None:
    sim = await restores.restored()
    for name, of in (("undo", "back"), ("redo", "undo")):
        restore(sim, name, source={"undoOf": of})
        await sim.until_rest()
        assert phase(sim, name) == "Completed"
    assert live(sim) == BACKUP
    restore(sim, "again")
    await sim.until_rest()
    assert (phase(sim, "again"), live(sim)) == ("Completed", BACKUP)
    restore(sim, "undo-again", source={"undoOf": "back"})
    await sim.until_rest()
    assert (phase(sim, "undo-again"), status(sim, "undo-again")["reason"]) == ("Failed", "NothingToUndo")


async def test_an_undo_wants_consent_and_its_restore_to_be_done() -> None:
    sim = await restores.saved()
    restore(sim, "undo", source={"undoOf": "back"}, dataLoss=None)
    await sim.run_for(60)
    assert (phase(sim, "undo"), status(sim, "undo")["reason"]) == ("Pending", "RestoreNotFound")
    restore(sim)
    await sim.run_for(120)
    assert (phase(sim), phase(sim, "undo")) == ("Completed", "ConsentNeeded")
    change(sim, "undo", dataLoss="Accept")
    await sim.until_rest()
    assert (phase(sim, "undo"), live(sim)) == ("Completed", "live")


async def test_while_an_undo_is_under_way_nothing_is_dropped() -> None:
    sim = await restores.restored(undoFor="10m")
    sim.world.agents.stuck.add("take")
    restore(sim, "undo", source={"undoOf": "back"})
    await sim.run_for(2 * WHILE)
    assert (phase(sim, "undo"), sim.world.server.dropped) == ("BackingUp", [])
    sim.world.agents.stuck.clear()
    await sim.run_for(600)
    assert (phase(sim, "undo"), live(sim), sim.world.server.dropped) == ("Completed", "live", [])


async def test_one_that_is_deleted_afterwards_goes_with_the_database_that_it_kept() -> None:
    sim = await restores.restored(undoFor="20m")
    delete(sim)
    await sim.run_for(WHILE)
    assert not is_gone(sim)
    assert sim.world.server.dropped == []
    await sim.run_for(2 * WHILE)
    assert is_gone(sim)
    assert sim.world.server.dropped == ["live"]


async def test_one_that_is_deleted_with_its_app_waits_for_nothing() -> None:
    sim = await restores.restored()
    kept = status(sim)["kept"]
    delete(sim)
    await sim.run_for(60)
    assert not is_gone(sim)
    sim.cluster.delete_as_a_person(APP)
    await sim.run_for(30)
    assert is_gone(sim)
    assert sim.world.server.held[kept] == "live", "it is kept with all that is in the volume"


def _kills() -> list[Any]:
    return [(kill, number) for kill, first in ((KillBefore, 1), (KillAfter, 2)) for number in range(first, 41, 2)]


@pytest.mark.parametrize(("kill", "number"), _kills())
async def test_killed_at_any_write_a_restore_and_its_undo_come_to_the_same_end(
    kill: type[KillBefore | KillAfter], number: int
) -> None:
    sim = await restores.saved()
    sim.cluster.faults = kill(sim.written + number)
    restore(sim)
    await sim.until_rest()
    assert (phase(sim), live(sim)) == ("Completed", BACKUP)
    sim.cluster.faults = kill(sim.written + number)
    restore(sim, "undo", source={"undoOf": "back"})
    await sim.until_rest()
    sim.cluster.faults = Faults()
    assert (phase(sim, "undo"), live(sim)) == ("Completed", "live")
    assert (sim.world.server.swaps, sim.world.server.closed, data_holder(sim)) == (2, set(), "")
    assert sim.world.server.held[status(sim, "undo")["kept"]] == BACKUP
    assert len(sim.world.server.held) == 3
    assert sim.ready == "True"
    assert "maintenance" not in sim.status
    assert saving.phase_of(sim) == "Proved"
