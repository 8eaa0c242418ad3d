"""Promise 6, of dumps of old scripts: they become backups first, and are restored as any other, or not at all."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain.manifest import JOB, ROLE, Ref

from tests.sim import recoveries, restores, saving
from tests.sim.faults import Faults, KillAfter, KillBefore
from tests.sim.restores import live, phase, restore, status
from tests.sim.runner import Simulation

FOLDER = "prod/memo/2023/11/back-imported/"
DUMP: dict[str, Any] = {
    "destination": {"volume": {"claimName": "old-backups"}},
    "file": "memo_app_20231101_020000.sql.gz",
}


async def saves() -> Simulation:
    sim = await saving.saving()
    claim = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "old-backups"}}
    sim.cluster.put({**claim, "metadata": {"name": "old-backups", "namespace": "prod"}, "spec": {}})
    return sim


async def test_a_dump_becomes_a_backup_that_takes_the_place_of_the_live_data() -> None:
    sim = await saves()
    restore(sim, source={"dump": DUMP})
    await sim.until_rest()
    told = status(sim)
    assert (told["phase"], live(sim), told["imported"]) == ("Completed", FOLDER, "back-imported")
    assert [item["name"] for item in told["steps"]][:2] == ["Importing", "Assessing"]
    assert told["takenAt"] != "2026-01-01T00:00:00Z"
    record = saving.backup(sim, "back-imported")
    assert record is not None
    assert (record["spec"]["reason"], record["spec"]["location"]["folder"]) == ("Imported", FOLDER)
    assert saving.phase_of(sim, "back-imported") == "Proved"
    assert saving.phase_of(sim, "back-before") == "Verified"
    assert sim.world.server.held[told["kept"]] == "live"


async def test_a_drill_of_a_dump_proves_the_backup_and_touches_nothing() -> None:
    sim = await saves()
    restore(sim, mode="Drill", source={"dump": DUMP})
    await sim.until_rest()
    assert (phase(sim), live(sim), sim.world.server.swaps) == ("Completed", "live", 0)
    assert saving.phase_of(sim, "back-imported") == "Proved"
    assert not [job for job in sim.cluster.all(JOB) if job["metadata"]["name"].startswith("back-")], "volumes go"


async def test_one_that_is_refused_changes_nothing_and_says_why() -> None:
    sim = await saves()
    sim.world.agents.failing["import"] = ("ScriptRefused", "line 2 has the command \\!, which no dump has")
    restore(sim, source={"dump": DUMP})
    await sim.until_rest()
    told = status(sim)
    assert (told["phase"], told["reason"]) == ("Failed", "ScriptRefused")
    assert "\\!" in told["message"]
    assert (live(sim), saving.names(sim)) == ("live", [])


async def test_one_whose_place_is_not_there_waits_for_it() -> None:
    sim = await saving.saving()
    restore(sim, source={"dump": DUMP})
    await sim.until_rest()
    assert (status(sim)["reason"], status(sim)["message"]) == (
        "SecretMissing",
        "not there: PersistentVolumeClaim/old-backups",
    )
    other = {"destination": recoveries.STORE, "file": DUMP["file"]}
    restore(sim, "other", source={"dump": other})
    await sim.until_rest()
    assert status(sim, "other")["message"] == "not there: Secret/store"


async def test_old_variables_are_offered_while_an_account_may_make_them_and_no_longer() -> None:
    sim = await saves()
    sim.world.agents.stuck = {"import"}
    restore(sim, source={"dump": {**DUMP, "env": ".env"}})
    await sim.run_for(40)
    assert sim.find(ROLE, "memo-recovery")["rules"][0]["verbs"] == ["create"]
    sim.world.agents.stuck = set()
    await sim.until_rest()
    assert status(sim)["configuration"] == "made: Secret/back-env"
    assert sim.cluster.find(Ref(ROLE, "memo-recovery")) is None


@pytest.mark.parametrize(
    ("kill", "number"), [(kill, number) for kill in (KillBefore, KillAfter) for number in range(1, 24, 2)]
)
async def test_killed_at_any_write_it_comes_to_the_same_end(kill: type[KillBefore | KillAfter], number: int) -> None:
    sim = await saves()
    sim.cluster.faults = kill(sim.written + number)
    restore(sim, source={"dump": DUMP})
    await sim.until_rest()
    sim.cluster.faults = Faults()
    assert (phase(sim), live(sim), sim.world.server.swaps) == ("Completed", FOLDER, 1)
    assert (restores.data_holder(sim), sim.ready) == ("", "True")
    assert saving.phase_of(sim, "back-imported") == "Proved"
