"""``backup``: take one, as the environment says, and tell how it went in one line of JSON.

========================  ==========================================================================================
PG*                       libpq's own: the database, PGPASSWORD among them
MEMOAPP_BACKUP_NAME       its name; MEMOAPP_BACKUP_REASON why
MEMOAPP_APP               file with the MemoApp as JSON
MEMOAPP_CONFIG            folder with ConfigMaps and Secrets to save, a folder each below ``configmaps``, ``secrets``
MEMOAPP_RECIPIENTS        file with age recipients; without it nothing is sealed, and Secrets are left out
MEMOAPP_VOLUME            folder that backups are stored in; or
MEMOAPP_S3_*              ENDPOINT, BUCKET, PREFIX, REGION, PATH_STYLE, AUTHORITY (file), ACCESS_KEY, SECRET_KEY
MEMOAPP_WORK              folder that is shared with the database's image
MEMOAPP_TOLD              file that takes the line of JSON too (the pod's termination message)
========================  ==========================================================================================
"""

from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .facts import FactsError
from .manifest import App
from .neighbour import Neighbour, NeighbourError
from .s3 import S3, Bucket
from .sealing import Seal, SealError, recipients_in
from .stores import Store, StoreError, Volume
from .take import Order, Source, Taken, take
from .verify import NotVerifiedError

_REASONS = {
    FactsError: "DatabaseNotReadable",
    NeighbourError: "DumpFailed",
    SealError: "RecipientsInvalid",
    NotVerifiedError: "NotVerified",
}


class SettingsError(ValueError):
    """The environment says what cannot be; the message says which variable."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says."""

    name: str
    reason: str
    app: App
    manifest: dict[str, Any]
    config: Path | None
    recipients: Path | None
    store: Store
    work: Path
    lock_timeout: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Read it.

        Raises:
            SettingsError: a variable is missing or wrong.
        """
        manifest = _json(_given(environment, "MEMOAPP_APP"))
        try:
            metadata, version = manifest["metadata"], manifest["spec"]["version"]
            app = App(name=metadata["name"], namespace=metadata["namespace"], uid=metadata["uid"], version=version)
        except (KeyError, TypeError):
            raise SettingsError("MEMOAPP_APP: it is no MemoApp") from None
        config, recipients = environment.get("MEMOAPP_CONFIG"), environment.get("MEMOAPP_RECIPIENTS")
        return cls(
            name=_given(environment, "MEMOAPP_BACKUP_NAME"),
            reason=environment.get("MEMOAPP_BACKUP_REASON", "Manual"),
            app=app,
            manifest=manifest,
            config=Path(config) if config else None,
            recipients=Path(recipients) if recipients and Path(recipients).exists() else None,
            store=_store(environment),
            work=Path(_given(environment, "MEMOAPP_WORK")),
            lock_timeout=environment.get("LOCK_WAIT_TIMEOUT", "60s"),
        )


def backup(environment: Mapping[str, str]) -> int:
    """Take one. Exit code 0, or 1 where there is none now; the line of JSON says why."""
    try:
        settings = Settings.of(environment)
    except SettingsError as error:
        return _told(environment, {"reason": "SettingsInvalid", "message": str(error)}, 2)
    tools = Neighbour(settings.work)
    try:
        seal = _seal(settings.recipients)
        order = Order(settings.name, settings.app, settings.reason, saved(settings, secrets=seal is not None))
        return _told(
            environment, outcome(take(order, Source("", None, settings.lock_timeout), settings.store, tools, seal)), 0
        )
    except StoreError as error:
        return _told(environment, {"reason": error.trouble.value, "message": str(error)}, 1)
    except (FactsError, NeighbourError, SealError, NotVerifiedError) as error:
        return _told(environment, {"reason": _REASONS[type(error)], "message": str(error)}, 1)
    finally:
        tools.end()


def outcome(taken: Taken) -> dict[str, Any]:
    """What a MemoBackup says of it."""
    manifest = taken.manifest
    return {
        "reason": "Verified",
        "folder": taken.folder,
        "takenAt": manifest.taken_at,
        "size": taken.size,
        "digest": manifest.digest,
        "content": manifest.database.digest,
        "tables": len(manifest.database.tables),
        "rows": manifest.database.rows,
        "entries": taken.entries,
        "sealed": bool(manifest.recipients),
        "secrets": manifest.secrets,
        "postgresVersion": manifest.database.version,
        "version": manifest.app.version,
    }


def saved(settings: Settings, *, secrets: bool) -> bytes:
    """The MemoApp, its ConfigMaps and, where they are sealed, its Secrets: a stream of YAML documents, each in JSON."""
    metadata = {key: settings.manifest["metadata"][key] for key in ("name", "namespace")}
    app = {**settings.manifest, "metadata": {**metadata, **_labels(settings.manifest)}}
    app.pop("status", None)
    documents = [app, *_objects(settings, "ConfigMap", "configmaps")]
    if secrets:
        documents += _objects(settings, "Secret", "secrets")
    return b"".join(b"---\n" + json.dumps(item, indent=1, ensure_ascii=False).encode() + b"\n" for item in documents)


def _labels(manifest: dict[str, Any]) -> dict[str, Any]:
    found = manifest["metadata"].get("labels")
    return {"labels": found} if found else {}


def _objects(settings: Settings, kind: str, folder: str) -> Iterator[dict[str, Any]]:
    """Each folder is an object, each file in it a key; the kubelet's own begin with two dots."""
    root = settings.config / folder if settings.config is not None else None
    if root is None or not root.is_dir():
        return
    for each in sorted(path for path in root.iterdir() if path.is_dir()):
        files = sorted(path for path in each.iterdir() if path.is_file() and not path.name.startswith(".."))
        content = {path.name: path.read_bytes() for path in files}
        metadata = {"name": each.name, "namespace": settings.app.namespace}
        yield {"apiVersion": "v1", "kind": kind, "metadata": metadata, **_data(kind, content)}


def _data(kind: str, content: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    """Bytes that are no text are stored as such, where a ConfigMap has them."""
    if kind == "Secret":
        return {"data": {key: b64encode(value).decode() for key, value in content.items()}}
    found: dict[str, dict[str, str]] = {}
    for key, value in content.items():
        try:
            found.setdefault("data", {})[key] = value.decode()
        except UnicodeDecodeError:
            found.setdefault("binaryData", {})[key] = b64encode(value).decode()
    return found


def _seal(recipients: Path | None) -> Seal | None:
    if recipients is None:
        return None
    given = recipients_in(recipients.read_text(encoding="utf-8"))
    if not given:
        raise SealError("the file of recipients names none")
    return Seal.to(given)


def _store(environment: Mapping[str, str]) -> Store:
    volume = environment.get("MEMOAPP_VOLUME")
    if volume:
        return Volume(Path(volume))
    authority = environment.get("MEMOAPP_S3_AUTHORITY")
    return S3(
        Bucket(
            endpoint=_given(environment, "MEMOAPP_S3_ENDPOINT"),
            bucket=_given(environment, "MEMOAPP_S3_BUCKET"),
            access_key=_given(environment, "MEMOAPP_S3_ACCESS_KEY"),
            secret_key=_given(environment, "MEMOAPP_S3_SECRET_KEY"),
            prefix=environment.get("MEMOAPP_S3_PREFIX", "").strip("/"),
            region=environment.get("MEMOAPP_S3_REGION", "us-east-1"),
            path_style=environment.get("MEMOAPP_S3_PATH_STYLE", "true") == "true",
            authority=Path(authority) if authority else None,
        )
    )


def _given(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set")
    return value


def _json(path: str) -> dict[str, Any]:
    try:
        found = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"MEMOAPP_APP: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise SettingsError("MEMOAPP_APP: it is no MemoApp")
    return found


def _told(environment: Mapping[str, str], content: dict[str, Any], code: int) -> int:
    line = json.dumps(content, ensure_ascii=False)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    if told := environment.get("MEMOAPP_TOLD"):
        Path(told).write_text(line[:4096], encoding="utf-8")
    return code
