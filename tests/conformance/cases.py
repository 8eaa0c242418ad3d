"""What the operator relies on of an API server, by the port ``Cluster``: of the simulated one and of a real one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from http import HTTPStatus

import pytest
from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.manifest import CONFIG_MAP, DEPLOYMENT, EVENT, MEMO_APP, REVISION, SECRET, SERVICE, Ref
from memoapp_operator.ports import ClusterError, Conflict, Refused

from .place import (
    Place,
    config_map,
    deployment,
    labelled,
    made,
    memo_app,
    owned_by,
    service,
    there,
    with_uid,
)


async def what_is_not_there(place: Place) -> None:
    assert await place.cluster.get(CONFIG_MAP, place.namespace, place.name) is None
    await place.cluster.delete(Ref(CONFIG_MAP, place.name), place.namespace, "any")
    with pytest.raises(ClusterError) as scaled:
        await place.cluster.scale(Ref(DEPLOYMENT, place.name), place.namespace, "any", 2)
    assert scaled.value.code == HTTPStatus.NOT_FOUND
    place.put(memo_app(place))
    read = await place.cluster.get(MEMO_APP, place.namespace, place.name)
    assert read is not None
    place.remove(Ref(MEMO_APP, place.name))
    with pytest.raises(ClusterError) as written:
        await place.cluster.replace_status({**read, "status": {"observedGeneration": 1}})
    assert written.value.code == HTTPStatus.NOT_FOUND


async def a_second_creation(place: Place) -> None:
    await place.cluster.create(config_map(place, a="1"))
    with pytest.raises(Conflict) as caught:
        await place.cluster.create(config_map(place, a="2"))
    assert caught.value.reason == "AlreadyExists"
    assert there(place, CONFIG_MAP)["data"] == {"a": "1"}


async def a_list_by_labels(place: Place) -> None:
    await place.cluster.create(labelled(config_map(place, "-one"), colour="blue"))
    await place.cluster.create(config_map(place, "-two"))
    found = await place.cluster.list(CONFIG_MAP, place.namespace, {"case": place.name, "colour": "blue"})
    assert [item["metadata"]["name"] for item in found] == [f"{place.name}-one"]
    assert {(item["apiVersion"], item["kind"]) for item in found} == {("v1", "ConfigMap")}


async def a_status_on_an_old_version(place: Place) -> None:
    place.put(memo_app(place))
    read = await place.cluster.get(MEMO_APP, place.namespace, place.name)
    assert read is not None
    changed = {**read, "spec": {**read["spec"], "version": "2"}, "status": {"observedGeneration": 1}}
    written = await place.cluster.replace_status(changed)
    assert written["status"]["observedGeneration"] == 1
    assert written["spec"] == read["spec"]
    assert written["metadata"]["generation"] == read["metadata"]["generation"]
    with pytest.raises(Conflict):
        await place.cluster.replace_status({**read, "status": {"observedGeneration": 2}})
    place.put(labelled(memo_app(place), more="x"))
    assert there(place, MEMO_APP)["status"]["observedGeneration"] == 1
    with pytest.raises(Conflict):
        await place.cluster.replace_status({**written, "status": {"observedGeneration": 3}})


async def a_deletion_by_uid(place: Place) -> None:
    found, ref = await place.cluster.create(config_map(place)), Ref(CONFIG_MAP, place.name)
    with pytest.raises(Conflict):
        await place.cluster.delete(ref, place.namespace, "another")
    assert place.find(ref) is not None
    await place.cluster.delete(ref, place.namespace, found["metadata"]["uid"])
    await place.eventually(lambda: place.find(ref) is None)


async def an_apply_by_uid(place: Place) -> None:
    with pytest.raises(Conflict):
        await place.cluster.apply(with_uid(config_map(place, a="1"), "another"))
    assert place.find(Ref(CONFIG_MAP, place.name)) is None
    found = await place.cluster.apply(config_map(place, a="1"))
    with pytest.raises(Conflict):
        await place.cluster.apply(with_uid(config_map(place, a="2"), "another"))
    await place.cluster.apply(with_uid(config_map(place, a="3"), found["metadata"]["uid"]))
    assert there(place, CONFIG_MAP)["data"] == {"a": "3"}


async def an_apply_that_changes_nothing(place: Place) -> None:
    first = await place.cluster.apply(deployment(place, {"A": "1"}, paused=True, replicas=0))
    second = await place.cluster.apply(deployment(place, {"A": "1"}, paused=True, replicas=0))
    assert second["metadata"]["generation"] == first["metadata"]["generation"]
    one = await place.cluster.apply(config_map(place, a="1"))
    two = await place.cluster.apply(config_map(place, a="1"))
    assert two["metadata"]["resourceVersion"] == one["metadata"]["resourceVersion"]


async def what_is_not_applied_any_more(place: Place) -> None:
    await place.cluster.apply(config_map(place, ours="1", shared="2", theirs="3"))
    place.put(config_map(place, shared="2", theirs="4"))
    assert there(place, CONFIG_MAP)["data"] == {"ours": "1", "shared": "2", "theirs": "4"}
    await place.cluster.apply(config_map(place))
    assert there(place, CONFIG_MAP)["data"] == {"shared": "2", "theirs": "4"}


async def a_variable_that_is_not_applied_any_more(place: Place) -> None:
    await place.cluster.apply(deployment(place, {"A": "1", "B": "2"}, replicas=0))
    stored = await place.cluster.apply(deployment(place, {"B": "2"}, replicas=0))
    (container,) = stored["spec"]["template"]["spec"]["containers"]
    assert container["env"] == [{"name": "B", "value": "2"}]


async def what_somebody_else_says(place: Place) -> None:
    place.put(config_map(place, a="1"))
    with pytest.raises(Conflict):
        await place.cluster.apply(config_map(place, a="2"), new=True)
    assert there(place, CONFIG_MAP)["data"] == {"a": "1"}
    await place.cluster.apply(config_map(place, a="1", b="2"), new=True)
    await place.cluster.apply(config_map(place, a="3", b="2"))
    assert there(place, CONFIG_MAP)["data"] == {"a": "3", "b": "2"}


async def what_was_minted(place: Place) -> None:
    """Created with its values, then applied without: they are the creator's, and stay."""
    secret = made(place, "v1", "Secret", type="Opaque")
    await place.cluster.create({**secret, "data": {"password": "eA=="}})
    await place.cluster.apply(secret)
    await place.cluster.apply(labelled(secret, more="x"))
    await place.cluster.apply(secret)
    found = there(place, SECRET)
    assert (found["data"], found["metadata"]["labels"]) == ({"password": "eA=="}, {"case": place.name})


async def data_that_never_changes(place: Place) -> None:
    for kind, values in (("ConfigMap", ("1", "2")), ("Secret", ("MQ==", "Mg=="))):
        sealed = made(place, "v1", kind, immutable=True, data={"a": values[0]})
        await place.cluster.create(sealed)
        for other in ({**sealed, "data": {"a": values[1]}}, {**sealed, "immutable": False}):
            with pytest.raises(Refused) as caught:
                await place.cluster.apply(other)
            assert caught.value.code == HTTPStatus.UNPROCESSABLE_ENTITY
        await place.cluster.apply(labelled(sealed, more="x"))
    stored = made(place, "apps/v1", "ControllerRevision", revision=1, data={"version": "1"})
    await place.cluster.create(stored)
    with pytest.raises(Refused) as refused:
        await place.cluster.apply({**stored, "data": {"version": "2"}})
    assert refused.value.code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert there(place, REVISION)["data"] == {"version": "1"}


async def addresses(place: Place) -> None:
    address = (await place.cluster.apply(service(place, "-one")))["spec"]["clusterIP"]
    for taken in (service(place, "-two", clusterIP=address), service(place, "-one", clusterIP="10.96.0.254")):
        with pytest.raises(Refused) as caught:
            await place.cluster.apply(taken)
        assert caught.value.code == HTTPStatus.UNPROCESSABLE_ENTITY
    place.remove(Ref(SERVICE, f"{place.name}-one"))
    await place.eventually(lambda: place.find(Ref(SERVICE, f"{place.name}-one")) is None)
    found = await place.cluster.apply(service(place, "-two", clusterIP=address))
    assert found["spec"]["clusterIP"] == address


async def a_selector_that_changes(place: Place) -> None:
    await place.cluster.apply(deployment(place, replicas=0))
    other = deployment(place, replicas=0, selector={"matchLabels": {"app": place.name, "colour": "blue"}})
    other["spec"]["template"]["metadata"]["labels"]["colour"] = "blue"
    with pytest.raises(Refused) as caught:
        await place.cluster.apply(other)
    assert caught.value.code == HTTPStatus.UNPROCESSABLE_ENTITY


async def generations(place: Place) -> None:
    first = await place.cluster.apply(deployment(place, replicas=0))
    second = await place.cluster.apply(labelled(deployment(place, replicas=0), more="x"))
    third = await place.cluster.apply(deployment(place, {"A": "1"}, replicas=0))
    generation = first["metadata"]["generation"]
    assert [item["metadata"]["generation"] for item in (second, third)] == [generation, generation + 1]


async def a_number_of_pods(place: Place) -> None:
    """Applied without one it starts with one; what is set by ``/scale`` stays whatever is applied."""
    stored = await place.cluster.apply(deployment(place))
    assert stored["spec"]["replicas"] == 1
    ref, uid = Ref(DEPLOYMENT, place.name), stored["metadata"]["uid"]
    await place.cluster.scale(ref, place.namespace, uid, 3)
    assert there(place, DEPLOYMENT)["spec"]["replicas"] == 3
    again = await place.cluster.apply(deployment(place, {"A": "1"}))
    assert again["spec"]["replicas"] == 3
    await place.cluster.scale(ref, place.namespace, uid, 0)
    assert there(place, DEPLOYMENT)["spec"]["replicas"] == 0


async def a_number_of_pods_for_another_uid(place: Place) -> None:
    await place.cluster.apply(deployment(place))
    with pytest.raises(Conflict):
        await place.cluster.scale(Ref(DEPLOYMENT, place.name), place.namespace, "another", 3)
    assert there(place, DEPLOYMENT)["spec"]["replicas"] == 1


async def a_number_of_pods_that_was_applied_and_is_no_more(place: Place) -> None:
    """It falls to one: so what serves must never have had its number applied."""
    await place.cluster.apply(deployment(place, replicas=2))
    assert (await place.cluster.apply(deployment(place)))["spec"]["replicas"] == 1


async def what_is_owned_by_what_is_gone(place: Place) -> None:
    one = await place.cluster.create(config_map(place, "-one"))
    two = await place.cluster.create(config_map(place, "-two"))
    await place.cluster.create(owned_by(config_map(place, "-of-one"), one))
    await place.cluster.create(owned_by(config_map(place, "-of-both"), one, two))
    await place.cluster.create(config_map(place, "-of-nobody"))
    place.remove(Ref(CONFIG_MAP, f"{place.name}-one"))
    await place.eventually(lambda: place.find(Ref(CONFIG_MAP, f"{place.name}-of-one")) is None)
    assert place.find(Ref(CONFIG_MAP, f"{place.name}-of-both")) is not None
    place.remove(Ref(CONFIG_MAP, f"{place.name}-two"))
    await place.eventually(lambda: place.find(Ref(CONFIG_MAP, f"{place.name}-of-both")) is None)
    assert place.find(Ref(CONFIG_MAP, f"{place.name}-of-nobody")) is not None


async def an_event_that_is_told_twice(place: Place) -> None:
    about = await place.cluster.create(config_map(place))
    note = Note(warning=True, reason="Reason", message="text", key=place.name)
    for _ in range(2):
        await place.cluster.note(about, note, datetime.now(UTC))
    found = [
        item
        for item in await place.cluster.list(EVENT, place.namespace, {})
        if item["involvedObject"]["uid"] == about["metadata"]["uid"]
    ]
    assert [item["reason"] for item in found] == ["Reason"]


CASES: tuple[Callable[[Place], Awaitable[None]], ...] = (
    what_is_not_there,
    a_second_creation,
    a_list_by_labels,
    a_status_on_an_old_version,
    a_deletion_by_uid,
    an_apply_by_uid,
    an_apply_that_changes_nothing,
    what_is_not_applied_any_more,
    a_variable_that_is_not_applied_any_more,
    what_somebody_else_says,
    what_was_minted,
    data_that_never_changes,
    addresses,
    a_selector_that_changes,
    generations,
    a_number_of_pods,
    a_number_of_pods_for_another_uid,
    a_number_of_pods_that_was_applied_and_is_no_more,
    what_is_owned_by_what_is_gone,
    an_event_that_is_told_twice,
)
