"""One folder with the programs people and tests call, to be put on the PATH."""

import os
from pathlib import Path
from typing import Final

from memocluster import gotools, kube, packages, paths, store, versions

PROGRAMS: Final = ("kind", "kubectl", "helm")


def folder() -> Path:
    """Where the links to the programs are; another set of versions has another folder."""
    return paths.cache() / f"bin-{store.key(versions.KIND, versions.KUBERNETES, versions.HELM)}"


def ensure() -> Path:
    """Build and link every program; podman and buildah are installed as packages."""
    packages.ensure(packages.CONTAINERS)
    gotools.folder(gotools.KIND)
    gotools.folder(gotools.HELM)
    kube.folder()
    return link()


def link() -> Path:
    """Link those of the programs that have been built; the folder."""
    sources = {
        "kind": gotools.place(gotools.KIND) / "kind",
        "helm": gotools.place(gotools.HELM) / "helm",
        "kubectl": kube.place() / "kubectl",
    }
    target = folder()
    target.mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS:
        if sources[name].exists():
            fresh = target / f".{name}.{os.getpid()}"
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(sources[name])
            fresh.replace(target / name)
    return target
