"""Apps of every shape, and contexts in which everything about them is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from hypothesis import settings
from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp
from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.domain.revision import Revision
from memoapp_operator.render.children import render, revision
from memoapp_operator.render.context import Context, Credentials, Platform

# Examples take as long as the machine makes them take: a slow one is no failure.
unhurried = settings(deadline=None)

LONG_NAME = "a" + "b" * 61 + "c"
UID = "3c0dfaa2-7a0b-4d3c-9b38-5e6a8f2f8d10"
PLATFORM = Platform("docker.io/memoapp/operator:0.1.0", "memoapp-system")
ADDRESSES = {
    "blue-backend": "10.96.1.1",
    "blue-frontend": "10.96.1.2",
    "green-backend": "10.96.2.1",
    "green-frontend": "10.96.2.2",
}
DATABASE = {
    "superuser-password": "sup3r/geheim",
    "password": "p@ss:w/rd?",
    "monitor-password": "m0nitor geheim",
}
EXTERNAL_DATABASE = {
    "host": "postgres.example",
    "port": "6432",
    "user": "someone",
    "password": "an0ther/geheim",
    "dbname": "elsewhere",
}
CACHE = {"password": "c@che/geheim"}
COPIES = {
    ("Secret", "memo-connection"): "memo-connection-0a0a0a0a",
    ("Secret", "memo-mail"): "memo-mail-1b1b1b1b",
    ("ConfigMap", "memo-texts"): "memo-texts-2c2c2c2c",
}
# What the colour that serves was released with: in every place something else than what the spec says now.
BEFORE = {"backend": {"port": 3007, "healthPath": "/api/was"}, "frontend": {"port": 8087, "healthPath": "/was"}}
EXTERNAL_CACHE = {"host": "redis.example", "port": "6380", "password": "ext:cache/geheim"}


def spec_full() -> dict[str, Any]:
    """Every field that a person can set, quantities in forms that the API server would rewrite."""
    tier = {
        "replicas": 3,
        "command": ["/srv/run"],
        "args": ["--loud"],
        "env": [
            {"name": "EMPTY", "value": ""},
            {"name": "PLAIN", "value": "x"},
            {"name": "MAIL", "valueFrom": {"secretKeyRef": {"name": "memo-mail", "key": "HOST", "optional": False}}},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        ],
        "envFrom": [{"prefix": "S_", "secretRef": {"name": "memo-mail"}}, {"configMapRef": {"name": "memo-texts"}}],
        "resources": {"requests": {"cpu": 1, "memory": "0.5Gi"}, "limits": {"cpu": "1000m", "memory": "1024Mi"}},
        "securityContext": {"runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532},
        "serviceAccountName": "memo-tier",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "affinity": {
            "podAntiAffinity": {
                "preferredDuringSchedulingIgnoredDuringExecution": [
                    {
                        "weight": 1,
                        "podAffinityTerm": {
                            "topologyKey": "kubernetes.io/hostname",
                            "labelSelector": {"matchLabels": {"team": ""}},
                            "namespaces": [],
                        },
                    }
                ]
            }
        },
        "tolerations": [{"key": "memoapp.dev/dedicated", "operator": "Exists", "value": "", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [
            {
                "topologyKey": "topology.kubernetes.io/zone",
                "maxSkew": 1,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"memoapp.dev/app": "memo"}},
            }
        ],
        "volumes": [
            {"name": "uploads", "emptyDir": {"sizeLimit": "1024Mi", "medium": ""}},
            {"name": "mail", "secret": {"secretName": "memo-mail", "optional": None, "items": []}},
        ],
        "volumeMounts": [
            {"name": "uploads", "mountPath": "/tmp/", "readOnly": False},  # noqa: S108 - in a pod
            {"name": "mail", "mountPath": "/etc/mail", "readOnly": True, "subPath": ""},
        ],
    }
    return {
        "version": "1.4.0",
        "imagePullSecrets": [{"name": "memo-registry"}],
        "frontend": {
            **tier,
            "image": "docker.io/memoapp/sample-frontend:1.0.0",
            "port": 8088,
            "healthPath": "/up",
            "backendHost": "api",
        },
        "backend": {
            **tier,
            "image": "docker.io/memoapp/sample-backend:1.0.0",
            "port": 3003,
            "healthPath": "/api/up",
        },
        "database": {
            "managed": {
                "image": "docker.io/memoapp/standin-postgres:17",
                "storage": {"size": "1024Mi", "storageClassName": "standard"},
                "resources": {"requests": {"cpu": "0.1", "memory": "256Mi"}, "limits": {"memory": "1024Mi"}},
                "parameters": {"work_mem": "8MB", "max_connections": "50"},
            },
            "name": "notes",
            "user": "order",
            "deletionPolicy": "Retain",
        },
        "redis": {
            "managed": {
                "image": "docker.io/memoapp/standin-redis:8",
                "storage": {"size": "0.5Gi", "storageClassName": "standard"},
                "resources": {"requests": {"cpu": "20m"}, "limits": {"memory": "0.25Gi"}},
            },
            "deletionPolicy": "Delete",
        },
        "traffic": {
            "replicas": 2,
            "image": "docker.io/memoapp/standin-haproxy:3.0",
            "resources": {"requests": {"cpu": "0.05"}},
        },
    }


def spec_backend_only() -> dict[str, Any]:
    return {
        "version": "1.0.0",
        "backend": {"image": "docker.io/memoapp/sample-backend:1.0.0"},
        "database": {"managed": {}},
    }


def spec_external() -> dict[str, Any]:
    return {
        "version": "1.0.0",
        "backend": {"image": "docker.io/memoapp/sample-backend:1.0.0", "replicas": 1},
        "frontend": {"image": "docker.io/memoapp/sample-frontend:1.0.0", "replicas": 1},
        "database": {"external": {"secretRef": {"name": "memo-postgres"}}},
        "redis": {"external": {"secretRef": {"name": "memo-redis"}}},
        "traffic": {"replicas": 1},
    }


def memoapp(spec: dict[str, Any], name: str = "memo", namespace: str = "prod") -> MemoApp:
    metadata = {"name": name, "namespace": namespace, "uid": UID}
    return MemoApp.model_validate({"metadata": metadata, "spec": spec})


def earlier(spec: dict[str, Any]) -> dict[str, Any]:
    """The spec as it was one release before."""
    found = {**spec, "version": "0.9.0"}
    for component, fields in BEFORE.items():
        if spec.get(component):
            image = spec[component]["image"].rpartition(":")[0]
            found[component] = {**spec[component], **fields, "image": f"{image}:0.9.0"}
    if found.get("frontend"):
        found["frontend"] = {**found["frontend"], "backendHost": "before"}
    return found


def held(context: Context, number: int) -> Revision:
    """What the spec declares, as the revision of that number."""
    return replace(revision(context), name=f"{context.app.metadata.name}-r{number}", number=number)


def released(context: Context) -> Context:
    """The same context, with what the spec declares in green."""
    return replace(context, colours={**context.colours, Colour.GREEN: held(context, 2)})


def known(app: MemoApp) -> Context:
    """A context in which nothing is missing, and both colours run: blue what was released before, green the spec."""
    database = DATABASE if app.spec.database.managed else EXTERNAL_DATABASE
    cache: Mapping[str, str] | None = None
    if app.spec.redis:
        cache = CACHE if app.spec.redis.managed else EXTERNAL_CACHE
    found = Context(
        app=app,
        platform=PLATFORM,
        credentials=Credentials(database, cache, "certificates-1"),
        addresses=ADDRESSES,
        green_weight=10,
        release="0123456789",
        copies=COPIES,
        replicas={
            f"{colour}-{component}": tier.replicas
            for colour in Colour
            for component, tier in (("backend", app.spec.backend), ("frontend", app.spec.frontend))
            if tier
        },
    )
    spec = app.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    before = replace(found, app=memoapp(earlier(spec), app.metadata.name))
    return released(replace(found, colours={Colour.BLUE: held(before, 1)}))


def full(name: str = "memo") -> Context:
    return known(memoapp(spec_full(), name))


def backend_only(name: str = "memo") -> Context:
    return known(memoapp(spec_backend_only(), name))


def external(name: str = "memo") -> Context:
    return known(memoapp(spec_external(), name))


SHAPES: tuple[Callable[[str], Context], ...] = (full, backend_only, external)
EVERY_APP = {
    "full": full(),
    "backend only": backend_only(),
    "external": external(),
    "long name": full(LONG_NAME),
    "short name": full("a"),
}


def with_spec(context: Context, path: str, value: Any) -> Context:
    """The same context, with one field of the spec set: ``database.deletionPolicy``. What runs stays what it was."""
    spec = context.app.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    *folders, last = path.split(".")
    inner = spec
    for folder in folders:
        inner = inner.setdefault(folder, {})
    inner[last] = value
    return replace(context, app=memoapp(spec, context.app.metadata.name))


def find(context: Context, kind: str, name: str) -> Manifest:
    """The one child of that kind and name."""
    (found,) = [each for each in of_kind(context, kind) if each["metadata"]["name"] == name]
    return found


def of_kind(context: Context, kind: str) -> list[Manifest]:
    return [manifest for manifest in render(context) if manifest["kind"] == kind]


def names_of(context: Context) -> set[str]:
    """``Kind/name`` of all children."""
    return {f"{each['kind']}/{each['metadata']['name']}" for each in render(context)}


def pods(context: Context) -> dict[str, Manifest]:
    """The pod specs of all children that have one, by the child's name."""
    return {
        manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"]
        for manifest in render(context)
        if manifest["kind"] in {"Deployment", "StatefulSet"}
    }


def walk(value: Any) -> Iterator[Any]:
    """Every value inside a JSON value, itself included."""
    yield value
    if isinstance(value, dict):
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)
