"""The node image for machines that reach no container registry, assembled and imported."""

import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from memocluster import noderoot, packages, paths, rootfs, store, versions
from memocluster.errors import ClusterError
from memocluster.images import Parts
from memocluster.locks import lock
from memocluster.progress import step
from memocluster.shell import run, start, succeeds

NAME: Final = "localhost/memoapp-node"
SOURCES: Final = tuple(paths.FILES / name for name in ("kube", "node", "pause"))
RECIPE: Final = tuple(
    Path(__file__).with_name(f"{module}.py")
    for module in ("archive", "gotools", "images", "kube", "nodeimage", "noderoot", "rootfs", "versions")
)


def require_architecture(machine: str) -> None:
    """ClusterError where this image cannot be built: the library paths are those of amd64."""
    if machine not in ("x86_64", "amd64"):
        raise ClusterError(f"unsupported architecture {machine}: without a container registry only amd64 works")


def tag() -> str:
    """The image's name; the hash covers every input, so a changed recipe is a new image."""
    return f"{NAME}:v{versions.KUBERNETES}-{store.key(*SOURCES, *RECIPE)}"


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
                noderoot.unpack(root, plain)
                noderoot.furnish(root, parts)
                noderoot.preload(root, work, parts)
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


def _import(root: Path, image: str, env: Mapping[str, str]) -> None:
    command: list[str | Path] = ["podman", "import", "-q"]
    for change in (
        'ENTRYPOINT ["/usr/local/bin/entrypoint","/sbin/init"]',
        "STOPSIGNAL SIGRTMIN+3",
        "ENV container=podman",
    ):
        command += ["-c", change]
    command += ["-", image]
    with start(["tar", "-C", root, "-c", "."], stderr=subprocess.DEVNULL) as tar:
        run(command, env=env, stdin=tar.stdout or subprocess.DEVNULL)
    if tar.returncode:
        raise ClusterError("tar could not read the node's root file system")
