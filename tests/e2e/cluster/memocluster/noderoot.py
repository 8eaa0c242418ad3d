"""The node's file system: Debian, our programs and units, and the preloaded images."""

import json
import shutil
import time
from pathlib import Path
from typing import Final

from memocluster import images, paths, versions
from memocluster.errors import ClusterError
from memocluster.images import Parts
from memocluster.shell import run, start, succeeds

OVERLAY: Final = paths.FILES / "node"
SYSTEMD: Final = "lib/systemd/system"
UNWANTED: Final = (
    "etc/systemd/system/*.wants/*",
    f"{SYSTEMD}/sockets.target.wants/*initctl*",
    *(
        f"{SYSTEMD}/multi-user.target.wants/{unit}"
        for unit in (
            "getty.target", "systemd-logind.service", "systemd-update-utmp-runlevel.service",
            "systemd-user-sessions.service", "systemd-ask-password-wall.path",
        )
    ),
    *(
        f"{SYSTEMD}/sysinit.target.wants/{unit}"
        for unit in (
            "systemd-tmpfiles-setup.service", "systemd-binfmt.service", "sys-*.mount",
            "proc-sys-fs-binfmt_misc.automount", "dev-hugepages.mount", "kmod-static-nodes.service",
            "systemd-firstboot.service", "systemd-pcrphase*", "systemd-repart.service",
            "systemd-modules-load.service", "systemd-update-utmp.service",
            "systemd-machine-id-commit.service", "cryptsetup.target", "veritysetup.target",
            "integritysetup.target",
        )
    ),
)  # fmt: skip
"""Units that make no sense in a container."""

TRIMMED: Final = (
    "var/cache/apt/*", "var/lib/apt/lists/*",
    *(f"usr/share/{name}/*" for name in ("doc", "man", "locale", "info")),
)  # fmt: skip
PRELOADER: Final = """version = 3
root = "{root}"
state = "{work}/run"
disabled_plugins = [
  "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime",
]
[grpc]
address = "{work}/containerd.sock"
"""


def unpack(root: Path, plain: Path) -> None:
    """Unpack the root file system without what a container does not need."""
    root.mkdir()
    run(["tar", "-C", root, "-xf", plain, "--exclude=./dev/*"])
    for pattern in (*UNWANTED, *TRIMMED):
        for path in root.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def furnish(root: Path, parts: Parts) -> None:
    """Add the programs, units and settings that make a file system a node."""
    lay_over(root, OVERLAY)
    (root / "kind" / "version").write_text(f"v{versions.KUBERNETES}")
    for name in ("opt/cni/bin", "etc/cni/net.d", "etc/kubernetes/manifests", "etc/default"):
        (root / name).mkdir(parents=True, exist_ok=True)
    for program in ("containerd", "containerd-shim-runc-v2", "ctr"):
        shutil.copy(parts.containerd / program, root / "usr/local/bin")
    shutil.copy(parts.runc / "runc", root / "usr/local/sbin")
    for plugin in ("bridge", "host-local", "loopback", "portmap"):
        shutil.copy(parts.cni / plugin, root / "opt/cni/bin")
    shutil.copy(parts.kube / "kube", root / "usr/bin")
    for name in ("kubeadm", "kubelet", "kubectl"):
        (root / "usr/bin" / name).symlink_to("kube")
    (root / "etc/containerd/cri-base.json").write_text(container_spec(parts))
    target = root / "etc/systemd/system/default.target"
    target.unlink(missing_ok=True)
    target.symlink_to(f"/{SYSTEMD}/multi-user.target")
    wanted = root / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    for unit in ("containerd.service", "kubelet.service"):
        (wanted / unit).symlink_to(f"/etc/systemd/system/{unit}")
    (root / "etc/machine-id").write_text("")


def lay_over(root: Path, overlay: Path) -> None:
    """Copy a folder's files into the root; modes are set, a checkout's depend on its umask."""
    for source in sorted(path for path in overlay.rglob("*") if path.is_file()):
        copy = root / source.relative_to(overlay)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        copy.chmod(0o755 if source.stat().st_mode & 0o100 else 0o644)


def container_spec(parts: Parts) -> str:
    """The base of every container, without limits: raising them needs CAP_SYS_RESOURCE."""
    spec = json.loads(run([parts.containerd / "ctr", "oci", "spec"]))
    del spec["process"]["rlimits"]
    return json.dumps(spec, indent=1)


def preload(root: Path, work: Path, parts: Parts) -> None:
    """Import the images into the node's containerd folder; they are unpacked at first use."""
    images.write(work / "images.tar", parts, root)
    settings = PRELOADER.format(root=root / "var/lib/containerd", work=work)
    (work / "containerd.toml").write_text(settings)
    ctr: list[str | Path] = [parts.containerd / "ctr", "-a", work / "containerd.sock", "-n", "k8s.io"]
    with (work / "containerd.log").open("wb") as log:
        command: list[str | Path] = [parts.containerd / "containerd", "-c", work / "containerd.toml"]
        daemon = start(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 20
        while not succeeds([*ctr, "version"]):
            if time.monotonic() > deadline:
                raise ClusterError("containerd did not start to take the node's images")
            time.sleep(0.1)
        run([*ctr, "images", "import", "--no-unpack", "--digests", work / "images.tar"])
    finally:
        daemon.terminate()
        daemon.wait(20)
