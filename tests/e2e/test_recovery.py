"""Full recovery: the namespace of an app is gone with all that was in it, and comes back from a bucket alone."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from pyrage import x25519

from tests.e2e import objects
from tests.e2e.app import App, manifest
from tests.e2e.elsewhere import secret
from tests.e2e.namespaces import RESTRICTED, new_namespace
from tests.e2e.test_backups import order, saving, settled
from tests.e2e.test_backups_page import carried_out
from tests.e2e.test_restores import KIND, databases, in_phase, restore, settled_as
from tests.kube import Kube, Object
from tools.testbed import sample, steps
from tools.testbed.commands import CLUSTERS, output

WITHIN = 240.0


def test_every_command_of_the_walk_from_nothing_does_what_it_says(
    kube: Kube, images: dict[str, str], tmp_path: Path
) -> None:
    with new_namespace(kube) as elsewhere, new_namespace(kube) as namespace:
        objects.store(kube, elsewhere, images["objects"])
        authority = _value(kube, elsewhere, "store-ca", "ca.crt")
        key = x25519.Identity.generate()
        declared = _destroyed(kube, images, namespace, elsewhere, authority, key)
        kube.wait("v1/Namespace", namespace, until=lambda found: found is None, timeout=WITHIN)
        kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": RESTRICTED}})

        (tmp_path / "ca.crt").write_text(authority)
        (tmp_path / "identity.txt").write_text(f"{key}\n")
        (tmp_path / "recipients.txt").write_text(f"{key.to_public()}\n")
        (tmp_path / "memoapp.yaml").write_text(yaml.safe_dump(declared))
        source = {
            "destination": {"s3": declared["spec"]["backup"]["destination"]["s3"]},
            "identitySecretRef": {"name": "vault", "key": "identity"},
        }
        patch = {"spec": {"database": {"managed": {"restoreFrom": source}}}}
        (tmp_path / "restore-from.yaml").write_text(yaml.safe_dump(patch))
        app = App(kube, namespace, "memo")
        keys = {"ACCESS_KEY": objects.ACCESS, "SECRET_KEY": objects.SECRET}
        said = carried_out("recovery.md", 3, app, tmp_path, **keys)

        assert sorted(app.memos()) == ["of today", "of yesterday"]
        assert "the newest of 1 that is proved; 1 newer one is not" in said
        assert "made: ConfigMap/memo-restored-spec, Secret/mail" in said
        assert yaml.safe_load(said[said.index("# The MemoApp as it was saved") :])["spec"]["version"] == "1.0.0"
        assert _value(kube, namespace, "mail", "token") == "mail-token-of-before"
        assert databases(app) == {"memo_app", "postgres"}
        # What lies in the bucket is known again, and the next backup goes there too.
        app.eventually(lambda: _names(kube, namespace), lambda found: {"proved", "later"} <= found)
        order(app, "after-it")
        settled(app, "after-it")
        # A MemoApp that comes back to its kept volume is not recovered again.
        app.delete()
        app.create(yaml.safe_load((tmp_path / "recovered.yaml").read_text())["spec"])
        found = app.ready()
        assert found["status"]["recovery"]["result"] == "NotNeeded"
        assert sorted(app.memos()) == ["of today", "of yesterday"]


def _destroyed(
    kube: Kube, images: dict[str, str], namespace: str, elsewhere: str, authority: str, key: x25519.Identity
) -> Object:
    """An app with a proved backup and a younger one; then all of its namespace goes. What its git has of it."""
    secret(kube, namespace, "store", **{"access-key": objects.ACCESS, "secret-key": objects.SECRET})
    secret(kube, namespace, "store-ca", **{"ca.crt": authority})
    secret(kube, namespace, "vault", recipients=f"{key.to_public()}\n", identity=f"{key}\n")
    secret(kube, namespace, "mail", token="mail-token-of-before")
    seal = {name: {"name": "vault", "key": name.removesuffix("SecretRef")} for name in _REFS}
    spec = saving(
        images,
        destination=objects.destination(elsewhere),
        encryption=seal,
        drill={"storage": {"size": "1Gi"}},
    )
    token = {"name": "MAIL_TOKEN", "valueFrom": {"secretKeyRef": {"name": "mail", "key": "token"}}}
    spec["backend"] = {**spec["backend"], "env": [*spec["backend"].get("env", []), token]}
    app = App(kube, namespace, "memo")
    app.create(spec)
    app.ready()
    app.write_memo("of yesterday")
    app.write_memo("of today")
    order(app, "proved")
    settled(app, "proved")
    restore(app, "try", source={"backup": "proved"})
    assert in_phase(app, "try", "Completed", "Failed")["phase"] == "Completed"
    settled_as(app, "proved", "Proved")
    app.write_memo("too late")
    order(app, "later")
    settled(app, "later")
    kube.delete("v1/Namespace", namespace)
    return manifest("memo", namespace, spec)


_REFS = ("recipientsSecretRef", "identitySecretRef")


def _names(kube: Kube, namespace: str) -> set[str]:
    return {item["metadata"]["name"] for item in kube.list("memoapp.dev/v1alpha1/MemoBackup", namespace)}


def _value(kube: Kube, namespace: str, name: str, key: str) -> str:
    return b64decode(kube.get("v1/Secret", name, namespace)["data"][key]).decode()


def test_a_disaster_drill_recovers_the_app_elsewhere_and_leaves_nothing(kube: Kube, images: dict[str, str]) -> None:
    with new_namespace(kube) as elsewhere, new_namespace(kube) as namespace:
        objects.store(kube, elsewhere, images["objects"])
        key = x25519.Identity.generate()
        secret(kube, namespace, "store", **{"access-key": objects.ACCESS, "secret-key": objects.SECRET})
        secret(kube, namespace, "store-ca", **{"ca.crt": _value(kube, elsewhere, "store-ca", "ca.crt")})
        secret(kube, namespace, "vault", recipients=f"{key.to_public()}\n", identity=f"{key}\n")
        seal = {name: {"name": "vault", "key": name.removesuffix("SecretRef")} for name in _REFS}
        where = objects.destination(elsewhere)
        spec = saving(images, destination=where, encryption=seal, drill={"storage": {"size": "1Gi"}})
        spec["release"] = {**spec["release"], "tests": [{"name": "smoke", **sample.CHECKS}]}
        app = App(kube, namespace, "memo")
        app.create(spec)
        app.ready()
        app.write_memo("to be found elsewhere")
        order(app, "proved")
        settled(app, "proved")
        restore(app, "try", source={"backup": "proved"})
        assert in_phase(app, "try", "Completed", "Failed")["phase"] == "Completed"

        source = {"recovery": {"destination": where, "identitySecretRef": {"name": "vault", "key": "identity"}}}
        source["recovery"]["app"] = {"namespace": namespace, "name": "memo"}
        restore(app, "without", source=source, mode="DisasterDrill")
        app.eventually(lambda: _status(kube, namespace, "without").get("reason"), lambda now: now == "RightsMissing")
        assert "disasterDrills.enabled" in _status(kube, namespace, "without")["message"]
        with _rights(kube):
            told = in_phase(app, "without", "Completed", "Failed", within=WITHIN)
            assert told["phase"] == "Completed", told
            assert (told["evidence"]["tables"], told["evidence"]["rows"] >= 1) == (2, True)
            assert told["message"].startswith("version 1.0.0 was ready after ")
            assert told["message"].endswith(", and 1 tests passed")
            assert kube.find("v1/Namespace", told["namespace"]) is None
            # Deleted in the middle, it takes its namespace along.
            restore(app, "given-up", source=source, mode="DisasterDrill")
            space = in_phase(app, "given-up", "Recovering")["namespace"]
            kube.delete(KIND, "given-up", namespace)
            kube.wait("v1/Namespace", space, until=lambda found: found is None, timeout=WITHIN)
            kube.wait(KIND, "given-up", namespace, until=lambda found: found is None, timeout=WITHIN)
        assert "to be found elsewhere" in app.memos()
        app.ready()


@pytest.mark.long
@pytest.mark.loaded
@pytest.mark.timeout(2400)
def test_into_a_cluster_that_was_made_a_moment_ago(kube: Kube, images: dict[str, str]) -> None:
    """All that the new cluster has of the old one is the way to its store."""
    with new_namespace(kube) as elsewhere, new_namespace(kube) as namespace:
        objects.store(kube, elsewhere, images["objects"])
        authority = _value(kube, elsewhere, "store-ca", "ca.crt")
        key = x25519.Identity.generate()
        declared = _destroyed(kube, images, namespace, elsewhere, authority, key)
        kube.patch("v1/Service", "objects", elsewhere, body={"spec": {"type": "NodePort"}})
        port = kube.get("v1/Service", "objects", elsewhere)["spec"]["ports"][0]["nodePort"]
        addresses = kube.list("v1/Node")[0]["status"]["addresses"]
        node = next(item["address"] for item in addresses if item["type"] == "InternalIP")
        with _new_cluster("rescue") as other:
            for name in (elsewhere, namespace):
                other.create(
                    {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}
                )
            _way_to(other, elsewhere, node, port)
            secret(other, namespace, "store", **{"access-key": objects.ACCESS, "secret-key": objects.SECRET})
            secret(other, namespace, "store-ca", **{"ca.crt": authority})
            secret(other, namespace, "vault", recipients=f"{key.to_public()}\n", identity=f"{key}\n")
            source = {
                "destination": objects.destination(elsewhere),
                "identitySecretRef": {"name": "vault", "key": "identity"},
            }
            spec = declared["spec"]
            spec["database"]["managed"]["restoreFrom"] = source
            app = App(other, namespace, "memo")
            app.create(spec)
            found = app.ready(within=600)
            assert found["status"]["recovery"]["result"] == "Restored"
            assert sorted(app.memos()) == ["of today", "of yesterday"]
            assert _value(other, namespace, "mail", "token") == "mail-token-of-before"
            app.eventually(lambda: _names(other, namespace), lambda now: {"proved", "later"} <= now)


@contextmanager
def _new_cluster(name: str) -> Iterator[Kube]:
    """Another kind cluster with the operator in it; gone with the block."""
    try:
        steps.up(name)
        steps.images(name)
        steps.operator(name, {"replicas": 1})
        path = Path(output((*CLUSTERS, "kubeconfig", name)).strip())
        with Kube.from_kubeconfig(path) as other:
            yield other
    finally:
        output((*CLUSTERS, "down", name))


def _way_to(kube: Kube, namespace: str, node: str, port: int) -> None:
    """The store of the other cluster, by the name that it has there."""
    metadata = {"name": "objects", "namespace": namespace}
    ports = [{"name": "objects", "port": 7070, "targetPort": port}]
    kube.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": ports}})
    labels = {"kubernetes.io/service-name": "objects"}
    kube.create(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": labels},
            "addressType": "IPv4",
            "ports": [{"name": "objects", "port": port, "protocol": "TCP"}],
            "endpoints": [{"addresses": [node]}],
        }
    )


def _status(kube: Kube, namespace: str, name: str) -> Object:
    return kube.get(KIND, name, namespace).get("status") or {}


@contextmanager
def _rights(kube: Kube) -> Iterator[None]:
    """What the chart gives with disasterDrills.enabled."""
    name = "memoapp-disaster-drills"
    rules = [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["create", "delete", "get"]},
        {"apiGroups": ["memoapp.dev"], "resources": ["memoapps"], "verbs": ["create"]},
    ]
    group = "rbac.authorization.k8s.io"
    account = {"kind": "ServiceAccount", "name": "memoapp-operator", "namespace": "memoapp-system"}
    head = {"apiVersion": f"{group}/v1", "metadata": {"name": name}}
    kube.create({**head, "kind": "ClusterRole", "rules": rules})
    ref = {"apiGroup": group, "kind": "ClusterRole", "name": name}
    kube.create({**head, "kind": "ClusterRoleBinding", "roleRef": ref, "subjects": [account]})
    try:
        yield
    finally:
        kube.delete(f"{group}/v1/ClusterRoleBinding", name)
        kube.delete(f"{group}/v1/ClusterRole", name)
