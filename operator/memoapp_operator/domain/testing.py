"""The tests of a release: one Job after another, on the new colour before its first clients or with all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memoapp import MemoApp, ReleaseStatus, SuiteOutcome, SuiteStatus
from memoapp_operator.api.v1alpha1.release import Suite, When

from . import jobs
from .conditions import timestamp
from .durations import seconds
from .migrating import START_PATIENCE, stored_of
from .observation import End, Observation, ReleaseJob, Trouble
from .state import State
from .transitions import moved

TEST_FAILED = "TestFailed"
DEFAULT_TIMEOUT = "10m"


@dataclass(frozen=True, slots=True)
class Progress:
    """How the tests of a moment stand.

    Attributes:
        state: with what is known of them by now.
        failed: why the release goes no further; None where it may.
        done: all passed.
    """

    state: State
    failed: Trouble | None = None
    done: bool = False


def declared(app: MemoApp, when: When) -> tuple[Suite, ...]:
    """The tests of a moment, in their order."""
    return tuple(suite for suite in app.spec.release.tests or () if (suite.when or When.BEFORE_TRAFFIC) is when)


def timeout(suite: Suite) -> str:
    """How long a test may run."""
    return suite.timeout or DEFAULT_TIMEOUT


def are_done(app: MemoApp, release: ReleaseStatus, when: When) -> bool:
    """Each of them passed in this release."""
    passed = {item.name for item in release.tests or () if item.outcome is SuiteOutcome.PASSED}
    return all(suite.name in passed for suite in declared(app, when))


def advanced(seen: Observation, state: State, when: When) -> Progress:
    """Take the outcome of the test that runs, and order the next one."""
    release, stored = state.release, stored_of(seen, state)
    if release is None or stored is None:
        return Progress(state)
    found = {item.name: item for item in release.tests or ()}
    before, trouble = {**found}, None
    for suite in declared(seen.app, when):
        status = found.get(suite.name)
        if status is None:
            job = jobs.test_job(seen.app.metadata.name, stored, release, suite.name)
            status = SuiteStatus(name=suite.name, job=job, outcome=SuiteOutcome.RUNNING, started_at=timestamp(seen.now))
        status, trouble = _judged(seen, suite, status, first=state.active is None)
        found[suite.name] = status
        if status.outcome is not SuiteOutcome.PASSED:
            break
    done = are_done(seen.app, release.model_copy(update={"tests": [*found.values()]}), when)
    after = moved(state, seen, release.phase, tests=[*found.values()]) if found != before else state
    return Progress(after, trouble, done)


def _judged(seen: Observation, suite: Suite, status: SuiteStatus, *, first: bool) -> tuple[SuiteStatus, Trouble | None]:
    if status.outcome is not SuiteOutcome.RUNNING:
        text = f"{suite.name}: {status.message or 'it failed'}"
        return status, Trouble(TEST_FAILED, text, stalls=True) if status.outcome is SuiteOutcome.FAILED else None
    job, now = seen.jobs.get(status.job), timestamp(seen.now)
    if job is not None and job.end is End.SUCCEEDED:
        return status.model_copy(update={"outcome": SuiteOutcome.PASSED, "finished_at": now}), None
    why = _failure(seen, suite, status, job, first=first)
    if why is None:
        return status, None
    reason, ended = why
    update = {"outcome": SuiteOutcome.FAILED, "finished_at": now, "message": ended.message, "log": ended.log or None}
    text = f"the test {suite.name} did not pass: {ended.message}"
    return status.model_copy(update=update), Trouble(reason, text, stalls=True)


def _failure(
    seen: Observation, suite: Suite, status: SuiteStatus, job: ReleaseJob | None, *, first: bool
) -> tuple[str, jobs.Ended] | None:
    """Why it did not pass: reason and text; None while it may. The first release goes on trying to start it."""
    if job is not None and job.end is not None:
        return TEST_FAILED, jobs.told(job, timeout(suite))
    age = seen.now - datetime.fromisoformat(status.started_at)
    trouble = jobs.cannot_start(job) if job is not None and not first else None
    if trouble is not None and age.total_seconds() >= START_PATIENCE:
        return trouble.reason, jobs.Ended(trouble.message, "")
    late = timedelta(seconds=seconds(seen.app.spec.release.deadline) + seconds(timeout(suite)))
    refused = next((text for ref, text in seen.refusals.items() if ref.name == status.job), None)
    if job is None and refused is not None and age > late:
        return TEST_FAILED, jobs.Ended(f"{status.job} cannot be created: {refused}", "")
    return None


def without_running(release: ReleaseStatus) -> list[SuiteStatus] | None:
    """The tests of a release but for the one that runs: it is run anew."""
    return [item for item in release.tests or () if item.outcome is not SuiteOutcome.RUNNING] or None
