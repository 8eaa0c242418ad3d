"""Maintenance windows: the passes that keep their statuses, and what an app's pass asks of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

from memoapp_operator.api.v1alpha1.maintenancewindow import MaintenanceWindow, MaintenanceWindowStatus
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, Metadata
from memoapp_operator.api.v1alpha1.tasks import RunPhase, RunStatus, StepStatus
from memoapp_operator.domain import run_steps, running
from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.manifest import MAINTENANCE_WINDOW, MEMO_APP, Manifest
from memoapp_operator.domain.observation import KnownRun
from memoapp_operator.domain.run_steps import RunSight
from memoapp_operator.domain.window_status import Sight, due, notes, selects, step, window_of
from memoapp_operator.domain.windows import Window
from memoapp_operator.ports import Clock, Cluster, ClusterError, Refused
from memoapp_operator.render.context import Platform

from .queue import Key
from .restore_sight import parsed
from .window_runs import WindowRuns

_INVALID_AGAIN = 300.0
_BEGUN = frozenset({RunPhase.ACTIVE, RunPhase.VERIFYING})


async def concerning(cluster: Cluster, app: MemoApp) -> tuple[tuple[Window, ...], tuple[KnownRun, ...]]:
    """The windows that concern an app, by name, and the last runs of their tasks for it."""
    known = [*_windows(await _listed(cluster, app.metadata.namespace))]
    windows = (window_of(item) for item in known if selects(item.spec.apps, app.metadata))
    runs = (
        KnownRun(
            window=item.metadata.name,
            begun=run.phase in _BEGUN,
            page_until=run.page_until,
            message=item.spec.message,
            start=run.window,
            ends=run.ends,
            phase=run.phase,
            said=run.message,
            restart=next((token for each in run.steps if (token := run_steps.restart_in(each)) is not None), None),
            upgrade=next((part for each in run.steps if (part := _forward(each)) is not None), None),
            taken_back=tuple(_back(run)),
        )
        for item in known
        for run in item.status.runs or ()
        if run.app == app.metadata.name
    )
    return tuple(sorted(windows, key=lambda window: window.name)), tuple(sorted(runs, key=lambda run: run.window))


async def _listed(cluster: Cluster, namespace: str) -> list[Manifest]:
    """Every window of the namespace; none where the kind is not installed (it came after the others)."""
    try:
        return await cluster.list(MAINTENANCE_WINDOW, namespace, {})
    except Refused as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        return []


def _forward(step: StepStatus) -> str | None:
    """What the step brings an image for; None where it brings none."""
    return None if step.name.startswith(run_steps.UNDO) else run_steps.component_in(step)


def _back(run: RunStatus) -> Iterator[tuple[str, str, str]]:
    """Component, image and refused image of what is taken back now."""
    for each in run.steps:
        component = run_steps.component_in(each)
        if component is not None and each.name.startswith(run_steps.UNDO):
            yield component, each.before or "", each.after or ""


def _windows(listed: Iterable[Manifest]) -> Iterator[MaintenanceWindow]:
    for raw in listed:
        found = None if raw["metadata"].get("deletionTimestamp") else parsed(MaintenanceWindow, raw)
        if found is not None:
            yield found


class WindowPass:
    """The passes of all MaintenanceWindows.

    Args:
        cluster: the API server.
        platform: the operator itself.
        clock: the time.
        wake: has a key worked on soon: an app whose windows changed.
    """

    def __init__(self, cluster: Cluster, platform: Platform, clock: Clock, wake: Callable[[Key], None]) -> None:
        self._cluster = cluster
        self._runs = WindowRuns(cluster, platform, clock)
        self._clock = clock
        self._wake = wake
        self._concerned: dict[Key, frozenset[str]] = {}

    async def reconcile(self, key: Key) -> float | None:
        """One pass; the seconds until the next, or None where the window is gone."""
        raw = await self._cluster.get(MAINTENANCE_WINDOW, key.namespace, key.name)
        if raw is None or raw["metadata"].get("deletionTimestamp"):
            self._tell(key, self._concerned.pop(key, frozenset()))
            return None
        found = parsed(MaintenanceWindow, raw)
        if found is None:
            return _INVALID_AGAIN
        apps = tuple(_metadata(await self._cluster.list(MEMO_APP, key.namespace, {})))
        seen = Sight(found, apps, self._clock.now())
        known = due(seen)
        others = await self._others(key) if not all(running.is_ended(run) for run in known) else []
        sights = [await self._look(found, run, others) for run in known]
        runs = [running.advance(sight) if sight.run in (found.status.runs or ()) else sight.run for sight in sights]
        status, again = step(seen, runs)
        before, after = self._concerned.get(key, frozenset()), frozenset(status.apps or ())
        self._concerned[key] = after
        if _dumped(status) != _dumped(found.status):
            committed = await self._cluster.replace_status({**raw, "status": _dumped(status)})
            await self._note(committed, notes(raw["metadata"]["uid"], found.status.runs or (), runs))
            self._tell(key, before | after | frozenset(found.status.apps or ()) | {run.app for run in runs})
        for sight, run in zip(sights, runs, strict=True):
            await self._runs.act(sight, run)
        return again

    async def _note(self, about: Manifest, told: Iterable[Note]) -> None:
        """Events are for people to read: one that cannot be written keeps nothing from being done."""
        for note in told:
            try:
                await self._cluster.note(about, note, self._clock.now())
            except ClusterError:
                return

    async def _others(self, key: Key) -> list[MaintenanceWindow]:
        """Every window of the namespace: what may stand in a run's way."""
        return [*_windows(await self._cluster.list(MAINTENANCE_WINDOW, key.namespace, {}))]

    async def _look(self, window: MaintenanceWindow, run: RunStatus, others: list[MaintenanceWindow]) -> RunSight:
        if running.is_ended(run):
            return RunSight(window, run, None, self._clock.now())
        return await self._runs.look(window, run, others)

    def _tell(self, key: Key, apps: frozenset[str]) -> None:
        for name in sorted(apps):
            self._wake(Key(key.namespace, name))


def _metadata(listed: list[dict[str, Any]]) -> Iterator[Metadata]:
    for raw in listed:
        if not raw["metadata"].get("deletionTimestamp"):
            yield Metadata.model_validate(raw["metadata"])


def _dumped(status: MaintenanceWindowStatus) -> dict[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)
