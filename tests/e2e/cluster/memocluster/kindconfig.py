"""The files kind reads: its cluster configuration and the API server's audit policy."""

import json
from pathlib import Path
from typing import Any, Final

from memocluster.clusters import Cluster

AUDIT_LOG: Final = "/var/log/kubernetes/audit.log"
"""Inside the control-plane node."""

POLICY_FOLDER: Final = "/etc/memoapp-audit"
WRITES: Final = ("create", "update", "patch", "delete", "deletecollection")
READS: Final = ("get", "list", "watch")
OPERATOR: Final = "system:serviceaccount:memoapp-system:memoapp-operator"
"""The user whose reads are always recorded: what it costs is measured."""


def audit_policy(*, reads: bool = False) -> dict[str, Any]:
    """Record every write with its metadata (user, agent, object, code), no bodies.

    Left out: what nodes report about themselves and the leases of the control
    plane, which go on for ever on an idle cluster. Reads are those of the
    operator; of everybody on request.
    """
    components = ["system:apiserver", "system:kube-controller-manager", "system:kube-scheduler"]
    leases = [{"group": "coordination.k8s.io", "resources": ["leases"]}]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "userGroups": ["system:nodes"]},
            {"level": "None", "users": components, "resources": leases},
            {"level": "Metadata", "users": [OPERATOR], "verbs": list(READS)},
            {"level": "Metadata", "verbs": [*WRITES, *(READS if reads else ())]},
            {"level": "None"},
        ],
    }


def cluster_config(cluster: Cluster, policy_folder: Path, nodes: int = 1) -> str:
    """The kind configuration, as JSON (which kind's YAML reader takes).

    ``policy_folder`` is a folder of the host that holds policy.json. Every node
    takes ordinary pods, the control plane too.
    """
    control_plane = {
        "role": "control-plane",
        "extraPortMappings": [
            {"containerPort": node, "hostPort": host, "listenAddress": "127.0.0.1"}
            for node, host in cluster.ports.items()
        ],
        "extraMounts": [{"hostPath": str(policy_folder), "containerPath": POLICY_FOLDER, "readOnly": True}],
    }
    # With one node kind takes the taint away by itself, and fails where there is none.
    patches = [api_server_patch(), *([schedulable_patch()] if nodes > 1 else [])]
    config = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "networking": {
            "podSubnet": cluster.pod_subnet,
            "serviceSubnet": cluster.service_subnet,
            "apiServerAddress": "127.0.0.1",
            "apiServerPort": cluster.api_port,
        },
        "kubeadmConfigPatches": [json.dumps(patch) for patch in patches],
        "nodes": [control_plane, *({"role": "worker"} for _ in range(nodes - 1))],
    }
    return json.dumps(config, indent=1)


def api_server_patch() -> dict[str, Any]:
    """Make the API server write the audit log; kind merges the arguments into its own."""
    log_folder = AUDIT_LOG.rsplit("/", 1)[0]
    arguments = {
        "audit-policy-file": f"{POLICY_FOLDER}/policy.json",
        "audit-log-path": AUDIT_LOG,
        "audit-log-maxsize": "500",
        "audit-log-maxbackup": "1",
    }
    return {
        "kind": "ClusterConfiguration",
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "apiServer": {
            "extraArgs": [{"name": name, "value": value} for name, value in arguments.items()],
            "extraVolumes": [
                _volume("audit-policy", POLICY_FOLDER, "Directory", read_only=True),
                _volume("audit-log", log_folder, "DirectoryOrCreate", read_only=False),
            ],
        },
    }


def schedulable_patch() -> dict[str, Any]:
    """Keep the control plane free of the taint that kubeadm gives it by default."""
    return {
        "kind": "InitConfiguration",
        "apiVersion": "kubeadm.k8s.io/v1beta4",
        "nodeRegistration": {"taints": []},
    }


def _volume(name: str, path: str, kind: str, *, read_only: bool) -> dict[str, Any]:
    paths = {"hostPath": path, "mountPath": path}
    return {"name": name, **paths, "pathType": kind, "readOnly": read_only}
