"""Jobs of a release, its migration and its tests: their names, and how they stand. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from memoapp_operator.api.v1alpha1.memoapp import ReleaseStatus

from .names import LABEL_LIMIT, child
from .observation import ReleaseJob, Trouble
from .revision import Revision

REVISION_LABEL = "memoapp.dev/revision"
"""Of a Job and its pod: the id of the revision that they are at work for."""


class Purpose(StrEnum):
    """What a Job is for; also its component."""

    MIGRATION = "migration"
    TEST = "test"
    STOPPING = "stopping"
    """A pod of a migration whose Job is gone."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a Job ended, for people.

    Attributes:
        message: what happened, in a sentence.
        log: the end of what its pod said.
    """

    message: str
    log: str


def migration_job(app: str, revision: Revision, release: ReleaseStatus, attempt: int) -> str:
    """The name of a migration's Job: another one for each try of each release."""
    return _name(app, revision, "migrate", f"{release.started_at}/{attempt}")


def test_job(app: str, revision: Revision, release: ReleaseStatus, test: str) -> str:
    """The name of a test's Job: another one for each release."""
    return _name(app, revision, f"test-{test}", release.started_at)


def _name(app: str, revision: Revision, what: str, when: str) -> str:
    tail, token = revision.name.rpartition("-")[2], hashlib.sha256(when.encode()).hexdigest()[:5]
    return child(app, f"{tail}-{what}-{token}", limit=LABEL_LIMIT)


def in_the_way(jobs: Mapping[str, ReleaseJob], revision: str) -> str | None:
    """A migration that still works on the data: one for this revision waits for it, or they could undo one another."""
    for job in jobs.values():
        running = job.purpose == Purpose.MIGRATION.value and job.end is None and job.revision != revision
        if running or job.purpose == Purpose.STOPPING.value:
            return job.name
    return None


def newest(jobs: Mapping[str, ReleaseJob], purpose: Purpose, revision: str) -> ReleaseJob | None:
    """The Job that was made last for a revision."""
    found = [job for job in jobs.values() if job.purpose == purpose.value and job.revision == revision]
    return max(found, key=lambda job: (job.created, job.name), default=None)


def told(job: ReleaseJob, limit: str) -> Ended:
    """What there is to say of a Job that did not succeed; ``limit`` is how long it might run."""
    message = f"{job.name}: not done within {limit}" if job.late else f"{job.name}: {job.message or 'it failed'}"
    lines = [line.strip() for line in job.log.splitlines() if line.strip()]
    return Ended(f"{message}: {lines[-1]}"[:900] if lines else message[:900], job.log[-2048:])


def cannot_start(job: ReleaseJob) -> Trouble | None:
    """Why its container can never start; nothing of it was done then. None where it may, or has."""
    return job.trouble if job.end is None and job.trouble is not None and job.trouble.stalls else None
