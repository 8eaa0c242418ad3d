"""The conditions: from what was seen to what people read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import (
    backups,
    brought_back,
    disasters,
    drills,
    gating,
    maintenance,
    migrating,
    phases,
    recovery,
    upgrading,
    waiting,
)
from .colours import held_tiers, routed
from .conditions import AVAILABLE, CACHE_READY, DATABASE_READY, NOTIFIED, READY, RECONCILING, STALLED, Verdict, is_true
from .gating import OUTSIDE_WINDOW
from .jobs import cannot_start
from .manifest import SECRET, VOLUME_CLAIM
from .observation import ChildState, Observation, Probe, Trouble, Workload
from .rollback import by_gate
from .state import State, held_revision, share


def verdicts(seen: Observation, state: State) -> tuple[Verdict, ...]:
    """Every condition of a MemoApp, given the state of its releases after this pass."""
    database, cache = database_verdict(seen), cache_verdict(seen)
    services = tuple(verdict for verdict in (database, cache) if verdict is not None)
    saved = backups.verdict(seen.app, seen.backups, seen.now)
    proved = drills.verdict(seen.app, seen.backups, seen.now)
    recovered = disasters.verdict(seen.app, seen.backups, seen.now)
    trouble = next(problems(seen, services, state), None)
    stalled = trouble is not None and trouble.stalls
    progressing = trouble is not None and not stalled and trouble.reason not in {"Suspended", "Paused", OUTSIDE_WINDOW}
    return (
        *services,
        *(item for item in (saved, proved, recovered, _notified(seen)) if item is not None),
        available_verdict(seen, state),
        _ready(trouble),
        Verdict(STALLED, stalled, trouble.reason, trouble.message)
        if trouble and stalled
        else Verdict(STALLED, status=False, reason="Progressing" if trouble else "Ready"),
        Verdict(RECONCILING, status=progressing, reason=trouble.reason if trouble else "Ready"),
    )


def _notified(seen: Observation) -> Verdict | None:
    """Can everybody be told? None where nobody is to be."""
    if not seen.app.spec.notifications:
        return None
    told = seen.app.status.notifications
    failing = (told.failing if told is not None else None) or ()
    if not failing:
        return Verdict(NOTIFIED, status=True, reason="TargetsReached")
    text = "; ".join(f"{item.target}: {item.message}" for item in failing)
    return Verdict(NOTIFIED, status=False, reason="TargetFailing", message=text[:1024])


def _ready(trouble: Trouble | None) -> Verdict:
    if trouble is None:
        return Verdict(READY, status=True, reason="Ready", message="the declared spec is live and healthy")
    return Verdict(READY, status=False, reason=trouble.reason, message=trouble.message)


def problems(seen: Observation, services: tuple[Verdict, ...], state: State) -> Iterator[Trouble]:
    """What keeps the declared spec from being live, gravest first."""
    recovers = recovery.trouble(seen, state)
    yield from _blocked(seen, missing=seen.missing if recovers is None else ())  # else they come back with it
    if seen.app.spec.suspend:
        yield Trouble("Suspended", "suspended by spec.suspend", stalls=False)
        return
    if recovers is not None and recovers.stalls:
        yield recovers
    yield from _revision_lost(seen, state)
    yield from _mute(seen)
    yield from _refused_release(seen, state)
    concerned = sorted(_concerned(seen, state), key=lambda item: item.name)
    troubles = [item.trouble for item in concerned if item.trouble is not None]
    yield from sorted([*troubles, *_stuck_jobs(seen, state)], key=lambda trouble: not trouble.stalls)
    yield from _waiting(seen)
    yield from upgrading.troubles(seen.app)
    for verdict in services:
        if not verdict.status:
            reason = "DatabaseNotReady" if verdict.type == DATABASE_READY else "CacheNotReady"
            yield Trouble(reason, f"waiting for {_service_name(verdict)}", stalls=False)
    yield from _under_way(seen, state) if recovers is None else (recovers,)
    for item in concerned:
        if not item.settled:
            yield Trouble("Degraded", f"not all pods of {item.name} are ready", stalls=False)
    yield from (Trouble("Degraded", f"{name} is not there", stalls=False) for name in _absent(seen, state))
    yield from (
        Trouble("Degraded", f"{name} is not reached through its Service", stalls=False)
        for name in _unreached(seen, state)
    )
    if not is_true(seen.app.status.conditions, READY) or _is_new(seen):
        yield from _unapplied(seen)


def _unreached(seen: Observation, state: State) -> list[str]:
    """Where the nodes do not send yet what the API server says they should."""
    serving = f"{state.active.colour}-" if state.active is not None else "none"
    return sorted(name for name, told in seen.reached.items() if not told and name.startswith(serving))


def _is_new(seen: Observation) -> bool:
    return seen.app.metadata.generation != seen.app.status.observed_generation


def _unapplied(seen: Observation) -> Iterator[Trouble]:
    """Children that are not yet as the spec says. Of an app that is well, they are repaired without a word."""
    if any(child.state in {ChildState.MISSING, ChildState.DIFFERS} for child in seen.children):
        yield Trouble("Applying", "the spec is being applied", stalls=False)


def _refused_release(seen: Observation, state: State) -> Iterator[Trouble]:
    """The declared revision was rejected, or a release is held."""
    release, rejected = state.release, state.rejection(seen.declared.id if seen.declared else None, seen.now)
    back = brought_back.advice(seen, state)
    if release is not None and release.phase is Phase.HELD:
        asks = by_gate(release) or migrating.held(release)
        advice = "; approve, abort or retry it by annotation" if asks else ""
        yield Trouble("Held", f"{release.message or ''}{advice}{back}", stalls=True)
    if rejected is not None:
        own = release is not None and release.id == rejected.id
        yield Trouble(rejected.reason, f"{rejected.message}{back if own else ''}", stalls=True)


def _under_way(seen: Observation, state: State) -> Iterator[Trouble]:
    release = state.release
    if release is None or not phases.is_over(release.phase):
        phase = release.phase.value if release else Phase.PENDING.value
        held = _paused(seen) or gating.waits(seen, state)
        yield held or Trouble(phase, waiting.text(seen, state), stalls=False)
    elif state.active is None or (seen.declared is not None and seen.declared.id != state.active.revision):
        held = _paused(seen) or _hidden(seen, state) or gating.waits(seen, state)
        yield held or Trouble(Phase.PENDING.value, waiting.TEXTS[Phase.PENDING], stalls=False)


def _stuck_jobs(seen: Observation, state: State) -> Iterator[Trouble]:
    """A migration or a test of the release under way whose pod cannot start."""
    release = state.release
    if release is None or phases.is_over(release.phase):
        return
    named = [release.migration.job] if release.migration is not None else []
    named += [item.job for item in release.tests or ()]
    found = [cannot_start(seen.jobs[name]) for name in named if name in seen.jobs]
    yield from (trouble for trouble in found if trouble is not None)


def _hidden(seen: Observation, state: State) -> Trouble | None:
    page = seen.app.status.maintenance
    if page is None or not maintenance.waits(seen, state):
        return None
    text = f"visitors see the maintenance page until {page.until}: the release begins when it is down"
    return Trouble("Maintenance", text, stalls=False)


def _paused(seen: Observation) -> Trouble | None:
    text = "spec.paused: a release goes no further than it is, and none begins; status.plan says what would be done"
    return Trouble("Paused", text, stalls=False) if seen.app.spec.paused else None


def _concerned(seen: Observation, state: State) -> Iterator[Workload]:
    """Workloads that the declared spec rests on: not a warm colour's."""
    release = state.release
    colours = {state.active.colour if state.active else None}
    if release is not None and not phases.is_over(release.phase):
        colours.add(release.colour)
    for item in seen.workloads.values():
        colour, _, tier = item.name.partition("-")
        if not tier or colour in colours:
            yield item


def _service_name(verdict: Verdict) -> str:
    return "the database" if verdict.type == DATABASE_READY else "Redis"


def _absent(seen: Observation, state: State) -> Iterator[str]:
    active = state.active
    wanted = ["router"]
    if active is not None:
        wanted += [f"{active.colour}-{tier}" for tier in held_tiers(seen, state.colours.get(active.colour.value))]
    return (name for name in wanted if name not in seen.workloads)


def _blocked(seen: Observation, missing: tuple[str, ...]) -> Iterator[Trouble]:
    """Why nothing, or not everything, may be applied at all."""
    if seen.mismatch:
        yield Trouble("KeptDataMismatch", seen.mismatch, stalls=True)
    if seen.lost:
        yield _secret_lost()
    foreign = [str(child.ref) for child in seen.children if child.state is ChildState.FOREIGN]
    if foreign:
        text = f"exists and is not ours, it is left alone: {', '.join(foreign)}"
        yield Trouble("ForeignObject", text, stalls=True)
    if missing:
        secret = any(f"{SECRET.kind}/" in item for item in missing)
        yield Trouble(
            "SecretMissing" if secret else "ConfigMapMissing", f"not there: {', '.join(missing)}", stalls=True
        )
    leaving = [str(child.ref) for child in seen.children if child.state is ChildState.LEAVING]
    if leaving and seen.app.status.active is None and not seen.app.spec.suspend:
        yield Trouble("ChildrenLeaving", f"waiting until they are deleted: {', '.join(leaving)}", stalls=False)
    for child in seen.children:
        if child.state is ChildState.IMPOSSIBLE:
            yield Trouble("MajorVersionRefused", f"{child.ref}: {child.detail}", stalls=True)
    for ref, text in sorted(seen.refusals.items()):
        growth = ref.kind == VOLUME_CLAIM and "resize" in text
        reason = "StorageClassCannotExpand" if growth else "ChildRefused"
        yield Trouble(reason, f"the API server refuses {ref}: {text}", stalls=True)


def _revision_lost(seen: Observation, state: State) -> Iterator[Trouble]:
    """A colour runs pods that nobody can render any more, because somebody deleted what they are made from.

    Where the spec declares it still, it is stored again, without a word.
    """
    active, release = state.active, state.release
    wanted = {active.colour: active.revision} if active is not None else {}
    if release is not None and not phases.is_over(release.phase) and release.colour.value in state.colours:
        wanted.setdefault(release.colour, release.id)
    for colour, id_ in wanted.items():
        if held_revision(state, seen.stored, colour) is None and (seen.declared is None or seen.declared.id != id_):
            text = f"{colour} runs, and its stored revision {state.colours.get(colour.value, '')} was deleted"
            advice = f"put version {active.version} back into the spec, or declare another one" if active else ""
            yield Trouble("RevisionLost", f"{text}: it cannot be repaired; {advice}", stalls=True)


def _mute(seen: Observation) -> Iterator[Trouble]:
    """Routers that serve and cannot be told where to send their clients: there is no way back while they are so."""
    if seen.mute:
        text = f"{', '.join(seen.mute)} is ready and does not tell, or does not take, where it sends its clients"
        yield Trouble("RoutersNotReached", text, stalls=True)


def _waiting(seen: Observation) -> Iterator[Trouble]:
    """Changes that would restart the database or Redis, and that nobody ordered yet."""
    ordered = seen.app.status.orders.restarts if seen.app.status.orders else None
    waiting = [
        child for child in seen.children if child.state is ChildState.WAITING and child.detail not in (ordered or [])
    ]
    if not waiting:
        return
    named = ", ".join(str(child.ref) for child in waiting)
    answers = [answer for child in waiting if (answer := gating.restart_at(seen, child)) is not None]
    later = "".join(f", or let it wait {gating.until(answer)}" for answer in answers[:1] if answer.because)
    text = f"{named} would be restarted: order it by the annotation memoapp.dev/restart=<nonce>{later}"
    yield Trouble("RestartPending", text, stalls=not answers)


def _secret_lost() -> Trouble:
    return Trouble(
        "SecretLost",
        "the database's volume is there but the Secret with its passwords is not; bring the Secret back, "
        "a new password would not open the data",
        stalls=True,
    )


WAKING = 30.0
"""Seconds after a pod became ready in which no answer is no news."""


def database_verdict(seen: Observation) -> Verdict:
    """Does the database answer?"""
    if seen.lost:
        trouble = _secret_lost()
        return Verdict(DATABASE_READY, status=False, reason=trouble.reason, message=trouble.message)
    managed, suspended = seen.app.spec.database.managed is not None, seen.app.spec.suspend
    workload = seen.workloads.get("database")
    probe = None if managed and _wakes(seen, workload, seen.database) else seen.database
    return _service(DATABASE_READY, probe, workload, managed=managed, suspended=suspended)


def cache_verdict(seen: Observation) -> Verdict | None:
    """Does Redis answer? None where the app has none."""
    if seen.app.spec.redis is None:
        return None
    managed, suspended = seen.app.spec.redis.managed is not None, seen.app.spec.suspend
    workload = seen.workloads.get("redis")
    probe = None if managed and _wakes(seen, workload, seen.cache) else seen.cache
    return _service(CACHE_READY, probe, workload, managed=managed, suspended=suspended)


def _wakes(seen: Observation, workload: Workload | None, probe: Probe | None) -> bool:
    """It does not answer yet, and its pod is ready only just now: the nodes may not send there."""
    if probe is None or probe.reason not in {"NotReachable", "Timeout"} or workload is None or not workload.ready_since:
        return False
    return (seen.now - datetime.fromisoformat(workload.ready_since)).total_seconds() < WAKING


def _service(type_: str, probe: Probe | None, workload: Workload | None, *, managed: bool, suspended: bool) -> Verdict:
    if suspended:
        return Verdict(type_, status=None, reason="Suspended")
    if workload is not None and workload.trouble is not None:
        return Verdict(type_, status=False, reason=workload.trouble.reason, message=workload.trouble.message)
    if probe is not None and (not managed or workload is not None):
        return Verdict(type_, status=probe.healthy, reason=probe.reason, message=probe.message)
    return Verdict(type_, status=False, reason="Starting" if managed else "NotReachedYet")


def available_verdict(seen: Observation, state: State) -> Verdict:
    """Is traffic served? By ready pods of the colour that has the clients, through a ready router."""
    if seen.app.spec.suspend:
        return Verdict(AVAILABLE, status=False, reason="Suspended")
    serving = [colour for colour in Colour if share(state.traffic, colour)]
    if state.active is None or not serving:
        return Verdict(AVAILABLE, status=False, reason="NotYetServing")
    tiers = [f"{colour}-{tier}" for colour in serving for tier in held_tiers(seen, state.colours.get(colour.value))]
    for name in ("router", *tiers):
        workload = seen.workloads.get(name)
        if workload is None or workload.ready == 0:
            return Verdict(AVAILABLE, status=False, reason="NoReadyPods", message=f"no pod of {name} is ready")
    if (page := seen.app.status.maintenance) is not None:
        text = f"visitors see the maintenance page until {page.until} at the latest"
        return Verdict(AVAILABLE, status=False, reason="Maintenance", message=text)
    if seen.mute and not routed(seen, state.traffic):
        return Verdict(AVAILABLE, status=None, reason="RoutersNotReached", message="not every router tells")
    return Verdict(AVAILABLE, status=True, reason="Serving")
