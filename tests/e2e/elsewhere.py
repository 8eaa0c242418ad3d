"""A PostgreSQL and a Redis that are not the operator's: plain pods with a Service each."""

from __future__ import annotations

from tests.kube import Kube, Object

PASSWORD = "t0p-secret_elsewhere"
_CONTEXT = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_USER = {"runAsNonRoot": True, "runAsUser": 999, "fsGroup": 999, "seccompProfile": {"type": "RuntimeDefault"}}


def postgres(kube: Kube, namespace: str, image: str) -> None:
    """``postgres.<namespace>.svc:5432`` with the database ``memo_app`` of ``memo_user``."""
    names = {"POSTGRES_USER": "memo_user", "POSTGRES_PASSWORD": PASSWORD, "POSTGRES_DB": "memo_app"}
    environment = [{"name": name, "value": value} for name, value in names.items()]
    environment.append({"name": "PGDATA", "value": "/data/pgdata"})
    _serve(kube, namespace, "postgres", 5432, {"image": image, "args": ["-c", "fsync=off"], "env": environment})


def redis(kube: Kube, namespace: str, image: str) -> None:
    """``redis.<namespace>.svc:6379``."""
    _serve(kube, namespace, "redis", 6379, {"image": image, "args": ["redis-server", "--requirepass", PASSWORD]})


def url(scheme: str, user: str, namespace: str, path: str) -> str:
    """The address with the right password."""
    host = {"postgresql": "postgres", "redis": "redis"}[scheme]
    return f"{scheme}://{user}:{PASSWORD}@{host}.{namespace}.svc{path}"


def secret(kube: Kube, namespace: str, name: str, **values: str) -> None:
    """Make the Secret, or give it these values and no others."""
    kube.delete("v1/Secret", name, namespace)
    kube.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "stringData": values,
        }
    )


def _serve(kube: Kube, namespace: str, name: str, port: int, container: Object) -> None:
    metadata = {"name": name, "namespace": namespace, "labels": {"elsewhere": name}}
    whole = {
        **container,
        "name": name,
        "securityContext": _CONTEXT,
        "resources": {"requests": {"cpu": "5m", "memory": "32Mi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "securityContext": _USER,
        "terminationGracePeriodSeconds": 5,
        "containers": [whole],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }
    kube.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod})
    ports = {"selector": {"elsewhere": name}, "ports": [{"port": port}]}
    kube.create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": ports})
