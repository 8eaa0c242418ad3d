"""One pass over one MemoBackup: observe, decide, commit, act."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from memoapp_operator.api.v1alpha1.memoapp import MemoApp, Metadata
from memoapp_operator.api.v1alpha1.memobackup import BAD, GOOD, BackupPhase, MemoBackup, MemoBackupStatus
from memoapp_operator.domain import names
from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.manifest import JOB, MEMO_APP, MEMO_BACKUP, POD, Manifest, Ref
from memoapp_operator.domain.taking import FINALIZER, LATER, PRUNED_ANNOTATION, Sight, Step, Work, location_of, step
from memoapp_operator.ports import Clock, Cluster, ClusterError, Refused
from memoapp_operator.render import backup as rendered
from memoapp_operator.render.agent_pod import COMPONENT
from memoapp_operator.render.context import Context, Platform
from memoapp_operator.render.restore import DRILL, RESTORE

from . import agents, finalizers
from .backups import recipients_of
from .creation import once
from .queue import Key

_AT_ONCE = 0.05
_INVALID_AGAIN = 300.0
_ENDS = "is being terminated"
"""In the API server's words about a namespace that goes."""


class BackupPass:
    """The passes of all MemoBackups.

    Args:
        cluster: the API server.
        platform: the operator itself.
        clock: the time.
    """

    def __init__(self, cluster: Cluster, platform: Platform, clock: Clock) -> None:
        self._cluster = cluster
        self._platform = platform
        self._clock = clock

    async def reconcile(self, key: Key) -> float | None:
        """One pass; the seconds until the next, or None where nothing is left to be done."""
        raw = await self._cluster.get(MEMO_BACKUP, key.namespace, key.name)
        if raw is None:
            return None
        try:
            backup = MemoBackup.model_validate(raw)
        except ValidationError:
            return _INVALID_AGAIN
        app = None if _rests(raw, backup) else await self._app(key.namespace, backup.spec.app_ref.name)
        seen = await self._sight(raw, backup, app)
        found = step(seen)
        committed = await self._commit(raw, backup, found.status)
        await self._tell(committed, backup.status, found.status)
        try:
            acted = await self._act(committed, backup, app, seen, found)
        except Refused as error:
            return await self._refused(committed, seen, found, error)
        return _AT_ONCE if acted else found.again

    async def _refused(self, raw: Manifest, seen: Sight, found: Step, error: Refused) -> float | None:
        """The API server does not take the Job: say so, and try again later."""
        if seen.leaving and _ENDS in error.message:
            # Nothing can be created in a namespace that goes: what lies outside of it stays as it is.
            await finalizers.mark(self._cluster, raw, FINALIZER, present=False)
            return None
        phase = BackupPhase.DELETING if seen.leaving else BackupPhase.PENDING
        text = f"the API server refuses its Job: {error.message}"[:1024]
        status = found.status.model_copy(update={"phase": phase, "reason": "JobRefused", "message": text})
        if raw.get("status") != _dumped(status):
            await self._cluster.replace_status({**raw, "status": _dumped(status)})
        return LATER

    async def _app(self, namespace: str, name: str) -> MemoApp | None:
        raw = await self._cluster.get(MEMO_APP, namespace, name)
        if raw is None:
            return None
        try:
            return MemoApp.model_validate(raw)
        except ValidationError:
            return None

    async def _jobs(self, namespace: str, backup: MemoBackup, app: MemoApp | None) -> list[Manifest]:
        """Those of agents that it may have to wait for: of restores too, where they share a volume."""
        found = await self._cluster.list(JOB, namespace, names.labels(backup.spec.app_ref.name))
        mine = {COMPONENT, DRILL, RESTORE} if _on_volume(backup, app) else {COMPONENT}
        return [job for job in found if job["metadata"]["labels"].get(names.COMPONENT_LABEL) in mine]

    async def _sight(self, raw: Manifest, backup: MemoBackup, app: MemoApp | None) -> Sight:
        metadata: dict[str, Any] = raw["metadata"]
        name, namespace = metadata["name"], metadata["namespace"]
        jobs = [] if _rests(raw, backup) else await self._jobs(namespace, backup, app)
        own = [job for job in jobs if (job["metadata"].get("labels") or {}).get(rendered.BACKUP_LABEL) == name]
        pods = await self._cluster.list(POD, namespace, {rendered.BACKUP_LABEL: name}) if own else []
        leaving = bool(metadata.get("deletionTimestamp"))
        return Sight(
            backup=backup,
            app=app,
            now=self._clock.now(),
            jobs=agents.seen(own, pods, metadata["uid"]),
            busy=agents.busy(jobs, name),
            missing=() if own or _rests(raw, backup) else await self._missing(backup, app),
            leaving=leaving,
            pruned=PRUNED_ANNOTATION in (metadata.get("annotations") or {}),
            held=finalizers.has(raw, FINALIZER),
        )

    async def _missing(self, backup: MemoBackup, app: MemoApp | None) -> tuple[str, ...]:
        namespace, location = backup.metadata.namespace, location_of(backup)
        if location is not None:
            return await agents.missing(self._cluster, namespace, location.destination)
        if app is None or app.spec.backup is None:
            return ()
        declared = app.spec.backup
        return await agents.missing(self._cluster, namespace, declared.destination, recipients_of(declared))

    async def _commit(self, raw: Manifest, backup: MemoBackup, status: MemoBackupStatus) -> Manifest:
        if _dumped(status) == _dumped(backup.status):
            return raw
        return await self._cluster.replace_status({**raw, "status": _dumped(status)})

    async def _tell(self, about: Manifest, before: MemoBackupStatus, after: MemoBackupStatus) -> None:
        """An Event for each end."""
        if before.phase is after.phase or after.phase not in {BackupPhase.VERIFIED, BackupPhase.FAILED}:
            return
        failed = after.phase is BackupPhase.FAILED
        text = f"{after.reason}: {after.message or ''}" if failed else f"{after.display_size} were read back"
        key = f"{about['metadata']['uid']}-{after.phase.value}"
        note = Note(warning=failed, reason=f"Backup{after.phase.value}", message=text[:1024], key=key)
        try:
            await self._cluster.note(about, note, self._clock.now())
        except ClusterError:
            return

    async def _act(self, raw: Manifest, backup: MemoBackup, app: MemoApp | None, seen: Sight, found: Step) -> bool:
        if found.hold:
            await finalizers.mark(self._cluster, raw, FINALIZER, present=True)
            return True
        if found.release:
            await finalizers.mark(self._cluster, raw, FINALIZER, present=False)
            return False
        if found.stop is not None:
            name = rendered.job_name(raw["metadata"]["name"], rendered.Task(found.stop.value))
            await self._cluster.delete(Ref(JOB, name), raw["metadata"]["namespace"], seen.jobs[found.stop].uid)
            return False
        if found.work is None:
            return False
        return await self._create(raw, backup, app, found.work)

    async def _create(self, raw: Manifest, backup: MemoBackup, app: MemoApp | None, work: Work) -> bool:
        """Created, never applied; one that is there is the same one."""
        location = location_of(backup)
        declared = app.spec.backup if app is not None else None
        destination = declared.destination if work is Work.TAKE and declared is not None else None
        if destination is None:
            if location is None:
                return False
            destination = location.destination
        order = rendered.Order(
            rendered.Task(work.value),
            raw,
            destination,
            folder=location.folder if location is not None else "",
            reason=backup.spec.reason.value,
        )
        context = Context(app=app or _stand_in(backup), platform=self._platform)
        return await once(self._cluster, rendered.job(context, order))


def _rests(raw: Manifest, backup: MemoBackup) -> bool:
    """It came to its end, and is not deleted: there is nothing to look at but itself."""
    leaving = bool(raw["metadata"].get("deletionTimestamp"))
    return backup.status.phase in GOOD | BAD and not leaving


def _on_volume(backup: MemoBackup, app: MemoApp | None) -> bool:
    """One node at a time has what it is stored on."""
    location, declared = location_of(backup), app.spec.backup if app is not None else None
    destination = (
        location.destination if location is not None else declared.destination if declared is not None else None
    )
    return destination is not None and destination.volume is not None


def _stand_in(backup: MemoBackup) -> MemoApp:
    """A MemoApp that is gone, as far as the pods that look after its backups need it: its name."""
    metadata = Metadata(name=backup.spec.app_ref.name, namespace=backup.metadata.namespace, uid="")
    spec = {"version": "0", "backend": {"image": "none"}, "database": {"external": {"secretRef": {"name": "none"}}}}
    return MemoApp.model_validate({"metadata": metadata.model_dump(), "spec": spec})


def _dumped(status: MemoBackupStatus) -> dict[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
