"""Promise 6, after a release that failed: the database of before comes back, with consent, and so does its version."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim import apps, gradual, restores, saving, stage
from tests.sim.faults import Faults, KillAfter, KillBefore
from tests.sim.kubelet import Behaviour
from tests.sim.releases import BROKEN
from tests.sim.restores import live, phase, status
from tests.sim.runner import Simulation

OLD, NEW = "1.4.0", "1.5.0"
PRE = "prod/memo/2026/01/memo-r2-pre/"
BACK = "memo-r2-back"


def spec(number: str = OLD, **release: Any) -> dict[str, Any]:
    declared = {
        "migration": {"command": ["migrate"], "reversible": False},
        "onFailure": "RestoreBackup",
        "keepOld": "10m",
        **release,
    }
    return {**apps.version(number), "release": declared, "backup": {}}


async def migrated_and_failed(**release: Any) -> Simulation:
    """The new version was migrated for, and then its pods never came up."""
    sim = await stage.serving(spec(**release))
    sim.world.behaviours[BROKEN] = Behaviour.CRASHES
    sim.declare(spec(NEW, **release))
    await sim.until_rest()
    return sim


async def test_it_waits_for_consent_and_says_what_would_be_lost() -> None:
    sim = await migrated_and_failed()
    assert (sim.phase, sim.colour, live(sim)) == ("Rejected", "blue", "live")
    assert sim.status["release"]["restore"] == {"name": BACK, "made": True}
    assert (phase(sim, BACK), status(sim, BACK)["loss"]["rows"]) == ("ConsentNeeded", 118)
    assert sim.condition("Stalled")["message"].endswith(
        f"; the database goes back to memo-r2-pre once MemoRestore/{BACK} has dataLoss: Accept"
    )
    writes = sim.written
    await sim.run_for(120)
    assert sim.written == writes
    restores.change(sim, BACK, dataLoss="Accept")
    await sim.until_rest()
    assert (phase(sim, BACK), live(sim), sim.colour) == ("Completed", PRE, "blue")
    assert (sim.phase, sim.status["release"]["restore"]["done"]) == ("Rejected", True)
    assert "the database goes back" not in sim.condition("Stalled")["message"]


async def test_where_the_spec_consents_nobody_is_asked() -> None:
    sim = await migrated_and_failed(dataLoss="Accept")
    assert (phase(sim, BACK), live(sim), sim.colour) == ("Completed", PRE, "blue")
    assert sim.world.server.held[status(sim, BACK)["kept"]] == "live", "it can be undone"
    assert saving.phase_of(sim, f"{BACK}-before") == "Verified"


async def test_tried_again_the_version_is_migrated_for_again() -> None:
    sim = await migrated_and_failed(dataLoss="Accept")
    assert sim.world.agents.migrated == 2, "for the first version, and for this one"
    del sim.world.behaviours[BROKEN]
    sim.order("retry")
    await sim.until_rest()
    assert (sim.phase, sim.colour, sim.ready) == ("Completed", "green", "True")
    assert sim.world.agents.migrated == 3


async def test_a_migration_that_failed_is_over_once_the_database_is_back() -> None:
    sim = await stage.serving(spec(dataLoss="Accept"))
    sim.world.agents.endings["migration"] = (1, "half of it is done")
    sim.declare(spec(NEW, dataLoss="Accept"))
    await sim.until_rest()
    assert (sim.phase, sim.status["release"]["reason"], live(sim)) == ("Rejected", "MigrationFailed", PRE)
    assert (sim.ready, sim.condition("Available")["status"]) == ("MigrationFailed", "True")


async def test_a_gate_that_fails_brings_clients_and_data_back() -> None:
    sim = await stage.serving(spec(dataLoss="Accept"))
    gradual.bad(errors=30.0)(sim)
    sim.declare(spec(NEW, dataLoss="Accept", steps=gradual.STEPS))
    await sim.until_rest()
    assert (sim.phase, sim.colour, live(sim)) == ("RolledBack", "blue", PRE)
    assert sim.status["traffic"] == {"blue": 100, "green": 0}


async def test_one_that_can_go_back_by_itself_loses_nothing() -> None:
    kept = {"migration": {"command": ["migrate"]}}
    sim = await migrated_and_failed(**kept, dataLoss="Accept")
    assert (sim.phase, live(sim), restores.names(sim)) == ("Rejected", "live", [])


async def test_what_never_ran_changed_nothing() -> None:
    sim = await stage.serving(spec(dataLoss="Accept"))
    sim.world.agents.failing["take"] = ("DestinationFull", "no room")
    sim.declare(spec(NEW, dataLoss="Accept"))
    await sim.until_rest()
    assert (sim.status["release"]["reason"], live(sim), restores.names(sim)) == ("BackupFailed", "live", [])


async def test_one_that_a_person_deletes_is_not_made_again() -> None:
    sim = await migrated_and_failed()
    restores.delete(sim, BACK)
    await sim.until_rest()
    assert (restores.names(sim), live(sim)) == ([], "live")


async def test_one_that_waits_for_consent_goes_with_its_release() -> None:
    sim = await migrated_and_failed()
    sim.declare(spec("1.6.0"))
    await sim.until_rest()
    assert (sim.ready, live(sim), restores.names(sim)) == ("True", "live", [])


@pytest.mark.parametrize(
    ("kill", "number"), [(kill, number) for kill in (KillBefore, KillAfter) for number in range(1, 72, 5)]
)
async def test_killed_at_any_write_it_comes_to_the_same_end(kill: type[KillBefore | KillAfter], number: int) -> None:
    sim = await stage.serving(spec(dataLoss="Accept"))
    sim.world.behaviours[BROKEN] = Behaviour.CRASHES
    sim.cluster.faults = kill(sim.written + number)
    sim.declare(spec(NEW, dataLoss="Accept"))
    await sim.until_rest()
    sim.cluster.faults = Faults()
    assert (sim.phase, sim.colour, live(sim)) == ("Rejected", "blue", PRE)
    assert (restores.names(sim), sim.world.server.swaps, restores.data_holder(sim)) == ([BACK], 1, "")
