"""A MemoApp with everything: it serves, it keeps its secrets, it leaves no trace on what is not its own, and it rests.

All tests look at one app and change nothing of it.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.cluster_guard import kubeconfig
from tests.e2e.app import KIND, App
from tests.e2e.namespaces import new_namespace
from tests.e2e.report import OPERATOR_LABELS, OPERATOR_NAMESPACE, log_of
from tests.kube import Kube, Object
from tools.testbed import audit, sample

INSTANCE = "app.kubernetes.io/instance"
TRACKING = "argocd.argoproj.io/tracking-id"


@pytest.fixture(scope="module")
def app(kube: Kube, images: dict[str, str]) -> Iterator[App]:
    with new_namespace(kube) as namespace:
        found = App(kube, namespace, "memo")
        found.create(sample.full(images), labels={INSTANCE: "shop"}, annotations={TRACKING: "shop:memoapp.dev/MemoApp"})
        found.ready()
        yield found


def test_creation_takes_one_write_a_child_and_six_more_and_five_for_its_migration(app: App, cluster: str) -> None:
    writes = audit.by_operator(audit.writes(cluster, app.namespace))
    # A migration: its Job, the status before and after its start, and what is kept of it beside the weights.
    most = len(app.children()) + len(app.revisions()) + 6 + 5
    assert len(writes) <= most, "\n".join(map(str, writes))


def test_the_table(app: App) -> None:
    command = ("kubectl", "get", "memoapp", "-n", app.namespace)
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig())}
    header, row = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert header.split() == ["NAME", "VERSION", "AVAILABLE", "READY", "RELEASE", "TRAFFIC", "BACKUP", "PROVED", "AGE"]
    assert row.split()[:-1] == ["memo", "1.0.0", "True", "True", "Completed", "blue", "100"]


def test_a_memo_is_written_and_read(app: App) -> None:
    app.write_memo("buy milk")
    assert "buy milk" in app.memos()


def test_the_page_is_served(app: App) -> None:
    answer = app.http("GET", "/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


def test_the_api_is_reached_through_the_frontend_of_the_colour(app: App) -> None:
    answer = app.http("GET", "/api/version")
    assert answer.json()["version"] == "1.0.0"
    assert answer.headers["x-frontend-version"] == "1.0.0"
    backend = app.kube.get("v1/Service", "memo-blue-backend", app.namespace)["spec"]["clusterIP"]
    for pod in app.pods("frontend"):
        assert pod["spec"]["hostAliases"] == [{"ip": backend, "hostnames": ["backend"]}]


def test_spec_and_metadata_are_left_to_their_owner(app: App, images: dict[str, str]) -> None:
    found = app.read()
    metadata = found["metadata"]
    assert "finalizers" not in metadata
    assert metadata["annotations"] == {TRACKING: "shop:memoapp.dev/MemoApp"}
    assert metadata["labels"] == {INSTANCE: "shop"}
    assert metadata["generation"] == 1
    managers = {(entry["manager"], entry.get("subresource")) for entry in _managed_fields(app)}
    assert [pair for pair in managers if pair[0].startswith("memoapp-operator")] == [("memoapp-operator", "status")]


def test_children_carry_nothing_of_the_labels_and_annotations(app: App) -> None:
    for child in app.children():
        metadata = child["metadata"]
        assert INSTANCE not in metadata.get("labels", {}), metadata
        assert TRACKING not in metadata.get("annotations", {}), metadata
        assert "finalizers" not in metadata or child["kind"] == "PersistentVolumeClaim", metadata


def test_pods_meet_the_restricted_standard_and_hold_no_token(app: App) -> None:
    pods = app.kube.list("v1/Pod", app.namespace, labels="memoapp.dev/app=memo")
    assert len(pods) == 8 + 1, "two of router and tiers, one of database, Redis and migration"
    for pod in pods:
        assert pod["spec"]["automountServiceAccountToken"] is False


def test_no_secret_shows_anywhere(app: App) -> None:
    values = [value for value in _secret_values(app) if len(value) > 20]
    assert len(values) >= 4 * 2 + 2 * 3, "three passwords of the database, one of Redis, two keys"
    places = {
        **{f"log of {pod}": log_of(app.kube, pod) for pod in _operator_pods(app.kube)},
        "the MemoApp": json.dumps(app.read()),
        "Events": json.dumps(app.kube.list("v1/Event", app.namespace)),
        "pods": json.dumps(app.kube.list("v1/Pod", app.namespace)),
        **{
            f"{child['kind']} {child['metadata']['name']}": json.dumps({**child, "data": _open_data(child)})
            for child in app.children()
        },
    }
    for place, text in places.items():
        leaked = [value[:4] for value in values if value in text]
        assert not leaked, f"{place} holds a secret that begins with {leaked}"


@pytest.mark.parametrize(
    ("verb", "resource", "subresource"),
    [
        *((verb, "memoapps", "") for verb in ("create", "update", "delete")),
        *((verb, "secrets", "") for verb in ("list", "watch", "update")),
        ("create", "pods", "exec"),
    ],
)
def test_the_operator_may_not(kube: Kube, verb: str, resource: str, subresource: str) -> None:
    group = "memoapp.dev" if resource == "memoapps" else ""
    attributes = {"verb": verb, "group": group, "resource": resource, "subresource": subresource, "namespace": "any"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {"user": audit.OPERATOR, "resourceAttributes": attributes},
    }
    assert kube.create(review)["status"]["allowed"] is False


def test_the_operator_never_wrote_to_a_memoapp_but_its_status(app: App, cluster: str) -> None:
    found = audit.by_operator(audit.writes(cluster, app.namespace))
    assert {write.resource for write in found if write.resource.startswith("memoapps")} == {"memoapps/status"}


def test_rest_is_free_of_writes(app: App, cluster: str) -> None:
    rests(app, cluster, 60)


@pytest.mark.long
def test_a_long_rest_is_free_of_writes(app: App, cluster: str) -> None:
    rests(app, cluster, 600)


def rests(app: App, cluster: str, seconds: float) -> None:
    """Show that the operator writes nothing about an app that is well, for so long."""
    app.ready()
    began = datetime.now(UTC)
    time.sleep(seconds)
    writes = audit.by_operator(audit.writes(cluster, app.namespace), began)
    assert not writes, "\n".join(map(str, writes))


def _managed_fields(app: App) -> list[Object]:
    found = app.kube.get(KIND, app.name, app.namespace)["metadata"]["managedFields"]
    return list(found)


def _operator_pods(kube: Kube) -> list[str]:
    return [pod["metadata"]["name"] for pod in kube.list("v1/Pod", OPERATOR_NAMESPACE, labels=OPERATOR_LABELS)]


def _secret_values(app: App) -> Iterator[str]:
    """Every generated password and every line of a private key, as it is and as Secrets store it."""
    for secret in app.kube.list("v1/Secret", app.namespace):
        for key, stored in secret["data"].items():
            value = base64.b64decode(stored).decode()
            if key.endswith("password"):
                yield from (value, stored)
            elif key in {"server.pem", "client.key"}:
                yield from _private_lines(value)


def _private_lines(pem: str) -> list[str]:
    """The body of the private key within PEM text."""
    body = pem.partition("PRIVATE KEY-----\n")[2].partition("-----END")[0]
    return body.splitlines()


def _open_data(child: Object) -> object:
    """What a child shows to everybody who may read it; a Secret's data is not of that kind."""
    return None if child["kind"] == "Secret" else child.get("data")
