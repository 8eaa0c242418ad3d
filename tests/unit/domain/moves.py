"""A sight for every move of the release: what is seen in a phase, and where it leads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from memoapp_operator.api.v1alpha1.maintenancewindow import Policy, UnderWay
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.measurements import Measurement, Verdict
from memoapp_operator.domain.observation import End, Observation, Probe, Workload
from memoapp_operator.domain.orders import ABORT_ANNOTATION, APPROVE_ANNOTATION, RETRY_ANNOTATION
from memoapp_operator.domain.windows import Window

from tests.unit.domain.building import (
    NOW,
    R1,
    R2,
    R3,
    STALL,
    ended_jobs,
    gradually,
    healthy,
    measurement,
    onward,
    says,
    serving,
    unsettled,
    until,
    with_spec,
    with_workloads,
    without_pods,
)

OPEN = (Window("now", Policy.ALLOW, timedelta(hours=9), start=NOW - timedelta(hours=1)),)
"""Everything may be done for some hours."""
CLOSED = (Window("tomorrow", Policy.ALLOW, timedelta(hours=3), start=NOW + timedelta(hours=24)),)
"""Nothing may be done before tomorrow."""
FREEZE = (
    Window("year-end", Policy.DENY, timedelta(hours=6), start=NOW - timedelta(hours=1), under_way=UnderWay.RETURN),
)
"""Nothing may be done for some hours, and what is under way goes back."""


def hours(seen: Observation, number: float) -> Observation:
    """The same sight, hours later."""
    return replace(seen, now=seen.now + timedelta(hours=number))


def ordered(seen: Observation, annotation: str, nonce: str = "n1") -> Observation:
    """The same sight, with an order."""
    return replace(seen, orders={**seen.orders, annotation: nonce})


def gone(seen: Observation, colour: str, seconds: float = 6) -> Observation:
    """No pod of the colour has been ready for some seconds."""
    since = (seen.now - timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return without_pods(seen, colour, gone_since=since)


def crashing(seen: Observation, colour: str = "green") -> Observation:
    """A pod of the colour can never start."""
    return with_workloads(seen, unsettled(f"{colour}-backend", 0, STALL))


def suspended(seen: Observation) -> Observation:
    """The app as it looks once it is suspended: no pod anywhere."""
    none = {name: Workload(name, 0, 0, settled=True) for name in seen.workloads}
    found = replace(seen, workloads=none, routers={}, database=None, cache=None, reached={})
    return with_spec(found, suspend=True)


def at(phase: Phase) -> Observation:
    """R1 serves in blue, R2 was declared, and its release is in that phase; all is well."""
    way = _WAYS.get(phase)
    return way() if way is not None else until(onward(serving(declared=R2)), phase)


_WAYS: dict[Phase, Callable[[], Observation]] = {
    Phase.PREFLIGHT: lambda: onward(broken(at(Phase.PENDING))),
    Phase.MIGRATING: lambda: until(onward(migrated(serving()), declared=R2), Phase.MIGRATING),
    Phase.TESTING: lambda: until(onward(tested(serving()), declared=R2), Phase.TESTING),
    Phase.BACKING_UP: lambda: until(onward(with_backup(serving()), declared=R2), Phase.BACKING_UP),
    Phase.RETIRED: lambda: onward(hours(at(Phase.COMPLETED), 1)),
    Phase.ROLLING_BACK: lambda: onward(without_pods(at(Phase.SHIFTING), "green")),
    Phase.ROLLED_BACK: lambda: until(at(Phase.ROLLING_BACK), Phase.ROLLED_BACK),
    Phase.HELD: lambda: onward(without_pods(at(Phase.ROLLING_BACK), "blue")),
    Phase.REJECTED: lambda: onward(crashing(at(Phase.PREPARING))),
    Phase.WITHDRAWN: lambda: onward(replace(at(Phase.PREPARING), declared=R1)),
    Phase.APPROVING: lambda: until(onward(gradually(serving(), approval="Manual"), declared=R2), Phase.APPROVING),
    Phase.SOAKING: lambda: until(onward(gradually(serving()), declared=R2), Phase.SOAKING),
}


def broken(seen: Observation) -> Observation:
    """The same sight, and Redis does not answer."""
    return replace(seen, cache=Probe(healthy=False, reason="NotReachable"))


def migrated(seen: Observation, **changes: Any) -> Observation:
    """The same sight of an app whose releases migrate."""
    return with_spec(seen, release={"migration": {"command": ["migrate"], **changes}})


def tested(seen: Observation, **changes: Any) -> Observation:
    """The same sight of an app whose releases are tested."""
    return with_spec(seen, release={"tests": [{"name": "smoke"}], **changes})


def job_ended(seen: Observation, end: End | None, **more: Any) -> Observation:
    """The same sight, and the release's Jobs came to this end."""
    return replace(seen, jobs=ended_jobs(seen.app, end, **more))


def without_job(seen: Observation) -> Observation:
    """The same sight, and the Jobs are not there."""
    return replace(seen, jobs={})


def held_by_migration() -> Observation:
    """The migration was killed in the middle."""
    return onward(job_ended(at(Phase.MIGRATING), End.KILLED))


def with_backup(seen: Observation) -> Observation:
    """The same sight of an app that has backups: its releases wait for one."""
    return with_spec(seen, backup={})


def at_step(weight: int, **changes: Any) -> Observation:
    """R1 serves in blue, and the release of R2 holds at that weight; all is well."""
    seen = onward(gradually(serving(), **changes), declared=R2)
    for _ in range(120):
        release = seen.app.status.release
        if release is not None and (release.weight, release.since is not None) == (weight, True):
            return seen
        seen = onward(seen)
    raise AssertionError(f"{weight}% is not reached")


def measuring(seen: Observation, *found: Measurement, **more: Any) -> Observation:
    """The same sight, and its gates say this."""
    return replace(seen, measured=measurement(seen.app, *found, **more))


def held_at(weight: int) -> Observation:
    """The release is held because a gate failed at that weight."""
    seen = at_step(weight, onFailure="Hold")
    return onward(measuring(seen, says(Verdict.FAIL, abort=True)))


def first(phase: Phase) -> Observation:
    """Nothing served before, R1 is declared, and its release is in that phase."""
    return until(onward(healthy()), phase)


def withdrawing() -> Observation:
    """The spec went back while the clients moved; the weights, and the pods of the new colour, are already back."""
    return onward(onward(replace(at(Phase.SHIFTING), declared=R1)))


MOVES: dict[tuple[Phase, Phase], Callable[[], Observation]] = {
    (Phase.PENDING, Phase.PREPARING): lambda: at(Phase.PENDING),
    (Phase.PENDING, Phase.BACKING_UP): lambda: with_backup(at(Phase.PENDING)),
    (Phase.PENDING, Phase.PREFLIGHT): lambda: broken(at(Phase.PENDING)),
    (Phase.PENDING, Phase.MIGRATING): lambda: migrated(at(Phase.PENDING)),
    (Phase.PREFLIGHT, Phase.PREPARING): lambda: at(Phase.PREFLIGHT),
    (Phase.PREFLIGHT, Phase.BACKING_UP): lambda: with_backup(at(Phase.PREFLIGHT)),
    (Phase.PREFLIGHT, Phase.MIGRATING): lambda: migrated(at(Phase.PREFLIGHT)),
    (Phase.PREFLIGHT, Phase.PENDING): lambda: suspended(at(Phase.PREFLIGHT)),
    (Phase.PREFLIGHT, Phase.REJECTED): lambda: hours(broken(at(Phase.PREFLIGHT)), 1),
    (Phase.PREFLIGHT, Phase.WITHDRAWN): lambda: replace(at(Phase.PREFLIGHT), declared=R3),
    (Phase.BACKING_UP, Phase.MIGRATING): lambda: with_spec(
        at(Phase.BACKING_UP), backup={}, release={"migration": {"command": ["migrate"]}}
    ),
    (Phase.MIGRATING, Phase.PREPARING): lambda: at(Phase.MIGRATING),
    (Phase.MIGRATING, Phase.HELD): lambda: job_ended(at(Phase.MIGRATING), End.KILLED),
    (Phase.MIGRATING, Phase.REJECTED): lambda: job_ended(at(Phase.MIGRATING), End.FAILED),
    (Phase.MIGRATING, Phase.PENDING): lambda: suspended(without_job(at(Phase.MIGRATING))),
    (Phase.MIGRATING, Phase.WITHDRAWN): lambda: replace(at(Phase.MIGRATING), declared=R3),
    (Phase.PREPARING, Phase.TESTING): lambda: tested(at(Phase.PREPARING)),
    (Phase.TESTING, Phase.SHIFTING): lambda: onward(at(Phase.TESTING)),
    (Phase.TESTING, Phase.APPROVING): lambda: tested(onward(at(Phase.TESTING)), approval="Manual"),
    (Phase.TESTING, Phase.COMPLETED): lambda: onward(until(onward(tested(healthy())), Phase.TESTING)),
    (Phase.TESTING, Phase.PREPARING): lambda: without_pods(at(Phase.TESTING), "green"),
    (Phase.TESTING, Phase.REJECTED): lambda: job_ended(onward(at(Phase.TESTING)), End.FAILED),
    (Phase.TESTING, Phase.WITHDRAWN): lambda: replace(at(Phase.TESTING), declared=R3),
    (Phase.HELD, Phase.MIGRATING): lambda: ordered(held_by_migration(), RETRY_ANNOTATION),
    (Phase.HELD, Phase.PREPARING): lambda: ordered(held_by_migration(), APPROVE_ANNOTATION),
    (Phase.HELD, Phase.REJECTED): lambda: ordered(held_by_migration(), ABORT_ANNOTATION),
    (Phase.HELD, Phase.WITHDRAWN): lambda: replace(held_by_migration(), declared=R1),
    (Phase.BACKING_UP, Phase.PREPARING): lambda: at(Phase.BACKING_UP),
    (Phase.BACKING_UP, Phase.PENDING): lambda: suspended(at(Phase.BACKING_UP)),
    (Phase.BACKING_UP, Phase.REJECTED): lambda: ordered(at(Phase.BACKING_UP), ABORT_ANNOTATION),
    (Phase.BACKING_UP, Phase.WITHDRAWN): lambda: replace(at(Phase.BACKING_UP), declared=R3),
    (Phase.PENDING, Phase.WITHDRAWN): lambda: replace(at(Phase.PENDING), declared=R3),
    (Phase.PENDING, Phase.REJECTED): lambda: ordered(at(Phase.PENDING), ABORT_ANNOTATION),
    (Phase.PREPARING, Phase.SHIFTING): lambda: at(Phase.PREPARING),
    (Phase.PREPARING, Phase.APPROVING): lambda: gradually(at(Phase.PREPARING), approval="Manual"),
    (Phase.APPROVING, Phase.SHIFTING): lambda: onward(ordered(at(Phase.APPROVING), APPROVE_ANNOTATION)),
    (Phase.APPROVING, Phase.PREPARING): lambda: without_pods(at(Phase.APPROVING), "green"),
    (Phase.APPROVING, Phase.REJECTED): lambda: ordered(at(Phase.APPROVING), ABORT_ANNOTATION),
    (Phase.APPROVING, Phase.WITHDRAWN): lambda: replace(at(Phase.APPROVING), declared=R3),
    (Phase.SHIFTING, Phase.SHIFTING): lambda: hours(at_step(10), 0.02),
    (Phase.SHIFTING, Phase.SOAKING): lambda: gradually(at(Phase.SHIFTING)),
    (Phase.SHIFTING, Phase.HELD): lambda: measuring(at_step(10, onFailure="Hold"), says(Verdict.FAIL, abort=True)),
    (Phase.SOAKING, Phase.COMPLETED): lambda: hours(at(Phase.SOAKING), 0.02),
    (Phase.SOAKING, Phase.ROLLING_BACK): lambda: measuring(at(Phase.SOAKING), says(Verdict.FAIL, abort=True)),
    (Phase.SOAKING, Phase.HELD): lambda: measuring(
        gradually(at(Phase.SOAKING), onFailure="Hold"), says(Verdict.FAIL, abort=True)
    ),
    (Phase.SOAKING, Phase.WITHDRAWN): lambda: suspended(at(Phase.SOAKING)),
    (Phase.PREPARING, Phase.COMPLETED): lambda: first(Phase.PREPARING),
    (Phase.PREPARING, Phase.REJECTED): lambda: crashing(at(Phase.PREPARING)),
    (Phase.PREPARING, Phase.WITHDRAWN): lambda: replace(at(Phase.PREPARING), declared=R3),
    (Phase.SHIFTING, Phase.COMPLETED): lambda: at(Phase.SHIFTING),
    (Phase.SHIFTING, Phase.WITHDRAWN): lambda: suspended(at(Phase.SHIFTING)),
    (Phase.SHIFTING, Phase.ROLLING_BACK): lambda: without_pods(at(Phase.SHIFTING), "green"),
    (Phase.COMPLETED, Phase.RETIRED): lambda: hours(at(Phase.COMPLETED), 1),
    (Phase.COMPLETED, Phase.ROLLING_BACK): lambda: gone(at(Phase.COMPLETED), "green"),
    (Phase.COMPLETED, Phase.PENDING): lambda: replace(at(Phase.COMPLETED), declared=R3),
    (Phase.RETIRED, Phase.PENDING): lambda: replace(at(Phase.RETIRED), declared=R3),
    (Phase.ROLLING_BACK, Phase.ROLLED_BACK): lambda: onward(at(Phase.ROLLING_BACK)),
    (Phase.ROLLING_BACK, Phase.HELD): lambda: without_pods(at(Phase.ROLLING_BACK), "blue"),
    (Phase.ROLLING_BACK, Phase.WITHDRAWN): withdrawing,
    (Phase.ROLLED_BACK, Phase.PENDING): lambda: ordered(at(Phase.ROLLED_BACK), RETRY_ANNOTATION),
    (Phase.ROLLED_BACK, Phase.WITHDRAWN): lambda: replace(at(Phase.ROLLED_BACK), declared=R1),
    (Phase.HELD, Phase.ROLLING_BACK): lambda: at(Phase.HELD),
    (Phase.HELD, Phase.PENDING): lambda: replace(without_pods(at(Phase.HELD), "blue"), declared=R3),
    (Phase.HELD, Phase.SHIFTING): lambda: ordered(without_pods(at(Phase.HELD), "blue"), RETRY_ANNOTATION),
    (Phase.REJECTED, Phase.PENDING): lambda: ordered(at(Phase.REJECTED), RETRY_ANNOTATION),
    (Phase.REJECTED, Phase.WITHDRAWN): lambda: replace(at(Phase.REJECTED), declared=R1),
    (Phase.WITHDRAWN, Phase.PENDING): lambda: replace(at(Phase.WITHDRAWN), declared=R3),
}
