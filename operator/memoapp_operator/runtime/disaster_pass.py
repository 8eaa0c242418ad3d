"""One pass over a MemoRestore in mode DisasterDrill: it works in a namespace of its own."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.memorestore import MemoRestore
from memoapp_operator.domain import disaster, recovery, restoring
from memoapp_operator.domain.manifest import MEMO_APP, MEMO_RESTORE, NAMESPACE, SECRET, Manifest, Ref
from memoapp_operator.ports import Clock, Cluster, Refused
from memoapp_operator.render import disaster as rendered

from . import agents, finalizers
from .creation import once
from .restore_sight import parsed, rests

T = TypeVar("T", bound=BaseModel)


class DisasterPass:
    """What the passes of such MemoRestores see and do; the statuses are committed by whoever asks.

    Args:
        cluster: the API server.
        clock: the time.
    """

    def __init__(self, cluster: Cluster, clock: Clock) -> None:
        self._cluster = cluster
        self._clock = clock

    async def look(self, raw: Manifest, restore: MemoRestore) -> disaster.Sight:
        """Everything that the next step needs; of the namespace only once it has a name."""
        namespace, now = restore.metadata.namespace, self._clock.now()
        leaving, held = bool(raw["metadata"].get("deletionTimestamp")), finalizers.has(raw, restoring.FINALIZER)
        if rests(raw, restore):
            return disaster.Sight(restore, None, now, held=held)
        app = await self._model(MemoApp, Ref(MEMO_APP, restore.spec.app_ref.name), namespace)
        source, space = restore.spec.source.recovery, restore.status.namespace
        missing: tuple[str, ...] = ()
        if space is None and source is not None and not leaving:
            missing = await agents.missing(self._cluster, namespace, source.destination, source.identity_secret_ref)
        standing = await self._standing(restore, space) if space is not None else None
        scratch = recovered = None
        if space is not None and standing == "ours":
            scratch = await self._model(MemoApp, Ref(MEMO_APP, restore.spec.app_ref.name), space)
            name = recovery.name_of(restore.spec.app_ref.name)
            recovered = await self._model(MemoRestore, Ref(MEMO_RESTORE, name), space)
        return disaster.Sight(restore, app, now, standing, scratch, recovered, missing, leaving, held)

    async def _standing(self, restore: MemoRestore, name: str) -> str | None:
        try:
            found = await self._cluster.get(NAMESPACE, "", name)
        except Refused:
            return "forbidden"
        if found is None:
            return None
        if not _is_of(found, restore):
            return "foreign"
        return "leaving" if found["metadata"].get("deletionTimestamp") else "ours"

    async def _model(self, model: type[T], ref: Ref, namespace: str) -> T | None:
        return parsed(model, await self._cluster.get(ref.kind, namespace, ref.name))

    async def act(self, raw: Manifest, seen: disaster.Sight, found: disaster.Step) -> bool:
        """By what is committed; True where something was written.

        Raises:
            Refused: the API server does not take it: the operator has no right to, or a quota is full.
        """
        if found.hold or found.release:
            await finalizers.mark(self._cluster, raw, restoring.FINALIZER, present=found.hold)
            return found.hold
        space = found.status.namespace
        if found.drop and space is not None:
            await self._drop(seen, space)
            return False
        return await self._make(seen, seen.app, space) if found.make and space is not None else False

    async def _drop(self, seen: disaster.Sight, space: str) -> None:
        raw = await self._cluster.get(NAMESPACE, "", space)
        if raw is not None and _is_of(raw, seen.restore):
            await self._cluster.delete(Ref(NAMESPACE, space), "", raw["metadata"]["uid"])

    async def _make(self, seen: disaster.Sight, app: MemoApp | None, space: str) -> bool:
        """All that is not there; the MemoApp last: with it the work begins."""
        source = seen.restore.spec.source.recovery
        if app is None or source is None:
            return False
        if seen.space is None:
            return await once(self._cluster, rendered.namespace(space, seen.restore.metadata.uid))
        for name in rendered.keys(source):
            original = await self._cluster.get(SECRET, app.metadata.namespace, name)
            if original is not None:
                await once(self._cluster, rendered.secret(original, space))
        return await once(self._cluster, rendered.memoapp(app, source, space))


def _is_of(namespace: Manifest, restore: MemoRestore) -> bool:
    """This very drill made it."""
    return bool((namespace["metadata"].get("labels") or {}).get(rendered.LABEL) == restore.metadata.uid)
