"""One client a session, a namespace a test; MemoApps with the images that this machine has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

import pytest
import yaml
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.cluster_guard import PREFIX, kubeconfig, kubeconfig_or_stop
from tests.e2e.app import App
from tests.e2e.namespaces import new_namespace
from tests.kube import Kube, Object
from tools.testbed import sample, steps

# Their tests share one app, or stop the operator: each of these files is worked on by one worker, test by test.
# By file, not by the mark xdist_group: with pytest 9.2 that one has no effect.
TOGETHER = frozenset(f"tests/e2e/test_{name}.py" for name in ("full", "in_place", "operator", "refused"))
MakeApp: TypeAlias = Callable[..., App]


class Scheduling(LoadScopeScheduling):
    """Every test by itself, but for the files whose tests belong together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file in TOGETHER else nodeid


@pytest.hookimpl(tryfirst=True, optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def kube(request: pytest.FixtureRequest) -> Iterator[Kube]:
    with Kube.from_kubeconfig(kubeconfig_or_stop(request.session)) as client:
        yield client


@pytest.fixture(scope="session")
def cluster(kube: Kube) -> str:
    """The name of the local cluster, for what is asked of its nodes."""
    context = yaml.safe_load(kubeconfig().read_text(encoding="utf-8"))["current-context"]
    if not context.startswith(PREFIX):
        pytest.skip("the nodes of a cluster that is not ours cannot be looked into")
    return str(context.removeprefix(PREFIX))


@pytest.fixture(scope="session")
def images() -> dict[str, str]:
    return steps.names()


@pytest.fixture
def namespace(kube: Kube) -> Iterator[str]:
    with new_namespace(kube) as name:
        yield name


@pytest.fixture
def small(images: dict[str, str]) -> Object:
    """The spec of a backend on a managed database, one pod each."""
    return sample.small(images)


@pytest.fixture
def memoapp(kube: Kube, namespace: str, small: Object) -> MakeApp:
    """Makes a MemoApp in the test's namespace: ``memoapp("memo", spec)``; the small one where no spec is given."""

    def make(name: str = "memo", spec: Object | None = None, **metadata: Object) -> App:
        app = App(kube, namespace, name)
        app.create(spec or small, **metadata)
        return app

    return make
