"""What is remembered of a cluster between calls."""

import json
import shutil
from dataclasses import asdict, dataclass
from typing import cast

from memocluster import paths
from memocluster.clusters import Cluster
from memocluster.engine import EngineName


@dataclass(frozen=True, slots=True)
class Record:
    """Written before the first container is made, and again when all is ready."""

    engine: EngineName
    image: str
    nodes: int
    ready: bool = False
    metrics: str = ""
    """The identity of the metrics-server that was installed; empty where there is none."""

    def save(self, cluster: Cluster) -> None:
        """Replace the stored record in one act."""
        file = paths.cluster_folder(cluster.name) / "record.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        fresh = file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self), indent=1))
        fresh.replace(file)


def load(cluster: Cluster) -> Record | None:
    """The record, or None where nothing was ever begun (or the file is not readable as one)."""
    file = paths.cluster_folder(cluster.name) / "record.json"
    try:
        stored = json.loads(file.read_text())
        name = "docker" if stored["engine"] == "docker" else "podman"
        engine = cast(EngineName, name)
        return Record(
            engine,
            str(stored["image"]),
            int(stored["nodes"]),
            ready=stored["ready"] is True,
            metrics=str(stored.get("metrics", "")),
        )
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def forget(cluster: Cluster) -> None:
    """Remove the cluster's folder with its record and kubeconfig."""
    shutil.rmtree(paths.cluster_folder(cluster.name), ignore_errors=True)
