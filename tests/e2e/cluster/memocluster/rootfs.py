"""The node's root file system from Debian packages."""

from pathlib import Path
from typing import Final

from memocluster import packages, store, versions
from memocluster.progress import step
from memocluster.shell import run

PACKAGES: Final = (
    "systemd", "systemd-sysv", "dbus", "iproute2", "iptables", "nftables", "conntrack", "ethtool",
    "socat", "mount", "util-linux", "kmod", "procps", "ca-certificates", "curl", "jq",
    "hostname", "tar",
)  # fmt: skip


def archive() -> Path:
    """The tar archive of the plain root file system, built if need be."""

    def make(target: Path) -> None:
        packages.ensure(packages.NODE_BUILD)
        with step(f"fetch Debian {versions.DEBIAN} for the node", "about 60 s"):
            wanted = ",".join(PACKAGES)
            command = ["mmdebstrap", "--variant=apt", f"--include={wanted}", versions.DEBIAN]
            run([*command, target / "rootfs.tar"])

    return store.part("rootfs", store.key(versions.DEBIAN, *PACKAGES), make) / "rootfs.tar"
