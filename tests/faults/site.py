"""The cluster that the environment names, made ready for fault runs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import yaml

from tests.cluster_guard import kubeconfig
from tests.faults import testcluster
from tests.faults.place import other_operator
from tests.faults.runner import Site
from tests.kube import Kube, Object

ROOT = Path(__file__).resolve().parents[2]
DEFINITION = "apiextensions.k8s.io/v1/CustomResourceDefinition"
CRDS = ROOT / "crds"


class NotHereError(AssertionError):
    """Fault runs cannot be made on this machine, or on this cluster."""


def site(*, keep: bool = False) -> Site:
    """The cluster of ``MEMOAPP_KUBECONFIG``: no operator may run there. Without the chart it gets the CRD from here.

    Raises:
        NotHereError: it is no cluster for fault runs.
    """
    if os.geteuid() != 0:
        raise NotHereError("fault runs need root: the operator's process enters the network of the cluster's node")
    path = kubeconfig()
    context = yaml.safe_load(path.read_text(encoding="utf-8"))["current-context"]
    with Kube.from_kubeconfig(path) as kube:
        other = other_operator(kube)
        if other is not None:
            raise NotHereError(other)
        _define(kube)
        name_server = kube.get("v1/Service", "kube-dns", "kube-system")["spec"]["clusterIP"]
    node = testcluster.node_process(context)
    if node is None:
        raise NotHereError(f"{context} is no local cluster: its node's network cannot be entered")
    return Site(path, context, node, name_server, testcluster.image_names(), keep)


def _define(kube: Kube) -> None:
    """The CRDs of this checkout; Helm's own are left to Helm, which would not take them back from another manager."""
    for file in sorted(CRDS.glob("*.yaml")):
        _define_one(kube, yaml.safe_load(file.read_text(encoding="utf-8")))


def _define_one(kube: Kube, manifest: Object) -> None:
    name = manifest["metadata"]["name"]
    live = kube.find(DEFINITION, name)
    if live is None or "meta.helm.sh/release-name" not in (live["metadata"].get("annotations") or {}):
        kube.apply(manifest)
    kube.wait(DEFINITION, name, until=_established)


def _established(found: object) -> bool:
    text = json.dumps(found)
    return '"Established"' in text and '"NamesAccepted"' in text
