"""One pass over one MemoApp: observe, decide, commit, act."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from memoapp_operator.api.v1alpha1.memoapp import MemoApp, MemoAppStatus
from memoapp_operator.domain import conditions, silencing
from memoapp_operator.domain.backups import interval
from memoapp_operator.domain.decide import decide, may_act
from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.manifest import MAINTENANCE_WINDOW, MEMO_APP, MEMO_BACKUP, MEMO_RESTORE, Manifest
from memoapp_operator.domain.notes import transitions
from memoapp_operator.ports import Clock, Cluster, ClusterError, Mint, Outside, Services
from memoapp_operator.render.context import Platform

from .act import Actor, Memory
from .backup_pass import BackupPass
from .farewell import Farewells, holds
from .gauges import Gauges
from .logs import current_app, current_pass
from .meter import Meter
from .metrics import Metrics
from .notifier import Notifier
from .observe import Observer
from .queries import Queries
from .queue import Key
from .restore_pass import RestorePass
from .silencer import Silences
from .snapshot import Snapshot
from .window_pass import WindowPass

logger = logging.getLogger(__name__)

AFTER_A_WRITE = 0.05
"""Seconds until the next pass once something was written: its outcome is wanted at once."""
INVALID_AGAIN = 60.0


class SystemClock:
    """The wall clock."""

    def now(self) -> datetime:
        """Now: aware, UTC."""
        return datetime.now(UTC)


class Reconciler:
    """The passes of all MemoApps, and of the objects around them.

    Args:
        cluster: the API server.
        services: the running parts of apps.
        mint: where new secrets come from.
        platform: the operator itself.
        clock: the time.
        resync: seconds between two looks at an app that is well.
        metrics: told of every pass.
        outside: the way to people, and to Alertmanagers.
    """

    def __init__(
        self,
        cluster: Cluster,
        services: Services,
        mint: Mint,
        platform: Platform,
        clock: Clock,
        resync: float,
        metrics: Metrics,
        outside: Outside,
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._resync = resync
        self._metrics = metrics
        self._observer = Observer(cluster, services, platform, clock)
        self._actor = Actor(cluster, services, mint, clock)
        self._meter = Meter(services, Queries(cluster, services), Gauges(cluster, services), clock)
        self._farewells = Farewells(cluster, platform, clock)
        self._backups = BackupPass(cluster, platform, clock)
        self._restores = RestorePass(cluster, services, platform, clock)
        self._windows = WindowPass(cluster, platform, clock, self._woken)
        self.wake: Callable[[Key], None] = lambda _: None
        """Has a key worked on soon; the queue's, once there is one."""
        self._silences = Silences(cluster, outside.silencer, clock, self._woken)
        self._notifier = Notifier(cluster, outside.messenger, clock, self._woken)
        self._memories: dict[Key, tuple[str, Memory]] = {}
        self._numbers = itertools.count(1)

    def _woken(self, key: Key) -> None:
        self.wake(key)

    async def reconcile(self, key: Key) -> float | None:
        """One pass; the seconds until the next, or None where the MemoApp is gone."""
        current_app.set(f"{key.namespace}/{key.name}")
        current_pass.set(next(self._numbers))
        began = time.perf_counter()
        result = "error"
        try:
            again = await self._pass(key)
            result = "gone" if again is None else "success"
        finally:
            self._metrics.passed(result, time.perf_counter() - began)
        return again

    async def _pass(self, key: Key) -> float | None:
        if key.kind == MEMO_BACKUP.kind:
            return await self._backups.reconcile(key)
        if key.kind == MEMO_RESTORE.kind:
            return await self._restores.reconcile(key)
        if key.kind == MAINTENANCE_WINDOW.kind:
            return await self._windows.reconcile(key)
        raw = await self._cluster.get(MEMO_APP, key.namespace, key.name)
        leaving = raw is not None and bool(raw["metadata"].get("deletionTimestamp"))
        if raw is None or (leaving and not holds(raw)):
            self._memories.pop(key, None)
            self._metrics.forget(key)
            self._notifier.forget(key)
            self._silences.forget(key)
            return None
        try:
            app = MemoApp.model_validate(raw)
        except ValidationError as error:
            await self._refuse(key, raw, error)
            return INVALID_AGAIN
        if leaving:
            return await self._farewells.part(raw, app)
        if await self._farewells.hold(raw, app):
            return AFTER_A_WRITE
        return await self._reconcile(key, raw, app, self._memory(key, app))

    def _memory(self, key: Key, app: MemoApp) -> Memory:
        uid, memory = self._memories.get(key, ("", Memory()))
        if uid != app.metadata.uid:
            memory = Memory()
            self._memories[key] = (app.metadata.uid, memory)
        return memory

    async def _reconcile(self, key: Key, raw: Manifest, app: MemoApp, memory: Memory) -> float:
        snapshot = await self._observer.observe(raw, app, memory.messages(), memory.settled)
        if not memory.messages() and _was_refused(app.status) and may_act(snapshot.observation):
            # A new process does not know yet what is refused: it tries what is committed before it judges.
            await self._actor.act(snapshot, app.status, memory)
            snapshot = await self._observer.observe(raw, app, memory.messages(), memory.settled)
        mute = memory.mute(snapshot.observation.routers, self._clock.now())
        measured, gauged = (
            await self._meter.look(snapshot, memory.window),
            await self._meter.gauge(snapshot, memory.window),
        )
        sent = self._notifier.outcomes(key, app.status)
        seen = replace(
            snapshot.observation,
            mute=mute,
            measured=measured,
            gauged=gauged,
            sent=sent,
            silenced=self._silences.outcome(key),
        )
        decision = decide(seen, resync=self._resync)
        committed = await self._commit(snapshot, decision.status)
        self._notifier.send(key, app, decision.status, sent)
        until = silencing.wanted(seen, decision.status.maintenance)
        if not silencing.is_so(seen, decision.status.silence, until):
            self._silences.bring(key, app, until)
        await self._tell(committed, decision.notes)
        every = interval(app, seen.now)
        self._metrics.observed(key, decision.status, snapshot.observation.volume, every)
        self._metrics.released(key, app.status, decision.status, seen.measured)
        if decision.act and await self._actor.act(snapshot, decision.status, memory):
            return AFTER_A_WRITE
        return decision.again

    async def _commit(self, snapshot: Snapshot, status: MemoAppStatus) -> Manifest:
        """Write the status, if it changed, under the version that was observed: a stale view loses here."""
        if dumped(status) == dumped(snapshot.context.app.status):
            return snapshot.raw
        return await self._cluster.replace_status({**snapshot.raw, "status": dumped(status)})

    async def _tell(self, about: Manifest, notes: tuple[Note, ...]) -> None:
        """Events are for people to read: one that cannot be written keeps nothing from being done."""
        for note in notes:
            try:
                await self._cluster.note(about, note, self._clock.now())
            except ClusterError as error:
                logger.warning("the event %s could not be written: %s", note.reason, error)

    async def _refuse(self, key: Key, raw: Manifest, error: ValidationError) -> None:
        """A MemoApp that the models do not take (the schema should have refused it): say so, do nothing."""
        texts = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False)]
        before: dict[str, Any] = raw.get("status") or {}
        try:
            old = MemoAppStatus.model_validate(before)
        except ValidationError:
            old = MemoAppStatus()
        message = "; ".join(texts)[:1024]
        found = conditions.merge(
            old.conditions,
            (
                *_kept(old),
                conditions.Verdict(conditions.READY, status=False, reason="InvalidSpec", message=message),
                conditions.Verdict(conditions.STALLED, status=True, reason="InvalidSpec", message=message),
                conditions.Verdict(conditions.RECONCILING, status=False, reason="InvalidSpec"),
            ),
            generation=raw["metadata"].get("generation", 0),
            now=self._clock.now(),
        )
        generation = raw["metadata"].get("generation", 0)
        status = old.model_copy(update={"conditions": found, "observed_generation": generation})
        if dumped(status) != dumped(old):
            committed = await self._cluster.replace_status({**raw, "status": dumped(status)})
            await self._tell(committed, tuple(transitions(raw["metadata"]["uid"], old, status)))
        self._metrics.observed(key, status, None)


def _kept(old: MemoAppStatus) -> list[conditions.Verdict]:
    changed = {conditions.READY, conditions.STALLED, conditions.RECONCILING}
    return [
        conditions.Verdict(item.type, status=item.status.value == "True", reason=item.reason, message=item.message)
        for item in old.conditions
        if item.type not in changed
    ]


def _was_refused(status: MemoAppStatus) -> bool:
    ready = conditions.find(status.conditions, conditions.READY)
    return ready is not None and ready.reason == "ChildRefused"


def dumped(status: MemoAppStatus) -> dict[str, Any]:
    """The status as JSON."""
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
