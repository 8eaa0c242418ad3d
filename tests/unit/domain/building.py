"""Values to decide about: apps with a status, and observations that differ from a healthy one in one thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from memoapp_operator.api.v1alpha1.gates import GateName
from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp, MemoAppStatus, ReleasePhase
from memoapp_operator.api.v1alpha1.memobackup import BackupPhase, Reason
from memoapp_operator.domain.backups import Backups, Known
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.gates import Measured
from memoapp_operator.domain.gradual import stage_of
from memoapp_operator.domain.manifest import CONFIG_MAP, DEPLOYMENT, SECRET, Ref
from memoapp_operator.domain.measurements import Measurement, Verdict
from memoapp_operator.domain.observation import (
    Child,
    ChildState,
    End,
    Observation,
    Probe,
    ReleaseJob,
    Trouble,
    Workload,
)
from memoapp_operator.domain.revision import Revision
from memoapp_operator.domain.usage import DatabaseStats, Gauged

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
UID = "7b0f6a52-1111-4222-8333-444455556666"
RESYNC = 30.0
INTERVAL = 10.0
"""Seconds between two measurements, by default."""
WELL = Probe(healthy=True, reason="Answering")
TIERS = ("blue-backend", "blue-frontend")
BOTH_TIERS = ("backend", "frontend")


def revision(number: int, version: str, tiers: tuple[str, ...] = BOTH_TIERS) -> Revision:
    """A stored revision."""
    held = {tier: {"template": {}, "port": 8080, "healthPath": "/health"} for tier in tiers}
    return Revision(f"rev-{number}", version, held, f"memo-r{number}", number)


R1, R2, R3 = revision(1, "1.4.0"), revision(2, "1.5.0"), revision(3, "1.6.0")
BACKEND_ONLY = revision(4, "1.4.0", ("backend",))
STORED = {item.name: item for item in (R1, R2, R3, BACKEND_ONLY)}


GAUGED = Gauged(DatabaseStats(connections=5, most=100), "no metrics-server", {"cpuPercent": "no metrics-server"})
"""A database that is well, in a cluster without metrics-server."""


def spec(**changes: Any) -> dict[str, Any]:
    """Both tiers, managed PostgreSQL and Redis; a change of None leaves a field out."""
    found: dict[str, Any] = {
        "version": "1.4.0",
        "frontend": {"image": "example/frontend:1.4.0"},
        "backend": {"image": "example/backend:1.4.0"},
        "database": {"managed": {}},
        "redis": {"managed": {}},
        **changes,
    }
    return {key: value for key, value in found.items() if value is not None}


def memoapp(
    declared: dict[str, Any] | None = None, status: MemoAppStatus | None = None, generation: int = 1
) -> MemoApp:
    """A MemoApp as the API server would give it."""
    metadata = {"name": "memo", "namespace": "prod", "uid": UID, "generation": generation}
    app = MemoApp.model_validate({"metadata": metadata, "spec": declared or spec()})
    return app.model_copy(update={"status": status}) if status else app


def with_spec(seen: Observation, **changes: Any) -> Observation:
    """The same sight of an app whose spec says something else."""
    app = memoapp(spec(**changes), seen.app.status, generation=seen.app.metadata.generation + 1)
    return replace(seen, app=app)


def settled(*names: str, replicas: int = 2) -> dict[str, Workload]:
    """Workloads with every pod ready."""
    return {name: Workload(name, wanted=replicas, ready=replicas, settled=True) for name in names}


def unsettled(name: str, ready: int = 1, trouble: Trouble | None = None, **more: Any) -> dict[str, Workload]:
    """One workload that is not there yet."""
    return {name: Workload(name, wanted=2, ready=ready, settled=False, trouble=trouble, **more)}


def child(state: ChildState, name: str = "memo-router") -> Child:
    """One child, a Deployment."""
    return Child(Ref(DEPLOYMENT, name), state, "uid-of-it")


def runs(app: MemoApp) -> list[str]:
    """The tiers of the colours that are committed: ``blue-backend`` and the like."""
    held = {colour: STORED[name] for colour, name in (app.status.colours or {}).items() if name in STORED}
    return [f"{colour}-{tier}" for colour, found in held.items() for tier in found.tiers]


def healthy(app: MemoApp | None = None, **changes: Any) -> Observation:
    """Everything that is committed is there and well, and the routers have the weights."""
    app = app or memoapp()
    names = runs(app)
    green = app.status.traffic.green if app.status.traffic else 0
    stores = [name for name, store in (("database", app.spec.database), ("redis", app.spec.redis)) if _managed(store)]
    seen = Observation(
        app=app,
        now=NOW,
        declared=R1 if app.spec.frontend is not None else BACKEND_ONLY,
        stored=STORED,
        reached=dict.fromkeys(names, True),
        children=tuple(child(ChildState.CURRENT, f"memo-{name}") for name in ("router", *names)),
        workloads=settled("router", *stores, *names),
        addresses={"blue-backend": "10.0.0.1"},
        database=WELL,
        cache=WELL if app.spec.redis is not None else None,
        routers={"memo-router-a": green, "memo-router-b": green},
        measured=measurement(app),
        backups=saved(app),
        jobs=ended_jobs(app),
        gauged=GAUGED,
    )
    return replace(seen, **changes)


def measurement(app: MemoApp, *found: Measurement, regular: bool = True, seconds: float = 100.0) -> Measured | None:
    """A round of measurements for the stage that is committed: all well, but for those that are given."""
    stage = stage_of(app)
    if stage is None:
        return None
    well = {name.value: Measurement(name, Verdict.PASS, Fraction(1), Fraction(0), requests=100) for name in GateName}
    return Measured(stage.id, regular, seconds, tuple({**well, **{item.gate: item for item in found}}.values()))


def saved(app: MemoApp) -> Backups:
    """The backup that a release waits for, taken and verified just now."""
    release = app.status.release
    if release is None or release.phase is not ReleasePhase.BACKING_UP or release.backup is None:
        return Backups()
    return Backups((Known(release.backup, Reason.RELEASE, BackupPhase.VERIFIED, NOW, NOW),))


def ended_jobs(app: MemoApp, end: End | None = End.SUCCEEDED, **more: Any) -> dict[str, ReleaseJob]:
    """The Jobs that the committed status names, each come to the same end."""
    release = app.status.release
    if release is None:
        return {}
    migration = [(release.migration.job, "migration")] if release.migration is not None else []
    tests = [(item.job, "test") for item in release.tests or ()]
    return {
        name: ReleaseJob(name, f"uid-of-{name}", purpose, release.id, "2026-03-01T12:00:00Z", end, **more)
        for name, purpose in (*migration, *tests)
    }


def says(
    verdict: Verdict, gate: GateName = GateName.SERVER_ERRORS, *, abort: bool = False, value: str = "7.2"
) -> Measurement:
    """What one gate says."""
    told = verdict in {Verdict.PASS, Verdict.FAIL}
    why = "" if told else "3 of the 20 requests that it takes"
    number, old = (Fraction(value), Fraction(0)) if told else (None, None)
    return Measurement(gate, verdict, Fraction(5), number, old, 1204 if told else 3, abort, why)


STEPS = [{"weight": 10, "hold": "30s"}, {"weight": 50, "hold": "1m"}]


def gradually(seen: Observation, **changes: Any) -> Observation:
    """The same sight of an app whose releases go by steps of 10 and 50 percent, and soak for a minute."""
    return with_spec(seen, release={"steps": STEPS, "soak": "1m", **changes})


def _managed(store: Any) -> bool:
    return store is not None and store.managed is not None


def committed(seen: Observation, **changes: Any) -> Observation:
    """The same sight in the next pass: what was decided stands in the status."""
    return replace(seen, app=decided(seen), **changes)


def decided(seen: Observation) -> MemoApp:
    """The app once the decision about ``seen`` is committed."""
    return seen.app.model_copy(update={"status": decide(seen, resync=RESYNC).status})


def onward(seen: Observation, **changes: Any) -> Observation:
    """The next pass of a world that did what was decided: all of it is there and well, and two seconds have passed."""
    app, then = decided(seen), seen.now + timedelta(seconds=2)
    kept = {"declared": seen.declared, "orders": seen.orders, "now": then, "measured": measurement(app)}
    return healthy(app, **{**kept, **changes})


def until(seen: Observation, phase: ReleasePhase) -> Observation:
    """Passes of such a world until the release is in that phase."""
    for _ in range(120):
        if phase_of(seen) is phase:
            return seen
        seen = onward(seen)
    raise AssertionError(f"{phase} is not reached: {phase_of(seen)}")


def phase_of(seen: Observation) -> ReleasePhase | None:
    """The phase that is committed."""
    return seen.app.status.release.phase if seen.app.status.release else None


def with_workloads(seen: Observation, changes: Mapping[str, Workload]) -> Observation:
    """The same sight, some workloads otherwise."""
    return replace(seen, workloads={**seen.workloads, **changes})


def without_pods(seen: Observation, colour: Colour | str, **more: Any) -> Observation:
    """The same sight, and no pod of a colour is ready."""
    names = [name for name in seen.workloads if name.startswith(f"{colour}-")]
    lost = {name: item for each in names for name, item in unsettled(each, 0, **more).items()}
    reached = {name: told and name not in lost for name, told in seen.reached.items()}
    return replace(with_workloads(seen, lost), reached=reached)


def serving(**changes: Any) -> Observation:
    """A healthy app whose first release completed in an earlier pass: blue serves R1."""
    first = until(healthy(), ReleasePhase.COMPLETED)
    return replace(first, **{"now": NOW, **changes})


STALL = Trouble("CrashLoopBackOff", "blue-backend: container backend ends with exit code 1", stalls=True)
PASSING = Trouble("HealthNotReached", "blue-backend: /api/health answered 503", stalls=False)
REFUSED = {Ref(CONFIG_MAP, "memo-router"): "forbidden by policy"}
MISSING_SECRET = ("Secret/mail",)
SECRET_REF = Ref(SECRET, "memo-database")
