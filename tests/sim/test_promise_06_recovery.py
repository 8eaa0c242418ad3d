"""Promise 6, from nothing: an empty database takes its data from a backup before anything serves, and no other does."""

from __future__ import annotations

import pytest
from memoapp_operator.domain.manifest import JOB, MEMO_RESTORE, ROLE, SERVICE_ACCOUNT, Ref

from tests.sim import apps, recoveries, restores, saving, stage
from tests.sim.faults import Faults, KillAfter, KillBefore
from tests.sim.kubelet import Behaviour
from tests.sim.recoveries import NEWEST, nothing, spec
from tests.sim.restores import live, phase, status
from tests.sim.runner import Simulation
from tests.sim.server import EMPTY, LIVE

MADE = "memo-recovery"


async def recovered(**backup: str) -> Simulation:
    sim = nothing()
    recoveries.bring_key(sim)
    sim.declare(spec(backup or None))
    await sim.until_rest()
    return sim


async def test_from_nothing_the_data_and_what_was_saved_beside_it_come_back_before_anything_serves() -> None:
    sim = await recovered()
    told = status(sim, MADE)
    assert (told["phase"], live(sim)) == ("Completed", NEWEST)
    assert [item["name"] for item in told["steps"]] == ["Assessing", "Restoring", "Swapping", "Checking", "Reopening"]
    assert (told["configuration"], told["chosen"]) == ("made: Secret/mail", "the newest of 3 that are proved")
    assert sim.ready == "True"
    assert sim.status["recovery"] == {
        "restore": MADE,
        "result": "Restored",
        "folder": NEWEST,
        "takenAt": told["takenAt"],
        "finishedAt": sim.status["recovery"]["finishedAt"],
    }
    assert "maintenance" not in sim.status, "nobody was there to see a page"
    assert sim.status["release"]["startedAt"] >= told["finishedAt"], "the first version began on the data"
    assert sim.world.server.held == {"postgres": "none", LIVE: NEWEST}, "the empty one is gone"
    assert sim.world.server.dropped == [EMPTY]


async def test_no_pod_of_the_app_and_no_migration_runs_before_the_data_is_there() -> None:
    sim = nothing()
    recoveries.bring_key(sim)
    for item in apps.beside():
        sim.cluster.put(item)  # nothing else is missing
    sim.world.agents.stuck = {"recover"}
    declared = spec()
    declared["release"] = {"migration": {"command": ["migrate"]}}
    sim.declare(declared)
    await sim.run_for(120)
    assert (sim.ready, phase(sim, MADE)) == ("Recovering", "Assessing")
    assert sim.status["display"]["release"] == "Recovering"
    assert "release" not in sim.status
    assert not sim.pods("backend")
    assert [job["metadata"]["name"] for job in sim.cluster.all(JOB)] == [f"{MADE}-recover-1"]
    sim.world.agents.stuck = set()
    await sim.until_rest()
    assert (sim.ready, live(sim), sim.world.agents.migrated) == ("True", NEWEST, 1)


async def test_a_database_that_holds_data_is_left_alone_and_the_app_comes_up_on_it() -> None:
    sim = nothing()
    recoveries.bring_key(sim)
    for item in apps.beside():
        sim.cluster.put(item)
    sim.world.server.held[LIVE] = "live"
    sim.declare(spec())
    await sim.until_rest()
    assert (phase(sim, MADE), sim.status["recovery"]["result"]) == ("Completed", "NotNeeded")
    assert (sim.ready, live(sim), sim.world.server.swaps) == ("True", "live", 0)


async def test_a_declaration_that_comes_later_changes_nothing_of_an_app_that_serves() -> None:
    sim = await stage.serving(apps.full())
    recoveries.bring_key(sim)
    sim.declare(spec())
    await sim.until_rest()
    assert (restores.names(sim), live(sim), "recovery" in sim.status) == ([], "live", False)
    restores.restore(sim, "by-hand", "Recovery", source={"recovery": {"destination": recoveries.STORE}})
    await sim.until_rest()
    assert (phase(sim, "by-hand"), status(sim, "by-hand")["reason"]) == ("Failed", "AppServes")
    assert (sim.ready, live(sim)) == ("True", "live")


async def test_it_waits_for_the_key_of_the_store_and_says_so() -> None:
    sim = nothing()
    sim.declare(spec())
    await sim.until_rest()
    assert sim.ready == "SecretMissing"
    assert sim.condition("Stalled")["message"] == f"MemoRestore/{MADE}: not there: Secret/store"
    recoveries.bring_key(sim)
    await sim.until_rest()
    assert (sim.ready, live(sim)) == ("True", NEWEST)


async def test_a_database_that_cannot_start_is_the_trouble_and_not_the_recovery() -> None:
    sim = nothing()
    recoveries.bring_key(sim)
    sim.world.behaviours[apps.DATABASE] = Behaviour.NOT_PULLED
    sim.declare(spec())
    await sim.run_for(120)
    assert (sim.ready, restores.names(sim)) == ("ImagePullBackOff", [])


async def test_one_that_fails_stalls_the_app_until_the_spec_says_something_else() -> None:
    sim = nothing()
    recoveries.bring_key(sim)
    sim.world.agents.failing["recover"] = ("NoProvedBackup", "none of the 4 backups in prod/memo/ was proved")
    sim.declare(spec())
    await sim.until_rest()
    assert (sim.ready, phase(sim, MADE)) == ("RecoveryFailed", "Failed")
    assert "NoProvedBackup: none of the 4 backups" in sim.condition("Stalled")["message"]
    assert "release" not in sim.status
    writes = sim.written
    await sim.run_for(300)
    assert sim.written == writes
    sim.world.agents.failing.clear()
    sim.declare(spec(backup="memo-20260101-020000"))
    await sim.until_rest()
    assert (sim.ready, live(sim)) == ("True", "prod/memo/2026/01/memo-20260101-020000/")


async def test_one_that_failed_is_tried_again_once_it_was_deleted() -> None:
    sim = nothing()
    recoveries.bring_key(sim)
    sim.world.agents.failing["restore"] = ("NotVerified", "database.dump was altered: its SHA-256 does not hold")
    sim.declare(spec())
    await sim.until_rest()
    assert (sim.ready, live(sim)) == ("RecoveryFailed", EMPTY)
    sim.world.agents.failing.clear()
    restores.delete(sim, MADE)
    await sim.until_rest()
    assert (sim.ready, live(sim)) == ("True", NEWEST)


async def test_another_app_of_the_same_name_that_was_there_before_does_not_count() -> None:
    sim = nothing()
    recoveries.bring_key(sim)
    restores.put(
        sim,
        MADE,
        {
            "appRef": {"name": "memo"},
            "mode": "Recovery",
            "source": {"recovery": {"destination": recoveries.STORE}},
        },
    )
    sim.cluster.set_status(Ref(MEMO_RESTORE, MADE), {"phase": "Completed"})
    sim.declare(spec())
    await sim.run_for(60)
    assert (live(sim), "release" in sim.status) == (EMPTY, False), "the database is still empty"
    restores.delete(sim, MADE)
    await sim.until_rest()
    assert (sim.ready, live(sim)) == ("True", NEWEST)


async def test_its_rights_go_once_the_app_serves() -> None:
    sim = nothing()
    recoveries.bring_key(sim)
    sim.world.agents.stuck = {"recover"}
    sim.declare(spec())
    await sim.run_for(60)
    role = sim.find(ROLE, MADE)
    assert role["rules"] == [{"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": ["create"]}]
    sim.world.agents.stuck = set()
    await sim.until_rest()
    assert all(sim.cluster.find(Ref(kind, MADE)) is None for kind in (ROLE, SERVICE_ACCOUNT))


async def test_a_status_that_is_lost_on_the_way_begins_nothing_anew() -> None:
    sim = await recovered()
    sim.cluster.set_status(apps.APP, {})
    sim.restart()
    await sim.until_rest()
    assert (sim.ready, live(sim), sim.world.server.swaps) == ("True", NEWEST, 1)


def _kills() -> list[tuple[type[KillBefore | KillAfter], int]]:
    return [(kill, number) for kill in (KillBefore, KillAfter) for number in range(1, 75, 3)]


@pytest.mark.parametrize(("kill", "number"), _kills())
async def test_killed_at_any_write_it_comes_to_the_same_end(kill: type[KillBefore | KillAfter], number: int) -> None:
    sim = nothing()
    recoveries.bring_key(sim)
    sim.cluster.faults = kill(number)
    sim.declare(spec(saving.spec()["backup"]))
    await sim.until_rest()
    sim.cluster.faults = Faults()
    assert (sim.ready, live(sim), phase(sim, MADE)) == ("True", NEWEST, "Completed")
    assert sim.world.server.held == {"postgres": "none", LIVE: NEWEST}
    assert (sim.world.server.swaps, restores.data_holder(sim)) == (1, "")
    assert sim.status["recovery"]["result"] == "Restored"
