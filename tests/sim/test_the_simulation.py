"""The simulated API server does what the real one does, as far as the operator relies on it."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain.manifest import DEPLOYMENT, SECRET, SERVICE, Manifest, Ref, ref_of
from memoapp_operator.ports import Conflict, Refused

from tests.sim import apps
from tests.sim.clock import SimClock
from tests.sim.cluster import NAMESPACE, SimCluster

REF = Ref(DEPLOYMENT, "web")


@pytest.fixture
def cluster() -> SimCluster:
    return SimCluster(SimClock())


def web(env: dict[str, str] | None = None, **spec: Any) -> Manifest:
    variables = [{"name": name, "value": value} for name, value in (env or {}).items()]
    container = {"name": "web", "image": "web:1", **({"env": variables} if variables else {})}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": NAMESPACE, "labels": {"a": "b"}},
        "spec": {**spec, "template": {"spec": {"containers": [container]}}},
    }


def variables(cluster: SimCluster) -> dict[str, str]:
    found = cluster.find(REF)
    assert found is not None
    return {item["name"]: item["value"] for item in found["spec"]["template"]["spec"]["containers"][0].get("env", [])}


async def test_an_apply_that_changes_nothing_changes_no_version_and_is_a_request(cluster: SimCluster) -> None:
    first = await cluster.apply(web(replicas=2))
    second = await cluster.apply(web(replicas=2))
    assert second == first
    assert [write.outcome for write in cluster.log] == ["written", "unchanged"]


async def test_what_is_not_applied_any_more_goes_unless_another_owns_it(cluster: SimCluster) -> None:
    await cluster.apply(web({"A": "1", "B": "2"}))
    cluster.edit(REF, lambda found: found["spec"]["template"]["spec"]["containers"][0]["env"][1].update(value="3"))
    cluster.edit(REF, lambda found: found["metadata"]["labels"].update(theirs="x"))
    await cluster.apply(web())
    assert "A" not in variables(cluster)
    found = cluster.find(REF)
    assert found is not None
    assert found["metadata"]["labels"] == {"a": "b", "theirs": "x"}


async def test_what_another_manager_created_stays_when_it_is_not_applied_any_more(cluster: SimCluster) -> None:
    """Both own it after an equal apply: so nothing that may have to go is set at a Secret's creation."""
    secret = apps.secret("x", key="value")
    await cluster.create({**secret, "metadata": {**secret["metadata"], "annotations": {"kept": "yes"}}})
    secret.pop("data")
    await cluster.apply({**secret, "metadata": {**secret["metadata"], "annotations": {"kept": "yes"}}})
    await cluster.apply(secret)
    found = cluster.find(Ref(SECRET, "x"))
    assert found is not None
    assert found["metadata"]["annotations"] == {"kept": "yes"}
    assert found["data"]


async def test_without_force_nobodys_fields_are_taken(cluster: SimCluster) -> None:
    cluster.put(web(replicas=1))
    with pytest.raises(Conflict):
        await cluster.apply(web(replicas=2), new=True)
    await cluster.apply(web(replicas=2))
    found = cluster.find(REF)
    assert found is not None
    assert found["spec"]["replicas"] == 2


async def test_a_uid_is_a_condition(cluster: SimCluster) -> None:
    found = await cluster.apply(web(replicas=1))
    other = {**web(replicas=2), "metadata": {**web()["metadata"], "uid": "other"}}
    with pytest.raises(Conflict):
        await cluster.apply(other)
    with pytest.raises(Conflict):
        await cluster.delete(REF, NAMESPACE, "other")
    await cluster.delete(REF, NAMESPACE, found["metadata"]["uid"])
    await cluster.delete(REF, NAMESPACE, found["metadata"]["uid"])
    with pytest.raises(Conflict):
        await cluster.apply(other)
    assert await cluster.get(DEPLOYMENT, NAMESPACE, "web") is None


async def test_the_generation_counts_specs_alone(cluster: SimCluster) -> None:
    await cluster.apply(web(replicas=1))
    cluster.edit(REF, lambda found: found["metadata"]["labels"].update(more="x"))
    cluster.set_status(REF, {"readyReplicas": 1})
    await cluster.apply(web(replicas=2))
    found = cluster.find(REF)
    assert found is not None
    assert found["metadata"]["generation"] == 2


async def test_a_status_is_written_on_the_newest_version_only(cluster: SimCluster) -> None:
    cluster.put(apps.memoapp(apps.backend_only()))
    read = await cluster.get(apps.APP.kind, NAMESPACE, apps.APP.name)
    assert read is not None
    written = await cluster.replace_status({**read, "spec": {}, "status": {"observedGeneration": 1}})
    assert written["spec"] == apps.backend_only()
    with pytest.raises(Conflict):
        await cluster.replace_status({**read, "status": {"observedGeneration": 2}})
    cluster.remove(apps.APP)
    with pytest.raises(Refused):
        await cluster.replace_status({**written, "status": {"observedGeneration": 3}})


async def test_addresses_are_given_once_and_cannot_change(cluster: SimCluster) -> None:
    one, two = apps.foreign("Service", "one"), apps.foreign("Service", "two")
    address = (await cluster.apply(one))["spec"]["clusterIP"]
    with pytest.raises(Refused):
        await cluster.apply({**two, "spec": {**two["spec"], "clusterIP": address}})
    with pytest.raises(Refused):
        await cluster.apply({**one, "spec": {**one["spec"], "clusterIP": "10.96.9.9"}})
    cluster.remove(ref_of(one))
    assert (await cluster.apply({**two, "spec": {**two["spec"], "clusterIP": address}}))["spec"]["clusterIP"] == address
    assert await cluster.list(SERVICE, NAMESPACE, {"team": "others"})
    assert not await cluster.list(SERVICE, NAMESPACE, {"team": "ours"})


async def test_objects_go_in_and_come_out_as_copies(cluster: SimCluster) -> None:
    sent = web({"A": "1"})
    received = await cluster.apply(sent)
    for copy in (sent, received, await cluster.get(DEPLOYMENT, NAMESPACE, "web")):
        assert copy is not None
        copy["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"] = "2"
    assert variables(cluster) == {"A": "1"}
