"""The pod that takes a backup: the agent, and beside it the database's own image with its tools.

Nothing of it is written to the node's disk but named pipes and a list of contents: data streams from the database to
the destination. Secrets come as files and variables, and in no argument.
"""

from __future__ import annotations

from memoapp_operator.agent.neighbour import SCRIPT
from memoapp_operator.api.v1alpha1.data import ManagedDatabase
from memoapp_operator.api.v1alpha1.destination import Destination, Encryption
from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import Manifest

from .context import Context
from .database import SUPERUSER, SUPERUSER_PASSWORD_KEY
from .endpoints import DATABASE, DATABASE_PORT
from .metadata import name
from .pod import config_volume, empty_volume, mount, our_resources, restricted, secret_volume, spec

COMPONENT = "backup"
SAVED = "saved"
"""Suffix of the ConfigMap that holds the MemoApp for its backups, and the key in it is ``app.json``."""
_USER: Manifest = {"runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532, "fsGroupChangePolicy": "OnRootMismatch"}
_WORK, _VOLUME, _SEAL, _APP, _STORE = "/work", "/backups", "/recipients", "/app", "/store"
_LONGEST = 6 * 3600
"""Seconds for which a backup may run."""


def job(
    context: Context,
    database: ManagedDatabase,
    destination: Destination,
    encryption: Encryption | None,
    *,
    backup: str,
    reason: str,
) -> Manifest:
    """The spec of the Job that takes one backup. It is created, never applied, and its pod is not replaced."""
    volumes = [
        empty_volume("work"),
        empty_volume("tmp"),
        config_volume("app", name(context, SAVED)),
        *_stored(context, destination),
    ]
    if encryption is not None:
        ref = encryption.recipients_secret_ref
        volumes.append(secret_volume("recipients", ref.name, ref.key))
    pod = {
        **spec(context, _USER),
        "restartPolicy": "Never",
        "initContainers": [_tools(context, database)],
        "containers": [_agent(context, destination, encryption, backup, reason)],
        "volumes": volumes,
    }
    return {
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
        "activeDeadlineSeconds": _LONGEST,
        "template": {"metadata": {"labels": names.labels(context.app.metadata.name, COMPONENT)}, "spec": pod},
    }


def _tools(context: Context, database: ManagedDatabase) -> Manifest:
    """A sidecar: it ends with the agent, whatever becomes of that."""
    return {
        "name": "tools",
        "image": database.image,
        "restartPolicy": "Always",
        "command": ["sh", "-c", SCRIPT, "tools", _WORK],
        "env": _login(context),
        "resources": our_resources("100m", "64Mi", "512Mi"),
        "securityContext": restricted(read_only=True),
        "volumeMounts": [mount("work", _WORK), mount("tmp", "/tmp")],  # noqa: S108 -- the image's own
    }


def _agent(
    context: Context, destination: Destination, encryption: Encryption | None, backup: str, reason: str
) -> Manifest:
    values = {
        "MEMOAPP_BACKUP_NAME": backup,
        "MEMOAPP_BACKUP_REASON": reason,
        "MEMOAPP_APP": f"{_APP}/app.json",
        "MEMOAPP_WORK": _WORK,
        "MEMOAPP_TOLD": "/dev/termination-log",
        **_where(destination),
    }
    mounts = [mount("work", _WORK), mount("tmp", "/tmp"), mount("app", _APP, read_only=True)]  # noqa: S108
    if encryption is not None:
        values["MEMOAPP_RECIPIENTS"] = f"{_SEAL}/{encryption.recipients_secret_ref.key}"
        mounts.append(mount("recipients", _SEAL, read_only=True))
    if destination.volume is not None:
        mounts.append(mount("backups", _VOLUME))
    elif destination.s3 is not None and destination.s3.ca_secret_ref is not None:
        mounts.append(mount("store", _STORE, read_only=True))
    return {
        "name": "agent",
        "image": context.platform.operator_image,
        "command": ["python3", "-m", "memoapp_operator.agent", "backup"],
        "env": [
            *({"name": key, "value": value} for key, value in values.items()),
            *_login(context),
            *_keys(destination),
        ],
        # Data streams: what it needs does not grow with the database.
        "resources": our_resources("100m", "96Mi", "256Mi"),
        "securityContext": restricted(read_only=True),
        "volumeMounts": mounts,
    }


def _login(context: Context) -> list[Manifest]:
    """As the superuser: rows are seen whatever row security says."""
    password = {"name": name(context, DATABASE), "key": SUPERUSER_PASSWORD_KEY}
    return [
        {"name": "PGHOST", "value": name(context, DATABASE)},
        {"name": "PGPORT", "value": str(DATABASE_PORT)},
        {"name": "PGUSER", "value": SUPERUSER},
        {"name": "PGDATABASE", "value": context.app.spec.database.name},
        {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": password}},
    ]


def _where(destination: Destination) -> dict[str, str]:
    if destination.s3 is None:
        return {"MEMOAPP_VOLUME": _VOLUME}
    found = destination.s3
    values = {
        "MEMOAPP_S3_ENDPOINT": found.endpoint,
        "MEMOAPP_S3_BUCKET": found.bucket,
        "MEMOAPP_S3_PREFIX": found.prefix,
        "MEMOAPP_S3_REGION": found.region,
        "MEMOAPP_S3_PATH_STYLE": "true" if found.path_style else "false",
    }
    if found.ca_secret_ref is not None:
        values["MEMOAPP_S3_AUTHORITY"] = f"{_STORE}/{found.ca_secret_ref.key}"
    return values


def _keys(destination: Destination) -> list[Manifest]:
    if destination.s3 is None:
        return []
    secret, keys = destination.s3.credentials_secret_ref, ("access-key", "secret-key")
    return [
        {
            "name": f"MEMOAPP_S3_{key.replace('-', '_').upper()}",
            "valueFrom": {"secretKeyRef": {"name": secret, "key": key}},
        }
        for key in keys
    ]


def _stored(context: Context, destination: Destination) -> list[Manifest]:
    if destination.volume is not None:
        claim = destination.volume.claim_name or name(context, "backups")
        return [{"name": "backups", "persistentVolumeClaim": {"claimName": claim}}]
    authority = destination.s3.ca_secret_ref if destination.s3 is not None else None
    return [secret_volume("store", authority.name, authority.key)] if authority is not None else []
