"""The clusters, each with ranges and ports of its own so that all can run at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from memocluster.errors import ClusterError

MOST_NODES: Final = 3


@dataclass(frozen=True, slots=True)
class Cluster:
    """What tells one cluster from another.

    The address ranges must differ too, not only the ports: before kube-proxy has
    its rules a service address leaves the node by the host's routes, and with the
    same range it would end in the neighbour's API server.
    """

    name: str
    pod_subnet: str
    service_subnet: str
    api_port: int
    ports: Mapping[int, int]
    """Node port inside the cluster -> port on 127.0.0.1 of the host."""
    nodes: int = 1
    """How many it is made of where nobody asks for another number."""
    metrics: bool = False
    """Whether metrics-server runs in it, for `kubectl top` and autoscalers."""

    @property
    def kind_name(self) -> str:
        """The name kind knows the cluster by; also that of its container network."""
        return f"memoapp-{self.name}"

    @property
    def context(self) -> str:
        """The context in the cluster's kubeconfig."""
        return f"kind-{self.kind_name}"

    @property
    def control_plane(self) -> str:
        """The container of the first node."""
        return f"{self.kind_name}-control-plane"

    @property
    def possible_nodes(self) -> tuple[str, ...]:
        """The containers kind makes for one to MOST_NODES nodes."""
        workers = ["worker", *(f"worker{number}" for number in range(2, MOST_NODES))]
        return (self.control_plane, *(f"{self.kind_name}-{role}" for role in workers))

    @property
    def host_ports(self) -> dict[int, str]:
        """Every port taken on 127.0.0.1, with what it serves."""
        taken = {host: f"node port {node}" for node, host in self.ports.items()}
        return {self.api_port: "the API server", **taken}


CLUSTERS: Mapping[str, Cluster] = {
    cluster.name: cluster
    for cluster in (
        Cluster("demo", "10.211.0.0/16", "10.111.0.0/16", 16443, {30080: 18080}),
        Cluster(
            "test",
            "10.212.0.0/16",
            "10.112.0.0/16",
            16444,
            {30080 + offset: 18180 + offset for offset in range(10)},
            nodes=2,
            metrics=True,
        ),
        Cluster("dev", "10.213.0.0/16", "10.113.0.0/16", 16445, {30080: 18280}),
        Cluster("faults", "10.214.0.0/16", "10.114.0.0/16", 16446, {}),
        Cluster("rescue", "10.215.0.0/16", "10.115.0.0/16", 16447, {}),
    )
}


def named(name: str) -> Cluster:
    """The cluster of that name; ClusterError for any other name."""
    try:
        return CLUSTERS[name]
    except KeyError:
        known = ", ".join(CLUSTERS)
        raise ClusterError(f"no cluster is called {name!r}; there are {known}") from None
