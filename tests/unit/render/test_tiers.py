"""Frontend and backend: what people declare reaches their pods, and each colour keeps to itself."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.render.context import Context

from tests.unit.render import apps


def deployment(context: Context, name: str) -> Manifest:
    return apps.find(context, "Deployment", name)


def pod(context: Context, name: str) -> Manifest:
    found: Manifest = deployment(context, name)["spec"]["template"]["spec"]
    return found


def container(context: Context, name: str) -> Manifest:
    found: Manifest = pod(context, name)["containers"][0]
    return found


def variables(context: Context, name: str) -> dict[str, Any]:
    return {each["name"]: each for each in container(context, name).get("env", [])}


@pytest.mark.parametrize(
    ("colour", "address", "name"), [("blue", "10.96.1.1", "before"), ("green", "10.96.2.1", "api")]
)
def test_a_frontend_calls_the_backend_of_its_own_colour(colour: str, address: str, name: str) -> None:
    aliases = pod(apps.full(), f"memo-{colour}-frontend")["hostAliases"]
    assert aliases == [{"ip": address, "hostnames": [name]}]
    assert "hostAliases" not in pod(apps.full(), f"memo-{colour}-backend")


@pytest.mark.parametrize("colour", ["blue", "green"])
def test_a_deployment_chooses_the_pods_of_its_tier_and_colour(colour: str) -> None:
    found = deployment(apps.full(), f"memo-{colour}-backend")
    chosen = found["spec"]["selector"]["matchLabels"]
    assert chosen == {
        "memoapp.dev/app": "memo",
        "app.kubernetes.io/component": "backend",
        "memoapp.dev/colour": colour,
    }
    assert chosen.items() <= found["spec"]["template"]["metadata"]["labels"].items()
    assert found["spec"]["replicas"] == 3


def test_the_health_of_a_tier_is_asked_at_its_own_path_and_port() -> None:
    asked = {
        name: pod["containers"][0]["readinessProbe"]["httpGet"]
        for name, pod in apps.pods(apps.full()).items()
        if name.endswith("end")
    }
    assert asked == {
        "memo-blue-backend": {"path": "/api/was", "port": 3007},
        "memo-blue-frontend": {"path": "/was", "port": 8087},
        "memo-green-backend": {"path": "/api/up", "port": 3003},
        "memo-green-frontend": {"path": "/up", "port": 8088},
    }


def test_the_backend_is_told_its_database_and_redis_by_reference() -> None:
    names = list(variables(apps.full(), "memo-blue-backend"))
    assert names == ["DATABASE_URL", "REDIS_URL", "EMPTY", "PLAIN", "MAIL", "NODE"]
    reference = variables(apps.full(), "memo-blue-backend")["REDIS_URL"]["valueFrom"]["secretKeyRef"]
    assert reference == {"name": "memo-connection-0a0a0a0a", "key": "redis-uri"}
    assert list(variables(apps.backend_only(), "memo-blue-backend")) == ["DATABASE_URL"]
    assert variables(apps.external(), "memo-blue-frontend") == {}


def test_a_variable_that_a_person_declares_is_theirs() -> None:
    mine = {"name": "DATABASE_URL", "value": "postgresql://elsewhere"}
    context = apps.released(apps.with_spec(apps.full(), "backend.env", [mine]))
    found = container(context, "memo-green-backend")["env"]
    assert [each["name"] for each in found] == ["REDIS_URL", "DATABASE_URL"]
    assert found[1] == mine


def test_pod_fields_are_handed_on() -> None:
    found, inside = pod(apps.full(), "memo-green-backend"), container(apps.full(), "memo-green-backend")
    assert found["serviceAccountName"] == "memo-tier"
    assert found["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert found["securityContext"]["runAsUser"] == 65532
    assert found["securityContext"]["fsGroup"] == 65532
    assert found["tolerations"] == [{"key": "memoapp.dev/dedicated", "operator": "Exists", "effect": "NoSchedule"}]
    assert found["topologySpreadConstraints"][0]["topologyKey"] == "topology.kubernetes.io/zone"
    assert "podAntiAffinity" in found["affinity"]
    assert inside["command"] == ["/srv/run"]
    assert inside["args"] == ["--loud"]
    assert inside["envFrom"] == [
        {"prefix": "S_", "secretRef": {"name": "memo-mail-1b1b1b1b"}},
        {"configMapRef": {"name": "memo-texts-2c2c2c2c"}},
    ]
    assert inside["resources"] == {
        "requests": {"cpu": "1", "memory": "512Mi"},
        "limits": {"cpu": "1", "memory": "1Gi"},
    }


def test_what_says_nothing_is_left_out_as_the_api_server_does() -> None:
    found = pod(apps.full(), "memo-blue-backend")
    assert found["volumes"] == [
        {"name": "uploads", "emptyDir": {"sizeLimit": "1Gi"}},
        {"name": "mail", "secret": {"secretName": "memo-mail-1b1b1b1b"}},
    ]
    term = found["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"][0]
    assert term["podAffinityTerm"] == {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"team": ""}},
    }
    assert variables(apps.full(), "memo-blue-backend")["EMPTY"] == {"name": "EMPTY"}


def test_pods_spread_over_nodes_unless_a_person_says_otherwise() -> None:
    (constraint,) = pod(apps.backend_only(), "memo-blue-backend")["topologySpreadConstraints"]
    assert constraint["topologyKey"] == "kubernetes.io/hostname"
    assert constraint["whenUnsatisfiable"] == "ScheduleAnyway"
    assert constraint["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "backend"


def test_a_tier_may_write_to_tmp_and_to_its_image() -> None:
    (mount,) = container(apps.backend_only(), "memo-blue-backend")["volumeMounts"]
    assert mount == {"name": "memoapp-tmp", "mountPath": "/tmp"}  # noqa: S108 - in the pod
    assert "readOnlyRootFilesystem" not in container(apps.backend_only(), "memo-blue-backend")["securityContext"]


def test_a_volume_that_a_person_mounts_at_tmp_is_the_only_one_there() -> None:
    mounts = container(apps.full(), "memo-blue-backend")["volumeMounts"]
    assert [mount["mountPath"] for mount in mounts] == ["/tmp/", "/etc/mail"]  # noqa: S108
