"""Promise 8: what was deleted or changed by hand is brought back, with no more writes than that takes."""

from __future__ import annotations

import asyncio

import pytest
from memoapp_operator.domain.manifest import (
    DEPLOYMENT,
    REVISION,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Manifest,
    Ref,
)

from tests.sim import apps, stage
from tests.sim.endstate import end_state, without_copies

UNDISTURBED = asyncio.run(stage.undisturbed(apps.full))
CHILDREN = sorted(asyncio.run(stage.children(apps.full)))
TIERS = ("backend", "frontend")
DATA = {Ref(SECRET, "memo-database"), Ref(VOLUME_CLAIM, "memo-database"), Ref(VOLUME_CLAIM, "memo-redis")}
"""What cannot be brought back: see test_promise_05_kept_data.py."""
MINTED = {Ref(SECRET, "memo-redis"), Ref(SECRET, "memo-router-tls")}
FOLLOWS = {Ref(SECRET, "memo-router-tls"): {("apply", "Deployment/memo-router")}}
"""New certificates: the routers have to take them up."""
SCALED = {Ref(DEPLOYMENT, f"memo-blue-{tier}") for tier in TIERS}
"""Their pods are counted through ``scale``."""


def is_sealed(ref: Ref) -> bool:
    """Its data never changes: it is created, and never applied."""
    return ref.kind is REVISION or ref.name.rpartition("-")[0] in {"mail", "texts", "memo-connection"}


@pytest.mark.parametrize("ref", [ref for ref in CHILDREN if ref not in DATA], ids=str)
async def test_a_child_that_was_deleted_is_back(ref: Ref) -> None:
    sim = await stage.serving(apps.full())
    written = sim.written
    sim.cluster.remove(ref)
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.ready == "True"
    state, before = end_state(sim), UNDISTURBED.state
    follows = FOLLOWS.get(ref, set())
    changed = {without_copies(ref), "MemoApp", *(name for _, name in follows)}
    assert {name for name in before if state.get(name) != before[name]} <= changed
    assert state["MemoApp"]["status"]["active"]["revision"] == before["MemoApp"]["status"]["active"]["revision"]
    verb = "create" if ref in MINTED or is_sealed(ref) else "apply"
    assert {*sim.child_writes(written)} == {(verb, str(ref)), *follows}
    assert len(sim.child_writes(written)) == 1 + len(follows)


def changed(manifest: Manifest) -> None:
    """One field that the operator wrote has another value."""
    match manifest["kind"]:
        case "ConfigMap":
            key = next(iter(manifest["data"]))
            manifest["data"][key] = "# by hand"
        case "Secret" if manifest["metadata"]["name"] == "memo-connection":
            manifest["data"]["host"] = "YnktaGFuZA=="
        case "Service":
            manifest["spec"]["ports"][0]["targetPort"] = 1
        case "Deployment" | "StatefulSet":
            manifest["spec"]["replicas"] = 0
        case "PodDisruptionBudget":
            manifest["spec"]["maxUnavailable"] = 2
        case "NetworkPolicy":
            manifest["spec"]["ingress"] = [{"ports": [{"protocol": "TCP", "port": 1}]}]
        case _:
            manifest["metadata"]["labels"]["app.kubernetes.io/component"] = "by-hand"


@pytest.mark.parametrize("ref", [ref for ref in CHILDREN if not is_sealed(ref)], ids=str)
async def test_a_child_that_was_changed_is_as_before(ref: Ref) -> None:
    sim = await stage.serving(apps.full())
    written, before = sim.written, sim.find(*apps.place(ref))
    sim.cluster.edit(ref, changed)
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.ready == "True"
    verb = "scale" if ref in SCALED else "apply"
    assert sim.child_writes(written) == [(verb, str(ref))]
    after = sim.find(*apps.place(ref))
    assert [after.get(key) for key in ("spec", "data")] == [before.get(key) for key in ("spec", "data")]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]


@pytest.mark.parametrize("ref", [Ref(DEPLOYMENT, "memo-router"), Ref(SERVICE, "memo"), *sorted(MINTED)], ids=str)
async def test_a_child_without_its_labels_is_found_by_its_owner(ref: Ref) -> None:
    sim = await stage.serving(apps.full())
    written = sim.written
    sim.cluster.edit(ref, lambda found: found["metadata"].pop("labels"))
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.child_writes(written) == [("apply", str(ref))]
    assert ref in sim.children()


async def test_a_colours_service_comes_back_with_the_address_it_had() -> None:
    """Routers and frontends name it: with another address every pod would have to roll."""
    sim = await stage.serving(apps.full())
    ref = Ref(SERVICE, "memo-blue-backend")
    address, pods = sim.find(*apps.place(ref))["spec"]["clusterIP"], sim.pods("router").keys()
    sim.cluster.remove(ref)
    await sim.until_rest()
    assert sim.find(*apps.place(ref))["spec"]["clusterIP"] == address
    assert sim.pods("router").keys() == pods


async def test_redis_password_that_was_deleted_is_the_one_that_running_pods_know() -> None:
    sim = await stage.serving(apps.full())
    data = sim.find(SECRET, "memo-redis")["data"]
    pods = {*sim.pods("redis"), *sim.pods("backend")}
    sim.cluster.remove(Ref(SECRET, "memo-redis"))
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.condition("CacheReady")["status"] == "True"
    assert sim.find(SECRET, "memo-redis")["data"] == data
    assert {*sim.pods("redis"), *sim.pods("backend")} == pods


async def test_a_minted_secret_that_was_emptied_is_made_anew() -> None:
    sim = await stage.serving(apps.full())
    for ref in MINTED:
        sim.cluster.edit(ref, lambda found: found.update(data={}))
    await sim.run_for(35)
    await sim.until_rest()
    assert sim.ready == "True"


async def test_certificates_are_made_anew_before_they_end() -> None:
    sim = await stage.serving(apps.full())
    certificates = sim.find(SECRET, "memo-router-tls")["data"]
    sim.world.clock.advance_to(340 * 24 * 3600)
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.find(SECRET, "memo-router-tls")["data"] != certificates


async def test_every_child_at_once_but_the_data_is_back() -> None:
    sim = await stage.serving(apps.backend_only())
    for ref in sim.children():
        if ref not in DATA and ref.kind is not STATEFUL_SET:
            sim.cluster.remove(ref)
    await sim.until_rest()
    assert sim.ready == "True"
    assert set(end_state(sim)) == set((await stage.undisturbed(apps.backend_only)).state)
