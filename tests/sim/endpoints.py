"""The EndpointSlices of the simulation: which pods a Service sends to now."""

from __future__ import annotations

from collections.abc import Iterator

from memoapp_operator.domain.manifest import ENDPOINT_SLICE, POD, SERVICE, Manifest, Ref

from .cluster import NAMESPACE, SimCluster

SERVICE_NAME = "kubernetes.io/service-name"
MANAGER = "kube-controller-manager"


def is_ready(pod: Manifest) -> bool:
    return any(
        item["type"] == "Ready" and item["status"] == "True" for item in pod.get("status", {}).get("conditions", [])
    )


def step(cluster: SimCluster) -> None:
    """One slice for each Service, as its pods are now."""
    pods = [*cluster.all(POD)]
    wanted = {}
    for service in cluster.all(SERVICE):
        name = service["metadata"]["name"]
        wanted[Ref(ENDPOINT_SLICE, f"{name}-slice")] = (name, [*_endpoints(service, pods)])
    for slice_ in cluster.all(ENDPOINT_SLICE):
        ref = Ref(ENDPOINT_SLICE, slice_["metadata"]["name"])
        if ref not in wanted:
            cluster.remove(ref)
        elif slice_["endpoints"] == wanted[ref][1]:
            del wanted[ref]
    for ref, (service_name, endpoints) in wanted.items():
        metadata = {"name": ref.name, "namespace": NAMESPACE, "labels": {SERVICE_NAME: service_name}}
        found = {"apiVersion": ENDPOINT_SLICE.api_version, "kind": ENDPOINT_SLICE.kind, "metadata": metadata}
        cluster.put({**found, "endpoints": endpoints}, manager=MANAGER)


def _endpoints(service: Manifest, pods: list[Manifest]) -> Iterator[Manifest]:
    selector = service["spec"].get("selector", {}).items()
    for pod in pods:
        address = pod.get("status", {}).get("podIP")
        if selector and address and selector <= pod["metadata"].get("labels", {}).items():
            target = {"kind": POD.kind, "name": pod["metadata"]["name"]}
            yield {"addresses": [address], "conditions": {"ready": is_ready(pod)}, "targetRef": target}
