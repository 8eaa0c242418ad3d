"""What the cluster `test` has to offer: two nodes with one pod network, volumes on both, metrics for autoscalers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kube import Kube, Object

HOSTNAME = "kubernetes.io/hostname"
WITHIN = 120.0
SERVE = """
import http.server, os, pathlib
pathlib.Path("/data/index.html").write_text(os.environ["NODE"])
os.chdir("/data")
http.server.test(http.server.SimpleHTTPRequestHandler, port=8080)
"""
FETCH = """
import sys, urllib.request
print(*(urllib.request.urlopen(url, timeout=10).read().decode() for url in sys.argv[1:]))
"""
WORK = "while True: pass"


@pytest.fixture
def nodes(kube: Kube, cluster: str) -> list[str]:
    """The names of both nodes."""
    if cluster != "test":
        pytest.skip("only the cluster `test` has two nodes and metrics")
    found = kube.list("v1/Node")
    assert [node["spec"].get("taints", []) for node in found] == [[], []]
    return sorted(node["metadata"]["labels"][HOSTNAME] for node in found)


def test_from_every_node_pods_reach_the_services_of_every_node_and_each_has_its_volumes(
    kube: Kube, namespace: str, images: dict[str, str], nodes: list[str]
) -> None:
    servers = {f"server-{number}": node for number, node in enumerate(nodes)}
    for name, node in servers.items():
        _claim(kube, namespace, name)
        environment = [{"name": "NODE", "value": node}]
        mounted = {"volumeMounts": [{"name": "data", "mountPath": "/data"}], "env": environment}
        volume = {"name": "data", "persistentVolumeClaim": {"claimName": name}}
        _pod(kube, namespace, name, node, _container(images, SERVE, **mounted), volumes=[volume])
        _service(kube, namespace, name)
    addresses = [f"http://{name}.{namespace}.svc" for name in servers]
    clients = {f"client-{number}": node for number, node in enumerate(nodes)}
    for name, node in clients.items():
        # A Service that has no pod yet refuses: tried again until it answers.
        _pod(kube, namespace, name, node, _container(images, FETCH, *addresses), restartPolicy="OnFailure")
    for name in clients:
        kube.wait("v1/Pod", name, namespace, until=_succeeded, timeout=WITHIN)
        assert kube.text(f"/api/v1/namespaces/{namespace}/pods/{name}/log").split() == nodes


def test_an_autoscaler_reads_the_processor_and_acts(
    kube: Kube, namespace: str, images: dict[str, str], nodes: list[str]
) -> None:
    metadata = {"name": "work", "namespace": namespace, "labels": {"app": "work"}}
    resources = {"requests": {"cpu": "20m"}, "limits": {"cpu": "60m"}}
    spec = {**_POD, "containers": [_container(images, WORK, resources=resources)]}
    template = {"metadata": {"labels": {"app": "work"}}, "spec": spec}
    deployment = {"selector": {"matchLabels": {"app": "work"}}, "template": template}
    kube.create({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": deployment})
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "work"}
    wanted = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
    }
    scaler = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 2, "metrics": [wanted]}
    kind = "autoscaling/v2/HorizontalPodAutoscaler"
    kube.create({"apiVersion": "autoscaling/v2", "kind": kind.rpartition("/")[2], "metadata": metadata, "spec": scaler})
    found = kube.wait(kind, "work", namespace, until=_scaled, timeout=WITHIN)
    assert found is not None
    assert found["status"]["currentMetrics"][0]["resource"]["current"]["averageUtilization"] > 50


_POD: Object = {
    "terminationGracePeriodSeconds": 0,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
}


def _container(images: dict[str, str], script: str, *arguments: str, **rest: Any) -> Object:
    """Python as the sample's backend has it."""
    return {
        "name": "python",
        "image": images["backend"],
        "command": ["python3", "-c", script, *arguments],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        **rest,
    }


def _pod(kube: Kube, namespace: str, name: str, node: str, container: Object, **rest: Any) -> None:
    metadata = {"name": name, "namespace": namespace, "labels": {"app": name}}
    spec = {**_POD, "nodeSelector": {HOSTNAME: node}, "containers": [container], **rest}
    kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def _service(kube: Kube, namespace: str, name: str) -> None:
    spec = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": 8080}]}
    metadata = {"name": name, "namespace": namespace}
    kube.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec})


def _claim(kube: Kube, namespace: str, name: str) -> None:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Mi"}}}
    metadata = {"name": name, "namespace": namespace}
    kube.create({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec})


def _succeeded(pod: Object | None) -> bool:
    return pod is not None and pod["status"].get("phase") == "Succeeded"


def _scaled(scaler: Object | None) -> bool:
    return scaler is not None and (scaler.get("status") or {}).get("desiredReplicas") == 2
