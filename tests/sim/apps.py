"""MemoApps of the simulation, and what people put beside them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any, TypeAlias

from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import (
    CHILD_KINDS,
    CONFIG_MAP,
    DEPLOYMENT,
    MEMO_APP,
    POD,
    SECRET,
    SERVICE,
    Kind,
    Manifest,
    Ref,
)

from .cluster import NAMESPACE

Shape: TypeAlias = Callable[[], dict[str, Any]]

APP = Ref(MEMO_APP, "memo")
BACKEND = "docker.io/memoapp/sample-backend:1.4.0"
FRONTEND = "docker.io/memoapp/sample-frontend:1.4.0"
DATABASE = "docker.io/library/postgres:17"


def full() -> dict[str, Any]:
    """Both tiers, both data services, a Secret and a ConfigMap of the person's own."""
    return {
        "version": "1.4.0",
        "frontend": {"image": FRONTEND, "replicas": 2},
        "backend": {
            "image": BACKEND,
            "replicas": 2,
            "env": [
                {"name": "LOG_LEVEL", "value": "info"},
                {"name": "MAIL_TOKEN", "valueFrom": {"secretKeyRef": {"name": "mail", "key": "token"}}},
            ],
            "envFrom": [{"configMapRef": {"name": "texts"}}],
        },
        "database": {"managed": {"image": DATABASE, "storage": {"size": "10Gi"}}},
        "redis": {"managed": {"storage": {"size": "1Gi"}}},
    }


def version(number: str, **release: str) -> dict[str, Any]:
    """The full app in another version of its backend; ``release`` as in ``spec.release``."""
    spec = full()
    spec["version"] = number
    spec["backend"]["image"] = f"docker.io/memoapp/sample-backend:{number}"
    return {**spec, "release": release} if release else spec


def backend_only() -> dict[str, Any]:
    return {
        "version": "1.4.0",
        "backend": {"image": BACKEND, "replicas": 2},
        "database": {"managed": {"storage": {"size": "10Gi"}}},
    }


def external() -> dict[str, Any]:
    """Database and Redis elsewhere."""
    return {
        "version": "1.4.0",
        "backend": {"image": BACKEND, "replicas": 1},
        "database": {"external": {"secretRef": {"name": "my-postgres"}}},
        "redis": {"external": {"secretRef": {"name": "my-redis"}}},
        "traffic": {"replicas": 1},
    }


SHAPES: dict[str, Shape] = {"full": full, "backend only": backend_only, "external": external}


def memoapp(spec: dict[str, Any], **metadata: Any) -> Manifest:
    return {
        "apiVersion": MEMO_APP.api_version,
        "kind": MEMO_APP.kind,
        "metadata": {"name": APP.name, "namespace": NAMESPACE, **metadata},
        "spec": spec,
    }


def secret(name: str, **values: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "type": "Opaque",
        "data": {key: b64encode(value.encode()).decode() for key, value in values.items()},
    }


def config_map(name: str, **values: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}, "data": values}


def beside() -> list[Manifest]:
    """The Secrets and ConfigMaps that the shapes name."""
    return [
        secret("mail", token="mailtokengeheim"),
        config_map("texts", greeting="hello"),
        secret("my-postgres", host="postgres.example", user="someone", password="postgresgeheim"),
        secret("my-redis", host="redis.example", password="redisgeheim"),
    ]


def secret_ref(name: str) -> Ref:
    return Ref(SECRET, name)


def config_map_ref(name: str) -> Ref:
    return Ref(CONFIG_MAP, name)


def service(name: str) -> Ref:
    return Ref(SERVICE, name)


def pod_ref(name: str) -> Ref:
    return Ref(POD, name)


def deployment(name: str) -> Ref:
    return Ref(DEPLOYMENT, name)


def place(ref: Ref) -> tuple[Kind, str]:
    return ref.kind, ref.name


def foreign(kind: str, name: str, **metadata: Any) -> Manifest:
    """An object of somebody else's, with just enough in it to be one."""
    found = {
        "apiVersion": next(each.api_version for each in CHILD_KINDS if each.kind == kind),
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"team": "others"}, **metadata},
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "x", "image": "x.example/x"}]}}
    selector = {"matchLabels": {"app": name}}
    bodies: dict[str, Manifest] = {
        "Secret": {"data": {}},
        "ConfigMap": {"data": {}},
        "Service": {"spec": {"selector": {"app": name}, "ports": [{"port": 1, "protocol": "TCP"}]}},
        "PersistentVolumeClaim": {"spec": {"resources": {"requests": {"storage": "1Gi"}}}},
        "Deployment": {"spec": {"replicas": 1, "selector": selector, "template": template}},
        "StatefulSet": {"spec": {"replicas": 1, "serviceName": name, "selector": selector, "template": template}},
        "PodDisruptionBudget": {"spec": {"maxUnavailable": 1, "selector": selector}},
        "NetworkPolicy": {"spec": {"podSelector": selector, "ingress": []}},
    }
    return {**found, **bodies[kind]}


def kept_claim(database: str = "memo_app", user: str = "memo_user") -> Manifest:
    """The volume that a MemoApp of the same name left behind."""
    metadata = {
        "labels": names.labels(APP.name, "database"),
        "annotations": {"memoapp.dev/database": database, "memoapp.dev/user": user},
    }
    return foreign("PersistentVolumeClaim", "memo-database", **metadata)
