"""What is left in the end, without what may differ between two runs: times, versions and random values."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections import Counter
from typing import Any

from memoapp_operator.domain.manifest import POD, SECRET, Manifest
from memoapp_operator.domain.names import COMPONENT_LABEL

from .runner import Simulation

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_MINTED = re.compile(r"(minted[a-z]+)x\d{4}")
_OF_RANDOM_VALUES = {"memoapp.dev/applied", "memoapp.dev/certificates"}


def end_state(simulation: Simulation) -> dict[str, Any]:
    """MemoApp and children by reference, and the number of pods by component."""
    objects = {str(ref): _steady(item) for ref, item in simulation.children().items()}
    pods = Counter(pod["metadata"]["labels"][COMPONENT_LABEL] for pod in simulation.cluster.all(POD))
    return {**objects, "MemoApp": _steady(simulation.app), "pods": dict(pods)}


def _steady(manifest: Manifest) -> Manifest:
    found = json.loads(_MINTED.sub(r"\1", _TIME.sub("TIME", json.dumps(_readable(manifest)))))
    for key in ("resourceVersion", "generation"):
        found["metadata"].pop(key, None)
    for inner in (found["metadata"], found.get("spec", {}).get("template", {}).get("metadata", {})):
        inner["annotations"] = {
            key: value for key, value in inner.get("annotations", {}).items() if key not in _OF_RANDOM_VALUES
        }
    return found


def _readable(manifest: Manifest) -> Manifest:
    if manifest["kind"] != SECRET.kind:
        return manifest
    return {**manifest, "data": {key: b64decode(value).decode() for key, value in manifest["data"].items()}}
