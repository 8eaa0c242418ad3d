"""The client that the tests look through shows what the API server says."""

from __future__ import annotations

import threading

import pytest

from tests.api.samples import LEAST, MEMO_APP, memo_app
from tests.kube import JSON, ApiError, Kube, Object, WaitTimeoutError

pytestmark = pytest.mark.cluster


def config_map(name: str, namespace: str, **data: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": {"test": name}},
        "data": data,
    }


def test_what_is_not_there(kube: Kube, namespace: str, name: str) -> None:
    assert kube.find("v1/ConfigMap", name, namespace) is None
    kube.delete("v1/ConfigMap", name, namespace)
    with pytest.raises(ApiError) as caught:
        kube.get("v1/ConfigMap", name, namespace)
    assert (caught.value.code, caught.value.reason) == (404, "NotFound")


def test_create_list_patch_delete(kube: Kube, namespace: str, name: str) -> None:
    kube.create(config_map(name, namespace, a="1"))
    with pytest.raises(ApiError, match="AlreadyExists"):
        kube.create(config_map(name, namespace))
    (listed,) = kube.list("v1/ConfigMap", namespace, labels=f"test={name}")
    assert (listed["kind"], listed["data"]) == ("ConfigMap", {"a": "1"})
    assert kube.list("v1/ConfigMap", "*", fields=f"metadata.name={name}") == [listed]
    kube.patch("v1/ConfigMap", name, namespace, body={"data": {"a": None, "b": "2"}})
    body = [{"op": "replace", "path": "/data/b", "value": "3"}]
    assert kube.patch("v1/ConfigMap", name, namespace, body=body, content_type=JSON)["data"] == {"b": "3"}
    kube.delete("v1/ConfigMap", name, namespace)
    assert kube.find("v1/ConfigMap", name, namespace) is None


def test_a_dry_run_leaves_nothing(kube: Kube, namespace: str, name: str) -> None:
    kube.create(config_map(name, namespace), dry_run=True)
    kube.apply(config_map(name, namespace), dry_run=True)
    assert kube.find("v1/ConfigMap", name, namespace) is None


def test_a_conflict_of_managers_is_an_error_unless_forced(kube: Kube, namespace: str, name: str) -> None:
    kube.apply(config_map(name, namespace, a="1"), manager="one")
    with pytest.raises(ApiError, match="Conflict"):
        kube.apply(config_map(name, namespace, a="2"), manager="two", force=False)
    assert kube.apply(config_map(name, namespace, a="2"), manager="two")["data"] == {"a": "2"}


def test_a_status_is_patched_alone(kube: Kube, namespace: str, name: str) -> None:
    kube.create(memo_app(name, namespace, LEAST))
    body = {"status": {"observedGeneration": 1}, "spec": {"version": "2"}}
    patched = kube.patch(MEMO_APP, name, namespace, body=body, subresource="status")
    assert (patched["status"]["observedGeneration"], patched["spec"]["version"]) == (1, "1.4.0")


def test_waiting_sees_changes_made_meanwhile(kube: Kube, namespace: str, name: str) -> None:
    started = threading.Event()

    def seen(found: Object | None) -> bool:
        started.set()
        return found is not None and found["data"] == {"a": "2"}

    def change() -> None:
        started.wait(10)
        kube.create(config_map(name, namespace, a="1"))
        kube.patch("v1/ConfigMap", name, namespace, body={"data": {"a": "2"}})

    worker = threading.Thread(target=change)
    worker.start()
    found = kube.wait("v1/ConfigMap", name, namespace, until=seen, timeout=20)
    worker.join()
    assert found is not None
    kube.delete("v1/ConfigMap", name, namespace)
    assert kube.wait("v1/ConfigMap", name, namespace, until=lambda gone: gone is None, timeout=20) is None


def test_waiting_in_vain_shows_what_was_there(kube: Kube, namespace: str, name: str) -> None:
    kube.create(config_map(name, namespace, a="1"))
    with pytest.raises(WaitTimeoutError, match=f"name: {name}"):
        kube.wait("v1/ConfigMap", name, namespace, until=lambda _: False, timeout=1.5)


def test_following_leaves_no_change_out(kube: Kube, namespace: str, name: str) -> None:
    seen: list[str | None] = []

    def over() -> bool:
        return len(seen) > 12 and seen[-1] is None

    def change() -> None:
        for number in range(12):
            body = config_map(name, namespace, a=str(number))
            kube.update(body) if number else kube.create(body)
        kube.delete("v1/ConfigMap", name, namespace)

    worker = threading.Thread(target=change)
    for found in kube.follow("v1/ConfigMap", name, namespace, over):
        if not seen:
            worker.start()
        seen.append(found["data"]["a"] if found else None)
    worker.join()
    assert seen == [None, *map(str, range(12)), None]
