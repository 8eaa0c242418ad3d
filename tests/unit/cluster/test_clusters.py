"""Clusters never share an address range, a port or a name, so all of them can run at once."""

from ipaddress import ip_network
from itertools import combinations

import pytest
from memocluster.clusters import CLUSTERS, MOST_NODES, Cluster, named
from memocluster.errors import ClusterError

PAIRS = list(combinations(CLUSTERS.values(), 2))


def ranges(cluster: Cluster) -> list[str]:
    return [cluster.pod_subnet, cluster.service_subnet]


def test_no_two_ranges_overlap() -> None:
    everything = [ip_network(text) for cluster in CLUSTERS.values() for text in ranges(cluster)]
    assert not [pair for pair in combinations(everything, 2) if pair[0].overlaps(pair[1])]


def test_ranges_keep_away_from_those_of_podman_and_of_kind() -> None:
    taken = [ip_network(text) for text in ("10.88.0.0/15", "10.96.0.0/16", "10.244.0.0/16")]
    ours = [ip_network(text) for cluster in CLUSTERS.values() for text in ranges(cluster)]
    assert not [(a, b) for a in ours for b in taken if a.overlaps(b)]


@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda cluster: cluster.name)
def test_no_host_port_serves_two_clusters(one: Cluster, other: Cluster) -> None:
    assert not one.host_ports.keys() & other.host_ports.keys()


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=lambda cluster: cluster.name)
def test_each_port_has_one_purpose(cluster: Cluster) -> None:
    assert len(cluster.host_ports) == len(cluster.ports) + 1
    assert all(30000 <= port <= 32767 for port in cluster.ports)
    assert all(1024 < port < 30000 for port in cluster.host_ports)


def test_the_promised_ports() -> None:
    assert named("demo").ports == {30080: 18080}
    assert named("dev").ports == {30080: 18280}
    assert named("test").ports == {30080 + n: 18180 + n for n in range(10)}


def test_only_the_tests_have_two_nodes_and_metrics() -> None:
    assert {name: cluster.nodes for name, cluster in CLUSTERS.items() if cluster.nodes != 1} == {"test": 2}
    assert [name for name, cluster in CLUSTERS.items() if cluster.metrics] == ["test"]


def test_names_as_kind_forms_them() -> None:
    dev = named("dev")
    assert dev.kind_name == "memoapp-dev"
    assert dev.context == "kind-memoapp-dev"
    assert dev.possible_nodes == ("memoapp-dev-control-plane", "memoapp-dev-worker", "memoapp-dev-worker2")
    assert len(dev.possible_nodes) == MOST_NODES


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ClusterError, match="no cluster is called 'prod'; there are demo, test, dev"):
        named("prod")
