"""Promise 5: a backup is proved only when a restore of it was compared with it; and the app says how fresh that is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from memoapp_operator.domain.manifest import JOB, MEMO_BACKUP, Ref

from tests.sim import restores, saving
from tests.sim.faults import Faults, KillAfter, KillBefore
from tests.sim.restores import phase, restore, status
from tests.sim.runner import Simulation
from tests.sim.saving import backup, phase_of

MINUTE = 60.0


async def drilled(sim: Simulation | None = None, name: str = "try") -> Simulation:
    sim = sim or await restores.saved()
    restore(sim, name, mode="Drill")
    await sim.until_rest()
    return sim


def proof(sim: Simulation) -> tuple[str, str]:
    told = sim.condition("RestoreProved")
    return told["status"], told["reason"]


async def test_a_drill_proves_a_backup_and_the_app_says_so() -> None:
    sim = await restores.saved()
    assert proof(sim) == ("Unknown", "NoProofYet")
    await drilled(sim)
    told = status(sim, "try")
    assert (told["phase"], told["display"]["recovery"]) == ("Completed", "2s")
    assert told["evidence"]["seconds"] == {"verify": 1, "prepare": 2, "restore": 4, "compare": 2}
    found = backup(sim)
    assert found is not None
    proved = found["status"]["proved"]
    assert (found["status"]["phase"], proved["by"], proved["seconds"], proved["rows"]) == ("Proved", "try", 8, 500)
    conditions = {item["type"]: item["status"] for item in found["status"]["conditions"]}
    assert conditions == {"Ready": "True", "Reconciling": "False", "Stalled": "False"}
    assert proof(sim) == ("True", "Proved")
    assert sim.status["backups"]["lastProved"] == {
        "name": "by-hand",
        "takenAt": found["status"]["takenAt"],
        "provedAt": proved["at"],
    }
    assert restores.live(sim) == "live"
    assert restores.data_holder(sim) == ""
    assert sim.ready == "True"
    assert [job for job in sim.cluster.all(JOB) if job["metadata"]["name"].startswith("try-")] == []
    text = sim.operators[0].metrics.text().decode()
    assert 'memoapp_backup_proved_timestamp_seconds{name="memo",namespace="prod"}' in text


@pytest.mark.parametrize(
    ("said", "becomes", "condition"),
    [
        (("NotProved", "table public.memos has other rows"), "NotProved", ("False", "NotProved")),
        (("NotVerified", "database.dump was altered"), "Failed", ("Unknown", "NoProofYet")),
        (("ServerFailed", "No space left on device"), "Verified", ("Unknown", "NoProofYet")),
        (("NoIdentity", "the identity does not open it"), "Verified", ("Unknown", "NoProofYet")),
        (None, "Verified", ("Unknown", "NoProofYet")),
    ],
)
async def test_what_a_drill_says_against_a_backup(
    said: tuple[str, str] | None, becomes: str, condition: tuple[str, str]
) -> None:
    """Only what is the backup's own fault makes it one that nobody relies on."""
    sim = await restores.saved()
    sim.world.agents.failing["drill"] = said
    await drilled(sim)
    told = status(sim, "try")
    assert told["phase"] == "Failed"
    assert phase_of(sim) == becomes
    assert proof(sim) == condition
    found = backup(sim)
    assert found is not None
    assert found["status"]["location"]
    if said is not None:
        assert said[1] in told["message"]
    good = becomes == "Verified"
    assert ("last" in sim.status["backups"]) == good


async def test_a_backup_that_is_not_proved_is_none_to_release_with() -> None:
    sim = await restores.saved()
    sim.world.agents.failing["drill"] = ("NotProved", "table public.memos has other rows")
    await drilled(sim)
    sim.declare(saving.spec(saving.NEW))
    await sim.until_rest()
    assert sim.status["release"]["backup"] != "by-hand"
    assert sim.status["release"]["phase"] == "Completed"


async def test_a_proof_is_older_than_eight_days() -> None:
    sim = await restores.saved(drill={"suspend": True})
    await drilled(sim)
    assert proof(sim) == ("True", "Proved")
    sim.world.clock.advance_to(sim.world.clock.seconds + timedelta(days=7, hours=23).total_seconds())
    await sim.until_rest()
    assert proof(sim) == ("True", "Proved")
    sim.world.clock.advance_to(sim.world.clock.seconds + timedelta(hours=2).total_seconds())
    sim.restart()
    await sim.until_rest()
    assert proof(sim) == ("False", "ProofMissing")


async def test_the_schedule_drills_the_newest_good_backup_once() -> None:
    sim = await restores.saved(drill={"schedule": "*/20 * * * *"})
    saving.scheduled(sim, "newer")
    await sim.run_for(25 * MINUTE)
    (name,) = restores.names(sim)
    assert name.startswith("memo-drill-2026")
    assert (phase(sim, name), phase_of(sim, "newer"), phase_of(sim)) == ("Completed", "Proved", "Verified")
    assert proof(sim) == ("True", "Proved")
    drill = sim.status["backups"]["drill"]
    assert "ordered" not in drill
    assert drill["next"] > drill["since"]


async def test_drills_of_the_schedule_do_not_pile_up_and_those_of_people_stay() -> None:
    sim = await drilled(await restores.saved(drill={"schedule": "*/5 * * * *"}))
    await sim.run_for(45 * MINUTE)
    scheduled = [name for name in restores.names(sim) if name != "try"]
    assert "try" in restores.names(sim)
    assert len(scheduled) == 5


async def test_a_drill_that_was_due_while_nobody_looked_comes_once() -> None:
    sim = await restores.saved(drill={"schedule": "*/10 * * * *"})
    sim.world.clock.advance_to(sim.world.clock.seconds + 3600)
    sim.restart()
    await sim.run_for(MINUTE)
    assert len(restores.names(sim)) == 1


async def test_no_drill_is_due_while_suspended_without_a_backup_or_beside_another_one() -> None:
    sim = await restores.saved(drill={"schedule": "*/10 * * * *", "suspend": True})
    await sim.run_for(15 * MINUTE)
    assert restores.names(sim) == []
    sim = await saving.saving(drill={"schedule": "*/10 * * * *"})
    await sim.run_for(15 * MINUTE)
    assert restores.names(sim) == []
    sim = await restores.saved(drill={"schedule": "*/10 * * * *"})
    sim.world.agents.stuck.add("drill")
    await sim.run_for(35 * MINUTE)
    assert len(restores.names(sim)) == 1


async def test_a_sealed_backup_without_an_identity_is_not_drilled_and_that_is_said() -> None:
    seal = {"recipientsSecretRef": {"name": "vault", "key": "recipients"}}
    sim = await restores.saved(drill={"schedule": "*/10 * * * *"})
    found = backup(sim)
    assert found is not None
    sim.declare(saving.spec(drill={"schedule": "*/10 * * * *"}, encryption=seal))
    sim.cluster.set_status(Ref(MEMO_BACKUP, "by-hand"), {**found["status"], "sealed": True})
    await sim.run_for(15 * MINUTE)
    assert restores.names(sim) == []
    assert proof(sim) == ("Unknown", "NoIdentity")


async def test_a_deleted_drill_takes_its_pods_along_and_is_not_made_again() -> None:
    sim = await restores.saved(drill={"schedule": "*/30 * * * *"})
    sim.world.agents.stuck.add("drill")
    await sim.run_for(31 * MINUTE)
    (name,) = restores.names(sim)
    restores.delete(sim, name)
    await sim.run_for(5 * MINUTE)
    assert restores.names(sim) == []
    assert [job for job in sim.cluster.all(JOB) if "drill" in job["metadata"]["name"]] == []


async def test_backups_and_drills_on_one_volume_come_one_after_the_other() -> None:
    """One node at a time has it. In a bucket nobody waits."""
    sim = await restores.saved()
    sim.world.agents.stuck.add("drill")
    restore(sim, "try", mode="Drill")
    await sim.run_for(30)
    saving.order(sim, "second")
    await sim.run_for(60)
    found = backup(sim, "second")
    assert found is not None
    assert (found["status"]["phase"], found["status"]["message"]) == ("Pending", "waiting for try-drill-1")
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert (phase(sim, "try"), phase_of(sim, "second")) == ("Completed", "Verified")


@pytest.mark.parametrize("kill", [KillBefore, KillAfter])
@pytest.mark.parametrize("number", range(1, 9))
async def test_killed_at_any_write_a_drill_comes_to_the_same_end(
    kill: type[KillBefore | KillAfter], number: int
) -> None:
    sim = await restores.saved()
    sim.cluster.faults = kill(sim.written + number)
    await drilled(sim)
    sim.cluster.faults = Faults()
    assert (phase(sim, "try"), phase_of(sim)) == ("Completed", "Proved")
    # One that was killed before it took the Job away leaves that to the Job's own time.
    jobs = [job for job in sim.cluster.all(JOB) if job["metadata"]["name"].startswith("try-")]
    assert len(jobs) <= 1
    assert all(job["spec"]["ttlSecondsAfterFinished"] == 3600 for job in jobs)
