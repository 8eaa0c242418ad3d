"""Debian packages this machine lacks, installed when they are needed."""

import os
import shutil
from collections.abc import Sequence
from typing import Final

from memocluster import paths
from memocluster.errors import ClusterError, CommandError
from memocluster.locks import lock
from memocluster.progress import step
from memocluster.shell import run

CONTAINERS: Final = (
    "podman", "conmon", "netavark", "aardvark-dns", "catatonit", "runc", "iptables", "nftables", "buildah",
    "iproute2", "ca-certificates",
)  # fmt: skip
"""Run containers and build images. Debian's netavark calls iptables and does not depend on it."""

NODE_BUILD: Final = (
    "mmdebstrap", "busybox-static", "gcc", "libc6-dev", "libseccomp-dev", "pkg-config",
)  # fmt: skip
"""Build the node image."""


def ensure(wanted: Sequence[str]) -> None:
    """Install what is missing; ClusterError where apt is missing or the user is not root."""
    if not (missing := absent(wanted)):
        return
    if not shutil.which("apt-get"):
        raise ClusterError(f"missing programs and no apt-get to install them: {' '.join(missing)}")
    if os.geteuid() != 0:
        raise ClusterError(f"not root, so cannot install: {' '.join(missing)}")
    with lock(paths.state() / ".apt.lock", "the package installation"):
        if missing := absent(wanted):
            with step(f"install packages: {' '.join(missing)}", "about 30 s"):
                _install(missing)


def absent(wanted: Sequence[str]) -> list[str]:
    """Those of the packages that dpkg does not report as installed."""
    if not shutil.which("dpkg-query"):
        return list(wanted)
    report = ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted]
    try:
        listing = run(report)
    except CommandError as failure:  # some are unknown; the others are listed all the same
        listing = failure.output
    lines = {line for line in listing.splitlines() if line.endswith(" installed")}
    return [name for name in wanted if f"{name} installed" not in lines]


def _install(missing: Sequence[str]) -> None:
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    patience = ["-o", "DPkg::Lock::Timeout=300"]
    run(["apt-get", *patience, "update"], env=environment)
    command = ["apt-get", *patience, "install", "-y", "--no-install-recommends", *missing]
    run(command, env=environment)
