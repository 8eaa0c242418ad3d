"""From nothing to a cluster in which the operator runs. Each step is quick where nothing changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import diagnosis
from .commands import CLUSTERS, IMAGES, ROOT, StepError, environment, kubectl, output, step, tool
from .loading import ANNOTATION, Node, missing

__all__ = ["StepError", "environment", "images", "names", "operator", "ports", "tool", "up"]

RELEASE = "memoapp-operator"
NAMESPACE = "memoapp-system"
SELECTOR = "app.kubernetes.io/name=memoapp-operator"
CHART = Path("charts/memoapp-operator")
KEY_ANNOTATION = "testbed.memoapp.dev/key"
"""On the operator's pods: identifies chart, values and image, so that pods roll with a rebuilt image."""
_BUNDLE_FROM = 3
"""From so many images on, one bundle with their shared layers is quicker than an archive each."""
_READY_WITHIN = "180s"


def up(cluster: str) -> None:
    """The cluster runs and is ready: found so, repaired or made."""
    with step(f"cluster {cluster}"):
        output((*CLUSTERS, "up", cluster))


def images(cluster: str) -> dict[str, str]:
    """All images are built from the checkout as it stands, and in all nodes; references by image, for manifests."""
    with step("images"):
        archives, references = _archives(), names()
    with step(f"images in cluster {cluster}") as notes:
        lacking = missing(archives, references, _nodes(cluster))
        notes.append(", ".join(lacking) or "all there")
        if lacking:
            output((*CLUSTERS, "load", cluster, *_to_load(lacking)))
            noted = json.dumps({image: archive.name for image, archive in archives.items()})
            kubectl(cluster, "annotate", "nodes", "--all", "--overwrite", f"{ANNOTATION}={noted}")
    return references


def operator(cluster: str, values: Mapping[str, Any] | None = None) -> None:
    """The operator is installed by its chart with these values, and its pods are ready.

    Raises:
        StepError: it does not come up; what its pods say was printed.
    """
    wanted: dict[str, Any] = dict(values or {})
    key = _key(wanted, _nodes(cluster))
    with step(f"operator in cluster {cluster}") as notes:
        if _stands(cluster, key):
            notes.append("unchanged")
            return
        wanted["podAnnotations"] = {**wanted.get("podAnnotations", {}), KEY_ANNOTATION: key}
        try:
            _install(cluster, wanted)
        except StepError:
            diagnosis.tell(cluster, NAMESPACE, SELECTOR)
            raise


def names() -> dict[str, str]:
    """What manifests call the images, by image."""
    found: dict[str, str] = json.loads(output((*IMAGES, "names")))
    return found


def ports(cluster: str) -> dict[int, int]:
    """Ports of 127.0.0.1 by node port."""
    found: dict[str, int] = json.loads(output((*CLUSTERS, "ports", cluster)))
    return {int(node): host for node, host in found.items()}


def _archives() -> dict[str, Path]:
    """The archive of each image as the checkout now stands, built where it is new, by image.

    They are printed in the order of the names.
    """
    paths = [Path(line) for line in output((*IMAGES, "archives")).splitlines()]
    return dict(zip(names(), paths, strict=True))


def _to_load(lacking: Mapping[str, Path]) -> list[str]:
    if len(lacking) < _BUNDLE_FROM:
        return [str(archive) for archive in lacking.values()]
    return [output((*IMAGES, "bundle", "--only", *lacking)).strip()]


def _nodes(cluster: str) -> list[Node]:
    return [Node.read(item) for item in json.loads(kubectl(cluster, "get", "nodes", "-o", "json"))["items"]]


def _key(values: Mapping[str, Any], nodes: Sequence[Node]) -> str:
    """Identity of what would be installed: values, chart, and the image that lies in the nodes."""
    loaded = sorted({node.loaded.get("operator", "") for node in nodes})
    digest = hashlib.sha256(json.dumps([values, loaded], sort_keys=True).encode())
    for file in sorted(path for path in (ROOT / CHART).rglob("*") if path.is_file()):
        digest.update(str(file.relative_to(ROOT)).encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _stands(cluster: str, key: str) -> bool:
    """Whether just this is installed and all its pods are ready."""
    where = ("get", "deployments", "-n", NAMESPACE, "-l", SELECTOR, "-o", "json")
    found = json.loads(kubectl(cluster, *where))["items"]
    return len(found) == 1 and _is_ready(found[0], key)


def _is_ready(deployment: Mapping[str, Any], key: str) -> bool:
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    annotations = deployment["spec"]["template"]["metadata"].get("annotations") or {}
    counts = {status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas")}
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return seen and counts == {wanted} and annotations.get(KEY_ANNOTATION) == key


def _install(cluster: str, values: Mapping[str, Any]) -> None:
    helm = (tool(cluster, "helm"), "--namespace", NAMESPACE)
    reach = environment(cluster)
    if json.loads(output((*helm, "list", "--pending", "--filter", f"^{RELEASE}$", "--output", "json"), reach)):
        # A helm that was killed half-way left a lock. The CRDs, and so all MemoApps, stay.
        output((*helm, "uninstall", RELEASE, "--wait"), reach)
    # CRDs that a test applied by itself are the chart's again.
    options = ("--install", "--create-namespace", "--force-conflicts", "--wait", "--timeout", _READY_WITHIN)
    output((*helm, "upgrade", RELEASE, str(CHART), *options, "--values", "-"), reach, json.dumps(values))
