"""Look into the nodes of a local cluster: what pods cannot show, and signals that no API sends."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .commands import CLUSTERS, output

# Processes of a pod by its control group; the sandbox's own process is none of them. The uid is written with
# underscores where systemd manages the groups.
_FIND = """
for process in /proc/[0-9]*; do
  grep -qE "$1|$2" $process/cgroup 2>/dev/null || continue
  grep -q ^/pause $process/cmdline || echo ${process#/proc/}
done
"""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of a pod, seen from its node.

    Attributes:
        node: name of the node, which is also that of its container.
        number: process id in the node.
    """

    cluster: str
    node: str
    number: int

    def memory(self) -> int:
        """Resident bytes."""
        status = inside(self.cluster, self.node, "cat", f"/proc/{self.number}/status")
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024


def processes(cluster: str, pod: Mapping[str, Any]) -> list[Process]:
    """The processes of a live pod's containers."""
    uid, node = pod["metadata"]["uid"], pod["spec"]["nodeName"]
    found = inside(cluster, node, "sh", "-c", _FIND, "sh", uid, uid.replace("-", "_"))
    return [Process(cluster, node, int(line)) for line in found.split()]


def signal(cluster: str, pod: Mapping[str, Any], name: str) -> None:
    """Send KILL, STOP, CONT or TERM to every process of a pod's containers.

    Found and told in one go: a short-lived process may be gone a moment later.
    """
    uid, node = pod["metadata"]["uid"], pod["spec"]["nodeName"]
    script = f'for each in $({_FIND}); do kill -{name} "$each" || true; done'
    inside(cluster, node, "sh", "-c", script, "sh", uid, uid.replace("-", "_"))


def control_plane(cluster: str) -> str:
    """The node that the API server runs in."""
    return f"memoapp-{cluster}-control-plane"


def inside(cluster: str, node: str, *command: str) -> str:
    """Output of a command that is run as root in a node."""
    program, environment = _engine(cluster)
    return output((program, "exec", node, *command), environment)


@cache
def _engine(cluster: str) -> tuple[str, dict[str, str]]:
    """Docker or podman, whichever runs the cluster's nodes, and the environment that it wants."""
    if shutil.which("docker") and _docker_runs(cluster):
        return "docker", dict(os.environ)
    lines = output((*CLUSTERS, "podman-env")).splitlines()
    pairs = (shlex.split(line)[0].partition("=") for line in lines)
    return "podman", {**os.environ, **{name: value for name, _, value in pairs}}


def _docker_runs(cluster: str) -> bool:
    done = subprocess.run(("docker", "ps", "--format", "{{.Names}}"), capture_output=True, text=True, check=False)
    return control_plane(cluster) in done.stdout.split()
