"""Programs built from the Go module proxy, each cached by its version."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memocluster import store, versions
from memocluster.errors import ClusterError
from memocluster.progress import step
from memocluster.shell import run

MINIMUM: Final = (1, 24)
"""`go get -tool` needs it; newer language versions are fetched by Go itself."""

STATIC: Final = {"CGO_ENABLED": "0"}
SMALL: Final = ("-trimpath", "-ldflags", "-s -w")


@dataclass(frozen=True, slots=True)
class GoTool:
    """One module at one version, and the main packages wanted from it."""

    name: str
    version: str
    packages: tuple[str, ...]
    usually: str


KIND: Final = GoTool("kind", versions.KIND, ("sigs.k8s.io/kind",), "about 30 s")
HELM: Final = GoTool("helm", versions.HELM, ("helm.sh/helm/v4/cmd/helm",), "about 70 s")
CONTAINERD: Final = GoTool(
    "containerd",
    versions.CONTAINERD,
    tuple(
        f"github.com/containerd/containerd/v2/cmd/{command}"
        for command in ("containerd", "containerd-shim-runc-v2", "ctr")
    ),
    "about 50 s",
)
CNI: Final = GoTool(
    "cni-plugins",
    versions.CNI_PLUGINS,
    tuple(
        f"github.com/containernetworking/plugins/plugins/{plugin}"
        for plugin in ("main/bridge", "main/loopback", "ipam/host-local", "meta/portmap")
    ),
    "about 5 s",
)
COREDNS: Final = GoTool("coredns", versions.COREDNS, ("github.com/coredns/coredns",), "about 60 s")
LOCAL_PATH: Final = GoTool(
    "local-path-provisioner",
    versions.LOCAL_PATH_PROVISIONER,
    ("github.com/rancher/local-path-provisioner",),
    "about 50 s",
)
METRICS_SERVER: Final = GoTool(
    "metrics-server",
    versions.METRICS_SERVER,
    ("sigs.k8s.io/metrics-server/cmd/metrics-server",),
    "about 90 s",
)


def require_go() -> None:
    """ClusterError unless a Go that is new enough is on the PATH."""
    if not shutil.which("go"):
        raise ClusterError(f"no Go on the PATH; install Go {MINIMUM[0]}.{MINIMUM[1]} or newer")
    found = re.search(r"go(\d+)\.(\d+)", run(["go", "version"]))
    if found and (int(found[1]), int(found[2])) < MINIMUM:
        raise ClusterError(f"{found[0]} is too old; install Go {MINIMUM[0]}.{MINIMUM[1]} or newer")


def go(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run the Go command away from any workspace or flags of the user; its output."""
    ours = {"GOFLAGS": "", "GOWORK": "off", "GO111MODULE": "on"}
    return run(["go", *arguments], cwd=cwd, env={**ours, **(env or {})})


def place(tool: GoTool) -> Path:
    """Where the tool's programs lie once they are built."""
    return store.place(tool.name, _key(tool))


def folder(tool: GoTool) -> Path:
    """The folder that holds the tool's programs, built if need be."""

    def make(target: Path) -> None:
        require_go()
        sources = [f"{package}@v{tool.version}" for package in tool.packages]
        with step(f"build {tool.name} {tool.version}", tool.usually):
            go("install", *SMALL, *sources, cwd=target, env={**STATIC, "GOBIN": str(target)})

    return store.part(tool.name, _key(tool), make)


def _key(tool: GoTool) -> str:
    return store.key(tool.version, *tool.packages, *SMALL)


def runc() -> Path:
    """The folder that holds runc: static, so that the node needs no library of this machine."""
    flags = ["-trimpath", "-tags", "seccomp netgo osusergo"]
    flags += ["-ldflags", "-s -w -linkmode external -extldflags -static"]
    package = "github.com/opencontainers/runc"

    def make(target: Path) -> None:
        require_go()
        with step(f"build runc {versions.RUNC}", "about 15 s"):
            # Its replace directives forbid `go install`; as a tool of a module it builds.
            go("mod", "init", "build", cwd=target)
            go("get", "-tool", f"{package}@v{versions.RUNC}", cwd=target)
            go("build", *flags, "-o", "runc", package, cwd=target, env={"CGO_ENABLED": "1"})

    return store.part("runc", store.key(versions.RUNC, *flags), make)
