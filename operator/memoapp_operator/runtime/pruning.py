"""Jobs of an app that are over: those of releases and of maintenance tasks, which nobody else takes away in time.

Jobs of backups and restores go by themselves after an hour, and the schedule keeps its last ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.domain import names
from memoapp_operator.domain.jobs import Purpose
from memoapp_operator.domain.manifest import JOB, Manifest, Ref
from memoapp_operator.domain.observation import EndedJob
from memoapp_operator.domain.phases import is_over
from memoapp_operator.ports import Cluster
from memoapp_operator.render.maintenance import COMPONENT as MAINTENANCE
from memoapp_operator.render.maintenance import WINDOW_LABEL

from .agents import condition_of_end

OLDER_THAN = "24h"
"""How long Jobs have been over, where nothing is said."""
_OF_RELEASES = frozenset({Purpose.MIGRATION.value, Purpose.TEST.value})


def ended(app: MemoApp, jobs: Iterable[Manifest], at_work: Collection[str]) -> Iterator[EndedJob]:
    """Jobs that are over and that nobody waits for.

    Args:
        app: with its committed status; Jobs of a release under way are not among them.
        jobs: all of the app.
        at_work: windows whose tasks are under way; their Jobs are not among them either.
    """
    release = app.status.release
    idle = release is None or is_over(release.phase)
    for job in jobs:
        metadata, end = job["metadata"], condition_of_end(job)
        labels = metadata.get("labels") or {}
        component = labels.get(names.COMPONENT_LABEL)
        mine = (component in _OF_RELEASES and idle) or (
            component == MAINTENANCE and labels.get(WINDOW_LABEL) not in at_work
        )
        if mine and end is not None and not metadata.get("deletionTimestamp"):
            at = datetime.fromisoformat(str(end.get("lastTransitionTime") or metadata["creationTimestamp"]))
            yield EndedJob(metadata["name"], metadata["uid"], at)


async def prune(cluster: Cluster, namespace: str, jobs: Iterable[EndedJob]) -> bool:
    """Delete them, each by its uid; True where there was one."""
    found = [*jobs]
    for job in found:
        await cluster.delete(Ref(JOB, job.name), namespace, job.uid)
    return bool(found)
