"""What pods of agents have in common: where backups lie, the database's own tools beside them, and how it is reached.

Nothing of a backup is written to the node's disk but named pipes and a list of contents: data streams. Secrets come as
files and variables, and in no argument.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from memoapp_operator.agent.neighbour import SCRIPT
from memoapp_operator.api.v1alpha1.destination import Destination
from memoapp_operator.domain import upgrading
from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.domain.references import connection_name

from .context import Context
from .database import SUPERUSER, SUPERUSER_PASSWORD_KEY
from .endpoints import DATABASE, DATABASE_PORT
from .metadata import name
from .pod import empty_volume, mount, our_resources, restricted, secret_volume

COMPONENT = "backup"
CLAIM = "backups"
USER: Manifest = {"runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532, "fsGroupChangePolicy": "OnRootMismatch"}
WORK = "/work"
_VOLUME, _STORE, _SEAL = "/backups", "/store", "/recipients"
_SOURCE_VOLUME, _SOURCE_STORE = "/dumps", "/dumps-store"


@dataclass(frozen=True, slots=True)
class Part:
    """Variables, mounts and volumes that belong together."""

    values: dict[str, str]
    mounts: list[Manifest]
    volumes: list[Manifest]


def work() -> Part:
    """The folder that is shared with the database's own image, and where the agent leaves its word."""
    values = {"MEMOAPP_WORK": WORK, "MEMOAPP_TOLD": "/dev/termination-log"}
    mounts = [mount("work", WORK), mount("tmp", "/tmp")]  # noqa: S108 -- the image's own
    return Part(values, mounts, [empty_volume("work"), empty_volume("tmp")])


def where(context: Context, destination: Destination) -> Part:
    """The destination."""
    told = json.dumps(destination.model_dump(by_alias=True, exclude_none=True), sort_keys=True)
    found = _place(context, destination, "MEMOAPP", _VOLUME, _STORE)
    return Part({"MEMOAPP_DESTINATION": told, **found.values}, found.mounts, found.volumes)


def source(context: Context, destination: Destination) -> Part:
    """A second destination, which is only read."""
    return _place(context, destination, "MEMOAPP_SOURCE", _SOURCE_VOLUME, _SOURCE_STORE)


def _place(context: Context, destination: Destination, prefix: str, folder: str, authority: str) -> Part:
    names_ = folder.removeprefix("/"), authority.removeprefix("/")
    if destination.s3 is None:
        claim = destination.volume.claim_name if destination.volume is not None else None
        volume = {"name": names_[0], "persistentVolumeClaim": {"claimName": claim or name(context, CLAIM)}}
        return Part({f"{prefix}_VOLUME": folder}, [mount(names_[0], folder)], [volume])
    found = destination.s3
    values = {
        f"{prefix}_S3_ENDPOINT": found.endpoint,
        f"{prefix}_S3_BUCKET": found.bucket,
        f"{prefix}_S3_PREFIX": found.prefix,
        f"{prefix}_S3_REGION": found.region,
        f"{prefix}_S3_PATH_STYLE": "true" if found.path_style else "false",
    }
    if found.ca_secret_ref is None:
        return Part(values, [], [])
    key = found.ca_secret_ref
    values[f"{prefix}_S3_AUTHORITY"] = f"{authority}/{key.key}"
    return Part(values, [mount(names_[1], authority, read_only=True)], [secret_volume(names_[1], key.name, key.key)])


def sealed(context: Context) -> Part:
    """To whom backups are sealed."""
    declared = context.app.spec.backup
    if declared is None or declared.encryption is None:
        return Part({}, [], [])
    ref = declared.encryption.recipients_secret_ref
    mounts = [mount("recipients", _SEAL, read_only=True)]
    return Part({"MEMOAPP_RECIPIENTS": f"{_SEAL}/{ref.key}"}, mounts, [secret_volume("recipients", ref.name, ref.key)])


def client(context: Context) -> str | None:
    """The image with PostgreSQL's tools: the database's own that runs, so that they are never of another major version.

    One that is declared and waits was never pulled: backups do not rest on it.
    """
    spec_ = context.app.spec
    if spec_.database.managed is not None:
        return upgrading.running(context.app, upgrading.DATABASE)
    return spec_.backup.client_image if spec_.backup is not None else None


def tools(image: str, login_: list[Manifest]) -> Manifest:
    """A sidecar: it ends with the agent, whatever becomes of that."""
    return {
        "name": "tools",
        "image": image,
        "restartPolicy": "Always",
        "command": ["sh", "-c", SCRIPT, "tools", WORK],
        "env": login_,
        "resources": our_resources("100m", "64Mi", "512Mi"),
        "securityContext": restricted(read_only=True),
        "volumeMounts": [mount("work", WORK), mount("tmp", "/tmp")],  # noqa: S108 -- the image's own
    }


def login(context: Context) -> list[Manifest]:
    """As the superuser of a managed database: rows are seen whatever row security says."""
    if context.app.spec.database.managed is None:
        secret = connection_name(context.app.metadata.name)
        pairs = (("HOST", "host"), ("PORT", "port"), ("USER", "user"), ("DATABASE", "dbname"), ("PASSWORD", "password"))
        return [
            {"name": f"PG{variable}", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}
            for variable, key in pairs
        ]
    password = {"name": name(context, DATABASE), "key": SUPERUSER_PASSWORD_KEY}
    return [
        {"name": "PGHOST", "value": name(context, DATABASE)},
        {"name": "PGPORT", "value": str(DATABASE_PORT)},
        {"name": "PGUSER", "value": SUPERUSER},
        {"name": "PGDATABASE", "value": context.app.spec.database.name},
        {"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": password}},
    ]


def keys(destination: Destination, prefix: str = "MEMOAPP") -> list[Manifest]:
    """The credentials of a bucket."""
    if destination.s3 is None:
        return []
    secret, names = destination.s3.credentials_secret_ref, ("access-key", "secret-key")
    return [
        {
            "name": f"{prefix}_S3_{key.replace('-', '_').upper()}",
            "valueFrom": {"secretKeyRef": {"name": secret, "key": key}},
        }
        for key in names
    ]
