"""Jobs of releases in the cluster: how they stand, and what a pass does for them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import (
    MemoApp,
    MemoAppStatus,
    MigrationOutcome,
    ReleasePhase,
    ReleaseStatus,
    SuiteOutcome,
)
from memoapp_operator.domain import names
from memoapp_operator.domain.durations import seconds
from memoapp_operator.domain.jobs import REVISION_LABEL, Purpose, in_the_way
from memoapp_operator.domain.manifest import JOB, LEASE, Manifest, Ref
from memoapp_operator.domain.migrating import holder_of
from memoapp_operator.domain.observation import End, ReleaseJob, Trouble
from memoapp_operator.domain.phases import is_over
from memoapp_operator.domain.revision import Revision
from memoapp_operator.domain.troubles import creation_refused, pod_trouble
from memoapp_operator.ports import Cluster, Conflict, Refused
from memoapp_operator.render import jobs as rendered
from memoapp_operator.render.backup import LEASE as LEASE_SUFFIX

from . import data_lease
from .agents import JOB_LABEL, condition_of_end
from .refusals import Refusals, is_refused, remember
from .snapshot import Built, Snapshot, digest

_PURPOSES = frozenset({Purpose.MIGRATION.value, Purpose.TEST.value})
_KILLED = frozenset({137, 143})
"""Exit codes of a process that a signal ended: 128 and the number of SIGKILL or SIGTERM."""
_TAIL = 2048


def concern(app: MemoApp) -> bool:
    """The app's releases have Jobs."""
    spec, release = app.spec.release, app.status.release
    told = release is not None and (release.migration is not None or release.tests is not None)
    return spec.migration is not None or bool(spec.tests) or told


def lack_pods(jobs: Sequence[Manifest], pods: Sequence[Manifest]) -> bool:
    """A Job of a release is at work and has no pod: only Events tell why."""
    have = {_label(pod, JOB_LABEL) for pod in pods}
    mine = [job for job in jobs if _component(job) in _PURPOSES and condition_of_end(job) is None]
    return any(job["metadata"]["name"] not in have for job in mine)


def seen(
    jobs: Sequence[Manifest], pods: Sequence[Manifest], secrets: Sequence[str], events: Sequence[Manifest] = ()
) -> dict[str, ReleaseJob]:
    """The Jobs of releases, by name.

    Args:
        jobs: all of the app.
        pods: likewise.
        secrets: values that must not appear in what they say.
        events: of the namespace, where a Job has no pod.
    """
    found = {}
    for job in jobs:
        purpose = _component(job)
        if purpose in _PURPOSES and not job["metadata"].get("deletionTimestamp"):
            mine = [pod for pod in pods if _label(pod, JOB_LABEL) == job["metadata"]["name"]]
            found[job["metadata"]["name"]] = look_at(job, purpose, mine, secrets, events)
    names_ = {job["metadata"]["name"] for job in jobs if not job["metadata"].get("deletionTimestamp")}
    return found | {pod["metadata"]["name"]: _stopping(pod) for pod in pods if _is_orphan(pod, names_)}


def _trouble(job: Manifest, purpose: str, pod: Manifest | None, events: Sequence[Manifest]) -> Trouble | None:
    """Why its pod does not run, or why it has none."""
    return pod_trouble(purpose, pod) if pod is not None else creation_refused(purpose, job, events)


def _is_orphan(pod: Manifest, jobs: Collection[str]) -> bool:
    """A migration's pod that is not done, and whose Job is gone: it still works on the data, until its node ends it."""
    status: Mapping[str, Any] = pod.get("status") or {}
    ours = _component(pod) == Purpose.MIGRATION.value and bool(_label(pod, JOB_LABEL))
    return ours and _label(pod, JOB_LABEL) not in jobs and status.get("phase") in {"Pending", "Running"}


def _stopping(pod: Manifest) -> ReleaseJob:
    metadata = pod["metadata"]
    created = str(metadata.get("creationTimestamp") or "")
    return ReleaseJob(metadata["name"], metadata["uid"], Purpose.STOPPING.value, _label(pod, REVISION_LABEL), created)


def look_at(
    job: Manifest, purpose: str, pods: Sequence[Manifest], secrets: Sequence[str], events: Sequence[Manifest]
) -> ReleaseJob:
    """One Job, with its pods; ``secrets`` must not appear in what it says."""
    metadata, condition = job["metadata"], condition_of_end(job)
    pod = max(pods, key=lambda each: str(each["metadata"].get("creationTimestamp") or ""), default=None)
    end, late, message = _outcome(job, condition, pod)
    log = str(_terminated(pod).get("message") or "") if end in {End.FAILED, End.KILLED} else ""
    return ReleaseJob(
        name=metadata["name"],
        uid=metadata["uid"],
        purpose=purpose,
        revision=_label(job, REVISION_LABEL),
        created=str(metadata.get("creationTimestamp") or ""),
        end=end,
        late=late,
        message=_redacted(message, secrets),
        log=_redacted(log[-_TAIL:], secrets),
        trouble=_trouble(job, purpose, pod, events) if end is None else None,
    )


def _outcome(job: Manifest, condition: Mapping[str, Any] | None, pod: Manifest | None) -> tuple[End | None, bool, str]:
    """How it ended, whether by its limit, and why. What nobody tells was killed: how far it came is not known."""
    if condition is None:
        return None, False, ""
    if condition["type"] == "Complete":
        return End.SUCCEEDED, False, ""
    reason, status = str(condition.get("reason") or ""), (pod or {}).get("status") or {}
    ended = _terminated(pod)
    code = ended.get("exitCode")
    if (job.get("status") or {}).get("succeeded"):
        return End.KILLED, False, "it was started twice, and ended in two ways"
    if "DeadlineExceeded" in {reason, status.get("reason")}:
        return End.FAILED, True, "it took too long"
    if ended.get("reason") == "OOMKilled":
        return End.KILLED, False, "it needs more memory than its limit (OOMKilled)"
    if code is not None and code not in _KILLED and not status.get("reason"):
        return End.FAILED, False, f"exit code {code}"
    why = status.get("message") or status.get("reason") or (f"exit code {code}" if code is not None else "")
    return End.KILLED, False, f"it was killed{f': {why}' if why else ', and its pod is gone'}"


def _terminated(pod: Manifest | None) -> Mapping[str, Any]:
    statuses = ((pod or {}).get("status") or {}).get("containerStatuses") or []
    ended: Mapping[str, Any] = (statuses[0].get("state") or {}).get("terminated") or {} if statuses else {}
    return ended


def _redacted(text: str, secrets: Sequence[str]) -> str:
    for value in secrets:
        text = text.replace(value, "***")
    return text


def holder(app: MemoApp, live: Mapping[Ref, Manifest], now: datetime) -> str | None:
    """Who holds the data's Lease; None where nobody does any more, or there is none."""
    return data_lease.holder(live.get(_lease_ref(app)), now)


def _lease_ref(app: MemoApp) -> Ref:
    return Ref(LEASE, names.child(app.metadata.name, LEASE_SUFFIX))


def _component(item: Manifest) -> str:
    return _label(item, names.COMPONENT_LABEL)


def _label(item: Manifest, key: str) -> str:
    return str((item["metadata"].get("labels") or {}).get(key) or "")


class ReleaseJobs:
    """Creates what the committed status names, and stops what it does not.

    Args:
        cluster: the API server.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @staticmethod
    def wanted(status: MemoAppStatus) -> frozenset[Ref]:
        """The Jobs that have to be there."""
        release = status.release
        return frozenset(Ref(JOB, job) for job in _named(release)) if release is not None else frozenset()

    async def act(
        self, snapshot: Snapshot, built: Built, status: MemoAppStatus, refusals: Refusals, now: datetime
    ) -> bool:
        """By what is committed; True where something was written."""
        release = status.release
        if release is None:
            return False
        changed = False
        wanted = self.wanted(status)
        for name, job in snapshot.observation.jobs.items():
            if job.purpose in _PURPOSES and Ref(JOB, name) not in wanted and _is_superfluous(job, release):
                await self._cluster.delete(Ref(JOB, name), built.context.app.metadata.namespace, job.uid)
                changed = True
        for ref, manifest in self._missing(snapshot, built, release):
            migrates = _component(manifest) == Purpose.MIGRATION.value
            if migrates and not await self._hold(snapshot, release, holder_of(ref.name), now):
                continue
            changed |= await self._create(ref, manifest, refusals, now)
        return await self._let_go(snapshot, release) or changed

    def _missing(self, snapshot: Snapshot, built: Built, release: ReleaseStatus) -> Iterator[tuple[Ref, Manifest]]:
        context, seen_ = built.context, snapshot.observation
        revision = next((item for item in seen_.stored.values() if item.id == release.id), None)
        if revision is None or context.app.spec.suspend:
            return
        for name in _named(release):
            manifest = _manifest(built, release, revision, name) if name not in seen_.jobs else None
            if manifest is not None:
                yield Ref(JOB, name), manifest

    async def _create(self, ref: Ref, manifest: Manifest, refusals: Refusals, now: datetime) -> bool:
        identity = digest(manifest)
        if is_refused(refusals, ref, identity, now):
            return False
        try:
            await self._cluster.create(manifest)
        except Conflict:
            return False
        except Refused as error:
            remember(refusals, error, ref, identity, now)
            return False
        refusals.pop(ref, None)
        return True

    async def _hold(self, snapshot: Snapshot, release: ReleaseStatus, holder_: str, now: datetime) -> bool:
        """Hold the data's Lease for a migration, so that no backup or restore is at work beside it.

        It is not renewed: its Job has a limit of its own, and the Lease outlives that.
        """
        app = snapshot.context.app
        lease, declared = snapshot.live.get(_lease_ref(app)), app.spec.release.migration
        if in_the_way(snapshot.observation.jobs, release.id) is not None:
            return False
        if app.spec.backup is None or declared is None:
            return True
        if lease is None:
            return False
        who = snapshot.observation.holder
        if who == holder_:
            return True
        if who is not None:
            return False
        limit = seconds(declared.timeout) + rendered.START_ROOM + data_lease.MARGIN
        await self._cluster.replace(data_lease.held(lease, holder_, limit, now))
        return True

    async def _let_go(self, snapshot: Snapshot, release: ReleaseStatus) -> bool:
        """Once its Job has ended, others may have the data."""
        lease = snapshot.live.get(_lease_ref(snapshot.context.app))
        spec = (lease or {}).get("spec") or {}
        who = str(spec.get("holderIdentity") or "")
        told = release.migration
        runs = release.phase is ReleasePhase.MIGRATING and told is not None and holder_of(told.job) == who
        if lease is None or not who.startswith(holder_of("")) or runs:
            return False
        await self._cluster.replace(data_lease.freed(lease))
        return True


def _is_superfluous(job: ReleaseJob, release: ReleaseStatus) -> bool:
    """A Job that the status does not name is of no use any more.

    A migration that runs is stopped only where its own release was given up: after a lost status it is found again.
    """
    own = job.revision == release.id
    if job.end is not None:
        return not own and is_over(release.phase)
    given_up = is_over(release.phase) or release.phase is ReleasePhase.HELD
    return (own and given_up) if job.purpose == Purpose.MIGRATION.value else True


def _named(release: ReleaseStatus) -> Iterator[str]:
    """Jobs that the status names and that have not ended as far as it knows."""
    told = release.migration
    running = {None, MigrationOutcome.RUNNING}
    if release.phase is ReleasePhase.MIGRATING and told is not None and told.outcome in running:
        yield told.job
    if not is_over(release.phase):
        yield from (item.job for item in release.tests or () if item.outcome is SuiteOutcome.RUNNING)


def _manifest(built: Built, release: ReleaseStatus, revision: Revision, name: str) -> Manifest | None:
    """The Job to be created; None for a migration that was seen: it is never made again."""
    spec, told = built.context.app.spec.release, release.migration
    if told is not None and told.job == name:
        if spec.migration is None or spec.migration.command is None or told.outcome is not None:
            return None
        return rendered.migration(built.context, spec.migration, revision, name)
    test = next((item.name for item in release.tests or () if item.job == name), None)
    suite = next((item for item in spec.tests or () if item.name == test), None)
    return rendered.test(built.context, suite, revision, release.colour, name) if suite is not None else None
