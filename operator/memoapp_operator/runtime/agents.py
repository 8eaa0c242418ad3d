"""Jobs of agents, as the API server shows them: whether they are done, what they said, and what keeps them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from memoapp_operator.api.v1alpha1.destination import Destination
from memoapp_operator.api.v1alpha1.gates import SecretKey
from memoapp_operator.domain.backups import Failure
from memoapp_operator.domain.manifest import SECRET, VOLUME_CLAIM, Manifest
from memoapp_operator.domain.taking import JobSeen, Work
from memoapp_operator.domain.troubles import pod_trouble
from memoapp_operator.ports import Cluster
from memoapp_operator.render.backup import BACKUP_LABEL

JOB_LABEL = "batch.kubernetes.io/job-name"
_ENDS = frozenset({"Complete", "Failed"})
_KEYS = ("access-key", "secret-key")


def condition_of_end(job: Manifest) -> Mapping[str, Any] | None:
    """The condition that says that it is over, and how; None while it is at work."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return next((item for item in conditions if item["status"] == "True" and item["type"] in _ENDS), None)


def done(job: Manifest) -> bool | None:
    """Whether it succeeded; None while it is at work."""
    end = condition_of_end(job)
    return None if end is None else bool(end["type"] == "Complete")


def seen(jobs: Iterable[Manifest], pods: Iterable[Manifest], owner: str) -> dict[Work, JobSeen]:
    """The Jobs that are at work for the MemoBackup of that uid, by what they do.

    Those of one that was deleted, and had the same name, may still be there.
    """
    found = {}
    known = [*pods]
    for job in jobs:
        metadata = job["metadata"]
        if not _is_of(job, owner) or metadata.get("deletionTimestamp"):
            continue
        work = next((each for each in Work if metadata["name"].endswith(f"-{each.value}")), None)
        if work is not None:
            found[work] = _seen(job, known)
    return found


def one(jobs: Iterable[Manifest], pods: Iterable[Manifest], name: str, owner: str) -> JobSeen | None:
    """The Job of this name that belongs to the object of that uid; None where there is none, or it goes."""
    found = next((job for job in jobs if job["metadata"]["name"] == name and _is_of(job, owner)), None)
    return None if found is None or found["metadata"].get("deletionTimestamp") else _seen(found, [*pods])


def _seen(job: Manifest, pods: Iterable[Manifest]) -> JobSeen:
    name, outcome = job["metadata"]["name"], done(job)
    mine = sorted((pod for pod in pods if _of(pod, name) and _is_of(pod, job["metadata"]["uid"])), key=_age)
    told = next((line for pod in reversed(mine) if (line := _told(pod)) is not None), None)
    ended = _ended(job) if outcome is False else None
    return JobSeen(job["metadata"]["uid"], outcome, told, _trouble(job, mine, outcome), ended)


def failures(jobs: Iterable[Manifest], pods: Iterable[Manifest], schedule: str) -> Iterator[Failure]:
    """What the Jobs of a CronJob failed at."""
    known = [*pods]
    for job in jobs:
        owners = job["metadata"].get("ownerReferences") or []
        if not any(owner["kind"] == "CronJob" and owner["name"] == schedule for owner in owners):
            continue
        found = _seen(job, known)
        if found.done is False:
            told, trouble = found.told or {}, found.trouble or ("JobFailed", "its pod is gone")
            reason, message = str(told.get("reason") or trouble[0]), str(told.get("message") or trouble[1])
            yield Failure(job["metadata"]["name"], _ended(job), reason[:128], message[:900])


def busy(jobs: Iterable[Manifest], backup: str) -> str | None:
    """The name of a Job that is at work for somebody else."""
    for job in jobs:
        labels = job["metadata"].get("labels") or {}
        if labels.get(BACKUP_LABEL) != backup and done(job) is None and not _is_waiting(job):
            return str(job["metadata"]["name"])
    return None


def _is_waiting(job: Manifest) -> bool:
    return bool(job["spec"].get("suspend"))


def _of(pod: Manifest, job: str) -> bool:
    return bool((pod["metadata"].get("labels") or {}).get(JOB_LABEL) == job)


def _is_of(item: Manifest, owner: str) -> bool:
    return any(each["uid"] == owner for each in item["metadata"].get("ownerReferences") or ())


def _age(pod: Manifest) -> str:
    return str(pod["metadata"].get("creationTimestamp") or "")


def _told(pod: Manifest) -> dict[str, Any] | None:
    """The agent's line."""
    ended = _terminated(pod)
    try:
        line = json.loads(ended.get("message") or "")
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def _terminated(pod: Manifest) -> Mapping[str, Any]:
    for item in (pod.get("status") or {}).get("containerStatuses") or []:
        if item["name"] == "agent":
            found: Mapping[str, Any] = (item.get("state") or {}).get("terminated") or {}
            return found
    return {}


def _trouble(job: Manifest, pods: Sequence[Manifest], outcome: bool | None) -> tuple[str, str] | None:
    if outcome is None:
        told = next((trouble for pod in pods if (trouble := pod_trouble("backup", pod)) is not None), None)
        return (told.reason, told.message[:1000]) if told is not None else None
    if outcome:
        return None
    for pod in reversed(pods):
        ended = _terminated(pod)
        if ended.get("reason") == "OOMKilled":
            return "OutOfMemory", "the agent needs more memory than its limit"
    end = condition_of_end(job) or {}
    return str(end.get("reason") or "JobFailed"), str(end.get("message") or "its Job failed")[:1000]


def _ended(job: Manifest) -> datetime:
    moment = (condition_of_end(job) or {}).get("lastTransitionTime") or job["metadata"]["creationTimestamp"]
    return datetime.fromisoformat(str(moment))


async def missing(
    cluster: Cluster,
    namespace: str,
    destination: Destination,
    key: SecretKey | None = None,
) -> tuple[str, ...]:
    """What a pod with this destination would wait for in vain, as sentence parts.

    Args:
        cluster: the API server.
        namespace: of the pod.
        destination: that it opens.
        key: what seals or opens backups; None where nothing does.
    """
    wanted: list[tuple[str, tuple[str, ...]]] = []
    if destination.s3 is not None:
        wanted.append((destination.s3.credentials_secret_ref, _KEYS))
        if destination.s3.ca_secret_ref is not None:
            wanted.append((destination.s3.ca_secret_ref.name, (destination.s3.ca_secret_ref.key,)))
    if key is not None:
        wanted.append((key.name, (key.key,)))
    found = [part for name, keys in wanted for part in await _lacking(cluster, namespace, name, keys)]
    claim = destination.volume.claim_name if destination.volume is not None else None
    if claim is not None and await cluster.get(VOLUME_CLAIM, namespace, claim) is None:
        found.append(f"{VOLUME_CLAIM.kind}/{claim}")
    return tuple(found)


async def _lacking(cluster: Cluster, namespace: str, name: str, keys: tuple[str, ...]) -> list[str]:
    secret = await cluster.get(SECRET, namespace, name)
    if secret is None:
        return [f"{SECRET.kind}/{name}"]
    present = secret.get("data") or {}
    return [f"key {key} of {SECRET.kind}/{name}" for key in keys if not present.get(key)]
