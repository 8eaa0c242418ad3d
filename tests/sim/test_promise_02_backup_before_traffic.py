"""Promise 2, of backups: no traffic moves to a new version before one is verified, where one is required."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from memoapp_operator.domain.manifest import JOB, Ref

from tests.sim import saving
from tests.sim.faults import Faults, KillAfter, KillBefore
from tests.sim.saving import NEW, OLD, names, phase_of, scheduled, spec


async def test_a_release_takes_one_first_and_names_it() -> None:
    sim = await saving.saving()
    sim.world.agents.stuck.add("take")
    sim.declare(spec(NEW))
    await sim.run_for(60)
    assert (sim.phase, sim.status["traffic"]) == ("BackingUp", {"blue": 100, "green": 0})
    assert not sim.pods("green-backend"), "nothing of the new version runs yet"
    assert sim.condition("Ready")["message"] == "waiting for the backup memo-r2-pre: "
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert (sim.phase, sim.colour) == ("Completed", "green")
    assert phase_of(sim, "memo-r2-pre") == "Verified"
    assert sim.status["release"]["backup"] == "memo-r2-pre"
    assert sim.status["history"][0]["backup"] == "memo-r2-pre"


async def test_the_first_release_has_nothing_to_save() -> None:
    sim = await saving.saving()
    assert names(sim) == []


async def test_one_that_is_young_will_do() -> None:
    sim = await saving.saving()
    scheduled(sim, "tonight")
    await sim.run_for(1800)
    sim.declare(spec(NEW))
    await sim.until_rest()
    assert (sim.phase, sim.status["release"]["backup"]) == ("Completed", "tonight")
    assert names(sim) == ["tonight"]


@pytest.mark.parametrize("max_age", ["0s", "20m"])
async def test_one_that_is_too_old_will_not(max_age: str) -> None:
    release = {"backupMaxAge": max_age}
    sim = await saving.saving(release)
    scheduled(sim, "tonight")
    await sim.run_for(1800)
    sim.declare(spec(NEW, release))
    await sim.until_rest()
    assert sim.status["release"]["backup"] == "memo-r2-pre"


@pytest.mark.parametrize("phase", ["Failed", "Pending"])
async def test_one_that_is_not_verified_will_not(phase: str) -> None:
    sim = await saving.saving()
    scheduled(sim, "tonight", phase)
    sim.declare(spec(NEW))
    await sim.until_rest()
    assert sim.status["release"]["backup"] == "memo-r2-pre"


async def test_skipped_it_is_not_waited_for() -> None:
    release = {"backup": "Skip"}
    sim = await saving.saving(release)
    sim.declare(spec(NEW, release))
    await sim.until_rest()
    assert (sim.phase, names(sim)) == ("Completed", [])


async def test_without_a_backup_the_old_version_goes_on_and_it_is_tried_again_by_itself() -> None:
    sim = await saving.saving()
    sim.world.agents.failing["take"] = ("DestinationFull", "no space left on the device")
    sim.declare(spec(NEW))
    await sim.until_rest()
    assert (sim.phase, sim.colour, sim.ready) == ("Rejected", "blue", "BackupFailed")
    assert "no space left" in sim.status["release"]["message"]
    assert not sim.pods("green-backend")
    sim.world.agents.failing.clear()
    await sim.run_for(3700)
    assert (sim.phase, sim.colour) == ("Completed", "green")
    assert sim.status["release"]["backup"] == "memo-r2-pre-2"


async def test_a_backup_that_takes_too_long_gives_the_release_up() -> None:
    release = {"deadline": "5m"}
    sim = await saving.saving(release)
    sim.world.agents.stuck.add("take")
    sim.declare(spec(NEW, release))
    await sim.run_for(400)
    assert (sim.phase, sim.ready) == ("Rejected", "BackupFailed")
    assert "is not verified after 5m" in sim.status["release"]["message"]


async def test_a_way_back_by_order_waits_for_nothing() -> None:
    release = {"keepOld": "0s", "backupMaxAge": "0s"}
    sim = await saving.saving(release)
    sim.declare(spec(NEW, release))
    await sim.until_rest()
    sim.world.agents.stuck.add("take")
    sim.order("rollback")
    await sim.run_for(120)
    assert (sim.phase, sim.status["active"]["version"]) == ("Retired", OLD)
    assert names(sim) == ["memo-r2-pre"]


async def test_the_spec_goes_back_in_the_middle() -> None:
    sim = await saving.saving()
    sim.world.agents.stuck.add("take")
    sim.declare(spec(NEW))
    await sim.run_for(20)
    sim.declare(spec(OLD))
    await sim.run_for(20)
    assert (sim.phase, sim.ready) == ("Withdrawn", "True")


async def test_a_record_that_is_deleted_in_the_middle_comes_again() -> None:
    sim = await saving.saving()
    sim.world.agents.stuck.add("take")
    sim.declare(spec(NEW))
    await sim.run_for(20)
    saving.delete(sim, "memo-r2-pre")
    await sim.run_for(20)
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert (sim.phase, phase_of(sim, "memo-r2-pre")) == ("Completed", "Verified")


async def ended(faults: Callable[[Any], Faults] | None = None) -> tuple[Any, int]:
    sim = await saving.saving()
    begun = sim.written
    if faults is not None:
        sim.cluster.faults = faults(begun)
    sim.declare(spec(NEW))
    await sim.until_rest()
    return sim, sim.written - begun


@pytest.mark.parametrize("kill", [KillBefore, KillAfter])
@pytest.mark.parametrize("number", range(1, 16))
async def test_killed_at_any_write_it_rests_on_one_backup(number: int, kill: Callable[[int], Faults]) -> None:
    sim, _ = await ended(lambda begun: kill(begun + number))
    assert (sim.phase, sim.colour, names(sim)) == ("Completed", "green", ["memo-r2-pre"])
    assert sim.cluster.births(Ref(JOB, "memo-r2-pre-take")) == 1
