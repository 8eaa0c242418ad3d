"""What a release under way waits for, in words. Pure."""

from __future__ import annotations

from collections.abc import Callable

from memoapp_operator.api.v1alpha1.memoapp import GateVerdict, ReleaseStatus, SuiteOutcome
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import jobs, maintenance, migrating, preflight
from .observation import Observation
from .state import State

_FINE = {GateVerdict.PASS, GateVerdict.SKIPPED}
TEXTS = {
    Phase.PENDING: "a release is about to begin",
    Phase.PREFLIGHT: "what the release needs is not well",
    Phase.BACKING_UP: "a backup is taken before the release goes on",
    Phase.MIGRATING: "the database is migrated",
    Phase.PREPARING: "waiting for the pods of the release",
    Phase.TESTING: "the tests run against the new colour",
    Phase.APPROVING: "the new colour is ready: let the clients come by the annotation memoapp.dev/approve",
    Phase.SHIFTING: "the clients move to the new colour",
    Phase.SOAKING: "all clients are on the new colour, and the gates are measured",
    Phase.ROLLING_BACK: "the clients move back to the old colour",
}


def text(seen: Observation, state: State) -> str:
    """What it waits for; where that is nothing that a person would look for in vain, what it does."""
    release = state.release
    if release is None:
        return TEXTS[Phase.PENDING]
    asked = _ASKED.get(release.phase)
    found = asked(seen, state, release) if asked is not None else None
    return found or TEXTS.get(release.phase, "the release is under way")


def _pending(seen: Observation, state: State, release: ReleaseStatus) -> str | None:
    if release.colour in seen.populated and release.colour.value not in state.colours:
        return f"waiting until the former pods of {release.colour} are gone"
    if (busy := maintenance.restoring(seen.backups)) is not None:
        return f"waiting until the restore {busy.name} is done"
    if state.active is not None and (run := maintenance.in_the_way(seen, release)) is not None:
        return f"waiting until the tasks of the window {run.window} are done"
    job = jobs.in_the_way(seen.jobs, release.id)
    return f"waiting until {job}, an earlier migration, has ended" if job is not None else None


def _preflight(seen: Observation, state: State, _: ReleaseStatus) -> str | None:
    why = preflight.trouble(seen, state)
    return f"before the release begins: {why.message}" if why is not None else None


def _saving(seen: Observation, _: State, release: ReleaseStatus) -> str:
    known = seen.backups.named(release.backup)
    waits = f": {known.trouble[1]}" if known is not None and known.trouble is not None else ""
    return f"waiting for the backup {release.backup}{waits}"


def _migrating(seen: Observation, _: State, release: ReleaseStatus) -> str | None:
    told, why = release.migration, migrating.waits_for(seen, release)
    if told is None:
        return None
    job = seen.jobs.get(told.job)
    if why is None and job is not None and job.trouble is not None:
        why = job.trouble.message
    return f"waiting for the migration {told.job}{f': {why}' if why else ''}"


def _preparing(seen: Observation, _: State, __: ReleaseStatus) -> str | None:
    unreached = sorted(name for name, told in seen.reached.items() if not told)
    pods_are_there = unreached and all(
        (item := seen.workloads.get(name)) is not None and item.settled for name in unreached
    )
    if not pods_are_there:
        return None
    return f"waiting until {', '.join(unreached)} is healthy through its Service, with its own pods alone behind it"


def _testing(seen: Observation, _: State, release: ReleaseStatus) -> str | None:
    name = next((item.job for item in release.tests or () if item.outcome is SuiteOutcome.RUNNING), None)
    if name is None:
        return None
    job = seen.jobs.get(name)
    why = f": {job.trouble.message}" if job is not None and job.trouble is not None else ""
    return f"waiting for the test {name}{why}"


def _held_at(seen: Observation, state: State, release: ReleaseStatus) -> str | None:
    """A step under way: what the gates said, without numbers that change."""
    if release.since is None:
        return None
    said = [f"{gate.name} {gate.verdict.value}" for gate in release.gates or () if gate.verdict not in _FINE]
    waits = f"; not passed: {', '.join(said)}" if said else ""
    tests = _testing(seen, state, release)
    tested = f"; {tests}" if tests is not None else ""
    return f"{release.weight}% of the clients are on {release.colour}, and the gates are measured{waits}{tested}"


_ASKED: dict[Phase, Callable[[Observation, State, ReleaseStatus], str | None]] = {
    Phase.PENDING: _pending,
    Phase.PREFLIGHT: _preflight,
    Phase.BACKING_UP: _saving,
    Phase.MIGRATING: _migrating,
    Phase.PREPARING: _preparing,
    Phase.TESTING: _testing,
    Phase.SHIFTING: _held_at,
    Phase.SOAKING: _held_at,
}
