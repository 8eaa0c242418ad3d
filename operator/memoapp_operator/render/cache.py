"""Redis: its configuration and a StatefulSet of one replica, with the append-only file on a volume."""

from __future__ import annotations

from fractions import Fraction

from memoapp_operator.api.v1alpha1.data import ManagedCache
from memoapp_operator.domain.manifest import CONFIG_MAP, STATEFUL_SET, Manifest

from .context import Context
from .endpoints import CACHE, CACHE_PORT, container_port
from .metadata import child, name
from .pod import (
    config_volume,
    empty_volume,
    mount,
    our_resources,
    restricted,
    secret_volume,
    spec,
)
from .quantity import amount, resources
from .stateful import STARTUP_PROBE, stateful_spec

PASSWORD_KEY = "password"  # noqa: S105 - the key's name
AUTH_KEY = "auth.conf"
_CONFIG_PATH = "/etc/redis"
_AUTH_PATH = "/etc/memoapp/redis"
_DATA_PATH = "/data"

_CONFIG = f"""\
include {_AUTH_PATH}/{AUTH_KEY}
bind * -::*
port {CACHE_PORT}
protected-mode yes
dir {_DATA_PATH}
appendonly yes
appendfsync everysec
# The append-only file is the truth; snapshots beside it would only cost forks.
save ""
maxmemory-policy noeviction
"""
# Of the memory limit; the rest is for the process itself and for the copies that a rewrite of the file makes.
_MAXMEMORY_SHARE = Fraction(3, 4)
_DEFAULT_RESOURCES = our_resources("50m", "64Mi", "256Mi")

# uid and gid of the user redis in the official image (Debian).
_USER: Manifest = {"runAsUser": 999, "runAsGroup": 1000, "fsGroup": 1000, "fsGroupChangePolicy": "OnRootMismatch"}
# While the file is being loaded the answer is an error: that is what the long start-up probe is for.
_READY: Manifest = {"exec": {"command": ["sh", "-c", "redis-cli ping | grep -q PONG"]}}


def cache_config(context: Context) -> tuple[Manifest, ...]:
    """The ConfigMap with redis.conf, where Redis is managed."""
    managed = _managed(context)
    if managed is None:
        return ()
    data = {"redis.conf": _CONFIG + _maxmemory(managed)}
    return ({**child(CONFIG_MAP, context, CACHE, component=CACHE), "data": data},)


def cache(context: Context) -> tuple[Manifest, ...]:
    """The StatefulSet, where Redis is managed."""
    managed = _managed(context)
    if managed is None:
        return ()
    pod = {
        **spec(context, _USER),
        "terminationGracePeriodSeconds": 30,
        "containers": [_server(context, managed)],
        "volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": name(context, CACHE)}},
            config_volume("config", name(context, CACHE)),
            secret_volume("auth", name(context, CACHE), AUTH_KEY),
            empty_volume("tmp"),
        ],
    }
    return ({**child(STATEFUL_SET, context, CACHE, component=CACHE), "spec": stateful_spec(context, CACHE, pod)},)


def _managed(context: Context) -> ManagedCache | None:
    return context.app.spec.redis.managed if context.app.spec.redis else None


def _maxmemory(managed: ManagedCache) -> str:
    """Refuses writes before the kernel kills Redis: it would load the same file again, and be killed again."""
    limit = resources(managed.resources, _DEFAULT_RESOURCES).get("limits", {}).get("memory")
    return f"maxmemory {int(amount(limit) * _MAXMEMORY_SHARE)}\n" if limit else ""


def _server(context: Context, managed: ManagedCache) -> Manifest:
    password = {"secretKeyRef": {"name": name(context, CACHE), "key": PASSWORD_KEY}}
    return {
        "name": CACHE,
        "image": managed.image,
        "args": ["redis-server", f"{_CONFIG_PATH}/redis.conf"],
        "env": [{"name": "REDISCLI_AUTH", "valueFrom": password}],
        "ports": [container_port(CACHE_PORT, "redis")],
        "resources": resources(managed.resources, _DEFAULT_RESOURCES),
        "securityContext": restricted(read_only=True),
        "startupProbe": {**_READY, **STARTUP_PROBE},
        "readinessProbe": {**_READY, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3},
        "livenessProbe": {**_READY, "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 10},
        "volumeMounts": [
            mount("data", _DATA_PATH),
            mount("config", _CONFIG_PATH, read_only=True),
            mount("auth", _AUTH_PATH, read_only=True),
            mount("tmp", "/tmp"),  # noqa: S108 - a volume of its own
        ],
    }
