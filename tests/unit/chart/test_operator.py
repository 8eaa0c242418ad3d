"""The operator's own pods, and what stands around them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from memoapp_operator.config import from_environment
from memoapp_operator.render.network import OPERATOR_LABELS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

Documents = list[dict[str, Any]]
DIGEST = "sha256:" + "0123456789abcdef" * 4
VARIABLES = (
    "lookup",
    "rand[A-Z]",
    "uuidv4",
    "genCA",
    "genSelf",
    "genSigned",
    "genPrivate",
    "now",
    "htpasswd",
    "bcrypt",
)


def _only(documents: Documents, kind: str) -> dict[str, Any]:
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def _pod(documents: Documents) -> dict[str, Any]:
    return _only(documents, "Deployment")["spec"]["template"]["spec"]


def _environment(documents: Documents) -> dict[str, str]:
    (container,) = _pod(documents)["containers"]
    return {variable["name"]: variable["value"] for variable in container["env"] if "value" in variable}


def test_the_pod_keeps_the_restricted_standard(render: Callable[..., Documents]) -> None:
    pod = _pod(render())
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 65532,
        "runAsGroup": 65532,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not any("hostPort" in port for port in container["ports"])
    assert [set(volume) - {"name"} for volume in pod["volumes"]] == [{"emptyDir"}]
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]  # noqa: S108 - in the container


def test_the_platform_may_choose_the_user(render: Callable[..., Documents]) -> None:
    context = _pod(render({"runAsUser": None}))["securityContext"]
    assert context == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def test_two_pods_are_updated_one_by_one_and_spread_where_possible(render: Callable[..., Documents]) -> None:
    deployment = _only(render(), "Deployment")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
    }
    spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert {item["whenUnsatisfiable"] for item in spread} == {"ScheduleAnyway"}
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 30


def test_probes_and_resources(render: Callable[..., Documents]) -> None:
    (container,) = _pod(render())["containers"]
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]
    assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "http"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["resources"] == {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}}


def test_the_settings_reach_the_process(render: Callable[..., Documents]) -> None:
    documents = render(
        {
            "watchNamespaces": ["b", "a"],
            "operator": {"logLevel": "debug", "workers": 8, "resyncSeconds": 45, "leaseSeconds": 30},
        }
    )
    assert _environment(documents) == {
        "MEMOAPP_OPERATOR_IMAGE": "docker.io/memoapp/operator:0.1.0",
        "MEMOAPP_WATCH_NAMESPACES": "a,b",
        "MEMOAPP_RESYNC_SECONDS": "45",
        "MEMOAPP_WORKERS": "8",
        "MEMOAPP_LOG_LEVEL": "debug",
        "MEMOAPP_LEASE_SECONDS": "30",
    }
    (container,) = _pod(documents)["containers"]
    fields = {item["name"]: item["valueFrom"]["fieldRef"]["fieldPath"] for item in container["env"][:2]}
    assert fields == {"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace"}


def test_no_namespaces_means_all(render: Callable[..., Documents]) -> None:
    assert from_environment(_environment(render())).namespaces == ()


def test_the_defaults_are_those_of_the_process(render: Callable[..., Documents]) -> None:
    environment = _environment(render())
    image = environment["MEMOAPP_OPERATOR_IMAGE"]
    assert from_environment(environment) == from_environment({"MEMOAPP_OPERATOR_IMAGE": image})


@pytest.mark.parametrize("limit", ["minimum", "maximum"])
def test_the_process_takes_what_the_schema_lets_through(
    render: Callable[..., Documents], chart: Path, limit: str
) -> None:
    schema = json.loads((chart / "values.schema.json").read_text(encoding="utf-8"))
    numbers = {
        name: part[limit]
        for name, part in schema["properties"]["operator"]["properties"].items()
        if part["type"] == "integer"
    }
    for level in schema["properties"]["operator"]["properties"]["logLevel"]["enum"]:
        settings = from_environment(_environment(render({"operator": {**numbers, "logLevel": level}})))
        assert settings.log_level == level.upper()
        found = (settings.workers, settings.resync_seconds, settings.lease_seconds)
        assert found == (numbers["workers"], numbers["resyncSeconds"], numbers["leaseSeconds"])


def test_the_policies_of_the_memoapps_let_these_pods_in(render: Callable[..., Documents]) -> None:
    labels = _only(render(release="second"), "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert OPERATOR_LABELS.items() <= labels.items()


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({"repository": "registry.example/op"}, "registry.example/op:0.1.0"),
        ({"repository": "registry.example/op", "tag": "1.2.3"}, "registry.example/op:1.2.3"),
        ({"repository": "registry.example/op", "tag": "1.2.3", "digest": DIGEST}, f"registry.example/op@{DIGEST}"),
    ],
)
def test_the_agent_is_the_operators_own_image(
    render: Callable[..., Documents], image: dict[str, str], expected: str
) -> None:
    documents = render({"image": image})
    assert _pod(documents)["containers"][0]["image"] == expected
    assert _environment(documents)["MEMOAPP_OPERATOR_IMAGE"] == expected


def test_selectors_find_the_pods_whatever_labels_people_add(render: Callable[..., Documents]) -> None:
    documents = render(
        {
            "podLabels": {"app.kubernetes.io/name": "other", "team": "memo"},
            "metrics": {"podMonitor": {"enabled": True, "labels": {"app.kubernetes.io/name": "other", "by": "me"}}},
        },
        release="second",
    )
    labels = _only(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert labels["team"] == "memo"
    selectors = [
        _only(documents, "Deployment")["spec"]["selector"]["matchLabels"],
        _only(documents, "Service")["spec"]["selector"],
        _only(documents, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        _only(documents, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        _only(documents, "PodMonitor")["spec"]["selector"]["matchLabels"],
    ]
    expected = {"app.kubernetes.io/name": "memoapp-operator", "app.kubernetes.io/instance": "second"}
    assert selectors == [expected] * len(selectors)
    assert expected.items() <= labels.items()


def test_the_operators_own_objects_do_not_look_like_children_of_a_memoapp(render: Callable[..., Documents]) -> None:
    for document in render():
        labels = document["metadata"].get("labels", {})
        assert labels.get("app.kubernetes.io/managed-by") != "memoapp-operator"


def test_a_single_pod_has_no_disruption_budget(render: Callable[..., Documents]) -> None:
    assert _only(render(), "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert not [item for item in render({"replicas": 1}) if item["kind"] == "PodDisruptionBudget"]


def test_only_metrics_and_probes_come_in(render: Callable[..., Documents]) -> None:
    policy = _only(render(), "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress"]
    assert policy["ingress"] == [{"ports": [{"port": 8080, "protocol": "TCP"}]}]
    peers = [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
    narrowed = _only(render({"networkPolicy": {"metricsFrom": peers}}), "NetworkPolicy")["spec"]
    assert narrowed["ingress"] == [{"ports": [{"port": 8080, "protocol": "TCP"}], "from": peers}]


@pytest.mark.parametrize(
    ("kind", "field", "endpoints"),
    [("ServiceMonitor", "serviceMonitor", "endpoints"), ("PodMonitor", "podMonitor", "podMetricsEndpoints")],
)
def test_monitors_are_there_on_demand(render: Callable[..., Documents], kind: str, field: str, endpoints: str) -> None:
    assert not [item for item in render() if item["kind"] == kind]
    monitor = _only(render({"metrics": {field: {"enabled": True, "labels": {"release": "prometheus"}}}}), kind)
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    assert monitor["spec"][endpoints] == [{"port": "http", "path": "/metrics", "interval": "30s"}]


def test_an_account_of_ones_own(render: Callable[..., Documents]) -> None:
    documents = render({"serviceAccount": {"create": False, "name": "mine"}})
    assert not [item for item in documents if item["kind"] == "ServiceAccount"]
    assert _pod(documents)["serviceAccountName"] == "mine"
    subjects = [item["subjects"][0]["name"] for item in documents if item["kind"].endswith("Binding")]
    assert set(subjects) == {"mine"}


def test_two_renders_are_equal(helm: Callable[..., subprocess.CompletedProcess[str]], chart: Path) -> None:
    command = ("template", "memoapp-operator", str(chart), "--kube-version", "1.34.0")
    assert helm(*command).stdout == helm(*command).stdout != ""


def test_no_template_asks_chance_the_clock_or_the_cluster(chart: Path) -> None:
    for file in sorted((chart / "templates").iterdir()):
        actions = " ".join(re.findall(r"{{.*?}}", file.read_text(encoding="utf-8"), flags=re.DOTALL))
        code = re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", actions, flags=re.DOTALL)
        assert not re.search(rf"\b({'|'.join(VARIABLES)})", code), file.name


def test_the_linter_is_content(helm: Callable[..., subprocess.CompletedProcess[str]], chart: Path) -> None:
    result = helm("lint", "--strict", str(chart), "--kube-version", "1.34.0")
    assert result.returncode == 0, result.stdout
