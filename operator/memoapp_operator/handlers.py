"""The only module that knows kopf: events become keys in the queue, and nothing else happens here.

``on.event`` writes nothing to the object: no finalizer, no annotation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import kopf

from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import (
    CHILD_KINDS,
    JOB,
    MAINTENANCE_WINDOW,
    MEMO_APP,
    MEMO_BACKUP,
    MEMO_RESTORE,
    POD,
    UNWATCHED,
    Kind,
)
from memoapp_operator.render.backup import BACKUP_LABEL
from memoapp_operator.render.maintenance import WINDOW_LABEL
from memoapp_operator.render.restore import RESTORE_LABEL
from memoapp_operator.runtime.queue import Key

_OWNERS = {
    names.APP_LABEL: MEMO_APP.kind,
    BACKUP_LABEL: MEMO_BACKUP.kind,
    RESTORE_LABEL: MEMO_RESTORE.kind,
    WINDOW_LABEL: MAINTENANCE_WINDOW.kind,
}
"""Labels of a child, and the kind of the object whose name is their value."""
WATCHED = tuple(kind for kind in (*CHILD_KINDS, POD, JOB) if kind not in UNWATCHED)


def settings() -> kopf.OperatorSettings:
    """Settings of kopf: no discovery, no events of its own, watches of our own children only."""
    found = kopf.OperatorSettings()
    found.scanning.disabled = True
    found.posting.enabled = False
    found.watching.server_timeout = 600
    found.watching.chunk_size = 500
    found.networking.request_timeout = 30
    found.networking.enforce_retry_after = True
    # Nothing is written with them; should a handler ever need storage, it is ours.
    found.persistence.finalizer = "memoapp.dev/operator"
    selector = f"{names.MANAGED_BY_LABEL}={names.MANAGED_BY}"
    for kind in WATCHED:
        found.watching.label_selectors[kind.group, kind.version, kind.plural] = selector
    return found


def registry(enqueue: Callable[[Key], None]) -> kopf.OperatorRegistry:
    """Handlers that turn every event about a MemoApp, or about a child, into its key."""
    found = kopf.OperatorRegistry()

    @kopf.on.login(registry=found)
    def login(**kwargs: Any) -> Any:
        return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)

    @kopf.on.event(MEMO_APP.group, MEMO_APP.version, MEMO_APP.plural, registry=found)
    async def memoapp(namespace: str | None, name: str | None, **_: Any) -> None:
        enqueue(Key(namespace or "", name or ""))

    window = MAINTENANCE_WINDOW

    @kopf.on.event(window.group, window.version, window.plural, registry=found)
    async def maintenancewindow(namespace: str | None, name: str | None, **_: Any) -> None:
        enqueue(Key(namespace or "", name or "", window.kind))

    for kind in (MEMO_BACKUP, MEMO_RESTORE):
        _of_an_app(found, kind, enqueue)
    for kind in WATCHED:
        _children(found, kind, enqueue)
    return found


def _of_an_app(found: kopf.OperatorRegistry, kind: Kind, enqueue: Callable[[Key], None]) -> None:
    """Objects that have passes of their own, and that their app wants to know of."""

    @kopf.on.event(kind.group, kind.version, kind.plural, id=kind.plural, registry=found)
    async def event(namespace: str | None, name: str | None, spec: Any, **_: Any) -> None:
        enqueue(Key(namespace or "", name or "", kind.kind))
        app = (spec.get("appRef") or {}).get("name")
        if app:
            enqueue(Key(namespace or "", app))


def _children(found: kopf.OperatorRegistry, kind: Kind, enqueue: Callable[[Key], None]) -> None:
    """Children of an app, and Jobs of its backups and restores."""

    @kopf.on.event(kind.group, kind.version, kind.plural, id=kind.plural, registry=found)
    async def event(namespace: str | None, labels: Any, **_: Any) -> None:
        for label, of in _OWNERS.items():
            if name := labels.get(label):
                enqueue(Key(namespace or "", name, of))


async def watch(
    enqueue: Callable[[Key], None],
    namespaces: tuple[str, ...],
    stop: asyncio.Event,
    ready: asyncio.Event | None = None,
) -> None:
    """Watch until ``stop`` is set; returns early only if the watches fail, or at a signal before ``ready`` is set."""
    await kopf.operator(
        registry=registry(enqueue),
        settings=settings(),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        stop_flag=stop,
        ready_flag=ready,
    )
