"""The Ingress, for clients outside of the cluster."""

from __future__ import annotations

from memoapp_operator.domain.manifest import INGRESS, Manifest

from .context import Context
from .endpoints import ROUTER, SERVICE_PORT
from .metadata import child, name


def ingress(context: Context) -> tuple[Manifest, ...]:
    """One host, every path, to the app's Service; none where the spec asks for none."""
    declared = context.app.spec.traffic.ingress
    if declared is None:
        return ()
    backend = {"service": {"name": name(context, None), "port": {"number": SERVICE_PORT}}}
    rule = {"host": declared.host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    spec: Manifest = {"rules": [rule]}
    if declared.class_name is not None:
        spec["ingressClassName"] = declared.class_name
    if declared.tls_secret_name is not None:
        spec["tls"] = [{"hosts": [declared.host], "secretName": declared.tls_secret_name}]
    return ({**child(INGRESS, context, None, component=ROUTER), "spec": spec},)
