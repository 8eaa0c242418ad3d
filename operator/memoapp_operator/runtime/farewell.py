"""The passes of a MemoApp that is being deleted and must be saved first; see ``domain/farewell.py``."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.data import DatabaseDeletionPolicy
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.memobackup import Reason
from memoapp_operator.domain import farewell, names
from memoapp_operator.domain.farewell import FINALIZER
from memoapp_operator.domain.manifest import SECRET, VOLUME_CLAIM, Manifest, Ref, ref_of
from memoapp_operator.ports import Clock, Cluster, Conflict
from memoapp_operator.render.claims import claims
from memoapp_operator.render.context import Context, Platform
from memoapp_operator.render.secrets import minted

from . import backups
from .snapshot import stamped

AGAIN = 5.0


class Farewells:
    """What holds a MemoApp back until its database was saved.

    Args:
        cluster: the API server.
        platform: the operator itself.
        clock: the time.
    """

    def __init__(self, cluster: Cluster, platform: Platform, clock: Clock) -> None:
        self._cluster = cluster
        self._platform = platform
        self._clock = clock

    async def hold(self, raw: Manifest, app: MemoApp) -> Manifest | None:
        """Set or take away the finalizer, as the spec says; None where there is nothing to do."""
        present, wanted = FINALIZER in _finalizers(raw), farewell.is_held(app)
        if present == wanted:
            return None
        return await self._mark(raw, present=wanted)

    async def part(self, raw: Manifest, app: MemoApp) -> float | None:
        """One pass of a MemoApp that goes; None once it may."""
        found = await backups.look(self._cluster, app, ())
        decided = farewell.decide(app, found, self._clock.now())
        if decided.status != app.status:
            status = decided.status.model_dump(mode="json", by_alias=True, exclude_none=True)
            raw = await self._cluster.replace_status({**raw, "status": status})
        if decided.order is not None and found.named(decided.order) is None:
            try:
                await self._cluster.create(backups.order(app, decided.order, Reason.FINAL))
            except Conflict:
                return AGAIN
        if decided.give:
            await self._give(app)
        if not decided.release:
            return AGAIN
        await self._mark(raw, present=False)
        return None

    async def _give(self, app: MemoApp) -> None:
        """Owner references on volume and password: the garbage collector takes them with their MemoApp."""
        namespace, suffix = app.metadata.namespace, "database"
        for manifest in _given(app, self._platform):
            if ref_of(manifest) not in _of_the_database(app, suffix):
                continue
            live = await self._cluster.get(ref_of(manifest).kind, namespace, manifest["metadata"]["name"])
            if live is not None:
                uid = live["metadata"]["uid"]
                await self._cluster.apply({**manifest, "metadata": {**manifest["metadata"], "uid": uid}})

    async def _mark(self, raw: Manifest, *, present: bool) -> Manifest:
        others = [item for item in _finalizers(raw) if item != FINALIZER]
        return await self._cluster.mark(raw, finalizers=[*others, FINALIZER] if present else others)


def holds(raw: Manifest) -> bool:
    """The finalizer is on it."""
    return FINALIZER in _finalizers(raw)


def _finalizers(raw: Manifest) -> list[str]:
    return list(raw["metadata"].get("finalizers") or [])


def _of_the_database(app: MemoApp, suffix: str) -> set[Ref]:
    name = names.child(app.metadata.name, suffix)
    return {Ref(SECRET, name), Ref(VOLUME_CLAIM, name)}


def _given(app: MemoApp, platform: Platform) -> list[Manifest]:
    """Claims and minted Secrets as they are of an app that says Delete."""
    database = app.spec.database.model_copy(update={"deletion_policy": DatabaseDeletionPolicy.DELETE})
    spec = app.spec.model_copy(update={"database": database})
    context = Context(app=app.model_copy(update={"spec": spec}), platform=platform)
    return [stamped(manifest) for manifest in (*minted(context), *claims(context))]
