"""Promise 5: no data volume, and no credential needed to read it, goes unless the MemoApp says Delete."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain.manifest import CHILD_KINDS, SECRET, VOLUME_CLAIM, Manifest, Ref

from tests.sim import apps, stage
from tests.sim.faults import Faults, Write
from tests.sim.runner import Simulation

PASSWORDS, CLAIM = Ref(SECRET, "memo-database"), Ref(VOLUME_CLAIM, "memo-database")
KEPT = {"Secret/memo-database", "PersistentVolumeClaim/memo-database", "PersistentVolumeClaim/memo-redis"}


def with_policy(policy: str) -> dict[str, Any]:
    spec = apps.full()
    spec["database"]["deletionPolicy"] = spec["redis"]["deletionPolicy"] = policy
    return spec


def left(sim: Simulation) -> set[str]:
    """What the operator made and is there."""
    return {str(ref) for ref in sim.children(*CHILD_KINDS)}


async def deleted(sim: Simulation) -> None:
    sim.cluster.remove(apps.APP)
    await sim.until_rest()


# What is kept, and taken back.


async def test_a_deleted_app_leaves_its_volumes_and_the_databases_passwords() -> None:
    sim = await stage.serving(with_policy("Retain"))
    await deleted(sim)
    assert left(sim) == KEPT


async def test_by_delete_it_leaves_nothing() -> None:
    sim = await stage.serving(with_policy("Delete"))
    await deleted(sim)
    assert left(sim) == set()


async def test_a_new_app_of_the_name_takes_its_data_back() -> None:
    sim = await stage.serving(apps.full())
    passwords, claim = sim.find(*apps.place(PASSWORDS)), sim.find(*apps.place(CLAIM))
    uid = sim.app["metadata"]["uid"]
    await deleted(sim)
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.app["metadata"]["uid"] != uid
    assert sim.find(*apps.place(PASSWORDS))["data"] == passwords["data"]
    assert sim.find(*apps.place(CLAIM))["metadata"]["uid"] == claim["metadata"]["uid"]


@pytest.mark.parametrize("other", [{"name": "ledger"}, {"user": "clerk"}])
@pytest.mark.parametrize("policy", ["Retain", "Delete"])
async def test_data_of_another_database_or_user_is_left_alone(other: dict[str, str], policy: str) -> None:
    sim = await stage.serving(apps.full())
    await deleted(sim)
    before = {ref: sim.cluster.find(ref) for ref in (PASSWORDS, CLAIM)}
    written = sim.written
    spec = with_policy(policy)
    spec["database"].update(other)
    sim.declare(spec)
    await sim.until_rest()
    assert sim.ready == "KeptDataMismatch"
    assert sim.child_writes(written) == []
    assert {ref: sim.cluster.find(ref) for ref in (PASSWORDS, CLAIM)} == before


@pytest.mark.parametrize("lost", [PASSWORDS, CLAIM], ids=str)
async def test_one_that_is_kept_without_the_other(lost: Ref) -> None:
    """Without its volume a password does no harm; without its password a volume stays shut."""
    sim = await stage.serving(apps.full())
    await deleted(sim)
    sim.cluster.remove(lost)
    written = sim.written
    sim.declare(apps.full())
    await sim.until_rest()
    if lost == CLAIM:
        assert sim.ready == "True"
    else:
        assert sim.ready == "SecretLost"
        assert sim.child_writes(written) == []


# The policy may change.


def owners(manifest: Manifest) -> list[str]:
    return [owner["uid"] for owner in manifest["metadata"].get("ownerReferences", [])]


async def test_the_owner_reference_follows_the_policy() -> None:
    sim = await stage.serving(with_policy("Retain"))
    uid = sim.app["metadata"]["uid"]
    kept = [Ref(SECRET, "memo-database"), CLAIM, Ref(VOLUME_CLAIM, "memo-redis")]
    data = sim.find(*apps.place(PASSWORDS))["data"]
    for policy, wanted in (("Delete", [uid]), ("Retain", []), ("Delete", [uid]), ("Retain", [])):
        sim.declare(with_policy(policy))
        await sim.until_rest()
        assert sim.ready == "True"
        assert [owners(sim.find(*apps.place(ref))) for ref in kept] == [wanted] * 3
    assert sim.find(*apps.place(PASSWORDS))["data"] == data
    await deleted(sim)
    assert left(sim) == KEPT


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
async def test_an_app_created_by_delete_gives_its_data_up_only_by_delete(policy: str) -> None:
    sim = await stage.serving(with_policy("Delete"))
    sim.declare(with_policy(policy))
    await sim.until_rest()
    await deleted(sim)
    assert left(sim) == (KEPT if policy == "Retain" else set())


# A password that is lost.


@pytest.mark.parametrize("policy", ["Retain", "Delete"])
async def test_a_lost_password_is_never_made_anew(policy: str) -> None:
    """That none is made, invariants.py checks at each write."""
    sim = await stage.serving(with_policy(policy))
    passwords = sim.find(*apps.place(PASSWORDS))
    written = sim.written
    sim.cluster.remove(PASSWORDS)
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.ready == "SecretLost"
    assert sim.condition("Stalled")["status"] == "True"
    assert sim.condition("Available")["status"] == "True"
    assert sim.child_writes(written) == []
    sim.restart()
    await sim.run_for(120)
    assert sim.child_writes(written) == []
    sim.cluster.put(passwords)
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.child_writes(written) == []


async def test_a_password_that_is_half_lost_is_lost() -> None:
    sim = await stage.serving(apps.full())
    data = sim.find(*apps.place(PASSWORDS))["data"]
    sim.cluster.edit(PASSWORDS, lambda found: found["data"].pop("monitor-password"))
    await sim.run_for(35)
    assert sim.ready == "SecretLost"
    sim.cluster.edit(PASSWORDS, lambda found: found.update(data=data))
    await sim.until_rest()
    assert sim.ready == "True"


class LosesPasswords(Faults):
    """Somebody deletes the Secret as soon as the volume is there."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim

    def after(self, write: Write) -> None:
        if write.ref == CLAIM:
            self._sim.cluster.remove(PASSWORDS)


async def test_a_password_lost_in_mid_creation_is_not_made_anew(sim: Simulation) -> None:
    sim.cluster.faults = LosesPasswords(sim)
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "SecretLost"


# A volume that goes.


async def test_a_volume_on_its_way_out_is_left_to_whoever_sent_it() -> None:
    """Deleted by hand, and held by the pod that uses it: until it is gone there is nothing to do."""
    sim = await stage.serving(apps.full())
    written = sim.written
    sim.cluster.leave(CLAIM)
    await sim.until_rest()
    assert sim.child_writes(written) == []
    assert sim.condition("Available")["status"] == "True"


async def test_parts_that_leave_the_spec_leave_their_volumes() -> None:
    sim = await stage.serving(apps.full())
    spec = {**apps.full(), "release": {"keepOld": "5s"}}
    del spec["redis"]
    sim.declare(spec)
    await sim.until_rest()
    assert sim.ready == "True"
    assert {name for name in left(sim) if "redis" in name} == {"PersistentVolumeClaim/memo-redis"}
    assert not sim.pods("redis")
    sim.declare(apps.full())
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.cluster.births(Ref(VOLUME_CLAIM, "memo-redis")) == 1
