"""What a cluster is told of backups: a MemoBackup for each, and in its status what is known."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar

from .cluster import ApiError, Cluster
from .manifest import Manifest
from .take import Taken

FINALIZER = "memoapp.dev/backup"
"""The operator's: without it a record that is deleted by hand would leave no trace."""
_PATIENCE = 600.0
"""Seconds for which the API server is tried again: a record that is not made is found by the catalogue."""
_FIRST, _MOST = 1.0, 30.0
T = TypeVar("T")


def outcome(taken: Taken) -> dict[str, Any]:
    """What an agent says of a backup that is good."""
    return {"reason": "Verified", "folder": taken.folder, "entries": taken.entries, **facts(taken.manifest)}


def facts(manifest: Manifest) -> dict[str, Any]:
    """What a manifest says, as far as a MemoBackup does."""
    return {
        "takenAt": manifest.taken_at,
        "size": sum(part.size for part in manifest.parts),
        "digest": manifest.digest,
        "content": manifest.database.digest,
        "tables": len(manifest.database.tables),
        "rows": manifest.database.rows,
        "sealed": bool(manifest.recipients),
        "secrets": manifest.secrets,
        "postgresVersion": manifest.database.version,
        "version": manifest.app.version,
    }


def record(manifest: Manifest, folder: str, destination: dict[str, Any]) -> dict[str, Any]:
    """A MemoBackup for a backup that exists."""
    return {
        "apiVersion": "memoapp.dev/v1alpha1",
        "kind": "MemoBackup",
        "metadata": {
            "name": manifest.name,
            "namespace": manifest.app.namespace,
            "labels": {"app.kubernetes.io/managed-by": "memoapp-operator", "memoapp.dev/app": manifest.app.name},
            "finalizers": [FINALIZER],
        },
        "spec": {
            "appRef": {"name": manifest.app.name},
            "reason": manifest.reason,
            "location": {"destination": destination, "folder": folder},
        },
    }


def verified(taken: Taken, destination: dict[str, Any]) -> dict[str, Any]:
    """The status of a MemoBackup that was taken and read back just now."""
    known = {key: value for key, value in facts(taken.manifest).items() if value is not None}
    return {
        "phase": "Verified",
        "reason": None,
        "message": None,
        "location": {"destination": destination, "folder": taken.folder},
        "verifiedAt": now(),
        **known,
    }


def failed(reason: str, message: str) -> dict[str, Any]:
    """The status of a MemoBackup that could not be taken."""
    return {"phase": "Failed", "reason": reason[:128], "message": message[:1024]}


def now() -> str:
    """RFC 3339, UTC, seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def persistently(ask: Callable[[], T], patience: float = _PATIENCE) -> T:
    """Ask again for as long as the API server is away.

    Raises:
        ApiError: it said no, or nothing for too long.
    """
    began, pause = time.monotonic(), _FIRST
    while True:
        try:
            return ask()
        except ApiError as error:
            away = not error.code or error.code == HTTPStatus.TOO_MANY_REQUESTS or error.code >= _SERVERS
            if not away or time.monotonic() - began + pause > patience:
                raise
        time.sleep(pause)
        pause = min(pause * 2, _MOST)


_SERVERS = 500


def tell_scheduled(cluster: Cluster, taken: Taken, destination: dict[str, Any]) -> None:
    """Make the MemoBackup of what the schedule took, and say how it went.

    Raises:
        ApiError: the API server was away for too long, or said no.
    """
    persistently(lambda: cluster.create_backup(record(taken.manifest, taken.folder, destination)))
    persistently(lambda: cluster.tell(taken.manifest.name, verified(taken, destination)))
