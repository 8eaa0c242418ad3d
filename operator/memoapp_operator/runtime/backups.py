"""The backups of an app: its MemoBackups and the Jobs of its schedule as they stand, and what its passes do."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import ValidationError

from memoapp_operator.api.v1alpha1.backup import Backup
from memoapp_operator.api.v1alpha1.destination import Destination
from memoapp_operator.api.v1alpha1.gates import SecretKey
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, MemoAppStatus, ReleasePhase
from memoapp_operator.api.v1alpha1.memobackup import MemoBackup, Reason
from memoapp_operator.api.v1alpha1.memorestore import MemoRestore, Mode
from memoapp_operator.api.v1alpha1.recovery import RestoreFrom
from memoapp_operator.domain import backups as domain
from memoapp_operator.domain import brought_back, disasters, drills, names, recovery
from memoapp_operator.domain.backups import Backups, Known, KnownRestore
from memoapp_operator.domain.conditions import READY, STALLED, find, is_true, timestamp
from memoapp_operator.domain.manifest import MEMO_APP, MEMO_BACKUP, MEMO_RESTORE, Manifest, Ref
from memoapp_operator.domain.taking import FINALIZER, PRUNED_ANNOTATION
from memoapp_operator.ports import Cluster
from memoapp_operator.render import backup as rendered
from memoapp_operator.render.agent_pod import COMPONENT

from . import agents
from .creation import once
from .snapshot import Snapshot

DRILL_LABEL = "memoapp.dev/drill"
"""Of a MemoRestore that the schedule ordered."""
RELEASE_LABEL = "memoapp.dev/of-release"
"""Of a MemoRestore that brings the database back after a release that failed."""


async def look(cluster: Cluster, app: MemoApp, jobs: Sequence[Manifest], pods: Sequence[Manifest]) -> Backups:
    """What is known of them; nothing where none are declared. ``jobs`` are all of the app's."""
    declared, metadata = app.spec.backup, app.metadata
    if declared is None and app.status.maintenance is None and not recovery.wanted(app, app.status):
        return Backups()
    records, restores = await asyncio.gather(
        cluster.list(MEMO_BACKUP, metadata.namespace, {}), cluster.list(MEMO_RESTORE, metadata.namespace, {})
    )
    if declared is None:
        return Backups(restores=tuple(_restores(app, restores)))
    ours = names.labels(metadata.name, COMPONENT).items()
    jobs = [job for job in jobs if ours <= (job["metadata"].get("labels") or {}).items()]
    digest = digest_of(declared.destination)
    catalogue = next((job for job in jobs if job["metadata"]["name"] == _catalogue(app, digest)), None)
    return Backups(
        known=tuple(_known(app, records)),
        failures=tuple(agents.failures(jobs, pods, names.child(metadata.name, COMPONENT))),
        missing=await agents.missing(cluster, metadata.namespace, declared.destination, recipients_of(declared)),
        destination=digest,
        catalogued=bool(agents.done(catalogue)) if catalogue is not None else None,
        restores=tuple(_restores(app, restores)),
    )


def recipients_of(declared: Backup) -> SecretKey | None:
    """To whom backups are sealed; None where they are not."""
    return declared.encryption.recipients_secret_ref if declared.encryption is not None else None


def digest_of(destination: Destination) -> str:
    """Identity of a destination; how large a volume is does not count."""
    found = destination.model_dump(by_alias=True, exclude_none=True)
    if "volume" in found:
        found["volume"].pop("size", None)
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:16]


def _catalogue(app: MemoApp, digest: str) -> str:
    return rendered.catalogue_name(app.metadata.name, digest)


def _known(app: MemoApp, records: Sequence[Manifest]) -> Iterator[Known]:
    for raw in records:
        if ((raw.get("spec") or {}).get("appRef") or {}).get("name") != app.metadata.name:
            continue
        try:
            found = MemoBackup.model_validate(raw)
        except ValidationError:
            continue
        status = found.status
        yield Known(
            name=found.metadata.name,
            reason=found.spec.reason,
            phase=status.phase,
            created=datetime.fromisoformat(raw["metadata"]["creationTimestamp"]),
            taken=datetime.fromisoformat(status.taken_at) if status.taken_at else None,
            trouble=(status.reason, status.message or "") if status.reason else None,
            leaving=bool(raw["metadata"].get("deletionTimestamp")),
            proved=datetime.fromisoformat(status.proved.at) if status.proved is not None else None,
            sealed=bool(status.sealed),
        )


def _restores(app: MemoApp, records: Sequence[Manifest]) -> Iterator[KnownRestore]:
    for raw in records:
        if ((raw.get("spec") or {}).get("appRef") or {}).get("name") != app.metadata.name:
            continue
        try:
            found = MemoRestore.model_validate(raw)
        except ValidationError:
            continue
        status, ready = found.status, find(found.status.conditions, READY)
        yield KnownRestore(
            name=found.metadata.name,
            mode=found.spec.mode,
            phase=status.phase,
            created=datetime.fromisoformat(raw["metadata"]["creationTimestamp"]),
            backup=found.spec.source.backup or status.imported,
            safety=status.safety,
            drill=DRILL_LABEL in (raw["metadata"].get("labels") or {}),
            trouble=(status.reason, status.message or "") if status.reason else None,
            finished=datetime.fromisoformat(status.finished_at) if status.finished_at else None,
            page_until=status.page_until,
            kept=status.kept is not None and status.kept_until is not None,
            leaving=bool(raw["metadata"].get("deletionTimestamp")),
            owner=next((item["uid"] for item in raw["metadata"].get("ownerReferences") or ()), None),
            word=ready.reason if ready is not None else None,
            stalled=is_true(status.conditions, STALLED),
            folder=status.location.folder if status.location is not None else None,
            taken=status.taken_at,
            recovery=found.spec.source.recovery,
            recovered_in=(status.evidence.seconds or {}).get("ready") if status.evidence is not None else None,
            of_release=RELEASE_LABEL in (raw["metadata"].get("labels") or {}),
            offers=found.spec.source.dump is not None and found.spec.source.dump.env is not None,
        )


class BackupActs:
    """What an app's passes do for its backups: order them, look for unknown ones, prune.

    Args:
        cluster: the API server.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def act(self, snapshot: Snapshot, status: MemoAppStatus, now: datetime) -> bool:
        """By what is committed; True where something was written."""
        app, seen = snapshot.context.app, snapshot.observation.backups
        if await self._recover(app, seen, status):
            return True
        if app.spec.backup is None:
            return False
        changed = await self._bring_back(app, seen, status)
        for ordered, reason in _orders(status):
            if seen.named(ordered) is None:
                changed |= await once(self._cluster, order(app, ordered, reason))
        if status.active is not None and seen.catalogued is None and domain.to_catalogue(app, seen) and not changed:
            changed = await once(
                self._cluster, rendered.catalogue_job(snapshot.context, app.spec.backup.destination, seen.destination)
            )
        drill = drills.to_create(app, seen)
        if drill is not None:
            changed |= await once(self._cluster, ordered_drill(app, *drill))
        recovered = disasters.to_create(app, seen)
        if recovered is not None:
            changed |= await once(self._cluster, ordered_disaster(app, *recovered))
        changed |= await self._forget(app, seen)
        return await self._prune(app, seen, now) or changed

    async def _recover(self, app: MemoApp, seen: Backups, status: MemoAppStatus) -> bool:
        """The MemoRestore of a full recovery; one that restores what is not declared any more goes first."""
        outdated = recovery.outdated(app, status, seen)
        if outdated is not None:
            return await self._delete(app, outdated.name)
        source = recovery.to_create(app, status, seen)
        return source is not None and await once(self._cluster, ordered_recovery(app, source))

    async def _bring_back(self, app: MemoApp, seen: Backups, status: MemoAppStatus) -> bool:
        """The MemoRestore of a release that failed; one of an earlier release that waits for consent goes."""
        outdated = brought_back.outdated(app, status, seen)
        if outdated is not None:
            return await self._delete(app, outdated.name)
        wanted = brought_back.to_create(status, seen)
        return wanted is not None and await once(self._cluster, ordered_back(app, *wanted))

    async def _delete(self, app: MemoApp, name: str) -> bool:
        raw = await self._cluster.get(MEMO_RESTORE, app.metadata.namespace, name)
        if raw is None:
            return False
        await self._cluster.delete(Ref(MEMO_RESTORE, name), app.metadata.namespace, raw["metadata"]["uid"])
        return True

    async def _forget(self, app: MemoApp, seen: Backups) -> bool:
        """Drills by schedule that are over long ago."""
        for item in drills.to_forget(seen):
            if await self._delete(app, item.name):
                return True
        return False

    async def _prune(self, app: MemoApp, seen: Backups, now: datetime) -> bool:
        """One a pass: first it is written on it why, then it is deleted."""
        for item in domain.to_prune(app, seen, now):
            namespace = app.metadata.namespace
            raw = await self._cluster.get(MEMO_BACKUP, namespace, item.name)
            if raw is None or raw["metadata"].get("deletionTimestamp"):
                continue
            if PRUNED_ANNOTATION not in (raw["metadata"].get("annotations") or {}):
                await self._cluster.mark(raw, annotations={PRUNED_ANNOTATION: timestamp(now)})
            await self._cluster.delete(Ref(MEMO_BACKUP, item.name), namespace, raw["metadata"]["uid"])
            return True
        return False


def _orders(status: MemoAppStatus) -> Iterator[tuple[str, Reason]]:
    if status.backups is not None and status.backups.ordered is not None:
        yield status.backups.ordered, Reason.MANUAL
    release = status.release
    if release is not None and release.phase is ReleasePhase.BACKING_UP and release.backup is not None:
        yield release.backup, Reason.RELEASE


def ordered_drill(app: MemoApp, ordered: str, backup: str) -> Manifest:
    """A drill by schedule; its MemoApp takes it along."""
    return _restore(app, ordered, {"source": {"backup": backup}, "mode": Mode.DRILL.value}, {DRILL_LABEL: "true"})


def ordered_disaster(app: MemoApp, ordered: str, source: RestoreFrom) -> Manifest:
    """A disaster drill by schedule; its MemoApp takes it along, and it its namespace."""
    told = {"recovery": source.model_dump(mode="json", by_alias=True, exclude_none=True)}
    return _restore(app, ordered, {"source": told, "mode": Mode.DISASTER_DRILL.value}, {DRILL_LABEL: "true"})


def ordered_recovery(app: MemoApp, source: RestoreFrom) -> Manifest:
    """A full recovery; the empty database that it replaces is not kept."""
    told = {"recovery": source.model_dump(mode="json", by_alias=True, exclude_none=True)}
    spec = {"source": told, "mode": Mode.RECOVERY.value, "undoFor": "0s"}
    return _restore(app, recovery.name_of(app.metadata.name), spec, {})


def ordered_back(app: MemoApp, ordered: str, backup: str) -> Manifest:
    """A restore in place of the backup that a release rests on, with the consent that the spec gives."""
    spec: Manifest = {"source": {"backup": backup}, "mode": Mode.IN_PLACE.value}
    if app.spec.release.data_loss is not None:
        spec["dataLoss"] = app.spec.release.data_loss.value
    return _restore(app, ordered, spec, {RELEASE_LABEL: "true"})


def _restore(app: MemoApp, ordered: str, spec: Manifest, labels: dict[str, str]) -> Manifest:
    metadata = app.metadata
    owner = {
        "apiVersion": MEMO_APP.api_version,
        "kind": MEMO_APP.kind,
        "name": metadata.name,
        "uid": metadata.uid,
    }
    return {
        "apiVersion": MEMO_RESTORE.api_version,
        "kind": MEMO_RESTORE.kind,
        "metadata": {
            "name": ordered,
            "namespace": metadata.namespace,
            "labels": {**names.labels(metadata.name), **labels},
            "ownerReferences": [owner],
        },
        "spec": {"appRef": {"name": metadata.name}, **spec},
    }


def order(app: MemoApp, ordered: str, reason: Reason, location: Manifest | None = None) -> Manifest:
    """An order, or a record of a backup that is there. It outlives its MemoApp: it has no owner."""
    metadata, where = app.metadata, {"location": location} if location is not None else {}
    return {
        "apiVersion": MEMO_BACKUP.api_version,
        "kind": MEMO_BACKUP.kind,
        "metadata": {
            "name": ordered,
            "namespace": metadata.namespace,
            "labels": names.labels(metadata.name),
            "finalizers": [FINALIZER],
        },
        "spec": {"appRef": {"name": metadata.name}, "reason": reason.value, **where},
    }
