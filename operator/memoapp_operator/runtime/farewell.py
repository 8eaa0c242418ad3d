"""The passes of a MemoApp that is being deleted and must be saved first; see ``domain/farewell.py``."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.data import DatabaseDeletionPolicy
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.memobackup import Reason
from memoapp_operator.domain import farewell, names
from memoapp_operator.domain.farewell import FINALIZER
from memoapp_operator.domain.manifest import JOB, Manifest, ref_of
from memoapp_operator.ports import Clock, Cluster, Conflict
from memoapp_operator.render.claims import claims
from memoapp_operator.render.context import Context, Platform
from memoapp_operator.render.secrets import minted

from . import backups, finalizers
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

    async def hold(self, raw: Manifest, app: MemoApp) -> bool:
        """Set or take away the finalizer, as the spec says; False where there is nothing to do."""
        wanted = farewell.is_held(app)
        if holds(raw) == wanted:
            return False
        await finalizers.mark(self._cluster, raw, FINALIZER, present=wanted)
        return True

    async def part(self, raw: Manifest, app: MemoApp) -> float | None:
        """One pass of a MemoApp that goes; None once it may."""
        jobs = await self._cluster.list(JOB, app.metadata.namespace, names.labels(app.metadata.name))
        found = await backups.look(self._cluster, app, jobs, ())
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
        await finalizers.mark(self._cluster, raw, FINALIZER, present=False)
        return None

    async def _give(self, app: MemoApp) -> None:
        """Owner references on volume and password: the garbage collector takes them with their MemoApp."""
        for manifest in _given(app, self._platform):
            ref = ref_of(manifest)
            live = await self._cluster.get(ref.kind, app.metadata.namespace, ref.name)
            if live is not None:
                uid = live["metadata"]["uid"]
                await self._cluster.apply({**manifest, "metadata": {**manifest["metadata"], "uid": uid}})


def holds(raw: Manifest) -> bool:
    """The finalizer is on it."""
    return finalizers.has(raw, FINALIZER)


def _given(app: MemoApp, platform: Platform) -> list[Manifest]:
    """The database's claim and Secret as they are of an app that says Delete."""
    database = app.spec.database.model_copy(update={"deletion_policy": DatabaseDeletionPolicy.DELETE})
    spec = app.spec.model_copy(update={"database": database})
    context = Context(app=app.model_copy(update={"spec": spec}), platform=platform)
    own = names.child(app.metadata.name, "database")
    built = (*minted(context), *claims(context))
    return [stamped(manifest) for manifest in built if manifest["metadata"]["name"] == own]
