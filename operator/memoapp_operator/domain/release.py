"""The release: one move at a time, from what was seen. Which moves there are stands in ``domain/phases.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memoapp import (
    ActiveStatus,
    Colour,
    MemoApp,
    MemoAppStatus,
    OrdersStatus,
    RejectedStatus,
    ReleaseStatus,
    TrafficStatus,
)
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import phases
from .conditions import timestamp
from .durations import seconds
from .manifest import DEPLOYMENT
from .names import child
from .observation import ChildState, Observation, Probe, Trouble
from .restarts import RESTART_ANNOTATION

RETRY_ANNOTATION = "memoapp.dev/retry"
ROLLBACK_ANNOTATION = "memoapp.dev/rollback"
ORDERS = (RETRY_ANNOTATION, ROLLBACK_ANNOTATION, RESTART_ANNOTATION)
BY_HAND = "RolledBackByHand"
HALF = 50
GONE_AFTER = 5.0
"""Seconds without a ready pod after which a serving colour is given up for a warm one that has served for as long."""
UNKNOWN = "unknown"
"""The version of a colour whose stored revision somebody deleted."""


@dataclass(frozen=True, slots=True)
class State:
    """What is committed about releases, before or after a move."""

    release: ReleaseStatus | None
    active: ActiveStatus | None
    traffic: TrafficStatus | None
    colours: Mapping[str, str]
    rejected: RejectedStatus | None
    orders: OrdersStatus

    @classmethod
    def of(cls, status: MemoAppStatus) -> State:
        """The state in a status."""
        return cls(
            status.release,
            status.active,
            status.traffic,
            status.colours or {},
            status.rejected,
            status.orders or OrdersStatus(),
        )


def other(colour: Colour) -> Colour:
    """The colour that this one is not."""
    return Colour.GREEN if colour is Colour.BLUE else Colour.BLUE


def split(colour: Colour) -> TrafficStatus:
    """All clients to one colour."""
    green = 100 if colour is Colour.GREEN else 0
    return TrafficStatus(blue=100 - green, green=green)


def rejection_text(status: MemoAppStatus) -> str:
    """The rejection in one line, as it is kept beside the weights."""
    found = status.rejected
    return f"{found.id} {found.reason} {' '.join(found.message.split())}" if found is not None else ""


def rejection_in(text: str) -> RejectedStatus | None:
    """What ``rejection_text`` wrote."""
    id_, _, rest = text.strip().partition(" ")
    reason, _, message = rest.partition(" ")
    return RejectedStatus(id=id_, reason=reason, message=message) if id_ and reason else None


def weight_of_green(status: MemoAppStatus) -> int:
    """Percent of the clients that green serves, as committed."""
    return status.traffic.green if status.traffic else 0


def tiers(app: MemoApp) -> tuple[str, ...]:
    """The tiers that the spec declares."""
    return ("backend", "frontend") if app.spec.frontend is not None else ("backend",)


def well(probe: Probe | None) -> bool:
    """True where an answer came and was good."""
    return probe is not None and probe.healthy


def prepared(seen: Observation) -> bool:
    """Database and Redis answer."""
    return well(seen.database) and (seen.app.spec.redis is None or well(seen.cache))


def held_tiers(seen: Observation, name: str | None) -> tuple[str, ...]:
    """The tiers of a stored revision; those of the spec where it is not known."""
    revision = seen.stored.get(name or "")
    return tuple(revision.tiers) if revision is not None else tiers(seen.app)


def serves(seen: Observation, colours: Mapping[str, str], colour: Colour) -> bool:
    """The colour could take all clients: each of its tiers has a ready pod."""
    if colour.value not in colours:
        return False
    found = [seen.workloads.get(f"{colour}-{tier}") for tier in held_tiers(seen, colours[colour.value])]
    return bool(found) and all(item is not None and item.ready > 0 for item in found)


def complete(seen: Observation, colours: Mapping[str, str], colour: Colour) -> bool:
    """The colour is as it should be: applied, every pod ready, health right through its own Services."""
    names = [f"{colour}-{tier}" for tier in held_tiers(seen, colours.get(colour.value))]
    refs = {child(seen.app.metadata.name, name) for name in names}
    states = [item.state for item in seen.children if item.ref.kind == DEPLOYMENT and item.ref.name in refs]
    workloads = [seen.workloads.get(name) for name in names]
    return (
        len(states) == len(names)
        and all(state is ChildState.CURRENT for state in states)
        and all(item is not None and item.settled for item in workloads)
        and all(seen.reached.get(name) is True for name in names)
    )


def trouble_of(seen: Observation, colours: Mapping[str, str], colour: Colour) -> Trouble | None:
    """What keeps the colour from coming up; what nobody but a person can end comes first."""
    names = [f"{colour}-{tier}" for tier in held_tiers(seen, colours.get(colour.value))]
    found = [item.trouble for name in names if (item := seen.workloads.get(name)) is not None and item.trouble]
    return min(found, key=lambda trouble: not trouble.stalls, default=None)


def routed(seen: Observation, traffic: TrafficStatus | None) -> bool:
    """Every ready router sends the clients where ``traffic`` says, and there is one."""
    share = traffic.green if traffic else 0
    return bool(seen.routers) and all(weight == share for weight in seen.routers.values())


def rebuilt(seen: Observation) -> State:
    """The committed state; where the status was lost, what live objects tell of it.

    Deployments name the revision of their colour; the routers' ConfigMap holds the weights and which revision is
    rejected. A release under way starts anew.
    """
    state = State.of(seen.app.status)
    if state.release is not None or not seen.found:
        return state
    colour = Colour.GREEN if (seen.recorded or 0) > HALF else Colour.BLUE
    if colour.value not in seen.found:
        return state
    active, now = _active(seen, seen.found, colour), timestamp(seen.now)
    release = ReleaseStatus(
        id=active.revision,
        version=active.version,
        colour=colour,
        phase=Phase.COMPLETED,
        started_at=now,
        finished_at=now,
    )
    # What was ordered is taken for carried out: an old order must not be obeyed once more.
    orders = OrdersStatus(
        retry=seen.orders.get(RETRY_ANNOTATION),
        rollback=seen.orders.get(ROLLBACK_ANNOTATION),
        restart=seen.orders.get(RESTART_ANNOTATION),
    )
    return State(release, active, split(colour), dict(seen.found), seen.noted, orders)


def step(seen: Observation) -> State:
    """The state after this pass: at most one move, and never one that is not in the table."""
    before = rebuilt(seen)
    if seen.app.spec.suspend:
        return _suspended(seen, before)
    state = _orders(seen, before)
    phase = state.release.phase if state.release else None
    if state.release is not before.release:
        after = state  # an order was a move of its own
    else:
        after = _HANDLERS[phase](seen, state) if phase is not None else _begin(seen, state)
    if after.release is not None and after.release.id == (before.release.id if before.release else None):
        phases.move(before.release.phase if before.release else None, after.release.phase)
    return after


def _suspended(seen: Observation, state: State) -> State:
    """While suspended nothing moves; a warm colour goes, or it might come back sooner than the one that serves.

    A deadline counts work: it begins anew afterwards.
    """
    release = state.release
    if release is not None and release.phase is Phase.PREPARING:
        return _set(state, seen, Phase.PREPARING, deadline=None)
    if release is not None and release.phase is Phase.COMPLETED and other(release.colour).value in state.colours:
        return _without(_set(state, seen, Phase.RETIRED), other(release.colour))
    return state


def _set(state: State, seen: Observation, phase: Phase, *, ended: bool = False, **changes: object) -> State:
    """The state with its release in another phase."""
    if state.release is None:
        return state
    update: dict[str, object] = {"phase": phases.move(state.release.phase, phase), **changes}
    if ended:
        update["finished_at"] = timestamp(seen.now)
    return replace(state, release=state.release.model_copy(update=update))


def _orders(seen: Observation, state: State) -> State:
    """Orders that came by annotation, each once: its nonce is noted whatever became of it."""
    retry, rollback = seen.orders.get(RETRY_ANNOTATION), seen.orders.get(ROLLBACK_ANNOTATION)
    if retry and retry != state.orders.retry:
        state = replace(state, rejected=None, orders=state.orders.model_copy(update={"retry": retry}))
    restart = seen.orders.get(RESTART_ANNOTATION)
    if restart and restart != state.orders.restart:
        waiting = [child.detail for child in seen.children if child.state is ChildState.WAITING]
        update = {"restart": restart, "restarts": sorted(waiting) or None}
        state = replace(state, orders=state.orders.model_copy(update=update))
    if rollback and rollback != state.orders.rollback:
        state = replace(state, orders=state.orders.model_copy(update={"rollback": rollback}))
        if state.release is not None and state.release.phase is Phase.COMPLETED and _warm(seen, state):
            return _turn_back(seen, state, Trouble(BY_HAND, "rolled back by order", stalls=True))
    return state


def _warm(seen: Observation, state: State) -> bool:
    """There is an old colour that could serve."""
    return state.active is not None and serves(seen, state.colours, other(state.active.colour))


def _begin(seen: Observation, state: State) -> State:
    """A new release, where the spec declares a revision that neither serves nor is rejected."""
    declared = seen.declared
    if declared is None or (state.active is not None and declared.id == state.active.revision):
        return state
    if state.rejected is not None and declared.id == state.rejected.id:
        return state
    colour = other(state.active.colour) if state.active else Colour.BLUE
    serving = {item.value: name for item, name in _serving(state).items()}
    return replace(
        state,
        colours=serving,
        release=ReleaseStatus(
            id=declared.id,
            version=declared.version,
            colour=colour,
            phase=Phase.PENDING,
            started_at=timestamp(seen.now),
        ),
    )


def _serving(state: State) -> dict[Colour, str]:
    """The active colour alone: a new release takes the place of a warm one."""
    if state.active is None:
        return {}
    colour = state.active.colour
    return {colour: state.colours[colour.value]} if colour.value in state.colours else {}


def _moved_on(seen: Observation, state: State) -> bool:
    """The spec declares something else by now."""
    return seen.declared is not None and state.release is not None and seen.declared.id != state.release.id


def _pending(seen: Observation, state: State) -> State:
    if _moved_on(seen, state):
        return _set(state, seen, Phase.WITHDRAWN, ended=True)
    stored = next((item for item in seen.stored.values() if state.release and item.id == state.release.id), None)
    if stored is None or not prepared(seen) or state.release is None:
        return state
    colours = {**state.colours, state.release.colour.value: stored.name}
    return replace(_set(state, seen, Phase.PREPARING, deadline=_deadline(seen)), colours=colours)


def _deadline(seen: Observation) -> str:
    return timestamp(seen.now + timedelta(seconds=seconds(seen.app.spec.release.deadline)))


def _preparing(seen: Observation, state: State) -> State:
    release = state.release
    if release is None:
        return state
    if _moved_on(seen, state):
        return _without(_set(state, seen, Phase.WITHDRAWN, ended=True), release.colour)
    if complete(seen, state.colours, release.colour):
        return _up(seen, state, release)
    failure = _failure(seen, state, release)
    if failure is None:
        return state if release.deadline else _set(state, seen, Phase.PREPARING, deadline=_deadline(seen))
    found = _set(state, seen, Phase.REJECTED, ended=True, reason=failure.reason, message=failure.message)
    return _reject(_without(found, release.colour), failure)


def _up(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """The colour is there: the first one serves at once, any other waits for its clients."""
    if state.active is not None:
        return replace(_set(state, seen, Phase.SHIFTING), traffic=split(release.colour))
    if not _router_ready(seen, split(release.colour)):
        return state
    return _serve(_set(state, seen, Phase.COMPLETED, ended=True), seen)


def _router_ready(seen: Observation, traffic: TrafficStatus) -> bool:
    router = seen.workloads.get("router")
    return router is not None and router.settled and routed(seen, traffic)


def _serve(state: State, seen: Observation) -> State:
    release = state.release
    if release is None:
        return state
    active = ActiveStatus(
        colour=release.colour, version=release.version, revision=release.id, since=timestamp(seen.now)
    )
    return replace(state, active=active, traffic=split(release.colour), rejected=None)


def _failure(seen: Observation, state: State, release: ReleaseStatus) -> Trouble | None:
    """Why the release is rejected, or None while it may still come.

    A first release has nothing to go back to: it goes on trying, and its conditions say what is wrong.
    """
    if state.active is None:
        return None
    trouble = trouble_of(seen, state.colours, release.colour)
    if trouble is not None and trouble.stalls:
        return trouble
    if release.deadline is None or seen.now < datetime.fromisoformat(release.deadline):
        return None
    limit = seen.app.spec.release.deadline
    return Trouble(
        trouble.reason if trouble else "DeadlineExceeded",
        f"{trouble.message if trouble else 'not ready'} for {limit}",
        stalls=True,
    )


def _without(state: State, colour: Colour) -> State:
    return replace(state, colours={key: name for key, name in state.colours.items() if key != colour.value})


def _reject(state: State, why: Trouble) -> State:
    if state.release is None:
        return state
    return replace(state, rejected=RejectedStatus(id=state.release.id, reason=why.reason, message=why.message[:1024]))


def _shifting(seen: Observation, state: State) -> State:
    release = state.release
    if release is None:
        return state
    if _moved_on(seen, state):
        return _turn_back(seen, state, None)
    if not serves(seen, state.colours, release.colour):
        trouble = trouble_of(seen, state.colours, release.colour)
        lost = Trouble("NoReadyPods", f"no pod of {release.colour} is ready", stalls=True)
        return _turn_back(seen, state, trouble or lost)
    if routed(seen, state.traffic):
        return _serve(_set(state, seen, Phase.COMPLETED, ended=True), seen)
    return state


def _turn_back(seen: Observation, state: State, why: Trouble | None) -> State:
    """Commit RollingBack, and the weights with it: traffic first. Held where the old colour could not serve."""
    release = state.release
    if release is None:
        return state
    reason = {"reason": why.reason, "message": why.message[:1024]} if why else {"reason": None, "message": None}
    old = other(release.colour)
    found = _set(state, seen, Phase.ROLLING_BACK, **reason)
    if serves(seen, state.colours, old):
        found = replace(found, traffic=split(old))
    return found


def _rolling_back(seen: Observation, state: State) -> State:
    release = state.release
    if release is None:
        return state
    old = other(release.colour)
    if not serves(seen, state.colours, old):
        return _held(seen, state, release, old)
    if state.traffic != split(old):
        return replace(state, traffic=split(old))
    if not routed(seen, state.traffic):
        return state
    if release.colour.value in state.colours:
        if state.active is None or state.active.colour is not old:
            state = replace(state, active=_active(seen, state.colours, old))
        return _without(state, release.colour)
    if any(name.startswith(f"{release.colour}-") for name in seen.workloads):
        return state
    if release.reason is None:
        return _set(state, seen, Phase.WITHDRAWN, ended=True)
    why = Trouble(release.reason, release.message or "", stalls=True)
    return _reject(_set(state, seen, Phase.ROLLED_BACK, ended=True), why)


def _active(seen: Observation, colours: Mapping[str, str], colour: Colour) -> ActiveStatus:
    """What serves, once the clients are with ``colour``; by its name alone where somebody deleted its revision."""
    name, since = colours[colour.value], timestamp(seen.now)
    stored = seen.stored.get(name)
    if stored is None:
        return ActiveStatus(colour=colour, version=UNKNOWN, revision=name, since=since)
    return ActiveStatus(colour=colour, version=stored.version, revision=stored.id, since=since)


def _held(seen: Observation, state: State, release: ReleaseStatus, old: Colour) -> State:
    """Neither way is good: the clients stay with the colour that has ready pods, and people are told."""
    if serves(seen, state.colours, release.colour) and state.traffic != split(release.colour):
        state = replace(state, traffic=split(release.colour))
    why = release.message or release.reason or "the spec changed"
    return _set(state, seen, Phase.HELD, message=f"{why[: 1024 - len(_and(old))]}{_and(old)}")


def _and(old: Colour) -> str:
    """What being held adds to the reason of a way back."""
    return f"; and {old} has no ready pod"


def _while_held(seen: Observation, state: State) -> State:
    release = state.release
    if release is None:
        return state
    if serves(seen, state.colours, other(release.colour)):
        told = (release.message or "").removesuffix(_and(other(release.colour)))
        return _set(state, seen, Phase.ROLLING_BACK, message=told if release.reason else None)
    retried = state.orders.retry != State.of(seen.app.status).orders.retry
    if retried and serves(seen, state.colours, release.colour) and routed(seen, split(release.colour)):
        return _serve(_set(state, seen, Phase.COMPLETED, ended=True, reason=None, message=None), seen)
    return state


def _completed(seen: Observation, state: State) -> State:
    release = state.release
    if release is None:
        return state
    if _gone(seen, state, release.colour) and _warm(seen, state) and not _just_back(seen, state, other(release.colour)):
        trouble = trouble_of(seen, state.colours, release.colour)
        lost = Trouble("NoReadyPods", f"no pod of {release.colour} is ready", stalls=True)
        return _turn_back(seen, state, trouble or lost)
    fresh = _begin(seen, state)
    if fresh is not state:
        return fresh
    old = other(release.colour)
    if old.value in state.colours and seen.now >= warm_until(seen, release):
        return _without(_set(state, seen, Phase.RETIRED), old)
    return state


def _gone(seen: Observation, state: State, colour: Colour) -> bool:
    """The colour has not been able to serve for a while."""
    if serves(seen, state.colours, colour):
        return False
    found = [seen.workloads.get(f"{colour}-{tier}") for tier in held_tiers(seen, state.colours.get(colour.value))]
    moments = [item.short_since for item in found if item is not None and item.ready == 0 and item.short_since]
    return any((seen.now - datetime.fromisoformat(moment)).total_seconds() >= GONE_AFTER for moment in moments)


def _just_back(seen: Observation, state: State, colour: Colour) -> bool:
    """The colour itself was down until now: where both come back together, which is first is no reason to move."""
    found = [seen.workloads.get(f"{colour}-{tier}") for tier in held_tiers(seen, state.colours.get(colour.value))]
    moments = [item.ready_since for item in found if item is not None and item.ready_since]
    return any((seen.now - datetime.fromisoformat(moment)).total_seconds() < GONE_AFTER for moment in moments)


def warm_until(seen: Observation, release: ReleaseStatus) -> datetime:
    """When the old colour goes."""
    began = datetime.fromisoformat(release.finished_at or release.started_at)
    return began + timedelta(seconds=seconds(seen.app.spec.release.keep_old))


def _over(seen: Observation, state: State) -> State:
    fresh = _begin(seen, state)
    if fresh is not state:
        return fresh
    back = state.active is not None and seen.declared is not None and seen.declared.id == state.active.revision
    if back and state.release is not None and state.release.phase in {Phase.REJECTED, Phase.ROLLED_BACK}:
        return _set(state, seen, Phase.WITHDRAWN)
    return state


_HANDLERS: dict[Phase, Callable[[Observation, State], State]] = {
    Phase.PENDING: _pending,
    Phase.PREPARING: _preparing,
    Phase.SHIFTING: _shifting,
    Phase.COMPLETED: _completed,
    Phase.RETIRED: _over,
    Phase.ROLLING_BACK: _rolling_back,
    Phase.ROLLED_BACK: _over,
    Phase.HELD: _while_held,
    Phase.REJECTED: _over,
    Phase.WITHDRAWN: _over,
}
