"""What a running cluster is given when `up` is called again."""

from dataclasses import replace

import pytest
from memocluster import metrics
from memocluster.clusters import named
from memocluster.lifecycle import lacks_metrics
from memocluster.record import Record

MADE = Record("podman", "localhost/memoapp-node:1", 2, ready=True)


@pytest.mark.parametrize("installed", ["", "of another version"])
def test_metrics_server_comes_to_a_cluster_that_has_none_or_another(installed: str) -> None:
    assert lacks_metrics(named("test"), replace(MADE, metrics=installed))


def test_metrics_server_is_installed_once() -> None:
    assert not lacks_metrics(named("test"), replace(MADE, metrics=metrics.identity()))


@pytest.mark.parametrize("name", ["demo", "dev"])
def test_other_clusters_do_without(name: str) -> None:
    assert not lacks_metrics(named(name), MADE)
