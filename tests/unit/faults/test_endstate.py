from __future__ import annotations

from typing import Any

from tests.faults.endstate import collect, differences


class Listed:
    """Lists what it was given."""

    def __init__(self, *items: dict[str, Any]) -> None:
        self._items = items

    def list(self, kind: str, _: str) -> list[dict[str, Any]]:
        return [item for item in self._items if f"{item['apiVersion']}/{item['kind']}" == kind]


def item(kind: str, name: str, **more: Any) -> dict[str, Any]:
    version, _, kind = kind.rpartition("/")
    return {"apiVersion": version, "kind": kind, **more, "metadata": {"name": name, **more.get("metadata", {})}}


def run_of(namespace: str, address: str, digest: str, password: str) -> Listed:
    uid = "11111111-2222-3333-4444-55555555" + digest[:4]
    revision = {"annotations": {"memoapp.dev/revision": digest}}
    return Listed(
        item("v1/Service", "memo", metadata={"namespace": namespace, "uid": uid}, spec={"clusterIP": address}),
        item("v1/Secret", f"memo-connection-{digest[:8]}", data={"password": password}),
        item("apps/v1/ControllerRevision", "memo-r1", metadata=revision),
        item(
            "memoapp.dev/v1alpha1/MemoApp",
            "memo",
            status={"release": {"id": digest, "startedAt": "2026-01-01T00:00:00Z"}, "addresses": {"blue": address}},
        ),
    )


def test_what_differs_between_two_equal_runs_does_not_count() -> None:
    one = collect(run_of("fault-1", "10.114.0.5", "0123456789", "geheim"), "fault-1")  # type: ignore[arg-type]
    two = collect(run_of("fault-2", "10.114.9.9", "fedcba9876", "anders"), "fault-2")  # type: ignore[arg-type]
    assert list(differences(one, two)) == []
    assert one["MemoApp/memo"]["status"]["release"]["id"] == "id-of-memo-r1"


def test_what_is_the_namespaces_own_does_not_count() -> None:
    found = Listed(item("v1/ConfigMap", "kube-root-ca.crt"), item("v1/ServiceAccount", "default"))
    assert collect(found, "one") == {}  # type: ignore[arg-type]


def test_differences_are_named_by_their_place() -> None:
    wanted = {"a": {"b": [1, {"c": 2}]}, "gone": 1}
    found = {"a": {"b": [1, {"c": 3}]}, "more": 1}
    assert list(differences(wanted, found)) == [
        "a.b[1].c: 3 instead of 2",
        "gone: missing",
        "more: more than undisturbed: 1",
    ]
