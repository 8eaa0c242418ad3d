"""The container engine under kind: Docker, or rootful Podman with settings of our own."""

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL
from typing import IO, Final, Literal

from memocluster import paths
from memocluster.clusters import Cluster
from memocluster.shell import run, through

EngineName = Literal["docker", "podman"]
KIND_LABEL: Final = "io.x-k8s.kind.cluster"

CONTAINERS_CONF: Final = """[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
tmp_dir = "{runtime}/libpod"
[network]
network_backend = "netavark"
network_config_dir = "{state}/networks"
[containers]
log_driver = "k8s-file"
# Podman asks for more by default, and runc then fails without CAP_SYS_RESOURCE.
default_ulimits = ["nofile={nofile}:{nofile}", "nproc=32768:32768"]
"""
STORAGE_CONF: Final = """[storage]
driver = "overlay"
graphroot = "{state}/storage"
runroot = "{runtime}/storage"
"""


def podman_settings() -> dict[str, str]:
    """Write podman's settings and return the variables that make podman and buildah use them.

    The machine's own podman storage, networks and settings stay untouched.
    """
    folder = paths.state() / "podman"
    folder.mkdir(parents=True, exist_ok=True)
    values = {"state": paths.state(), "runtime": paths.runtime(), "nofile": open_files()}
    files = {"containers.conf": CONTAINERS_CONF, "storage.conf": STORAGE_CONF}
    for name, text in files.items():
        _replace(folder / name, text.format(**values))
    return {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
    }


def open_files() -> int:
    """The limit of open files for containers: this process's hard limit, at most 1048576."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return min(hard, 1048576) if hard > 0 else 1048576


def _replace(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


@dataclass(frozen=True, slots=True)
class Engine:
    """One of the two engines; their command lines agree in all that is used here."""

    name: EngineName

    def environment(self) -> dict[str, str]:
        """What the engine's own command needs in its environment."""
        return podman_settings() if self.name == "podman" else {}

    def kind_environment(self, cluster: Cluster) -> dict[str, str]:
        """What kind needs to use this engine, with a network for this cluster alone."""
        return {
            **self.environment(),
            "KIND_EXPERIMENTAL_PROVIDER": self.name,
            f"KIND_EXPERIMENTAL_{self.name.upper()}_NETWORK": cluster.kind_name,
            "KUBECONFIG": str(paths.kubeconfig(cluster.name)),
        }

    def call(self, *arguments: str, timeout: float | None = None, stdin: int | IO[bytes] = DEVNULL) -> str:
        """Run the engine's command; its output."""
        return run([self.name, *arguments], env=self.environment(), timeout=timeout, stdin=stdin)

    def stream(self, *arguments: str) -> int:
        """Run the engine's command with its output going straight to ours; its exit code."""
        return through([self.name, *arguments], env=self.environment())

    def containers(self, cluster: Cluster) -> dict[str, bool]:
        """The cluster's node containers in any state: name -> whether it runs."""
        condition = f"label={KIND_LABEL}={cluster.kind_name}"
        listed = self.call("ps", "-a", "--filter", condition, "--format", "{{.Names}} {{.Status}}")
        rows = (line.split() for line in listed.splitlines())
        return {row[0]: row[1:2] == ["Up"] for row in rows if row}

    def remove(self, cluster: Cluster) -> None:
        """Remove the cluster's nodes, their volumes and its network, whatever is there of them."""
        if nodes := self.containers(cluster):
            at_once = ["--time", "0"] if self.name == "podman" else []
            self.call("rm", "-f", "-v", *at_once, *nodes)
        for node in cluster.possible_nodes:
            # kind marks a node's volume with the node's name as the key of a label.
            if left := self.call("volume", "ls", "--filter", f"label={node}", "--quiet").split():
                self.call("volume", "rm", "-f", *left)
        if cluster.kind_name in self.networks():
            self.call("network", "rm", cluster.kind_name)

    def networks(self) -> list[str]:
        """The names of all container networks."""
        return self.call("network", "ls", "--format", "{{.Name}}").split()

    def inside(self, node: str, *command: str, timeout: float | None = None) -> str:
        """Run a command in a node; its output."""
        return self.call("exec", node, *command, timeout=timeout)

    def feed(self, node: str, source: Path, *command: str) -> str:
        """Run a command in a node that reads ``source``, a file of this machine; its output."""
        with source.open("rb") as content:
            return self.call("exec", "-i", node, *command, stdin=content)
