"""One pass over one MemoRestore: observe, decide, commit, act."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.memobackup import MemoBackup, Reason
from memoapp_operator.api.v1alpha1.memorestore import MemoRestore, MemoRestoreStatus, Mode
from memoapp_operator.api.v1alpha1.memorestore import RestorePhase as Phase
from memoapp_operator.domain import disaster, proving, restoring
from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.durations import seconds
from memoapp_operator.domain.manifest import JOB, MEMO_RESTORE, REVISION, Manifest, Ref, ref_of
from memoapp_operator.domain.restore_status import Step
from memoapp_operator.domain.taking import LATER
from memoapp_operator.ports import Clock, Cluster, ClusterError, Refused, Services
from memoapp_operator.render import restore as rendered
from memoapp_operator.render.context import Context, Platform
from memoapp_operator.render.endpoints import BACKEND

from . import data_lease, finalizers, live_objects
from .backups import order as backup_order
from .creation import once
from .disaster_pass import DisasterPass
from .queue import Key
from .restore_sight import RestoreObserver, Seen, task_of

_AT_ONCE = 0.05
_INVALID_AGAIN = 300.0
_BEYOND = 7200
"""Seconds for which the Lease of the data is held beside the limit of the Job: backups may take a while to let go, and
the swap has limits of its own."""
_TOLD = frozenset({Phase.CONSENT_NEEDED, Phase.ANNOUNCING, Phase.RETURNING, Phase.COMPLETED, Phase.FAILED})
_WARNINGS = frozenset({Phase.RETURNING, Phase.FAILED})


class RestorePass:
    """The passes of all MemoRestores.

    Args:
        cluster: the API server.
        services: the running parts of apps.
        platform: the operator itself.
        clock: the time.
    """

    def __init__(self, cluster: Cluster, services: Services, platform: Platform, clock: Clock) -> None:
        self._cluster = cluster
        self._services = services
        self._platform = platform
        self._clock = clock
        self._observer = RestoreObserver(cluster, services, clock)
        self._disasters = DisasterPass(cluster, clock)

    async def reconcile(self, key: Key) -> float | None:
        """One pass; the seconds until the next, or None where nothing is left to be done."""
        raw = await self._cluster.get(MEMO_RESTORE, key.namespace, key.name)
        if raw is None:
            return None
        try:
            restore = MemoRestore.model_validate(raw)
        except ValidationError:
            return _INVALID_AGAIN
        if restore.spec.mode is Mode.DISASTER_DRILL:
            return await self._disaster(raw, restore)
        seen = await self._observer.look(raw, restore)
        found = restoring.step(seen.sight)
        # What is known of the backup, and whose the data is, must not be lost with a process that is killed at its end.
        if found.tell and seen.backup is not None:
            await self._tell_backup(seen, seen.backup, found.tell)
        if found.free:
            await self._free(seen)
        committed = await self._commit(raw, restore.status, found.status)
        await self._note(committed, restore.status, found.status)
        try:
            acted = await self._act(committed, seen, found)
        except Refused as error:
            return await self._refused(committed, found, error)
        return _AT_ONCE if acted else found.again

    async def _disaster(self, raw: Manifest, restore: MemoRestore) -> float | None:
        """The same, of one that works in a namespace of its own."""
        seen = await self._disasters.look(raw, restore)
        found = disaster.step(seen)
        committed = await self._commit(raw, restore.status, found.status)
        await self._note(committed, restore.status, found.status)
        try:
            acted = await self._disasters.act(committed, seen, found)
        except Refused as error:
            return await self._refused(committed, found, error)
        return _AT_ONCE if acted else found.again

    async def _refused(self, raw: Manifest, found: Step | disaster.Step, error: Refused) -> float:
        """The API server does not take what is to be created: say so, and try again later."""
        text = f"the API server refuses it: {error.message}"[:1024]
        status = found.status.model_copy(update={"reason": "Refused", "message": text})
        if raw.get("status") != _dumped(status):
            await self._cluster.replace_status({**raw, "status": _dumped(status)})
        return LATER

    async def _commit(self, raw: Manifest, before: MemoRestoreStatus, status: MemoRestoreStatus) -> Manifest:
        if _dumped(status) == _dumped(before):
            return raw
        return await self._cluster.replace_status({**raw, "status": _dumped(status)})

    async def _note(self, about: Manifest, before: MemoRestoreStatus, after: MemoRestoreStatus) -> None:
        """An Event for each phase that people want to know of."""
        phase = after.phase
        if before.phase is phase or phase not in _TOLD or phase is None:
            return
        text = f"{after.reason}: {after.message}" if after.reason and after.message else after.message or phase.value
        key = f"{about['metadata']['uid']}-{phase.value}-{after.attempt}"
        note = Note(warning=phase in _WARNINGS, reason=f"Restore{phase.value}", message=text[:1024], key=key)
        try:
            await self._cluster.note(about, note, self._clock.now())
        except ClusterError:
            return

    async def _tell_backup(self, seen: Seen, backup: Manifest, told: dict[str, Any]) -> None:
        """What a restore showed of its backup; the same word twice is one."""
        found = MemoBackup.model_validate(backup)
        name, now = seen.sight.restore.metadata.name, self._clock.now()
        if found.status.proved is not None and found.status.proved.by == name:
            return
        status = proving.status_after(found, told, name, now).model_dump(mode="json", by_alias=True, exclude_none=True)
        await self._cluster.replace_status({**backup, "status": status})

    async def _free(self, seen: Seen) -> None:
        mine = restoring.holder_of(seen.sight.restore.metadata.name)
        if seen.lease is not None and (seen.lease.get("spec") or {}).get("holderIdentity") == mine:
            await self._cluster.replace(data_lease.freed(seen.lease))

    async def _act(self, raw: Manifest, seen: Seen, found: Step) -> bool:
        if found.hold or found.release:
            await finalizers.mark(self._cluster, raw, restoring.FINALIZER, present=found.hold)
            return found.hold
        if found.stop and seen.sight.job is not None:
            await self._cluster.delete(Ref(JOB, seen.job), raw["metadata"]["namespace"], seen.sight.job.uid)
            return True
        if seen.app is None:
            return False
        if found.record and found.status.location is not None and found.status.imported is not None:
            location = found.status.location.model_dump(mode="json", by_alias=True, exclude_none=True)
            return await once(self._cluster, backup_order(seen.app, found.status.imported, Reason.IMPORTED, location))
        if found.save and found.status.safety is not None:
            return await once(self._cluster, backup_order(seen.app, found.status.safety, Reason.RESTORE))
        if found.take:
            return await self._take(seen, seen.app)
        if found.work is not None:
            return await self._begin(raw, seen, seen.app, found)
        return await self._change(seen, found)

    async def _change(self, seen: Seen, found: Step) -> bool:
        """What is done to the server's databases. Whether it went well is seen in the next pass."""
        if seen.login is None:
            return False
        for name in found.open:
            await self._services.open(seen.login, name)
        if found.swap is not None:
            await self._services.swap(seen.login, found.swap.live, found.swap.fresh, found.swap.kept)
        if found.drop is not None:
            await self._services.drop(seen.login, found.drop)
        return bool(found.open) or found.swap is not None or found.drop is not None

    async def _take(self, seen: Seen, app: MemoApp) -> bool:
        if seen.lease is None:
            return False
        mine = restoring.holder_of(seen.sight.restore.metadata.name)
        limit = (seconds(app.spec.backup.timeout) if app.spec.backup is not None else rendered.USUAL_TIMEOUT) + _BEYOND
        await self._cluster.replace(data_lease.held(seen.lease, mine, limit, seen.sight.now))
        return True

    async def _begin(self, raw: Manifest, seen: Seen, app: MemoApp, found: Step) -> bool:
        """Created, never applied; one that is there is the same one."""
        status, restore = found.status, seen.sight.restore
        task = task_of(restore, status.phase or Phase.PENDING)
        if task is None:
            return False
        target = seen.sight.target
        since = target.status.swapped_at if target is not None else None
        location, recovery = status.location, restore.spec.source.recovery
        where = recovery.destination if recovery is not None else None
        if task is rendered.Task.IMPORT and app.spec.backup is not None:
            where = app.spec.backup.destination
        order = rendered.Order(
            task,
            raw,
            rendered.job_name(restore.metadata.name, task, status.attempt),
            destination=location.destination if location is not None else where,
            folder=location.folder if location is not None else "",
            live=seen.sight.live or "",
            beside=status.database or "",
            kept=(status.database or "", since) if since is not None else None,
            recovery=recovery,
            dump=restore.spec.source.dump,
            imported=status.imported or "",
            backend=await self._backend(app) if task is rendered.Task.DRILL else None,
        )
        return await once(self._cluster, rendered.job(Context(app=app, platform=self._platform), order))

    async def _backend(self, app: MemoApp) -> Mapping[str, Any] | None:
        """The backend that serves, where a drill is to start it."""
        active, declared = app.status.active, app.spec.backup
        if active is None or declared is None or not declared.drill.backend:
            return None
        name = (app.status.colours or {}).get(active.colour.value, "")
        stored = await self._cluster.get(REVISION, app.metadata.namespace, name)
        found = live_objects.stored(app, {ref_of(stored): stored}) if stored is not None else []
        return next((item.tiers[BACKEND] for item in found), None)


def _dumped(status: MemoRestoreStatus) -> dict[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
