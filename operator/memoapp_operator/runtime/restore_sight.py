"""What a pass over a MemoRestore reads: only what its phase needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from memoapp_operator.api.v1alpha1.destination import Destination
from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp, ReleaseStatus
from memoapp_operator.api.v1alpha1.memobackup import MemoBackup
from memoapp_operator.api.v1alpha1.memorestore import MemoRestore, Mode
from memoapp_operator.api.v1alpha1.memorestore import RestorePhase as Phase
from memoapp_operator.api.v1alpha1.recovery import RestoreFrom
from memoapp_operator.domain import names, restoring
from memoapp_operator.domain.manifest import (
    JOB,
    LEASE,
    MEMO_APP,
    MEMO_BACKUP,
    MEMO_RESTORE,
    POD,
    REVISION,
    SECRET,
    SERVICE,
    VOLUME_CLAIM,
    Kind,
    Manifest,
    ref_of,
)
from memoapp_operator.domain.observation import Volume
from memoapp_operator.domain.phases import is_over
from memoapp_operator.domain.references import connection_name
from memoapp_operator.domain.restore_source import location_of
from memoapp_operator.domain.restore_status import OVER, WITH_PAGE, Sight
from memoapp_operator.domain.state import other, split
from memoapp_operator.domain.swapping import kept_until
from memoapp_operator.ports import Clock, Cluster, Login, Services
from memoapp_operator.render import restore as rendered
from memoapp_operator.render.agent_pod import CLAIM
from memoapp_operator.render.agent_pod import COMPONENT as BACKUP
from memoapp_operator.render.backup import LEASE as LEASE_SUFFIX
from memoapp_operator.render.context import Credentials

from . import agents, credentials, data_lease, finalizers, live_objects
from .pods import belongs, is_ready

_WITH_DATABASES = WITH_PAGE | {Phase.DISCARDING}
_WORKERS = (BACKUP, rendered.DRILL, rendered.RESTORE)
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Seen:
    """One pass.

    Attributes:
        raw: the MemoRestore as read, for the status write.
        sight: for the decision.
        app: its MemoApp as read.
        backup: the MemoBackup that is the source, as read.
        lease: of the data.
        login: to the server of the live database, as who may change it; None where that is not known.
        job: name of the Job of the present phase.
    """

    raw: Manifest
    sight: Sight
    app: MemoApp | None = None
    backup: Manifest | None = None
    lease: Manifest | None = None
    login: Login | None = None
    job: str = ""


class RestoreObserver:
    """Reads the surroundings of MemoRestores.

    Args:
        cluster: the API server.
        services: the running parts of apps.
        clock: the time.
    """

    def __init__(self, cluster: Cluster, services: Services, clock: Clock) -> None:
        self._cluster = cluster
        self._services = services
        self._clock = clock

    async def look(self, raw: Manifest, restore: MemoRestore) -> Seen:
        """Everything that the next step needs."""
        namespace, now = restore.metadata.namespace, self._clock.now()
        leaving, held = bool(raw["metadata"].get("deletionTimestamp")), finalizers.has(raw, restoring.FINALIZER)
        if rests(raw, restore):
            return Seen(raw, Sight(restore, None, now, leaving=leaving, held=held))
        found = await self._cluster.get(MEMO_APP, namespace, restore.spec.app_ref.name)
        # Of an app that goes, nothing can be waited for: its namespace may go with it.
        going = leaving and found is not None and bool(found["metadata"].get("deletionTimestamp"))
        app = None if going else parsed(MemoApp, found)
        if app is None:
            return Seen(raw, Sight(restore, None, now, leaving=leaving, held=held))
        source, phase = restore.spec.source, restore.status.phase or Phase.PENDING
        origin = source.backup or restore.status.imported
        backup = await self._cluster.get(MEMO_BACKUP, namespace, origin) if origin else None
        jobs = await self._cluster.list(JOB, namespace, names.labels(app.metadata.name))
        name = _job(restore, phase)
        pods = await self._cluster.list(POD, namespace, {rendered.RESTORE_LABEL: restore.metadata.name}) if name else []
        others = await self._others(restore)
        lease = await self._cluster.get(LEASE, namespace, names.child(app.metadata.name, LEASE_SUFFIX))
        login, live = await self._login(app)
        undoes = [item for item in others if item.spec.source.undo_of == restore.metadata.name]
        sight = Sight(
            restore=restore,
            app=app,
            now=now,
            live=live,
            job=agents.one(jobs, pods, name, restore.metadata.uid) if name else None,
            backup=parsed(MemoBackup, backup),
            target=next((item for item in others if item.metadata.name == source.undo_of), None),
            safety=await self._safety(restore, phase),
            busy=self._busy(restore, phase, app, jobs, others),
            holder=data_lease.holder(lease, now),
            leased=lease is not None,
            databases=await self._services.databases(login) if login and _asks(restore, phase, now) else None,
            volume=await self._volume(app) if phase is Phase.ASSESSING else None,
            healthy=await self._trouble(app, restore) if phase is Phase.CHECKING else "not asked",
            page=_shown(app, restore),
            reopened=_fallen(app, restore),
            undone=next((item.metadata.name for item in undoes if item.status.phase is Phase.COMPLETED), None),
            undoing=any(item.status.phase not in {None, Phase.PENDING, *OVER} for item in undoes),
            leaving=leaving,
            held=held,
        )
        lacking = await self._missing(sight, app) if phase is Phase.PENDING else ()
        return Seen(raw, replace(sight, missing=lacking), app, backup, lease, login, name)

    async def _model(self, kind: Kind, namespace: str, name: str, model: type[T]) -> T | None:
        return parsed(model, await self._cluster.get(kind, namespace, name))

    async def _others(self, restore: MemoRestore) -> list[MemoRestore]:
        """Those of the same app."""
        found = []
        for raw in await self._cluster.list(MEMO_RESTORE, restore.metadata.namespace, {}):
            other = parsed(MemoRestore, raw)
            if other is None or other.metadata.name == restore.metadata.name:
                continue
            if other.spec.app_ref.name == restore.spec.app_ref.name:
                found.append(other)
        return found

    async def _safety(self, restore: MemoRestore, phase: Phase) -> MemoBackup | None:
        name = restore.status.safety
        if phase is not Phase.BACKING_UP or name is None:
            return None
        return await self._model(MEMO_BACKUP, restore.metadata.namespace, name, MemoBackup)

    @staticmethod
    def _busy(
        restore: MemoRestore, phase: Phase, app: MemoApp, jobs: Sequence[Manifest], others: Sequence[MemoRestore]
    ) -> str | None:
        """What it waits for: another one in place that came first, pods on the same volume, a release under way."""
        in_place = restore.spec.mode is not Mode.DRILL
        if phase is Phase.PENDING:
            ahead = next((item for item in others if in_place and _ahead(item, restore)), None)
            if ahead is not None:
                return f"the restore {ahead.metadata.name}"
            return _at_work(jobs) if _on_volume(restore, app) else None
        release = app.status.release
        if release is not None and is_own(release, restore):
            return None  # it is held, and waits for this very restore
        if in_place and release is not None and not is_over(release.phase) and release.phase not in _WAITING:
            return f"the release of {release.version}, which is {release.phase.value}"
        return None

    async def _missing(self, sight: Sight, app: MemoApp) -> tuple[str, ...]:
        location, declared = location_of(sight), app.spec.backup
        recovery = sight.restore.spec.source.recovery
        if recovery is not None:
            return await self._missing_of(recovery, app)
        dump = sight.restore.spec.source.dump
        if dump is not None:
            return await agents.missing(self._cluster, app.metadata.namespace, dump.destination)
        if location is None or declared is None:
            return ()
        namespace = app.metadata.namespace
        key = declared.encryption.identity_secret_ref if declared.encryption is not None else None
        return await agents.missing(self._cluster, namespace, location.destination, key)

    async def _missing_of(self, recovery: RestoreFrom, app: MemoApp) -> tuple[str, ...]:
        """Of a recovery: the identity is its own, and the volume may be one that nobody made yet."""
        volume, namespace = recovery.destination.volume, app.metadata.namespace
        found = await agents.missing(self._cluster, namespace, recovery.destination, recovery.identity_secret_ref)
        own = names.child(app.metadata.name, CLAIM)
        if volume is None or volume.claim_name is not None or await self._cluster.get(VOLUME_CLAIM, namespace, own):
            return found
        return (*found, f"{VOLUME_CLAIM.kind}/{own}")

    async def _login(self, app: MemoApp) -> tuple[Login | None, str | None]:
        known = await self._credentials(app)
        found = credentials.owner_login(app, known)
        return found if found is not None else (None, None)

    async def _credentials(self, app: MemoApp) -> Credentials:
        declared = app.spec.database.external
        own = names.child(app.metadata.name, "database")
        wanted = [declared.secret_ref.name if declared is not None else own, connection_name(app.metadata.name)]
        found = [await self._cluster.get(SECRET, app.metadata.namespace, name) for name in wanted]
        known, _ = credentials.read(app, {ref_of(item): item for item in found if item is not None})
        return known

    async def _volume(self, app: MemoApp) -> Volume | None:
        pods = await self._cluster.list(POD, app.metadata.namespace, names.labels(app.metadata.name))
        for pod in pods:
            if belongs(pod, "database") and is_ready(pod):
                return await self._services.volume(pod["status"]["podIP"])
        return None

    async def _trouble(self, app: MemoApp, restore: MemoRestore) -> str | None:
        """Why the app is not healthy, asked through the Services of the colour that serves; None where it is.

        Of the restore of a release that is held it is the old colour, and clients must be back with it.
        """
        release, active = app.status.release, app.status.active
        if active is None:
            return None
        back = other(release.colour) if release is not None and is_own(release, restore) else None
        trouble = await self._unhealthy(app, back or active.colour)
        if trouble is None and back is not None and app.status.traffic != split(back):
            return f"the clients are not back with {back}"
        return trouble

    async def _unhealthy(self, app: MemoApp, colour: Colour) -> str | None:
        namespace = app.metadata.namespace
        stored = await self._cluster.get(REVISION, namespace, (app.status.colours or {}).get(colour.value, ""))
        found = live_objects.stored(app, {ref_of(stored): stored}) if stored is not None else []
        tiers: dict[str, Any] = dict(found[0].tiers) if found else {}
        if not tiers:
            return "the revision that serves is not stored any more"
        for tier, told in tiers.items():
            name = f"{colour.value}-{tier}"
            service = await self._cluster.get(SERVICE, namespace, names.child(app.metadata.name, name))
            address = (service or {"spec": {}})["spec"].get("clusterIP")
            code = await self._services.health(address, told["port"], told["healthPath"]) if address else None
            if code is None or not HTTPStatus.OK <= code < HTTPStatus.BAD_REQUEST:
                return f"{name}: {told['healthPath']} {f'answers {code}' if code is not None else 'gives no answer'}"
        return None


_WAITING = frozenset({"Pending", "Preflight"})
"""Phases of a release that has not begun: it waits for the restore."""


def is_own(release: ReleaseStatus, restore: MemoRestore) -> bool:
    """The release is under way, and waits for its database to be brought back by this restore."""
    own = release.restore is not None and release.restore.name == restore.metadata.name
    return own and not is_over(release.phase)


def rests(raw: Manifest, restore: MemoRestore) -> bool:
    """It came to its end, keeps nothing, and is not deleted: there is nothing to look at but itself."""
    leaving = bool(raw["metadata"].get("deletionTimestamp"))
    return restore.status.phase in OVER and restore.status.kept_until is None and not leaving


def parsed(model: type[T], raw: Manifest | None) -> T | None:
    """The object; None where there is none, or one that the model does not take."""
    if raw is None:
        return None
    try:
        return model.model_validate(raw)
    except ValidationError:
        return None


def _job(restore: MemoRestore, phase: Phase) -> str:
    """Name of the Job of a phase; empty where it has none."""
    task = task_of(restore, phase)
    return rendered.job_name(restore.metadata.name, task, restore.status.attempt) if task is not None else ""


def task_of(restore: MemoRestore, phase: Phase) -> rendered.Task | None:
    """What an agent does in a phase."""
    if phase is Phase.RESTORING:
        return rendered.Task.DRILL if restore.spec.mode is Mode.DRILL else rendered.Task.RESTORE
    if phase is Phase.IMPORTING:
        return rendered.Task.IMPORT
    if phase is not Phase.ASSESSING:
        return None
    return rendered.Task.ASSESS if restore.spec.source.recovery is None else rendered.Task.RECOVER


def _asks(restore: MemoRestore, phase: Phase, now: datetime) -> bool:
    """The server's databases decide what comes next."""
    until = restore.status.kept_until
    due = phase is Phase.COMPLETED and until is not None
    return phase in _WITH_DATABASES or (due and (kept_until(restore) or now) <= now)


def _ahead(other: MemoRestore, restore: MemoRestore) -> bool:
    """Another restore in place that is at work, or was there before."""
    if other.spec.mode in {Mode.DRILL, Mode.DISASTER_DRILL} or other.status.phase in OVER:
        return False
    at_work = other.status.phase not in {None, Phase.PENDING, Phase.CONSENT_NEEDED}
    mine, its = restore.metadata, other.metadata
    first = (its.creation_timestamp or "", its.name) < (mine.creation_timestamp or "", mine.name)
    return at_work or (first and other.status.phase is not Phase.CONSENT_NEEDED and other.spec.data_loss is not None)


def _on_volume(restore: MemoRestore, app: MemoApp) -> bool:
    """Its pods and those of backups share a volume, which one node at a time has."""
    location, declared = restore.spec.source.location, app.spec.backup
    recovery = restore.spec.source.recovery
    destination: Destination | None = location.destination if location is not None else None
    destination = recovery.destination if recovery is not None else destination
    dump = restore.spec.source.dump
    if dump is not None and dump.destination.volume is not None:
        return True
    destination = destination or (declared.destination if declared is not None else None)
    return destination is not None and destination.volume is not None


def _at_work(jobs: Sequence[Manifest]) -> str | None:
    for job in jobs:
        labels = job["metadata"].get("labels") or {}
        if labels.get(names.COMPONENT_LABEL) in _WORKERS and agents.done(job) is None:
            return str(job["metadata"]["name"])
    return None


def _fallen(app: MemoApp, restore: MemoRestore) -> bool:
    """No router shows the page any more, or another one holds it up."""
    page, mine = app.status.maintenance, restoring.holder_of(restore.metadata.name)
    return page is None or (bool(page.holders) and all(item.name != mine for item in page.holders))


def _shown(app: MemoApp, restore: MemoRestore) -> bool:
    """Every router shows the page for this restore."""
    page, mine = app.status.maintenance, restoring.holder_of(restore.metadata.name)
    return page is not None and page.since is not None and any(item.name == mine for item in page.holders)
