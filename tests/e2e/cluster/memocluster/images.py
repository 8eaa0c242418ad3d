"""The images every node holds from its first second: no registry is asked for them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from memocluster import archive, gotools, kube, versions
from memocluster.archive import Image, Layer

BUSYBOX: Final = f"localhost/busybox:{versions.BUSYBOX_TAG}"
LOCAL_PATH: Final = "localhost/local-path-provisioner:1"
PODNET: Final = "localhost/podnet:1"
REGISTRY: Final = "registry.k8s.io"

LIBRARIES: Final = "usr/lib/x86_64-linux-gnu"
LOADER: Final = "lib64/ld-linux-x86-64.so.2"
NET_PROGRAMS: Final = ("usr/sbin/nft", "usr/sbin/xtables-nft-multi", "usr/sbin/conntrack")
NET_LIBRARIES: Final = tuple(
    f"{LIBRARIES}/lib{name}"
    for name in (
        "bsd.so.0", "c.so.6", "edit.so.2", "gmp.so.10", "jansson.so.4", "m.so.6", "md.so.0",
        "mnl.so.0", "netfilter_conntrack.so.3", "nfnetlink.so.0", "nftables.so.1", "nftnl.so.11",
        "tinfo.so.6", "xtables.so.12",
    )
)  # fmt: skip
"""What the network programs are linked with in the node's Debian."""

COMPONENTS: Final = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
APPLETS: Final = (
    "sh", "cat", "chmod", "chown", "cp", "date", "df", "echo", "env", "grep", "head", "httpd",
    "id", "ls", "mkdir", "nc", "nslookup", "ping", "rm", "sed", "sleep", "stat", "tail", "test",
    "touch", "tr", "true", "wc", "wget",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Parts:
    """The folders of the built programs."""

    kube: Path
    pause: Path
    coredns: Path
    local_path: Path
    containerd: Path
    cni: Path
    runc: Path

    @classmethod
    def built(cls) -> "Parts":
        """Build whatever the cache lacks, the longest first."""
        return cls(
            kube=kube.folder(),
            pause=kube.pause(),
            coredns=gotools.folder(gotools.COREDNS),
            local_path=gotools.folder(gotools.LOCAL_PATH),
            containerd=gotools.folder(gotools.CONTAINERD),
            cni=gotools.folder(gotools.CNI),
            runc=gotools.runc(),
        )


def write(target: Path, parts: Parts, root: Path) -> None:
    """Write the preloaded images; ``root`` is the node's root file system."""
    archive.write(target, layers(parts, root), catalogue())


def catalogue() -> list[Image]:
    """Every preloaded image; kubeadm looks for exactly the names under its registry."""
    tag = f"v{versions.KUBERNETES}"
    return [
        *(Image(f"{REGISTRY}/{name}:{tag}", ("kube",), f"/usr/local/bin/{name}") for name in COMPONENTS),
        Image(f"{REGISTRY}/kube-proxy:{tag}", ("kube", "net"), "/usr/local/bin/kube-proxy"),
        Image(f"{REGISTRY}/etcd:{versions.ETCD_TAG}", ("kube",), "/usr/local/bin/etcd"),
        Image(f"{REGISTRY}/coredns/coredns:v{versions.COREDNS}", ("coredns",), "/coredns"),
        Image(f"{REGISTRY}/pause:{versions.PAUSE_TAG}", ("pause",), "/pause"),
        Image(LOCAL_PATH, ("local-path",), "/usr/local/bin/local-path-provisioner"),
        Image(BUSYBOX, ("busybox",), "/bin/sh"),
        Image(PODNET, ("kube", "net", "busybox", "podnet"), "/bin/sh"),
    ]


def layers(parts: Parts, root: Path) -> dict[str, Layer]:
    """The layers by name; one holds the Kubernetes binary for all its components."""
    provisioner = "local-path-provisioner"
    return {
        "kube": Layer(
            {"usr/local/bin/kube": parts.kube / "kube"},
            {f"usr/local/bin/{name}": "kube" for name in (*COMPONENTS, "kube-proxy", "etcd")},
        ),
        "net": network_layer(root),
        "pause": Layer({"pause": parts.pause / "pause"}),
        "coredns": Layer({"coredns": parts.coredns / "coredns"}),
        "local-path": Layer({f"usr/local/bin/{provisioner}": parts.local_path / provisioner}),
        "busybox": Layer(
            {"bin/busybox": Path("/bin/busybox")},
            {f"bin/{applet}": "busybox" for applet in APPLETS},
        ),
        "podnet": Layer(
            links={
                "usr/local/bin/kubectl": "kube",
                **{f"bin/{applet}": "busybox" for applet in ("ip", "mv", "cmp")},
            }
        ),
    }


def network_layer(root: Path) -> Layer:
    """The nft and iptables programs with their libraries, from the node's root."""
    extensions = sorted((root / LIBRARIES / "xtables").iterdir())
    names = [*NET_PROGRAMS, *NET_LIBRARIES]
    files = {name: inside(root, name) for name in names}
    files[LOADER] = inside(root, f"{LIBRARIES}/ld-linux-x86-64.so.2")
    files |= {f"{LIBRARIES}/xtables/{path.name}": path.resolve() for path in extensions}
    prefixes = ("iptables", "ip6tables")
    links = {
        f"usr/sbin/{prefix}{suffix}": "xtables-nft-multi" for prefix in prefixes for suffix in ("", "-save", "-restore")
    }
    return Layer(files, links, ("tmp", "run"))


def inside(root: Path, name: str) -> Path:
    """The file a name stands for when ``root`` is the root: links are followed within it."""
    path = root / name
    for _ in range(10):
        if not path.is_symlink():
            return path
        target = path.readlink()
        path = root / target.relative_to("/") if target.is_absolute() else path.parent / target
    raise OSError(f"too many links at {name}")
