"""The conditions: from what was seen to what people read."""

from __future__ import annotations

from collections.abc import Iterator

from memoapp_operator.api.v1alpha1.memoapp import ActiveStatus, ReleasePhase, ReleaseStatus

from .conditions import AVAILABLE, CACHE_READY, DATABASE_READY, READY, RECONCILING, STALLED, Verdict, is_true
from .manifest import SECRET
from .observation import ChildState, Observation, Probe, Trouble, Workload
from .release import tiers


def verdicts(seen: Observation, release: ReleaseStatus | None, active: ActiveStatus | None) -> tuple[Verdict, ...]:
    """Every condition of a MemoApp, given the release and the active colour after this pass."""
    database, cache = database_verdict(seen), cache_verdict(seen)
    services = tuple(verdict for verdict in (database, cache) if verdict is not None)
    trouble = next(problems(seen, services, release), None)
    stalled = trouble is not None and trouble.stalls
    return (
        *services,
        available_verdict(seen, active),
        _ready(trouble),
        Verdict(STALLED, stalled, trouble.reason, trouble.message)
        if trouble and stalled
        else Verdict(STALLED, status=False, reason="Progressing" if trouble else "Ready"),
        Verdict(RECONCILING, status=trouble is not None and not stalled, reason=trouble.reason if trouble else "Ready"),
    )


def _ready(trouble: Trouble | None) -> Verdict:
    if trouble is None:
        return Verdict(READY, status=True, reason="Ready", message="the declared spec is live and healthy")
    return Verdict(READY, status=False, reason=trouble.reason, message=trouble.message)


def problems(seen: Observation, services: tuple[Verdict, ...], release: ReleaseStatus | None) -> Iterator[Trouble]:
    """What keeps the declared spec from being live, gravest first."""
    yield from _blocked(seen)
    workloads = sorted(seen.workloads.values(), key=lambda item: item.name)
    troubles = [item.trouble for item in workloads if item.trouble is not None]
    yield from sorted(troubles, key=lambda trouble: not trouble.stalls)
    for verdict in services:
        if not verdict.status:
            reason = "DatabaseNotReady" if verdict.type == DATABASE_READY else "CacheNotReady"
            yield Trouble(reason, f"waiting for {_service_name(verdict)}", stalls=False)
    if release is None or release.phase is not ReleasePhase.COMPLETED:
        yield Trouble("Preparing", "waiting for the pods of the release", stalls=False)
    for item in workloads:
        if not item.settled:
            yield Trouble("Degraded", f"not all pods of {item.name} are ready", stalls=False)
    yield from (Trouble("Degraded", f"{name} is not there", stalls=False) for name in _absent(seen, release))
    if not is_true(seen.app.status.conditions, READY) or _is_new(seen):
        yield from _unapplied(seen)


def _is_new(seen: Observation) -> bool:
    return seen.app.metadata.generation != seen.app.status.observed_generation


def _unapplied(seen: Observation) -> Iterator[Trouble]:
    """Children that are not yet as the spec says. Of an app that is well, they are repaired without a word."""
    if any(child.state in {ChildState.MISSING, ChildState.DIFFERS} for child in seen.children):
        yield Trouble("Applying", "the spec is being applied", stalls=False)


def _service_name(verdict: Verdict) -> str:
    return "the database" if verdict.type == DATABASE_READY else "Redis"


def _absent(seen: Observation, release: ReleaseStatus | None) -> Iterator[str]:
    wanted = ["router", *(f"{release.colour}-{tier}" for tier in tiers(seen.app))] if release else []
    return (name for name in wanted if name not in seen.workloads)


def _blocked(seen: Observation) -> Iterator[Trouble]:
    """Why nothing, or not everything, may be applied at all."""
    if seen.mismatch:
        yield Trouble("KeptDataMismatch", seen.mismatch, stalls=True)
    if seen.lost:
        yield _secret_lost()
    foreign = [str(child.ref) for child in seen.children if child.state is ChildState.FOREIGN]
    if foreign:
        text = f"exists and is not ours, it is left alone: {', '.join(foreign)}"
        yield Trouble("ForeignObject", text, stalls=True)
    if seen.missing:
        secret = any(f"{SECRET.kind}/" in item for item in seen.missing)
        yield Trouble(
            "SecretMissing" if secret else "ConfigMapMissing", f"not there: {', '.join(seen.missing)}", stalls=True
        )
    leaving = [str(child.ref) for child in seen.children if child.state is ChildState.LEAVING]
    if leaving and seen.app.status.active is None:
        yield Trouble("ChildrenLeaving", f"waiting until they are deleted: {', '.join(leaving)}", stalls=False)
    for ref, text in sorted(seen.refusals.items()):
        yield Trouble("ChildRefused", f"the API server refuses {ref}: {text}", stalls=True)


def _secret_lost() -> Trouble:
    return Trouble(
        "SecretLost",
        "the database's volume is there but the Secret with its passwords is not; bring the Secret back, "
        "a new password would not open the data",
        stalls=True,
    )


def database_verdict(seen: Observation) -> Verdict:
    """Does the database answer?"""
    if seen.lost:
        trouble = _secret_lost()
        return Verdict(DATABASE_READY, status=False, reason=trouble.reason, message=trouble.message)
    managed = seen.app.spec.database.managed is not None
    return _service(DATABASE_READY, seen.database, seen.workloads.get("database"), managed=managed)


def cache_verdict(seen: Observation) -> Verdict | None:
    """Does Redis answer? None where the app has none."""
    if seen.app.spec.redis is None:
        return None
    managed = seen.app.spec.redis.managed is not None
    return _service(CACHE_READY, seen.cache, seen.workloads.get("redis"), managed=managed)


def _service(type_: str, probe: Probe | None, workload: Workload | None, *, managed: bool) -> Verdict:
    if workload is not None and workload.trouble is not None:
        return Verdict(type_, status=False, reason=workload.trouble.reason, message=workload.trouble.message)
    if probe is not None and (not managed or workload is not None):
        return Verdict(type_, status=probe.healthy, reason=probe.reason, message=probe.message)
    return Verdict(type_, status=False, reason="Starting" if managed else "NotReachedYet")


def available_verdict(seen: Observation, active: ActiveStatus | None) -> Verdict:
    """Is traffic served? By the active colour's ready pods, through a ready router."""
    if active is None:
        return Verdict(AVAILABLE, status=False, reason="NotYetServing")
    for name in ("router", *(f"{active.colour}-{tier}" for tier in tiers(seen.app))):
        workload = seen.workloads.get(name)
        if workload is None or workload.ready == 0:
            return Verdict(AVAILABLE, status=False, reason="NoReadyPods", message=f"no pod of {name} is ready")
    return Verdict(AVAILABLE, status=True, reason="Serving")
