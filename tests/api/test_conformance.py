"""What the operator relies on of an API server, shown by a real one; tests/sim shows the same of the simulated one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from kubernetes.aio import config
from kubernetes.aio.client.api_client import ApiClient
from kubernetes.aio.client.configuration import Configuration
from memoapp_operator.adapters.kube import KubeCluster
from memoapp_operator.domain.manifest import Manifest, Ref

from tests.cluster_guard import kubeconfig
from tests.conformance.cases import CASES
from tests.conformance.place import Place
from tests.kube import Kube, eventually

pytestmark = pytest.mark.cluster


class RealPlace:
    """The port ``Place`` over the operator's own adapter, and the tests' client beside it."""

    def __init__(self, cluster: KubeCluster, kube: Kube, namespace: str, name: str) -> None:
        self.cluster = cluster
        self._kube = kube
        self.namespace = namespace
        self.name = name

    def put(self, manifest: Manifest) -> Manifest:
        return self._kube.apply(manifest, manager="somebody")

    def find(self, ref: Ref) -> Manifest | None:
        return self._kube.find(_kind(ref), ref.name, self.namespace)

    def remove(self, ref: Ref) -> None:
        self._kube.delete(_kind(ref), ref.name, self.namespace)

    async def eventually(self, check: Callable[[], bool]) -> None:
        await asyncio.to_thread(eventually, check)


def _kind(ref: Ref) -> str:
    return f"{ref.kind.api_version}/{ref.kind.kind}"


@pytest.fixture
async def place(kube: Kube, namespace: str, name: str) -> AsyncIterator[RealPlace]:
    configuration = Configuration()
    await config.load_kube_config(config_file=str(kubeconfig()), client_configuration=configuration)
    async with ApiClient(configuration=configuration) as client:
        yield RealPlace(KubeCluster(client), kube, namespace, name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_a_real_one_does_it(case: Callable[[Place], Awaitable[None]], place: RealPlace) -> None:
    await case(place)
