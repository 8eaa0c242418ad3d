"""The way from this machine to an app's routers: a NodePort Service that the test makes, on a port the node maps."""

from __future__ import annotations

from tests.kube import Object

FIRST_NODE_PORT = 30080
_MAPPED = {"test": (18180, 10), "demo": (18080, 1)}
_ROUTER_PORT = 8080


def service(app: str, namespace: str, number: int = 0) -> Object:
    """A Service on the app's routers at node port ``FIRST_NODE_PORT + number``."""
    port = {"name": "http", "port": 80, "targetPort": _ROUTER_PORT, "nodePort": FIRST_NODE_PORT + number}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"{app}-load", "namespace": namespace},
        "spec": {
            "type": "NodePort",
            "selector": {"memoapp.dev/app": app, "app.kubernetes.io/component": "router"},
            "ports": [port],
        },
    }


def address(cluster: str, number: int = 0) -> str:
    """Where that port is found on this machine, for the local cluster of that name.

    Raises:
        LookupError: if the cluster maps no such port.
    """
    first, count = _MAPPED.get(cluster, (0, 0))
    if not 0 <= number < count:
        raise LookupError(f"the cluster {cluster!r} maps no node port {FIRST_NODE_PORT + number}")
    return f"http://127.0.0.1:{first + number}"
