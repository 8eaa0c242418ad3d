"""Restores: the pods of a drill, with a PostgreSQL of their own, and those that work beside the live database.

The server of a drill lives in the agent's pod and listens to that pod alone. Its volume is made for the pod and goes
with it, so that nothing is left of a drill, whoever was killed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from memoapp_operator.api.v1alpha1.destination import Destination
from memoapp_operator.api.v1alpha1.memorestore import Dump
from memoapp_operator.api.v1alpha1.recovery import RestoreFrom
from memoapp_operator.domain import names
from memoapp_operator.domain.durations import seconds
from memoapp_operator.domain.manifest import JOB, MEMO_RESTORE, Manifest

from . import agent_pod, recovery, rehearsal
from .agent_pod import Part
from .context import Context
from .database import SUPERUSER
from .pod import empty_volume, mount, our_resources, restricted, secret_volume, spec
from .quantity import canonical, resources

DRILL, RESTORE = "drill", "restore"
"""Components: a drill's pods reach no database of ours."""
RESTORE_LABEL = "memoapp.dev/restore"
"""Of a Job and its pod: the MemoRestore that they are at work for."""
_IDENTITY, _SCRATCH = "/identity", "/scratch"
_KEPT = 3600
"""Seconds for which a Job that is done stays, with its log."""
_USUAL_SIZE = "10Gi"
USUAL_TIMEOUT = 6 * 3600
"""Limit of a Job, in seconds, where no backups are declared."""
_SERVER: Manifest = {"runAsUser": 999, "runAsGroup": 999}
"""uid and gid of the user postgres in the official image (Debian)."""
_TUNED = ("maintenance_work_mem", "max_locks_per_transaction", "max_wal_size", "shared_buffers", "work_mem")
"""Of a person's parameters, those that a server needs which does nothing but restore."""
_SETTINGS = (
    "shared_preload_libraries=pg_stat_statements",
    # The server that makes the data folder listens to nobody here, so the one that answers is the right one.
    "listen_addresses=127.0.0.1",
    # What is lost when the pod ends was to be thrown away.
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "wal_level=minimal",
    "max_wal_senders=0",
)


_FOLLOWED = {"name": "MEMOAPP_FOLLOWED", "value": "true"}


class Task(StrEnum):
    """What an agent does; also the suffix of its Job."""

    DRILL = "drill"
    ASSESS = "assess"
    RESTORE = "restore"
    RECOVER = "recover"
    IMPORT = "import"


_OWN_SERVER = frozenset({Task.DRILL, Task.IMPORT})
"""What is done on a server in the pod, which reaches no database of ours."""


@dataclass(frozen=True, slots=True)
class Order:
    """One thing that an agent is to do for a MemoRestore.

    Attributes:
        task: what.
        restore: the MemoRestore: its name and uid are used.
        job: the Job's name.
        destination: where the backup lies; None where none is read.
        folder: its folder there.
        live: name of the live database.
        beside: name of the database beside the live one.
        kept: name of the database that was live before, where that is what comes back; and since when it is.
        recovery: the full recovery that this is a part of.
        dump: the dump of old scripts that this is made of.
        imported: name of the backup that the dump becomes.
        backend: the backend's tier of the revision that serves, where a drill starts it.
    """

    task: Task
    restore: Manifest
    job: str
    destination: Destination | None = None
    folder: str = ""
    live: str = ""
    beside: str = ""
    kept: tuple[str, str] | None = None
    recovery: RestoreFrom | None = None
    dump: Dump | None = None
    imported: str = ""
    backend: Mapping[str, Any] | None = None


def job_name(restore: str, task: Task, attempt: int) -> str:
    """The name of the Job that does this for a MemoRestore; each try has its own."""
    return names.child(restore, f"{task.value}-{attempt}", limit=names.LABEL_LIMIT)


def component(task: Task) -> str:
    """Whose pods they are, for NetworkPolicies."""
    return DRILL if task in _OWN_SERVER else RESTORE


def job(context: Context, order: Order) -> Manifest:
    """The Job of a MemoRestore. It is created, never applied, and goes with its MemoRestore."""
    metadata, app = order.restore["metadata"], context.app
    owner = {
        "apiVersion": MEMO_RESTORE.api_version,
        "kind": MEMO_RESTORE.kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    labels = {**names.labels(app.metadata.name, component(order.task)), RESTORE_LABEL: metadata["name"]}
    declared = app.spec.backup
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": {
            "name": order.job,
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [owner],
        },
        "spec": {
            "backoffLimit": 0,
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": seconds(declared.timeout) if declared is not None else USUAL_TIMEOUT,
            "ttlSecondsAfterFinished": _KEPT,
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                ]
            },
            "template": {"metadata": {"labels": labels}, "spec": _pod(context, order)},
        },
    }


def _pod(context: Context, order: Order) -> Manifest:
    parts = [agent_pod.work(), _identity(context, order)]
    if order.destination is not None:
        parts.append(agent_pod.where(context, order.destination))
    dump = order.dump if order.task is Task.IMPORT else None
    if dump is not None:
        parts += [agent_pod.source(context, dump.destination), agent_pod.sealed(context)]
    login = _own_login(context, order.task) if order.task in _OWN_SERVER else agent_pod.login(context)
    image = agent_pod.client(context)
    values = _values(context, order)
    for part in parts:
        values |= part.values
    agent: Manifest = {
        "name": "agent",
        "image": context.platform.operator_image,
        "command": ["python3", "-m", "memoapp_operator.agent", order.task.value],
        "env": [
            *({"name": key, "value": value} for key, value in values.items() if value),
            *login,
            *(agent_pod.keys(order.destination) if order.destination is not None else []),
            *(agent_pod.keys(dump.destination, "MEMOAPP_SOURCE") if dump is not None else []),
        ],
        "resources": our_resources("100m", "96Mi", "256Mi"),
        "securityContext": restricted(read_only=True),
        "volumeMounts": [each for part in parts for each in part.mounts],
    }
    tells = order.task is Task.RECOVER or (dump is not None and dump.env is not None)
    found: Manifest = {
        **spec(context, agent_pod.USER, token=tells),
        "restartPolicy": "Never",
        "containers": [agent],
        "volumes": [each for part in parts for each in part.volumes],
    }
    if tells:
        found["serviceAccountName"] = recovery.account_name(context)
    beside = [agent_pod.tools(image, login)] if image is not None and order.destination is not None else []
    if order.task in _OWN_SERVER and image is not None:
        beside.append(_server(context, image))
        found["volumes"] += _server_volumes(context)
    if beside:
        found["initContainers"] = beside
    return _rehearsed(context, found, order.backend) if order.backend is not None else found


def _rehearsed(context: Context, pod: Manifest, backend: Mapping[str, Any]) -> Manifest:
    """The same with the backend in it: it is started once all is restored, and the last word is that of its health.

    Users are those of the containers: the backend has its own.
    """
    ours = {key: pod["securityContext"][key] for key in ("runAsUser", "runAsGroup")}
    security = {key: value for key, value in pod["securityContext"].items() if key not in ours}
    agent = pod["containers"][0]
    own = {**agent["securityContext"], **ours}
    drilled = {"name": "MEMOAPP_TOLD", "value": f"{agent_pod.WORK}/drilled"}
    restorer = {
        **agent,
        "name": "restorer",
        "env": [*(item for item in agent["env"] if item["name"] != "MEMOAPP_TOLD"), drilled, _FOLLOWED],
        "securityContext": own,
    }
    last = {
        **agent,
        "command": ["python3", "-m", "memoapp_operator.agent", "rehearse"],
        "env": [
            {"name": "MEMOAPP_TOLD", "value": "/dev/termination-log"},
            {"name": "MEMOAPP_WORK", "value": agent_pod.WORK},
            {"name": "MEMOAPP_HEALTH", "value": rehearsal.health(backend)},
        ],
        "securityContext": own,
        "volumeMounts": [mount("work", agent_pod.WORK), mount("tmp", "/tmp")],  # noqa: S108 -- the image's own
    }
    beside, volumes = rehearsal.sidecars(context, backend)
    before = [{**each, "securityContext": {**ours, **each["securityContext"]}} for each in pod["initContainers"]]
    return {
        **pod,
        "securityContext": security,
        "initContainers": [*before, *beside[:-1], restorer, beside[-1]],
        "containers": [last],
        "volumes": [*pod["volumes"], *volumes],
    }


def _values(context: Context, order: Order) -> dict[str, str]:
    app, declared = context.app, context.app.spec.backup
    checks = declared.drill.checks or [] if declared is not None else []
    asked = [check.model_dump(mode="json", by_alias=True) for check in checks]
    kept, since = order.kept or ("", "")
    saved = recovery.saved_app(context, order.recovery) if order.recovery is not None else None
    return {
        **(recovery.values(context, order.recovery) if order.recovery is not None else {}),
        **(_imported(context, order, order.dump) if order.dump is not None and order.task is Task.IMPORT else {}),
        "MEMOAPP_APP_NAME": saved.name if saved is not None else app.metadata.name,
        "MEMOAPP_APP_NAMESPACE": saved.namespace if saved is not None else app.metadata.namespace,
        "MEMOAPP_FOLDER": order.folder,
        "MEMOAPP_DATABASE": order.live or app.spec.database.name,
        "MEMOAPP_BESIDE": order.beside,
        "MEMOAPP_KEPT": kept,
        "MEMOAPP_SINCE": since,
        "MEMOAPP_CHECKS": json.dumps(asked) if asked and order.task in {Task.DRILL, Task.RESTORE} else "",
    }


def _identity(context: Context, order: Order) -> Part:
    declared = context.app.spec.backup.encryption if context.app.spec.backup is not None else None
    ref = declared.identity_secret_ref if declared is not None else None
    ref = order.recovery.identity_secret_ref if order.recovery is not None else ref
    if ref is None:
        return Part({}, [], [])
    mounts = [mount("identity", _IDENTITY, read_only=True)]
    return Part({"MEMOAPP_IDENTITY": f"{_IDENTITY}/{ref.key}"}, mounts, [secret_volume("identity", ref.name, ref.key)])


def _imported(context: Context, order: Order, dump: Dump) -> dict[str, str]:
    """What the agent is told that makes a backup of a dump."""
    return {
        "MEMOAPP_APP_UID": context.app.metadata.uid,
        "MEMOAPP_BACKUP_NAME": order.imported,
        "MEMOAPP_OWNER": context.app.spec.database.user,
        "MEMOAPP_FILE": dump.file,
        "MEMOAPP_ENV_FILE": dump.env or "",
        "MEMOAPP_ENV_SECRET": f"{order.restore['metadata']['name']}-env",
    }


def _own_login(context: Context, task: Task) -> list[Manifest]:
    """The pod's own server lets everybody in who is in the pod."""
    database = context.app.spec.database.name if task is Task.IMPORT else SUPERUSER
    values = {"PGHOST": "127.0.0.1", "PGUSER": SUPERUSER, "PGDATABASE": database}
    return [{"name": key, "value": value} for key, value in values.items()]


def _server(context: Context, image: str) -> Manifest:
    """A sidecar: it ends with the agent."""
    managed, declared = context.app.spec.database.managed, context.app.spec.backup
    given = (managed.parameters or {}) if managed is not None else {}
    settings = [*_SETTINGS, *(f"{key}={given[key]}" for key in _TUNED if key in given)]
    own = declared.drill.resources if declared is not None else None
    usual = managed.resources if managed is not None else None
    return {
        "name": "server",
        "image": image,
        "restartPolicy": "Always",
        "command": ["docker-entrypoint.sh"],
        "args": ["postgres", *(word for setting in settings for word in ("-c", setting))],
        "env": [
            {"name": "POSTGRES_USER", "value": SUPERUSER},
            {"name": "POSTGRES_HOST_AUTH_METHOD", "value": "trust"},
            {"name": "POSTGRES_INITDB_ARGS", "value": "--encoding=UTF8 --no-sync"},
            {"name": "PGDATA", "value": f"{_SCRATCH}/pgdata"},
        ],
        "resources": resources(own or usual, our_resources("100m", "256Mi", "1Gi")),
        "securityContext": {**restricted(read_only=True), **_SERVER},
        "volumeMounts": [
            mount("scratch", _SCRATCH),
            mount("run", "/var/run/postgresql"),
            mount("shared-memory", "/dev/shm"),  # noqa: S108 -- PostgreSQL's own
            mount("tmp", "/tmp"),  # noqa: S108
        ],
    }


def _server_volumes(context: Context) -> list[Manifest]:
    managed, declared = context.app.spec.database.managed, context.app.spec.backup
    own = declared.drill.storage if declared is not None else None
    storage = own or (managed.storage if managed is not None else None)
    claim: Manifest = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": canonical(storage.size if storage is not None else _USUAL_SIZE)}},
    }
    if storage is not None and storage.storage_class_name:
        claim["storageClassName"] = storage.storage_class_name
    return [
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": claim}}},
        empty_volume("run"),
        {"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "256Mi"}},
    ]
