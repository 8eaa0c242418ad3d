"""metrics-server: what pods and nodes use of processor and memory, for `kubectl top` and autoscalers."""

from pathlib import Path
from typing import Final

from memocluster import archive, gotools, paths, store, versions
from memocluster.archive import Image, Layer
from memocluster.clusters import Cluster
from memocluster.engine import Engine
from memocluster.readiness import KUBECTL

NAME: Final = "metrics-server"
IMAGE: Final = f"localhost/{NAME}:{versions.METRICS_SERVER}"
FOLDER: Final = paths.FILES / NAME
MANIFESTS: Final = tuple(FOLDER / f"{name}.yaml" for name in ("rbac", "server", "apiservice"))
"""In the order in which they are applied."""


def identity() -> str:
    """What would be installed; another one than a cluster's record names is installed anew."""
    return store.key(_image_key(), FOLDER)


def image() -> Path:
    """The archive that holds the image, built if need be; it fits whatever node image there is."""

    def make(target: Path) -> None:
        program = gotools.folder(gotools.METRICS_SERVER) / NAME
        archive.write(target / f"{NAME}.tar", {NAME: Layer({NAME: program})}, [Image(IMAGE, (NAME,), f"/{NAME}")])

    return store.part(f"{NAME}-image", _image_key(), make) / f"{NAME}.tar"


def deploy(engine: Engine, cluster: Cluster) -> None:
    """Make or change its objects; the nodes must hold the image."""
    for manifest in MANIFESTS:
        engine.feed(cluster.control_plane, manifest, *KUBECTL, "apply", "-f", "-")


def _image_key() -> str:
    return store.key(gotools.place(gotools.METRICS_SERVER).name, Path(archive.__file__))
