"""The cluster ``faults``: no operator is installed in it, so that only the processes of these runs look after its apps.

The runs can play in any other cluster too, as long as no operator runs there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.cluster_guard import PREFIX

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e" / "cluster"))

from memocluster import lifecycle, paths, record  # noqa: E402 -- the tool is a folder, not a package
from memocluster.clusters import CLUSTERS, Cluster  # noqa: E402
from memocluster.engine import Engine  # noqa: E402

FAULTS = CLUSTERS["faults"]
IMAGES = (sys.executable, "images/build")
_STRIKE = """
for process in /proc/[0-9]*; do
  [ "$(cat $process/comm 2>/dev/null)" = kube-apiserver ] || continue
  kill -KILL "${process#/proc/}" && echo "${process#/proc/}"
done
"""


def up() -> Path:
    """The cluster runs with all images in it; its kubeconfig."""
    lifecycle.up(FAULTS)
    if not _has_images():
        _run(*IMAGES, "build")
        lifecycle.load(FAULTS, [Path(_run(*IMAGES, "bundle").strip())])
    return paths.kubeconfig(FAULTS.name)


def down() -> None:
    """The cluster and every trace of it is gone."""
    lifecycle.down(FAULTS)


def node_process(context: str) -> int | None:
    """The process id of a local cluster's control-plane node: its network namespace is where the operator runs."""
    cluster = _cluster(context)
    if cluster is None:
        return None
    stored = lifecycle.require(cluster)
    return int(Engine(stored.engine).call("inspect", "--format", "{{.State.Pid}}", cluster.control_plane))


def strike(context: str) -> None:
    """The API server's container dies on the node (SIGKILL); the kubelet starts it again.

    Raises:
        AssertionError: there was none to kill.
    """
    cluster = _cluster(context)
    assert cluster is not None, context
    engine = Engine(lifecycle.require(cluster).engine)
    assert engine.inside(cluster.control_plane, "sh", "-c", _STRIKE), "no API server runs on the node"


def image_names() -> dict[str, str]:
    """What manifests call the images, by image."""
    found: dict[str, str] = json.loads(_run(*IMAGES, "names"))
    return found


def _cluster(context: str) -> Cluster | None:
    return CLUSTERS.get(context.removeprefix(PREFIX))


def _has_images() -> bool:
    stored = record.load(FAULTS)
    engine = Engine(stored.engine) if stored else None
    listed = engine.inside(FAULTS.control_plane, "ctr", "-n", "k8s.io", "images", "ls", "-q") if engine else ""
    return set(image_names().values()) <= set(listed.split())


def _run(*command: str) -> str:
    done = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=True)
    return done.stdout
