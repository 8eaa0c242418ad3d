"""When a cluster counts as ready: its nodes and everything it runs by itself."""

import json
import ssl
import time
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any, Final

from memocluster.clusters import Cluster
from memocluster.engine import Engine
from memocluster.errors import ClusterError

PATIENCE_SECONDS: Final = 240
KUBECTL: Final = ("kubectl", "--kubeconfig=/etc/kubernetes/admin.conf")
CONDITIONS: Final = {"Node": "Ready", "APIService": "Available"}
"""The condition that tells, by kind."""


def api_answers(cluster: Cluster, patience: float) -> bool:
    """Whether the API server says on its host port, within ``patience`` seconds, that it is ready."""
    # Anyone may ask /readyz, and nothing secret is sent: the certificate does not matter.
    anyone = ssl._create_unverified_context()  # noqa: S323
    deadline = time.monotonic() + patience
    while True:
        try:
            address = f"https://127.0.0.1:{cluster.api_port}/readyz"
            with urllib.request.urlopen(address, timeout=5, context=anyone) as answer:
                if answer.read() == b"ok":
                    return True
        except OSError:  # refused, reset, timed out, or an error status
            pass
        if time.monotonic() > deadline:
            return False
        time.sleep(1)


def wait(engine: Engine, cluster: Cluster, nodes: int) -> None:
    """Return when all is ready; ClusterError after PATIENCE_SECONDS, naming what is not."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while missing := _missing(engine, cluster, nodes):
        if time.monotonic() > deadline:
            raise ClusterError(f"not ready after {PATIENCE_SECONDS} s: {', '.join(missing)}")
        time.sleep(1)


def _missing(engine: Engine, cluster: Cluster, nodes: int) -> list[str]:
    question = [*KUBECTL, "get", "nodes,deployments,daemonsets,apiservices", "-A", "-o", "json"]
    try:
        answer = engine.inside(cluster.control_plane, *question, timeout=30)
    except ClusterError as error:  # a loaded machine: the API server is away for a moment
        return [str(error)]
    return unready(json.loads(answer)["items"], nodes)


def unready(items: Sequence[Mapping[str, Any]], nodes: int) -> list[str]:
    """Of the listed objects those that are not ready, as kind/name; missing ones too."""
    waiting = [f"{item['kind'].lower()}/{item['metadata']['name']}" for item in items if not _is_ready(item)]
    for kind, least in (("Node", nodes), ("DaemonSet", 1), ("Deployment", 1)):
        if (found := sum(item["kind"] == kind for item in items)) < least:
            waiting.append(f"{kind.lower()} {found} of {least}")
    return waiting


def _is_ready(item: Mapping[str, Any]) -> bool:
    status = item.get("status", {})
    if condition := CONDITIONS.get(item["kind"]):
        conditions = {entry["type"]: entry["status"] for entry in status.get("conditions", [])}
        return conditions.get(condition) == "True"
    if item["kind"] == "DaemonSet":
        wanted: int = status.get("desiredNumberScheduled", 0)
        return wanted > 0 and status.get("numberReady", 0) == wanted
    replicas: int = item["spec"].get("replicas", 1)
    available: int = status.get("availableReplicas", 0)
    return available >= replicas
