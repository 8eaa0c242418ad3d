"""Promise 5: a backup is good only when it was read back, and what is needed is never pruned."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from memoapp_operator.domain.manifest import JOB, SECRET, VOLUME_CLAIM, Ref

from tests.sim import apps, saving
from tests.sim.faults import Faults, KillAfter, KillBefore
from tests.sim.saving import backup, delete, names, order, phase_of, scheduled

HOUR = 3600.0


async def test_an_order_is_carried_out_and_the_app_says_so() -> None:
    sim = await saving.saving()
    assert sim.condition("BackupHealthy")["reason"] == "NoBackupYet"
    order(sim)
    await sim.until_rest()
    found = backup(sim)
    assert found is not None
    status = found["status"]
    assert (status["phase"], status["displaySize"]) == ("Verified", "2.0Ki")
    assert status["location"]["folder"] in sim.world.agents.stored
    assert {item["type"]: item["status"] for item in status["conditions"]} == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
    }
    assert sim.status["backups"]["last"] == {"name": "by-hand", "takenAt": status["takenAt"]}
    assert sim.condition("BackupHealthy")["status"] == "True"
    assert "Secrets are not in it" in sim.condition("BackupHealthy")["message"]
    assert sim.ready == "True"


async def test_an_annotation_orders_one_and_no_more() -> None:
    sim = await saving.saving()
    sim.order("backup", "now")
    await sim.until_rest()
    (name,) = names(sim)
    assert name.startswith("memo-2")
    assert phase_of(sim, name) == "Verified"
    assert sim.status["orders"]["backup"] == "now"
    sim.order("backup", "again")
    await sim.until_rest()
    assert len(names(sim)) == 2


async def test_an_order_without_a_destination_says_so() -> None:
    sim = await saving.stage.serving(apps.full())
    sim.order("backup", "now")
    order(sim)
    await sim.until_rest()
    assert names(sim) == ["by-hand"]
    found = backup(sim)
    assert found is not None
    assert found["status"]["reason"] == "NoDestination"
    assert "BackupIgnored" in [event["reason"] for event in sim.cluster.events()]


async def test_a_backup_that_failed_is_none_and_says_why() -> None:
    sim = await saving.saving()
    sim.world.agents.failing["take"] = ("DestinationFull", "no space left on the device")
    order(sim)
    await sim.until_rest()
    found = backup(sim)
    assert found is not None
    assert (found["status"]["phase"], found["status"]["reason"]) == ("Failed", "DestinationFull")
    told = sim.condition("BackupHealthy")
    assert (told["status"], told["reason"]) == ("False", "DestinationFull")
    assert "no space left" in told["message"]
    assert "last" not in sim.status.get("backups", {})
    assert sim.ready == "True", "an app without a backup serves all the same"


async def test_an_agent_that_could_not_say_so_itself_is_heard_through_its_pod() -> None:
    sim = await saving.saving()
    sim.world.agents.silent = True
    order(sim)
    await sim.until_rest()
    found = backup(sim)
    assert found is not None
    assert (found["status"]["phase"], found["status"]["size"]) == ("Verified", 2048)


async def test_a_pod_that_is_gone_without_a_word_left_no_backup_to_rely_on() -> None:
    sim = await saving.saving()
    sim.world.agents.failing["take"] = None
    order(sim)
    await sim.until_rest()
    assert phase_of(sim) == "Failed"


async def test_two_orders_are_carried_out_one_after_the_other() -> None:
    sim = await saving.saving()
    order(sim, "one")
    order(sim, "two")
    most = 0
    for _ in range(40):
        await sim.run_for(1)
        at_work = [job for job in sim.cluster.all(JOB) if not job.get("status", {}).get("conditions")]
        most = max(most, len([job for job in at_work if job["metadata"]["name"].endswith("-take")]))
    await sim.until_rest()
    assert most == 1
    assert (phase_of(sim, "one"), phase_of(sim, "two")) == ("Verified", "Verified")


async def test_what_is_missing_is_waited_for_and_named() -> None:
    encryption = {"recipientsSecretRef": {"name": "vault", "key": "recipients"}}
    sim = await saving.saving(encryption=encryption)
    order(sim)
    await sim.run_for(60)
    found = backup(sim)
    assert found is not None
    assert (found["status"]["phase"], found["status"]["reason"]) == ("Pending", "SecretMissing")
    assert sim.condition("BackupHealthy")["message"] == "not there: Secret/vault"
    sim.cluster.put(apps.secret("vault", recipients="age1example"))
    await sim.run_for(60)
    assert phase_of(sim) == "Verified"


@pytest.mark.parametrize("kill", [KillBefore, KillAfter])
@pytest.mark.parametrize("number", range(1, 10))
async def test_killed_at_any_write_an_order_is_carried_out_once(number: int, kill: Callable[[int], Faults]) -> None:
    sim = await saving.saving()
    sim.cluster.faults = kill(sim.written + number)
    sim.order("backup", "now")
    await sim.until_rest()
    (name,) = names(sim)
    assert phase_of(sim, name) == "Verified"
    assert sim.cluster.births(Ref(JOB, f"{name}-take")) == 1
    assert len(sim.world.agents.stored) == 1


async def test_a_record_that_a_person_deletes_leaves_the_data_hidden() -> None:
    sim = await saving.saving()
    order(sim)
    await sim.until_rest()
    delete(sim)
    await sim.until_rest()
    assert names(sim) == []
    assert [*sim.world.agents.stored.values()] == ["hidden"]


async def test_with_deletion_policy_delete_the_data_goes_too() -> None:
    sim = await saving.saving()
    order(sim, deletionPolicy="Delete")
    await sim.until_rest()
    delete(sim)
    await sim.until_rest()
    assert (names(sim), sim.world.agents.stored) == ([], {})


async def test_data_that_cannot_be_removed_holds_its_record() -> None:
    sim = await saving.saving()
    order(sim, deletionPolicy="Delete")
    await sim.until_rest()
    sim.world.agents.failing["remove"] = ("DestinationForbidden", "access denied")
    delete(sim)
    await sim.run_for(120)
    found = backup(sim)
    assert found is not None
    assert (found["status"]["phase"], found["status"]["reason"]) == ("Deleting", "DestinationForbidden")
    tried = sim.cluster.births(Ref(JOB, "by-hand-remove"))
    assert tried == 1, "it is not tried again and again"
    del sim.world.agents.failing["remove"]
    await sim.run_for(400)
    assert (names(sim), sim.world.agents.stored) == ([], {})


async def test_a_namespace_that_goes_is_not_held() -> None:
    sim = await saving.saving()
    order(sim, deletionPolicy="Delete")
    await sim.until_rest()
    gone = "unable to create new content in namespace prod because it is being terminated"
    sim.cluster.refuse = lambda made: gone if made["kind"] == JOB.kind else None
    delete(sim)
    await sim.until_rest()
    assert names(sim) == []


async def test_one_that_is_deleted_while_it_is_taken_is_stopped() -> None:
    sim = await saving.saving()
    sim.world.agents.stuck.add("take")
    order(sim)
    await sim.run_for(10)
    delete(sim)
    await sim.until_rest()
    assert names(sim) == []
    assert not [job for job in sim.cluster.all(JOB) if job["metadata"]["name"] == "by-hand-take"]


async def test_an_app_that_is_deleted_leaves_its_backups_and_the_means_to_delete_them() -> None:
    sim = await saving.saving()
    order(sim, deletionPolicy="Delete")
    await sim.until_rest()
    sim.cluster.remove(apps.APP)
    await sim.until_rest()
    assert names(sim) == ["by-hand"]
    assert sim.cluster.find(Ref(VOLUME_CLAIM, "memo-backups")) is not None
    delete(sim)
    await sim.until_rest()
    assert (names(sim), sim.world.agents.stored) == ([], {})


async def test_an_app_that_is_deleted_in_the_middle_leaves_a_backup_or_none_but_no_doubt() -> None:
    sim = await saving.saving()
    sim.world.agents.silent = True
    order(sim)
    await sim.run_for(2)
    assert phase_of(sim) == "Running"
    sim.cluster.remove(apps.APP)
    await sim.until_rest()
    assert phase_of(sim) == "Verified"
    assert len(sim.world.agents.stored) == 1


async def test_new_rules_say_first_what_they_would_prune_and_only_later_do() -> None:
    sim = await saving.saving(keep={"last": 1, "daily": 0, "weekly": 0, "monthly": 0, "announce": "30m"})
    for name in ("first", "second", "third"):
        scheduled(sim, name)
        await sim.run_for(60)
    order(sim, "mine")
    await sim.run_for(600)
    assert sim.status["backups"]["pruning"]["names"] == ["first", "second", "third"]
    assert names(sim) == ["first", "mine", "second", "third"]
    await sim.run_for(1800)
    assert names(sim) == ["mine"]
    assert [*sim.world.agents.stored] == ["prod/memo/2026/01/mine/"]


async def test_what_a_release_rests_on_is_not_pruned() -> None:
    sim = await saving.saving(keep={"last": 1, "daily": 0, "weekly": 0, "monthly": 0, "announce": "1s"})
    sim.declare(saving.spec(saving.NEW, keep={"last": 1, "daily": 0, "weekly": 0, "monthly": 0, "announce": "1s"}))
    await sim.until_rest()
    assert sim.status["release"]["backup"] == "memo-r2-pre"
    for name in ("a", "b", "c"):
        scheduled(sim, name)
        await sim.run_for(90)
    assert names(sim) == ["c", "memo-r2-pre"]


async def test_a_record_that_nobody_vouches_for_is_read_back() -> None:
    sim = await saving.saving()
    folder = "prod/memo/2026/01/found/"
    order(sim, "found", reason="Scheduled", location={"destination": {"volume": {"size": "20Gi"}}, "folder": folder})
    await sim.run_for(300)
    assert phase_of(sim, "found") == "Verified"
    sim.world.agents.failing["verify"] = ("NotVerified", "database.dump was altered")
    order(sim, "altered", reason="Scheduled", location={"destination": {"volume": {"size": "20Gi"}}, "folder": folder})
    await sim.run_for(300)
    assert phase_of(sim, "altered") == "Failed"


async def test_a_schedule_whose_backups_do_not_come_is_told() -> None:
    sim = await saving.saving(schedule="30 * * * *")
    await sim.run_for(1.4 * HOUR)
    assert sim.condition("BackupHealthy")["reason"] == "NoBackupYet"
    await sim.run_for(0.3 * HOUR)
    told = sim.condition("BackupHealthy")
    assert (told["status"], told["reason"]) == ("False", "Missed")
    assert "BackupMissed" in [event["reason"] for event in sim.cluster.events()]
    scheduled(sim, "late")
    await sim.run_for(60)
    assert sim.condition("BackupHealthy")["status"] == "True"


async def test_a_destination_is_looked_through_once() -> None:
    sim = await saving.saving()
    made = [ref for ref in sim.cluster.born if ref.kind is JOB]
    assert len(made) == 1
    assert made[0].name.startswith("memo-catalogue-")
    await sim.run_for(HOUR)
    assert sim.cluster.births(made[0]) == 1


async def test_at_rest_backups_cost_no_write() -> None:
    sim = await saving.saving(schedule="0 2 * * *")
    scheduled(sim, "one")
    await sim.until_rest()
    written = sim.written
    await sim.run_for(600)
    assert sim.written == written


async def test_no_password_is_in_what_is_written_about_backups() -> None:
    encryption = {"recipientsSecretRef": {"name": "vault", "key": "recipients"}}
    sim = await saving.saving(encryption=encryption)
    sim.cluster.put(apps.secret("vault", recipients="age1example"))
    order(sim)
    await sim.run_for(60)
    text = json.dumps([item for item in sim.cluster.all() if item["kind"] != SECRET.kind])
    assert not [value for value in sim.mint.values if value in text]


async def test_a_backup_costs_few_writes() -> None:
    sim = await saving.saving()
    before = sim.written
    order(sim)
    await sim.until_rest()
    assert sim.written - before <= 8, [f"{write.verb} {write.ref}" for write in sim.writes(before)]
