"""PostgreSQL: a StatefulSet of one replica by the contract of the official image (POSTGRES_*, PGDATA)."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.data import ManagedDatabase
from memoapp_operator.domain.manifest import STATEFUL_SET, Manifest

from .context import Context
from .database_scripts import CONFIG, CREDENTIALS_PATH, DATA_PATH, INIT_SCRIPT, SCRIPTS_PATH, START_SCRIPT, VOLUME_PATH
from .endpoints import AGENT_PORT, DATABASE, DATABASE_PORT, container_port
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
from .quantity import resources
from .stateful import STARTUP_PROBE, stateful_spec

SUPERUSER = "postgres"
SUPERUSER_PASSWORD_KEY = "superuser-password"  # noqa: S105 - the key's name
PASSWORD_KEY = "password"  # noqa: S105
MONITOR_PASSWORD_KEY = "monitor-password"  # noqa: S105

# uid and gid of the user postgres in the official image (Debian).
_USER: Manifest = {"runAsUser": 999, "runAsGroup": 999, "fsGroup": 999, "fsGroupChangePolicy": "OnRootMismatch"}
_READY: Manifest = {
    "exec": {"command": ["pg_isready", "-q", "-h", "127.0.0.1", "-p", str(DATABASE_PORT), "-U", SUPERUSER]}
}
# Parallel queries share memory here; counted into the container's memory. The default of containers is 64Mi.
_SHARED_MEMORY = "256Mi"
# A fast shutdown writes a checkpoint: that may take minutes on a slow disk, seldom two.
_STOP_SECONDS = 120


def database(context: Context) -> tuple[Manifest, ...]:
    """The StatefulSet, where PostgreSQL is managed."""
    managed = context.app.spec.database.managed
    if managed is None:
        return ()
    pod = {
        **spec(context, _USER),
        "terminationGracePeriodSeconds": _STOP_SECONDS,
        "containers": [_server(managed), _agent(context)],
        "volumes": _volumes(context),
    }
    return (
        {**child(STATEFUL_SET, context, DATABASE, component=DATABASE), "spec": stateful_spec(context, DATABASE, pod)},
    )


def _server(managed: ManagedDatabase) -> Manifest:
    return {
        "name": DATABASE,
        "image": managed.image,
        "command": [f"{SCRIPTS_PATH}/{START_SCRIPT}"],
        "args": _settings(managed),
        "env": _environment(),
        "ports": [container_port(DATABASE_PORT, "postgresql")],
        "resources": resources(managed.resources, our_resources("100m", "256Mi", "1Gi")),
        "securityContext": restricted(read_only=True),
        "startupProbe": {**_READY, **STARTUP_PROBE},
        "readinessProbe": {**_READY, "periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3},
        # Slow on purpose: a restart of a busy server makes everything worse.
        "livenessProbe": {**_READY, "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 10},
        "volumeMounts": _mounts(),
    }


def _settings(managed: ManagedDatabase) -> list[str]:
    """Arguments of ``postgres``, the person's parameters last and sorted."""
    settings = ["shared_preload_libraries=pg_stat_statements", "listen_addresses=*"]
    settings += [f"{key}={value}" for key, value in sorted((managed.parameters or {}).items())]
    return [argument for setting in settings for argument in ("-c", setting)]


def _environment() -> list[Manifest]:
    return [
        {"name": "POSTGRES_USER", "value": SUPERUSER},
        {"name": "POSTGRES_PASSWORD_FILE", "value": f"{CREDENTIALS_PATH}/{SUPERUSER_PASSWORD_KEY}"},
        {"name": "POSTGRES_INITDB_ARGS", "value": "--data-checksums --encoding=UTF8 --auth-host=scram-sha-256"},
        {"name": "PGDATA", "value": DATA_PATH},
    ]


def _mounts() -> list[Manifest]:
    return [
        mount("data", VOLUME_PATH),
        mount("credentials", CREDENTIALS_PATH, read_only=True),
        mount("scripts", SCRIPTS_PATH, read_only=True),
        mount("init", "/docker-entrypoint-initdb.d", read_only=True),
        mount("run", "/var/run/postgresql"),
        mount("shared-memory", "/dev/shm"),  # noqa: S108 - PostgreSQL's own
        mount("tmp", "/tmp"),  # noqa: S108
    ]


def _volumes(context: Context) -> list[Manifest]:
    keys = (SUPERUSER_PASSWORD_KEY, PASSWORD_KEY, MONITOR_PASSWORD_KEY)
    # Executable, or the image would run it within its own shell.
    init = config_volume("init", name(context, CONFIG), mode=0o555)
    init["configMap"]["items"] = [{"key": INIT_SCRIPT, "path": INIT_SCRIPT}]
    start = config_volume("scripts", name(context, CONFIG), mode=0o555)
    start["configMap"]["items"] = [{"key": START_SCRIPT, "path": START_SCRIPT}]
    return [
        {"name": "data", "persistentVolumeClaim": {"claimName": name(context, DATABASE)}},
        secret_volume("credentials", name(context, DATABASE), *keys),
        start,
        init,
        empty_volume("run"),
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": _SHARED_MEMORY}},
        empty_volume("tmp"),
    ]


def _agent(context: Context) -> Manifest:
    """Reports how full the volume is. Its image stays that of the running pod: see ``Context.agent_image``."""
    command = ["python3", "-m", "memoapp_operator.agent", "volume", "--path", VOLUME_PATH, "--port", str(AGENT_PORT)]
    return {
        "name": "agent",
        "image": context.agent_image or context.platform.operator_image,
        "command": command,
        "ports": [container_port(AGENT_PORT, "volume")],
        "resources": our_resources("10m", "32Mi", "64Mi"),
        "securityContext": restricted(read_only=True),
        "volumeMounts": [mount("data", VOLUME_PATH, read_only=True)],
    }
