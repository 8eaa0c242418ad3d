"""What a running cluster is given when `up` is called again."""

from dataclasses import replace

import pytest
from memocluster import metrics, nodeimage
from memocluster.clusters import named
from memocluster.lifecycle import differences, lacks_metrics
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


def test_a_cluster_as_it_would_be_made_now_differs_in_nothing() -> None:
    assert differences(named("test"), replace(MADE, image=nodeimage.tag()), nodes=None) == []


def test_what_only_a_new_cluster_would_have_is_told() -> None:
    assert differences(named("test"), replace(MADE, nodes=1), nodes=None) == [
        "its node image is of an older recipe",
        "it has 1 node(s), not 2",
    ]


def test_a_number_of_nodes_that_was_asked_for_is_no_difference() -> None:
    assert differences(named("test"), replace(MADE, image=nodeimage.tag(), nodes=1), nodes=1) == []
