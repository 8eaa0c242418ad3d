"""The pod network of the built node image: what its script does to a node, with programs that only note their calls."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from memocluster import paths

MANIFEST = paths.FILES / "node" / "kind" / "manifests" / "default-cni.yaml"
# The third is new and has no range yet.
NODES = "n1 10.1.0.0/24 10.89.0.2\nn2 10.1.1.0/24 10.89.0.3\nn3  10.89.0.4\n"


def the(kind: str) -> dict[str, Any]:
    (found,) = [item for item in yaml.safe_load_all(MANIFEST.read_text()) if item["kind"] == kind]
    assert isinstance(found, dict)
    return found


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """A folder with stand-ins for the programs; ``calls`` holds what they were asked, and `sleep` ends all."""
    (tmp_path / "token").write_text("secret")
    (tmp_path / "nodes").write_text(NODES)
    programs = {
        "kubectl": f'echo "kubectl $*" >> {tmp_path}/calls; cat {tmp_path}/nodes',
        "ip": f'echo "ip $*" >> {tmp_path}/calls',
        "nft": f'echo "nft $*" >> {tmp_path}/calls; [ "$1" != list ]',
        "sleep": "kill $PPID",
    }
    (tmp_path / "bin").mkdir()
    for name, body in programs.items():
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    return tmp_path


def one_round(node: Path, name: str) -> list[str]:
    """Run the script on the node of that name until it sleeps; what it called."""
    script = the("ConfigMap")["data"]["run.sh"].replace("/cni/", f"{node}/")
    script = script.replace("/var/run/secrets/kubernetes.io/serviceaccount", str(node))
    search = f"{node / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": search, "NODE": name, "CONTROL_PLANE_ENDPOINT": "cp:6443"}
    subprocess.run(["sh", "-c", script], env=environment, check=False, timeout=20)
    return (node / "calls").read_text().splitlines()


def test_a_node_gets_routes_to_the_pods_of_every_other(node: Path) -> None:
    routes = [call for call in one_round(node, "n2") if call.startswith("ip ")]
    assert routes == ["ip route replace 10.1.0.0/24 via 10.89.0.2"]


def test_its_own_pods_get_a_bridge(node: Path) -> None:
    one_round(node, "n2")
    bridge, _ = json.loads((node / "10-pods.conflist").read_text())["plugins"]
    assert bridge["type"] == "bridge"
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.1.1.0/24"}]]


def test_what_leaves_the_pod_ranges_is_masked_before_the_first_pod_runs(node: Path) -> None:
    calls = one_round(node, "n1")
    assert calls[:2] == ["nft list table ip podnet", "nft -f -"]


def test_the_account_may_watch_the_nodes_and_no_more(node: Path) -> None:
    (asked,) = [call for call in one_round(node, "n1") if call.startswith("kubectl ")]
    assert "--server https://cp:6443" in asked
    assert "get nodes --watch" in asked
    assert the("ClusterRole")["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]}
    ]


def test_it_runs_on_every_node_whatever_its_taints() -> None:
    assert the("DaemonSet")["spec"]["template"]["spec"]["tolerations"] == [{"operator": "Exists"}]
