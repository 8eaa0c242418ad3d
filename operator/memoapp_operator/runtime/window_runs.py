"""Runs of windows' tasks: what a pass sees of one, and what it makes for it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.maintenancewindow import MaintenanceWindow, Policy
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.memobackup import BAD, GOOD, MemoBackup, Reason
from memoapp_operator.api.v1alpha1.memorestore import MemoRestore, RestorePhase
from memoapp_operator.api.v1alpha1.tasks import RunPhase, RunStatus, StepState, StepStatus
from memoapp_operator.domain import names, ownership, running, upgrading
from memoapp_operator.domain.durations import seconds
from memoapp_operator.domain.manifest import (
    JOB,
    MEMO_APP,
    MEMO_BACKUP,
    MEMO_RESTORE,
    POD,
    REVISION,
    SECRET,
    STATEFUL_SET,
    Manifest,
    Ref,
)
from memoapp_operator.domain.observation import End, EndedJob
from memoapp_operator.domain.references import connection_name
from memoapp_operator.domain.revision import parse
from memoapp_operator.domain.run_steps import (
    OWN,
    SAVE,
    TEST,
    UNDO,
    Made,
    Rival,
    RunSight,
    component_in,
    made_by,
    restart_in,
    start_of,
    task_of,
    under_way,
)
from memoapp_operator.domain.run_tasks import suite_of
from memoapp_operator.domain.troubles import workload
from memoapp_operator.domain.upgrading import Rollout
from memoapp_operator.domain.window_status import selects, window_of
from memoapp_operator.ports import Clock, Cluster, Refused
from memoapp_operator.render import maintenance as rendered
from memoapp_operator.render.context import Context, Platform

from . import agents, backups, credentials, live_objects, pruning, release_jobs
from .creation import once
from .restore_sight import parsed

logger = logging.getLogger(__name__)


class WindowRuns:
    """What the passes of MaintenanceWindows see and do for their runs; the statuses are committed by whoever asks.

    Args:
        cluster: the API server.
        platform: the operator itself.
        clock: the time.
    """

    def __init__(self, cluster: Cluster, platform: Platform, clock: Clock) -> None:
        self._cluster = cluster
        self._platform = platform
        self._clock = clock
        self._lacking: dict[str, Made] = {}

    async def look(self, window: MaintenanceWindow, run: RunStatus, others: Sequence[MaintenanceWindow]) -> RunSight:
        """Everything that the next step needs."""
        namespace, now = window.metadata.namespace, self._clock.now()
        raw = await self._cluster.get(MEMO_APP, namespace, run.app)
        leaving = raw is not None and bool(raw["metadata"].get("deletionTimestamp"))
        app = None if leaving else parsed(MemoApp, raw)
        step = under_way(run)
        busy = step if step is not None and _makes(step) else None
        component = _component(window, step) if step is not None else None
        return RunSight(
            window=window,
            run=run,
            app=app,
            now=now,
            rivals=tuple(_rivals(window, run, others)),
            denied=next(_denials(app, others, now), None) if app is not None else None,
            made=await self._made(window, app, busy) if busy is not None and app is not None else None,
            rollout=await self._rollout(app, component) if component is not None and app is not None else None,
        )

    async def _rollout(self, app: MemoApp, component: str) -> Rollout | None:
        """What runs of PostgreSQL or Redis; None where the operator runs none."""
        namespace, name = app.metadata.namespace, app.metadata.name
        raw = await self._cluster.get(STATEFUL_SET, namespace, upgrading.ref_of(name, component).name)
        if raw is None or not ownership.owned(raw, app.metadata.uid):
            return None
        pods = await self._cluster.list(POD, namespace, names.labels(name, component))
        found = workload(component, raw, pods)
        image = live_objects.image_of(raw, component)
        return Rollout(image, found.settled, found.trouble) if found is not None else None

    async def _made(self, window: MaintenanceWindow, app: MemoApp, step: StepStatus) -> Made | None:
        namespace, ref = app.metadata.namespace, made_by(step)
        if ref is None:
            return await self._pruned(window, app, step)
        kind, name = ref
        raw = await self._cluster.get(kind, namespace, name)
        if raw is None:
            return self._lacking.get(f"{namespace}/{step.object}")
        if kind == MEMO_BACKUP:
            return _of_backup(parsed(MemoBackup, raw))
        if kind == MEMO_RESTORE:
            return _of_restore(parsed(MemoRestore, raw))
        pods = await self._cluster.list(POD, namespace, {agents.JOB_LABEL: name})
        secret = credentials.decoded(await self._cluster.get(SECRET, namespace, connection_name(app.metadata.name)))
        hidden = [value for key, value in secret.items() if value and key.endswith(("password", "uri"))]
        return _of_job(raw, pods, hidden)

    async def _pruned(self, window: MaintenanceWindow, app: MemoApp, step: StepStatus) -> Made:
        """Jobs that were over as long before the step began as the task says: done once none of them is there."""
        left = await self._over(window, app, step)
        return (
            Made(None, f"{len(left)} Jobs that were over")
            if left
            else Made(good=True, message=step.message or "there was none")
        )

    async def _over(self, window: MaintenanceWindow, app: MemoApp, step: StepStatus) -> list[EndedJob]:
        task = task_of(window, step)
        if task is None or task.prune_objects is None:
            return []
        jobs = await self._cluster.list(JOB, app.metadata.namespace, names.labels(app.metadata.name))
        before = start_of(step) - timedelta(seconds=seconds(task.prune_objects.older_than or pruning.OLDER_THAN))
        return [job for job in pruning.ended(app, jobs, {window.metadata.name}) if job.at <= before]

    async def act(self, seen: RunSight, run: RunStatus) -> None:
        """By what is committed: the object of the task under way is there, and that of one that was given up is not."""
        step, app = under_way(run), seen.app
        for each in run.steps:
            if each.object is not None and each.state is not StepState.RUNNING:
                self._lacking.pop(f"{seen.window.metadata.namespace}/{each.object}", None)
        if app is None or running.is_ended(run):
            return
        await self._stop(seen, run)
        if step is None or not _makes(step):
            return
        ref = made_by(step)
        if ref is None:
            await pruning.prune(self._cluster, app.metadata.namespace, await self._over(seen.window, app, step))
            return
        if seen.made is not None and f"{app.metadata.namespace}/{step.object}" not in self._lacking:
            return
        namespace = app.metadata.namespace
        key = f"{namespace}/{step.object}"
        try:
            manifest = await self._manifest(seen, app, step, ref[1])
            if isinstance(manifest, str):
                self._lacking[key] = Made(good=False, message=manifest)
            else:
                await once(self._cluster, manifest)
                self._lacking.pop(key, None)
        except Refused as error:
            self._lacking[key] = Made(None, f"the API server refuses it: {error.message}"[:400])

    async def _manifest(self, seen: RunSight, app: MemoApp, step: StepStatus, name: str) -> Manifest | str:
        """What is to be created; a text where that is not possible."""
        task = task_of(seen.window, step)
        if step.name.startswith(TEST):
            return await self._test(seen, app, step, name)
        if task is None:
            return "it is not declared any more"
        if task.backup is not None or step.name.startswith(SAVE):
            missing = app.spec.backup is None
            return "the MemoApp has no spec.backup" if missing else backups.order(app, name, Reason.MAINTENANCE)
        if task.restore_drill is not None:
            newest = (await backups.look(self._cluster, app, (), ())).newest
            return "there is no good backup" if newest is None else backups.ordered_drill(app, name, newest.name)
        context, undo = Context(app=app, platform=self._platform), step.name.startswith(UNDO)
        found = rendered.job(context, seen.window, task, name, undo=undo)
        return found if found is not None else "an external database needs spec.backup.clientImage: an image with psql"

    async def _test(self, seen: RunSight, app: MemoApp, step: StepStatus, name: str) -> Manifest | str:
        """The Job of one of the app's tests, on the version that serves."""
        suite, active = suite_of(app, step), app.status.active
        if suite is None or active is None:
            return "it is not declared any more"
        held = (app.status.colours or {}).get(active.colour.value, "")
        stored = await self._cluster.get(REVISION, app.metadata.namespace, held)
        if stored is None:
            return f"the revision of {active.colour} was deleted"
        context = Context(app=app, platform=self._platform)
        return rendered.test_job(context, seen.window, suite, parse(stored), active.colour, name)

    async def _stop(self, seen: RunSight, run: RunStatus) -> None:
        """The Job of a task that took too long, at once; where nobody comes to it, its own limit ends it."""
        before = {step.name: step for step in seen.run.steps}
        for step in run.steps:
            was = before.get(step.name)
            ended = step.state is StepState.FAILED and was is not None and _makes(was)
            if not ended or seen.made is None or seen.made.good is not None:
                continue
            ref = made_by(step)
            if ref is None or ref[0] != JOB:
                continue
            kind, name = ref
            raw = await self._cluster.get(kind, seen.window.metadata.namespace, name)
            if raw is not None:
                await self._cluster.delete(Ref(kind, name), seen.window.metadata.namespace, raw["metadata"]["uid"])


def _makes(step: StepStatus) -> bool:
    """It is under way, and an object of its own does it, or what a pass does at once."""
    by_the_app = restart_in(step) is not None or component_in(step) is not None
    return step.state is StepState.RUNNING and step.name not in OWN and not by_the_app


def _component(window: MaintenanceWindow, step: StepStatus) -> str | None:
    """What the step brings an image for, or is about to."""
    if step.state is StepState.RUNNING:
        return component_in(step)
    forward = not step.name.startswith((SAVE, UNDO))
    return upgrading.component_of(task_of(window, step)) if forward else None


def _of_backup(found: MemoBackup | None) -> Made:
    status = found.status if found is not None else None
    if status is None or status.phase not in GOOD | BAD:
        return Made(None, (status.message or "") if status is not None else "")
    if status.phase in GOOD:
        return Made(good=True, message=f"{status.display_size} were read back")
    return Made(good=False, message=f"{status.reason}: {status.message or ''}"[:400])


def _of_restore(found: MemoRestore | None) -> Made:
    status = found.status if found is not None else None
    if status is None or status.phase not in {RestorePhase.COMPLETED, RestorePhase.FAILED}:
        return Made(None, (status.message or "") if status is not None else "")
    if status.phase is RestorePhase.COMPLETED:
        return Made(good=True, message="restored and compared")
    return Made(good=False, message=f"{status.reason}: {status.message or ''}"[:400])


def _of_job(job: Manifest, pods: Sequence[Manifest], hidden: Sequence[str]) -> Made:
    found = release_jobs.look_at(job, rendered.COMPONENT, pods, hidden, ())
    if found.end is None:
        return Made(None, found.trouble.message if found.trouble is not None else "")
    if found.end is End.SUCCEEDED:
        return Made(good=True)
    lines = [line.strip() for line in found.log.splitlines() if line.strip()]
    said = f": {lines[-1]}" if lines else ""
    return Made(good=False, message=f"{found.message or 'it failed'}{said}"[:500])


def _rivals(window: MaintenanceWindow, run: RunStatus, others: Iterable[MaintenanceWindow]) -> Iterator[Rival]:
    for other in others:
        for each in other.status.runs or ():
            if other.metadata.name != window.metadata.name and each.app == run.app and not running.is_ended(each):
                begun = each.phase is not RunPhase.QUEUED
                yield Rival(other.metadata.name, begun, datetime.fromisoformat(each.queued_at))


def _denials(app: MemoApp, others: Iterable[MaintenanceWindow], now: datetime) -> Iterator[str]:
    for other in others:
        denies = other.spec.policy is Policy.DENY and other.spec.work is None
        if denies and selects(other.spec.apps, app.metadata) and window_of(other).at(now) is not None:
            yield other.metadata.name
