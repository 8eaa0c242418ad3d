"""One cluster a session, the CRDs applied, one namespace a worker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
import yaml

from tests.api.constraints import CRDS, RULES
from tests.cluster_guard import kubeconfig_or_stop
from tests.kube import Kube, Object, condition, eventually

CRD = "apiextensions.k8s.io/v1/CustomResourceDefinition"


def established(found: Object | None) -> bool:
    return condition(found, "Established") == "True"


def install(kube: Kube, manifest: Object) -> None:
    """Apply a CRD and wait until the API server works by it: an older one may have been there."""
    kube.apply(manifest)
    kube.wait(CRD, manifest["metadata"]["name"], until=established)
    eventually(lambda: published(kube, manifest))


def published(kube: Kube, manifest: Object) -> bool:
    """Whether the schema that the API server tells is that of the CRD."""
    group, version = manifest["spec"]["group"], manifest["spec"]["versions"][0]
    wanted = version["schema"]["openAPIV3Schema"]
    name = ".".join([*reversed(group.split(".")), version["name"], manifest["spec"]["names"]["kind"]])
    paths = kube.request("GET", "/openapi/v3")["paths"]
    if f"apis/{group}/{version['name']}" not in paths:
        return False
    told = kube.request("GET", f"/openapi/v3/apis/{group}/{version['name']}")["components"]["schemas"].get(name, {})
    fields = told.get("properties", {})
    return told.get(RULES) == wanted.get(RULES) and all(
        fields.get(part) == wanted["properties"].get(part) for part in ("spec", "status")
    )


@pytest.fixture(scope="session")
def kube(request: pytest.FixtureRequest) -> Iterator[Kube]:
    with Kube.from_kubeconfig(kubeconfig_or_stop(request.session)) as client:
        for file in sorted(CRDS.glob("*.yaml")):
            install(client, yaml.safe_load(file.read_text(encoding="utf-8")))
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
