"""A drill with the app in it: the backend that serves is started on the restored copy, in the drill's own pod.

Everything that it knows of the live database and of Redis is replaced by what the pod has: its own server, which asks
for no password, and a Redis that is empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from memoapp_operator.domain import upgrading
from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.domain.references import connection_name

from .context import Context
from .endpoints import BACKEND, CACHE_PORT, DATABASE_PORT
from .pod import empty_volume, mount, our_resources, restricted

HERE = "127.0.0.1"
_OF_A_SERVICE = ("ports", "lifecycle", "readinessProbe", "livenessProbe", "startupProbe")
_HARMLESS = frozenset({"configMap", "secret", "projected", "emptyDir", "downwardAPI"})
_REDIS: Manifest = {"runAsUser": 999, "runAsGroup": 999}
"""uid and gid of the user redis in the official image (Debian)."""


def health(tier: Mapping[str, Any]) -> str:
    """Where the backend's health is read."""
    return f"http://{HERE}:{tier['port']}{tier['healthPath']}"


def sidecars(context: Context, tier: Mapping[str, Any]) -> tuple[list[Manifest], list[Manifest]]:
    """Containers that run beside the agent, and their volumes: Redis, where the app has one, and the backend."""
    pod: Manifest = deepcopy(dict(tier["template"]["spec"]))
    found = [_cache(context)] if context.app.spec.redis is not None and context.app.spec.redis.managed else []
    # The pod has volumes of its own by the same names, maybe.
    names = {each["name"]: f"app-{number}" for number, each in enumerate(pod.get("volumes") or [])}
    volumes = [{**_volume(context, each), "name": names[each["name"]]} for each in pod.get("volumes") or []]
    if found:
        volumes.append(empty_volume("redis"))
    backend = _backend(context, pod)
    mounts = [{**each, "name": names[each["name"]]} for each in backend.get("volumeMounts") or []]
    return [*found, {**backend, "volumeMounts": mounts}], volumes


def _backend(context: Context, pod: Manifest) -> Manifest:
    container = {key: value for key, value in pod["containers"][0].items() if key not in _OF_A_SERVICE}
    values = _values(context)
    connection = _connection(context)
    env = [_replaced(item, connection, values) for item in container.get("env") or []]
    whole = [item for item in container.get("envFrom") or [] if connection.match(_names(item))]
    if whole:
        prefix = str(whole[0].get("prefix") or "")
        env = [*({"name": f"{prefix}{key}", "value": value} for key, value in values.items()), *env]
        container["envFrom"] = [item for item in container["envFrom"] if not connection.match(_names(item))]
    user = {key: value for key, value in pod["securityContext"].items() if key in {"runAsUser", "runAsGroup"}}
    context_ = {**user, **(container.get("securityContext") or {})}
    return {**container, "name": BACKEND, "env": env, "securityContext": context_, "restartPolicy": "Always"}


def _names(item: Manifest) -> str:
    return str((item.get("secretRef") or {}).get("name") or "")


def _connection(context: Context) -> re.Pattern[str]:
    """The connection Secret, or a copy of it: the stored revision names one."""
    return re.compile(rf"{re.escape(connection_name(context.app.metadata.name))}(-[0-9a-f]{{8}})?$")


def _replaced(item: Manifest, connection: re.Pattern[str], values: Mapping[str, str]) -> Manifest:
    ref = (item.get("valueFrom") or {}).get("secretKeyRef") or {}
    if not connection.match(ref.get("name", "")):
        return item
    return {"name": item["name"], "value": values.get(ref["key"], "")}


def _values(context: Context) -> dict[str, str]:
    """The keys of the connection Secret, as they are in this pod. The server lets everybody in who is in the pod."""
    database = context.app.spec.database
    values = {
        "host": HERE,
        "port": str(DATABASE_PORT),
        "dbname": database.name,
        "user": database.user,
        "password": "none",
        "uri": f"postgresql://{database.user}:none@{HERE}:{DATABASE_PORT}/{database.name}",
    }
    if context.app.spec.redis is None:
        return values
    redis = {"redis-host": HERE, "redis-port": str(CACHE_PORT), "redis-password": ""}
    return {**values, **redis, "redis-uri": f"redis://{HERE}:{CACHE_PORT}/0"}


def _volume(context: Context, volume: Manifest) -> Manifest:
    """The app's own files; what holds data, or the live database's password, is an empty folder here."""
    kinds = volume.keys() - {"name"}
    sources = [volume, *((volume.get("projected") or {}).get("sources") or [])]
    secrets = [source.get("secret") or {} for source in sources]
    named = [str(secret.get("secretName") or secret.get("name") or "") for secret in secrets]
    known = any(_connection(context).match(name) for name in named)
    return volume if kinds <= _HARMLESS and not known else empty_volume(volume["name"])


def _cache(context: Context) -> Manifest:
    return {
        "name": "redis",
        "image": upgrading.running(context.app, upgrading.REDIS) or "",
        "restartPolicy": "Always",
        "args": ["redis-server", "--bind", HERE, "--save", "", "--dir", "/data"],
        "resources": our_resources("10m", "32Mi", "256Mi"),
        "securityContext": {**restricted(read_only=True), **_REDIS},
        "volumeMounts": [mount("redis", "/data")],
    }
