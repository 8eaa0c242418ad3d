"""A namespace for one run: with the rights that the chart gives the operator there, and a token for them."""

from __future__ import annotations

import functools
import ssl
import subprocess
import uuid
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.namespaces import RESTRICTED
from tests.faults.proxy import Upstream
from tests.kube import Kube, Object

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "memoapp-operator"
_PLACEHOLDER = "namespace-of-the-run"
_RIGHTS = frozenset({"ServiceAccount", "Role", "RoleBinding"})
_TOKEN_SECONDS = 7200


@dataclass(frozen=True, slots=True)
class Place:
    """One namespace.

    Attributes:
        namespace: its name.
        upstream: the API server with the operator's rights there.
    """

    namespace: str
    upstream: Upstream


def other_operator(kube: Kube) -> str | None:
    """Which operator in the cluster would look after the apps of the runs too, as a sentence; None: there is none."""
    for found in kube.list("apps/v1/Deployment", "*", labels="app.kubernetes.io/name=memoapp-operator"):
        containers = found["spec"]["template"]["spec"]["containers"]
        variables = {entry["name"]: entry.get("value") for item in containers for entry in item.get("env") or []}
        if found["spec"].get("replicas") and not variables.get("MEMOAPP_WATCH_NAMESPACES"):
            where = f"{found['metadata']['namespace']}/{found['metadata']['name']}"
            return (
                f"{where} looks after all namespaces: `python -m tests.faults up` makes a cluster without an operator"
            )
    return None


@contextmanager
def place(kube: Kube, kubeconfig: Path, *, keep: bool = False) -> Iterator[Place]:
    """A new namespace; afterwards it is deleted, without waiting for it."""
    name = f"fault-{uuid.uuid4().hex[:8]}"
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}})
    try:
        for manifest in yaml.safe_load_all(
            _rights(kube.request("GET", "/version")["gitVersion"]).replace(_PLACEHOLDER, name)
        ):
            kube.apply(manifest)
        yield Place(name, _upstream(kube, kubeconfig, name))
    finally:
        if not keep:
            kube.delete("v1/Namespace", name)


@functools.cache
def _rights(version: str) -> str:
    """The chart's objects for an operator that watches its own namespace alone, as YAML."""
    values = f"watchNamespaces={{{_PLACEHOLDER}}},crds.install=false"
    options = ("--namespace", _PLACEHOLDER, "--kube-version", version, "--set", values)
    command = ("helm", "template", ACCOUNT, "charts/memoapp-operator", *options)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = [item for item in yaml.safe_load_all(done.stdout) if item and item["kind"] in _RIGHTS]
    return yaml.safe_dump_all(found)


def _upstream(kube: Kube, kubeconfig: Path, namespace: str) -> Upstream:
    request: Object = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": _TOKEN_SECONDS},
    }
    url = f"/api/v1/namespaces/{namespace}/serviceaccounts/{ACCOUNT}/token"
    answer = kube.request("POST", url, body=request)
    config: Any = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    cluster = config["clusters"][0]["cluster"]
    authority = b64decode(cluster["certificate-authority-data"]).decode()
    return Upstream(cluster["server"], ssl.create_default_context(cadata=authority), answer["status"]["token"])
