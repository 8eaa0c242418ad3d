"""Promise 2, of migrations: no pod of a new version starts before its migration is known to have succeeded."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain.manifest import JOB, Ref

from tests.sim import migrations
from tests.sim.migrations import LEASE_REF, NEW, OLD, births, jobs, migrating, spec, told
from tests.sim.runner import Simulation


async def failed(sim: Simulation, ending: tuple[int, str] | None, migration: dict[str, Any] | None = None) -> None:
    sim.world.agents.endings["migration"] = ending
    sim.declare(spec(NEW, migration))
    await sim.until_rest()


async def test_the_first_release_migrates_before_its_first_pod() -> None:
    sim = await migrating()
    assert (sim.world.agents.migrated, told(sim)["outcome"]) == (1, "Succeeded")


async def test_it_comes_after_the_backup_and_before_the_first_pod() -> None:
    sim = await migrating()
    sim.declare({**spec(NEW), "backup": {}})
    sim.world.agents.stuck.add("migration")
    await sim.run_for(60)
    assert (sim.phase, sim.status["traffic"]) == ("Migrating", {"blue": 100, "green": 0})
    assert sim.status["release"]["backup"] == "memo-r2-pre"
    assert not sim.pods("green-backend"), "nothing of the new version runs yet"
    assert sim.condition("Ready")["message"] == f"waiting for the migration {told(sim)['job']}"
    lease = sim.cluster.find(LEASE_REF)
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == f"migration/{told(sim)['job']}", "no backup begins beside it"
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert (sim.phase, sim.colour) == ("Completed", "green")
    lease = sim.cluster.find(LEASE_REF)
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == ""
    assert (told(sim)["schemaBefore"], told(sim)["schemaAfter"]) == ("definitions-1", "definitions-2")


async def test_the_job_has_what_the_new_backend_has() -> None:
    sim = await migrating()
    sim.world.agents.stuck.add("migration")
    sim.declare(spec(NEW))
    await sim.run_for(30)
    job = sim.find(JOB, told(sim)["job"])
    pod = job["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"].endswith(":1.5.0")
    assert {item["name"] for item in pod["containers"][0]["env"]} >= {"DATABASE_URL", "MAIL_TOKEN"}
    assert (pod["restartPolicy"], job["spec"]["backoffLimit"]) == ("Never", 0)


async def test_one_that_fails_rejects_the_version_and_tells_the_end_of_its_log() -> None:
    sim = await migrating()
    await failed(sim, (3, "line one\ncolumn body does not exist\n"))
    assert (sim.phase, sim.colour, sim.ready) == ("Rejected", "blue", "MigrationFailed")
    assert "exit code 3: column body does not exist" in sim.status["release"]["message"]
    assert told(sim)["log"] == "line one\ncolumn body does not exist\n"
    assert not sim.pods("green-backend")
    sim.world.agents.endings.clear()
    sim.order("retry")
    await sim.until_rest()
    assert (sim.phase, sim.colour) == ("Completed", "green")


async def test_no_secret_of_the_app_is_told_with_the_log() -> None:
    sim = await migrating()
    password = sim.mint.values[0]
    await failed(sim, (1, f"could not connect as memo_user:{password}@memo-database"))
    assert password not in str(sim.app)
    assert "***@memo-database" in told(sim)["log"]


async def test_one_that_was_killed_is_held_until_a_person_says_that_it_is_done() -> None:
    sim = await migrating()
    await failed(sim, None)
    assert (sim.phase, sim.colour, sim.ready) == ("Held", "blue", "Held")
    assert sim.status["release"]["reason"] == "MigrationLost"
    assert sim.condition("Available")["status"] == "True"
    await sim.run_for(7200)
    assert sim.phase == "Held", "nothing happens by itself"
    sim.order("approve")
    await sim.until_rest()
    assert (sim.phase, sim.colour, told(sim)["outcome"]) == ("Completed", "green", "Approved")
    assert len(births(sim)) == 2


async def test_held_it_runs_once_more_by_order_in_a_job_of_its_own() -> None:
    sim = await migrating()
    await failed(sim, (137, ""))
    assert sim.phase == "Held"
    sim.world.agents.endings.clear()
    sim.order("retry")
    await sim.until_rest()
    assert (sim.phase, told(sim)["attempt"]) == ("Completed", 2)


async def test_held_it_is_given_up_by_order() -> None:
    sim = await migrating()
    await failed(sim, None)
    sim.order("abort")
    await sim.until_rest()
    assert (sim.phase, sim.ready, sim.colour) == ("Rejected", "AbortedByHand", "blue")


async def test_held_another_version_or_the_old_one_leads_out() -> None:
    sim = await migrating()
    await failed(sim, None)
    sim.world.agents.endings.clear()
    sim.declare(spec("1.6.0"))
    await sim.until_rest()
    assert (sim.phase, sim.status["active"]["version"]) == ("Completed", "1.6.0")
    await failed(sim, None)
    sim.declare(spec("1.6.0"))
    await sim.until_rest()
    assert (sim.phase, sim.ready) == ("Withdrawn", "True")


async def test_one_that_is_not_reversible_and_fails_is_held() -> None:
    sim = await migrating({"reversible": False})
    await failed(sim, (1, "half of it is done"), {"reversible": False})
    assert (sim.phase, sim.status["release"]["reason"], sim.colour) == ("Held", "MigrationFailed", "blue")


async def test_after_one_that_is_not_reversible_no_older_version_starts_by_order() -> None:
    rest = {"keepOld": "0s"}
    sim = await migrating({"reversible": False}, **rest)
    sim.declare(spec(NEW, {"reversible": False}, **rest))
    await sim.until_rest()
    sim.order("rollback")
    await sim.until_rest()
    assert sim.status["active"]["version"] == NEW
    assert any(event["reason"] == "RollbackIgnored" for event in sim.cluster.events())


async def test_a_way_back_by_order_migrates_nothing() -> None:
    rest = {"keepOld": "0s"}
    sim = await migrating(**rest)
    sim.declare(spec(NEW, **rest))
    await sim.until_rest()
    sim.order("rollback")
    await sim.until_rest()
    assert (sim.status["active"]["version"], len(births(sim))) == (OLD, 2)


async def test_a_revision_that_went_back_for_another_reason_is_not_migrated_for_again() -> None:
    sim = await migrating(tests=[{"name": "smoke"}])
    sim.world.agents.endings["smoke"] = (1, "no")
    sim.declare(spec(NEW, tests=[{"name": "smoke"}]))
    await sim.until_rest()
    assert (sim.phase, sim.ready) == ("Rejected", "TestFailed")
    sim.world.agents.endings.clear()
    sim.order("retry")
    await sim.until_rest()
    assert (sim.phase, len(births(sim))) == ("Completed", 2)


async def test_the_spec_goes_on_in_the_middle_and_what_runs_is_waited_for() -> None:
    sim = await migrating()
    sim.world.agents.stuck.add("migration")
    sim.declare(spec(NEW))
    await sim.run_for(30)
    sim.declare(spec("1.6.0"))
    await sim.run_for(30)
    assert (sim.phase, len(jobs(sim))) == ("Migrating", 2)
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert (sim.phase, sim.status["active"]["version"]) == ("Completed", "1.6.0")
    assert max(births(sim).values()) == 1


async def test_while_somebody_else_has_the_data_it_waits_and_says_for_whom() -> None:
    sim = await migrating()
    sim.declare({**spec(NEW, deadline="5m", backup="Skip"), "backup": {}})
    sim.world.agents.stuck.add("migration")
    await sim.run_for(4)
    lease = sim.cluster.find(LEASE_REF)
    assert lease is not None
    moment = f"{sim.world.clock.stamp()[:-1]}.000000Z"
    held = {"holderIdentity": "restore", "leaseDurationSeconds": 3600, "renewTime": moment}
    sim.cluster.edit(LEASE_REF, lambda found: found.update(spec=held))
    sim.declare({**spec("1.6.0", deadline="5m", backup="Skip"), "backup": {}})
    sim.world.agents.stuck.clear()
    await sim.run_for(60)
    assert (sim.phase, sim.status["release"]["version"]) == ("Migrating", "1.6.0")
    assert "the data is in use by restore" in sim.condition("Ready")["message"]
    await sim.run_for(600)
    assert (sim.phase, sim.ready) == ("Rejected", "MigrationFailed")


async def test_a_job_that_somebody_deletes_in_the_middle_is_a_lost_outcome() -> None:
    sim = await migrating()
    sim.world.agents.stuck.add("migration")
    sim.declare(spec(NEW))
    await sim.run_for(30)
    sim.cluster.remove(Ref(JOB, told(sim)["job"]))
    await sim.until_rest()
    assert (sim.phase, sim.status["release"]["reason"]) == ("Held", "MigrationLost")


async def test_the_status_lost_with_the_job_that_ran_is_held_too() -> None:
    sim = await migrating()
    sim.world.agents.stuck.add("migration")
    sim.declare(spec(NEW))
    await sim.run_for(30)
    sim.cluster.remove(Ref(JOB, told(sim)["job"]))
    sim.cluster.set_status(migrations.apps.APP, {})
    await sim.until_rest()
    assert (sim.phase, sim.status["release"]["reason"], sim.colour) == ("Held", "MigrationLost", "blue")


async def test_the_status_lost_while_the_job_runs_finds_it_again() -> None:
    sim = await migrating()
    sim.world.agents.stuck.add("migration")
    sim.declare(spec(NEW))
    await sim.run_for(30)
    sim.cluster.set_status(migrations.apps.APP, {})
    await sim.run_for(30)
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert (sim.phase, sim.colour, len(births(sim))) == ("Completed", "green", 2)


async def test_suspended_in_the_middle_the_database_stays_until_it_has_ended() -> None:
    sim = await migrating()
    sim.world.agents.stuck.add("migration")
    sim.declare(spec(NEW))
    await sim.run_for(30)
    sim.declare({**spec(NEW), "suspend": True})
    await sim.run_for(60)
    assert sim.pods("database")
    assert not sim.pods("blue-backend")
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert not sim.pods("database")
    sim.declare(spec(NEW))
    await sim.until_rest()
    assert (sim.phase, sim.colour, len(births(sim))) == ("Completed", "green", 2)


async def test_given_up_in_the_middle_it_is_stopped() -> None:
    sim = await migrating()
    sim.world.agents.stuck.add("migration")
    sim.declare(spec(NEW))
    await sim.run_for(30)
    sim.order("abort")
    await sim.until_rest()
    assert (sim.phase, sim.ready, len(jobs(sim))) == ("Rejected", "AbortedByHand", 0)


async def test_an_app_that_migrates_at_its_start_has_no_job() -> None:
    sim = await migrating({"command": None, "atStart": True})
    assert (jobs(sim), sim.status["release"].get("migration")) == ([], None)


@pytest.mark.parametrize("reversible", [True, False])
async def test_what_migrates_at_its_start_may_not_be_reversible_either(reversible: bool) -> None:
    migration = {"command": None, "atStart": True, "reversible": reversible}
    sim = await migrating(migration, keepOld="0s")
    sim.declare(spec(NEW, migration, keepOld="0s"))
    await sim.until_rest()
    sim.order("rollback")
    await sim.until_rest()
    assert sim.status["active"]["version"] == (OLD if reversible else NEW)
