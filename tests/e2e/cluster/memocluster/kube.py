"""Kubernetes and etcd as one binary, built from the published modules."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from memocluster import paths, store, versions
from memocluster.gotools import STATIC, go, require_go
from memocluster.progress import step

SOURCE = paths.FILES / "kube"
PAUSE_SOURCE = paths.FILES / "pause" / "main.go"


def place() -> Path:
    """Where the binary lies once it is built."""
    return store.place("kube", store.key(versions.KUBERNETES, SOURCE))


def folder() -> Path:
    """The folder that holds `kube`, with `kubectl` as a second name."""

    def make(target: Path) -> None:
        require_go()
        shutil.copytree(SOURCE, target, dirs_exist_ok=True)
        with step(f"fetch the sources of Kubernetes {versions.KUBERNETES}", "about 30 s"):
            go_version, staging = upstream(target)
            module = render_module(versions.KUBERNETES, go_version, staging)
            (target / "go.mod").write_text(module)
            go("mod", "tidy", cwd=target)
        with step(f"build Kubernetes {versions.KUBERNETES}", "about 4 min on 2 cores"):
            flags = ["-trimpath", "-ldflags", link_flags(versions.KUBERNETES)]
            go("build", *flags, "-o", "kube", ".", cwd=target, env=STATIC)
        (target / "kubectl").symlink_to("kube")

    return store.part("kube", store.key(versions.KUBERNETES, SOURCE), make)


def upstream(cwd: Path) -> tuple[str, list[str]]:
    """The Go version of Kubernetes' own go.mod and the modules it keeps under staging/."""
    source = f"k8s.io/kubernetes@v{versions.KUBERNETES}"
    module = json.loads(go("mod", "download", "-json", source, cwd=cwd))
    parsed = json.loads(go("mod", "edit", "-json", module["GoMod"], cwd=cwd))
    staging = [
        replacement["Old"]["Path"]
        for replacement in parsed["Replace"]
        if replacement["New"]["Path"].startswith("./staging")
    ]
    return parsed["Go"], staging


def render_module(version: str, go_version: str, staging: Sequence[str]) -> str:
    """The go.mod: Kubernetes 1.MINOR.PATCH with each staging module at v0.MINOR.PATCH."""
    published = f"v0.{version.split('.', 1)[1]}"
    language = ".".join(go_version.split(".")[:2])
    replacements = "".join(f"\t{path} => {path} {published}\n" for path in staging)
    return (
        f"module kube\n\ngo {go_version}\n\ngodebug default=go{language}\n\n"
        f"require k8s.io/kubernetes v{version}\n\nreplace (\n{replacements})\n"
    )


def link_flags(version: str) -> str:
    """Linker flags that make every component report the version."""
    major, minor, _ = version.split(".")
    values = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    package = "k8s.io/component-base/version"
    return "-s -w " + " ".join(f"-X {package}.{name}={value}" for name, value in values.items())


def pause() -> Path:
    """The folder that holds `pause`, the program of every pod's sandbox."""

    def make(target: Path) -> None:
        require_go()
        shutil.copy(PAUSE_SOURCE, target)
        flags = ["-trimpath", "-ldflags", "-s -w"]
        go("build", *flags, "-o", "pause", "main.go", cwd=target, env=STATIC)

    return store.part("pause", store.key(PAUSE_SOURCE), make)
