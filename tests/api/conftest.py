"""One cluster a session, the CRDs applied, one namespace a worker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster_guard import kubeconfig_or_stop
from tests.kube import Kube, Object, condition

CRDS = Path(__file__).resolve().parents[2] / "crds"
CRD = "apiextensions.k8s.io/v1/CustomResourceDefinition"


def established(found: Object | None) -> bool:
    return condition(found, "Established") == "True"


@pytest.fixture(scope="session")
def kube(request: pytest.FixtureRequest) -> Iterator[Kube]:
    with Kube.from_kubeconfig(kubeconfig_or_stop(request.session)) as client:
        for file in sorted(CRDS.glob("*.yaml")):
            manifest = yaml.safe_load(file.read_text(encoding="utf-8"))
            client.apply(manifest)
            client.wait(CRD, manifest["metadata"]["name"], until=established)
        yield client


@pytest.fixture(scope="session")
def namespace(kube: Kube) -> Iterator[str]:
    name = f"api-{uuid.uuid4().hex[:10]}"
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    kube.delete("v1/Namespace", name)


@pytest.fixture
def name() -> str:
    """A name that no other test has."""
    return f"app-{uuid.uuid4().hex[:10]}"
