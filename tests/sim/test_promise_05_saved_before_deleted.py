"""Promise 5, of ``deletionPolicy: BackupThenDelete``: the data goes only once a last backup of it is verified."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from memoapp_operator.domain.farewell import FINALIZER
from memoapp_operator.domain.manifest import MEMO_BACKUP, SECRET, STATEFUL_SET, VOLUME_CLAIM, Ref

from tests.sim import apps, saving, stage
from tests.sim.faults import Faults, KillAfter, KillBefore
from tests.sim.runner import Simulation
from tests.sim.saving import names, phase_of

CLAIM, PASSWORDS = Ref(VOLUME_CLAIM, "memo-database"), Ref(SECRET, "memo-database")


def spec(policy: str = "BackupThenDelete") -> dict[str, Any]:
    found = saving.spec()
    found["database"]["deletionPolicy"] = policy
    return found


async def deleting(faults: Callable[[int], Faults] | None = None, failing: tuple[str, str] | None = None) -> Simulation:
    sim = await stage.serving(spec())
    if failing is not None:
        sim.world.agents.failing["take"] = failing
    if faults is not None:
        sim.cluster.faults = faults(sim.written)
    sim.cluster.delete_as_a_person(apps.APP)
    return sim


def is_there(sim: Simulation, ref: Ref) -> bool:
    return sim.cluster.find(ref) is not None


async def test_the_finalizer_stands_on_an_app_that_serves() -> None:
    sim = await stage.serving(spec())
    assert sim.app["metadata"]["finalizers"] == [FINALIZER]
    assert sim.ready == "True"
    sim.declare(spec("Retain"))
    await sim.until_rest()
    assert sim.app["metadata"]["finalizers"] == []


async def test_it_is_saved_and_then_all_goes_but_the_backup() -> None:
    sim = await deleting()
    sim.world.agents.stuck.add("take")
    await sim.run_for(60)
    assert sim.condition("Ready")["reason"] == "FinalBackup"
    assert is_there(sim, CLAIM)
    assert is_there(sim, Ref(STATEFUL_SET, "memo-database"))
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert (names(sim), phase_of(sim, "memo-final")) == (["memo-final"], "Verified")
    found = sim.find(MEMO_BACKUP, "memo-final")
    assert found["spec"]["reason"] == "Final"
    assert not is_there(sim, apps.APP)
    assert not is_there(sim, CLAIM)
    assert not is_there(sim, PASSWORDS)
    assert is_there(sim, Ref(VOLUME_CLAIM, "memo-backups"))


async def test_what_cannot_be_saved_is_not_deleted_and_is_tried_again() -> None:
    sim = await deleting(failing=("DestinationFull", "no space left on the device"))
    await sim.run_for(600)
    told = sim.condition("Stalled")
    assert (told["status"], told["reason"]) == ("True", "FinalBackupFailed")
    assert "no space left" in told["message"]
    assert "set database.deletionPolicy" in told["message"]
    assert is_there(sim, CLAIM)
    sim.world.agents.failing.clear()
    await sim.run_for(2 * 3600)
    assert not is_there(sim, apps.APP)
    assert not is_there(sim, CLAIM)
    assert phase_of(sim, "memo-final-2") == "Verified"


@pytest.mark.parametrize(("policy", "stays"), [("Retain", True), ("Delete", False)])
async def test_a_person_may_think_better_of_it(policy: str, stays: bool) -> None:
    sim = await deleting(failing=("DestinationFull", "no space left on the device"))
    await sim.run_for(600)
    sim.cluster.edit(apps.APP, lambda app: app["spec"]["database"].update(deletionPolicy=policy))
    await sim.until_rest()
    assert not is_there(sim, apps.APP)
    assert (is_there(sim, CLAIM), is_there(sim, PASSWORDS)) == (stays, stays)


@pytest.mark.parametrize("kill", [KillBefore, KillAfter])
@pytest.mark.parametrize("number", range(1, 12))
async def test_killed_at_any_write_it_ends_the_same(number: int, kill: Callable[[int], Faults]) -> None:
    sim = await deleting(lambda begun: kill(begun + number))
    await sim.until_rest()
    assert (names(sim), phase_of(sim, "memo-final")) == (["memo-final"], "Verified")
    assert not is_there(sim, apps.APP)
    assert not is_there(sim, CLAIM)
