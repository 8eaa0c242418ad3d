"""What kind is told: the cluster's own ranges and ports on 127.0.0.1, and an audit log of writes."""

import json
from pathlib import Path
from typing import Any

import pytest
from memocluster.clusters import CLUSTERS, Cluster, named
from memocluster.kindconfig import AUDIT_LOG, OPERATOR, api_server_patch, audit_policy, cluster_config

FOLDER = Path("/state/audit")


def config(cluster: Cluster, nodes: int = 1) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(cluster_config(cluster, FOLDER, nodes))
    return loaded


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=lambda cluster: cluster.name)
def test_networking_is_that_of_the_cluster(cluster: Cluster) -> None:
    assert config(cluster)["networking"] == {
        "podSubnet": cluster.pod_subnet,
        "serviceSubnet": cluster.service_subnet,
        "apiServerAddress": "127.0.0.1",
        "apiServerPort": cluster.api_port,
    }


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=lambda cluster: cluster.name)
def test_every_port_is_published_on_the_loopback_address_only(cluster: Cluster) -> None:
    mappings = config(cluster)["nodes"][0]["extraPortMappings"]
    assert {entry["containerPort"]: entry["hostPort"] for entry in mappings} == cluster.ports
    assert {entry["listenAddress"] for entry in mappings} <= {"127.0.0.1"}


def test_further_nodes_are_workers_without_ports() -> None:
    nodes = config(named("dev"), nodes=3)["nodes"]
    assert [node["role"] for node in nodes] == ["control-plane", "worker", "worker"]
    assert nodes[1] == {"role": "worker"}


def patches(nodes: int) -> dict[str, Any]:
    loaded = map(json.loads, config(named("test"), nodes)["kubeadmConfigPatches"])
    return {patch["kind"]: patch for patch in loaded}


def test_beside_a_worker_the_control_plane_takes_ordinary_pods_too() -> None:
    assert patches(nodes=2)["InitConfiguration"]["nodeRegistration"] == {"taints": []}


def test_a_single_node_keeps_the_taint_that_kind_takes_away() -> None:
    assert set(patches(nodes=1)) == {"ClusterConfiguration"}


def test_the_api_server_reads_the_policy_the_node_mounts() -> None:
    arguments = {entry["name"]: entry["value"] for entry in api_server_patch()["apiServer"]["extraArgs"]}
    (mount,) = config(named("test"))["nodes"][0]["extraMounts"]
    assert mount["hostPath"] == str(FOLDER)
    assert arguments["audit-policy-file"] == f"{mount['containerPath']}/policy.json"
    assert arguments["audit-log-path"] == AUDIT_LOG


def test_the_api_server_may_write_its_log_and_not_its_policy() -> None:
    volumes = {entry["name"]: entry for entry in api_server_patch()["apiServer"]["extraVolumes"]}
    assert volumes["audit-policy"]["readOnly"] is True
    assert volumes["audit-log"]["readOnly"] is False
    assert AUDIT_LOG.startswith(volumes["audit-log"]["mountPath"] + "/")


def recorded_verbs(policy: dict[str, Any]) -> list[str]:
    """Those of everybody."""
    (rule,) = [rule for rule in policy["rules"] if rule["level"] == "Metadata" and "users" not in rule]
    verbs: list[str] = rule["verbs"]
    return verbs


def test_writes_are_recorded_and_reads_are_not() -> None:
    assert recorded_verbs(audit_policy()) == ["create", "update", "patch", "delete", "deletecollection"]


def test_of_the_operator_reads_are_recorded_too() -> None:
    (rule,) = [rule for rule in audit_policy()["rules"] if rule.get("users") == [OPERATOR]]
    assert rule == {"level": "Metadata", "users": [OPERATOR], "verbs": ["get", "list", "watch"]}


def test_reads_are_recorded_on_request() -> None:
    assert {"get", "list", "watch"} < set(recorded_verbs(audit_policy(reads=True)))


def test_each_request_is_recorded_once_and_the_rest_falls_through_to_nothing() -> None:
    policy = audit_policy()
    assert policy["omitStages"] == ["RequestReceived"]
    assert policy["rules"][-1] == {"level": "None"}
