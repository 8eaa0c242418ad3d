"""The node image for machines that reach no container registry, assembled and imported."""

import json
import os
import platform
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from memocluster import images, packages, paths, rootfs, store, versions
from memocluster.errors import ClusterError
from memocluster.images import Parts
from memocluster.locks import lock
from memocluster.progress import step
from memocluster.shell import die_with_parent, record, run, succeeds

OVERLAY: Final = paths.FILES / "node"
NAME: Final = "localhost/memoapp-node"
RECIPE: Final = tuple(
    Path(__file__).with_name(f"{module}.py")
    for module in ("archive", "gotools", "images", "kube", "nodeimage", "rootfs", "versions")
)
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


def require_architecture(machine: str) -> None:
    """ClusterError where this image cannot be built: the library paths are those of amd64."""
    if machine not in ("x86_64", "amd64"):
        raise ClusterError(
            f"unsupported architecture {machine}: without a container registry only amd64 works"
        )


def tag() -> str:
    """The image's name; the hash covers every input, so a changed recipe is a new image."""
    return f"{NAME}:v{versions.KUBERNETES}-{store.key(paths.FILES, *RECIPE)}"


def ensure(env: Mapping[str, str]) -> str:
    """The tag of the image, built and imported into podman's storage if need be."""
    image = tag()
    if succeeds(["podman", "image", "exists", image], env=env):
        return image
    require_architecture(platform.machine())
    packages.ensure(packages.NODE_BUILD)
    parts, plain = Parts.built(), rootfs.archive()
    with lock(paths.state() / ".node-image.lock", "the build of the node image"):
        if not succeeds(["podman", "image", "exists", image], env=env):
            with step("assemble the node image", "about 15 s"), _workplace() as work:
                root = work / "root"
                unpack(root, plain)
                furnish(root, parts)
                preload(root, work, parts)
                _import(root, image, env)
            forget_others(image, env)
    return image


def forget_others(image: str, env: Mapping[str, str]) -> None:
    """Remove the images of earlier recipes; one that a cluster still uses stays."""
    listed = run(["podman", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", NAME], env=env)
    for other in set(listed.split()) - {image}:
        succeeds(["podman", "image", "rm", other], env=env)


@contextmanager
def _workplace() -> Iterator[Path]:
    """A fresh folder, gone afterwards; what a killed build left is removed first."""
    base = paths.state() / "tmp"
    shutil.rmtree(base, ignore_errors=True)
    base.mkdir(parents=True)
    try:
        yield Path(tempfile.mkdtemp(dir=base))
    finally:
        shutil.rmtree(base, ignore_errors=True)


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
    shutil.copytree(OVERLAY, root, dirs_exist_ok=True, symlinks=True)
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
    start = root / "etc/systemd/system/default.target"
    start.unlink(missing_ok=True)
    start.symlink_to(f"/{SYSTEMD}/multi-user.target")
    wanted = root / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    for unit in ("containerd.service", "kubelet.service"):
        (wanted / unit).symlink_to(f"/etc/systemd/system/{unit}")
    (root / "etc/machine-id").write_text("")


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
    with (work / "containerd.log").open("w") as log:
        daemon = subprocess.Popen(
            [parts.containerd / "containerd", "-c", work / "containerd.toml"],
            stdout=log, stderr=log, preexec_fn=die_with_parent,
        )  # fmt: skip
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


def _import(root: Path, image: str, env: Mapping[str, str]) -> None:
    command = ["podman", "import", "-q"]
    for change in (
        'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]',
        "STOPSIGNAL SIGRTMIN+3",
        "ENV container=podman",
    ):
        command += ["-c", change]
    command += ["-", image]
    tar = subprocess.Popen(
        ["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE, preexec_fn=die_with_parent
    )
    done = subprocess.run(
        command,
        stdin=tar.stdout,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=die_with_parent,
    )
    record(command, done.returncode, done.stdout + done.stderr)
    if tar.wait() or done.returncode:
        raise ClusterError(f"podman could not import the node image (all output: {paths.log()})")
