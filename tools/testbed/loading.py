"""Which image archives the nodes of a cluster have yet to be given.

Each node notes in an annotation the archives that were loaded into it; their names hold a hash of their content. A
node that lost an image since (the kubelet removes images where the disk is full) is given it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ANNOTATION = "testbed.memoapp.dev/images"


@dataclass(frozen=True, slots=True)
class Node:
    """One node.

    Attributes:
        name: of the Node object.
        loaded: file name of the archive by image, as noted.
        present: references of the images that the kubelet reports.
    """

    name: str
    loaded: Mapping[str, str]
    present: frozenset[str]

    @classmethod
    def read(cls, manifest: Mapping[str, Any]) -> Self:
        """From a live Node object."""
        metadata = manifest["metadata"]
        noted = (metadata.get("annotations") or {}).get(ANNOTATION, "{}")
        present = (name for image in manifest["status"].get("images") or [] for name in image.get("names") or [])
        return cls(metadata["name"], json.loads(noted), frozenset(present))


def missing(archives: Mapping[str, Path], references: Mapping[str, str], nodes: Iterable[Node]) -> dict[str, Path]:
    """The archives that some node lacks, by image.

    Args:
        archives: every archive as the checkout now stands, by image.
        references: what manifests call the images, by image.
        nodes: all nodes of the cluster.
    """
    found = list(nodes)
    return {
        image: archive
        for image, archive in archives.items()
        if any(node.loaded.get(image) != archive.name or references[image] not in node.present for node in found)
    }
