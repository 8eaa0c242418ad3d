"""Which node image and engine to use: the public one where it can be pulled, else our own."""

import json
import os
import shutil
import time
from dataclasses import dataclass
from typing import Final

from memocluster import nodeimage, packages, paths, versions
from memocluster.engine import Engine
from memocluster.errors import ClusterError
from memocluster.progress import step
from memocluster.shell import succeeds

PROBE_SECONDS: Final = 15
REMEMBER_SECONDS: Final = 24 * 3600
CHOICES: Final = ("auto", "public", "built")


@dataclass(frozen=True, slots=True)
class Provider:
    """The engine that runs the nodes and the image they run."""

    engine: Engine
    image: str


def choose() -> Provider:
    """Decide, and build the node image if that is what it takes.

    MEMOAPP_NODE_IMAGE=public or =built skips the question. Raises ClusterError
    where neither way is open, for example without root.
    """
    wish = os.environ.get("MEMOAPP_NODE_IMAGE", "auto")
    if wish not in CHOICES:
        raise ClusterError(f"MEMOAPP_NODE_IMAGE={wish} is none of {', '.join(CHOICES)}")
    docker = Engine("docker")
    if wish != "built" and docker_runs() and (wish == "public" or public_image(docker)):
        return Provider(docker, versions.PUBLIC_NODE_IMAGE)
    require_root(os.geteuid())
    packages.ensure(packages.CONTAINERS)
    podman = Engine("podman")
    if wish == "public" or (wish == "auto" and public_image(podman)):
        return Provider(podman, versions.PUBLIC_NODE_IMAGE)
    return Provider(podman, nodeimage.ensure(podman.environment()))


def require_root(user: int) -> None:
    """ClusterError for anybody but root: rootless Podman cannot run these nodes."""
    if user != 0:
        raise ClusterError("not root: without a Docker engine that pulls images, run this as root")


def docker_runs() -> bool:
    """Whether a Docker engine (not Podman's imitation of its command) answers."""
    if not shutil.which("docker"):
        return False
    return succeeds(["docker", "info", "--format", "{{.ServerVersion}}"], timeout=PROBE_SECONDS)


def public_image(engine: Engine) -> bool:
    """Whether the engine has the public node image or its registry answers.

    A "no" is remembered for a day, so that a machine without registries asks once.
    """
    image = f"docker.io/{by_digest(versions.PUBLIC_NODE_IMAGE)}"
    environment = engine.environment()
    if succeeds([engine.name, "image", "inspect", image], env=environment):
        return True
    memory = paths.cache() / f"no-public-image-{engine.name}.json"
    if remembered(memory.read_text() if memory.exists() else "", time.time()):
        return False
    with step("ask for the public node image", f"at most {PROBE_SECONDS} s"):
        # Reads only the manifest, a few kilobytes.
        question = [engine.name, "manifest", "inspect", image]
        answered = succeeds(question, env=environment, timeout=PROBE_SECONDS)
    if not answered:
        memory.parent.mkdir(parents=True, exist_ok=True)
        answer = {"image": versions.PUBLIC_NODE_IMAGE, "asked": time.time()}
        memory.write_text(json.dumps(answer))
    return answered


def by_digest(image: str) -> str:
    """The name without its tag: podman refuses a tag beside a digest."""
    tagged, digest = image.split("@")
    return f"{tagged.rsplit(':', 1)[0]}@{digest}"


def remembered(memory: str, now: float) -> bool:
    """Whether the stored answer still counts: same image, less than a day old."""
    try:
        answer = json.loads(memory)
        fresh = 0 <= now - float(answer["asked"]) < REMEMBER_SECONDS
        return fresh and answer["image"] == versions.PUBLIC_NODE_IMAGE
    except (ValueError, KeyError, TypeError):
        return False
