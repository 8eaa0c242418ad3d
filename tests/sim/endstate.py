"""What is left in the end, without what may differ between two runs: times, versions and random values."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections import Counter
from collections.abc import Mapping
from typing import Any

from memoapp_operator.domain.manifest import POD, REVISION, SECRET, Manifest, Ref
from memoapp_operator.domain.names import COLOUR_LABEL, COMPONENT_LABEL
from memoapp_operator.domain.revision import ID_ANNOTATION

from .kinds import MADE
from .runner import Simulation

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_MINTED = re.compile(r"(minted[a-z]+)x\d{4}")
_COPY = re.compile(r"(memo-connection)-[0-9a-f]{8}")
"""Named by its content, and that holds minted values."""
_MEASURED = re.compile(r"[a-zA-Z]+ErrorPercent [^\"\\]*? requests(, of the [a-z]+ class)?")
"""What gates measured: as many requests as there were."""
_OF_RANDOM_VALUES = {"memoapp.dev/applied", "memoapp.dev/certificates"}


def end_state(simulation: Simulation) -> dict[str, Any]:
    """MemoApp and children by reference, the number of pods by component and colour, and what each router holds."""
    ids = _ids(simulation)
    objects = {without_copies(ref): _steady(item, ids) for ref, item in simulation.children().items()}
    pods = Counter(_workload(pod) for pod in simulation.cluster.all(POD))
    routers = [str(simulation.world.routers.held(pod)) for pod in simulation.pods("router").values()]
    told = [_masked(text, ids) for text in sorted(routers)]
    return {**objects, "MemoApp": _steady(simulation.app, ids), "pods": dict(pods), "routers": told}


def history(simulation: Simulation) -> dict[str, tuple[int, int]]:
    """How often each object of the operator's kinds was created, and how often deleted."""
    found: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for ref, times in simulation.cluster.born.items():
        if ref.kind in MADE:
            found[without_copies(ref)] += times
            gone[without_copies(ref)] += times - (simulation.cluster.find(ref) is not None)
    return {name: (times, gone[name]) for name, times in found.items()}


def _workload(pod: Manifest) -> str:
    labels = pod["metadata"]["labels"]
    return "-".join(labels[key] for key in (COLOUR_LABEL, COMPONENT_LABEL) if key in labels)


def _ids(simulation: Simulation) -> dict[str, str]:
    """What stands for each revision's id, which the password that its pods are given makes another in each run."""
    stored = simulation.children(REVISION).values()
    return {item["metadata"]["annotations"][ID_ANNOTATION]: f"ID-OF-R{item['revision']}" for item in stored}


def without_copies(ref: Ref) -> str:
    """The reference, with one name for every copy of the connection Secret."""
    return _COPY.sub(r"\1-COPY", str(ref))


def _masked(text: str, ids: Mapping[str, str]) -> str:
    for pattern, told in ((_TIME, "TIME"), (_MINTED, r"\1"), (_COPY, r"\1-COPY"), (_MEASURED, "MEASURED")):
        text = pattern.sub(told, text)
    for id_, told in ids.items():
        text = text.replace(id_, told)
    return text


def _steady(manifest: Manifest, ids: Mapping[str, str]) -> Manifest:
    found: Manifest = json.loads(_masked(json.dumps(_readable(manifest)), ids))
    for counted in ("gates", "compared"):
        found.get("status", {}).get("release", {}).pop(counted, None)
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
