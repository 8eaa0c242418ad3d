"""From what was seen to what is done: the same observation always gives the same decision."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus, OrdersStatus, ReleasePhase

from . import conditions
from .colours import serves, tiers
from .decision import Decision, Note
from .forward import warm_until
from .observation import ChildState, Observation
from .phases import is_over
from .release import step
from .rollback import is_warm
from .state import State
from .verdicts import verdicts

# What no watch tells (the database's own answer, a health path) is asked for this often, in seconds.
PROGRESS_INTERVAL = 2.0
STALLED_INTERVAL = 10.0
# Where no pod runs, the Secrets and ConfigMaps that people own are all that can change unseen.
SUSPENDED_INTERVAL = 60.0


def decide(seen: Observation, *, resync: float) -> Decision:
    """The decision of one pass.

    Args:
        seen: everything that was observed.
        resync: seconds between two looks at an app that is well (foreign Secrets are not watched).
    """
    status = next_status(seen)
    return Decision(
        status=status,
        act=may_act(seen),
        notes=tuple(transitions(seen.app.metadata.uid, seen.app.status, status)),
        again=_again(seen, status, resync),
    )


def may_act(seen: Observation) -> bool:
    """False where an act would be half an act: before the first release, something stands in the way.

    So does what a deleted MemoApp of the same name left and what still goes: a new pod could start with a Secret that
    is gone a moment later. A serving app goes on being repaired; its foreign neighbour is left alone.
    """
    if seen.mismatch or (seen.lost and seen.app.status.active is None):
        return False
    in_the_way = any(child.state in {ChildState.FOREIGN, ChildState.LEAVING} for child in seen.children)
    return not in_the_way or seen.app.status.active is not None


def next_status(seen: Observation) -> MemoAppStatus:
    """The status after this pass; equal to the one before where nothing changed."""
    before = seen.app.status
    state = step(seen)
    found = conditions.merge(
        before.conditions,
        verdicts(seen, state),
        generation=seen.app.metadata.generation,
        now=seen.now,
    )
    return MemoAppStatus(
        observed_generation=seen.app.metadata.generation,
        conditions=found,
        active=state.active,
        traffic=state.traffic,
        release=state.release,
        colours=dict(state.colours) or None,
        rejected=list(state.rejected) or None,
        orders=state.orders if state.orders != OrdersStatus() else None,
        addresses=_addresses(seen, state) or None,
        display=display(state),
    )


def _addresses(seen: Observation, state: State) -> dict[str, str]:
    """The addresses of the colours' Services, those of parts that nobody has any more left out.

    Such an address may be another Service's by now: the part could not come back with it.
    """
    held = [seen.stored.get(name) for name in state.colours.values()]
    known = {**(seen.app.status.addresses or {}), **seen.addresses}
    if None in held:
        return known
    components = {*tiers(seen.app), *(tier for revision in held if revision is not None for tier in revision.tiers)}
    return {name: address for name, address in known.items() if name.partition("-")[2] in components}


def display(state: State) -> dict[str, str]:
    """The columns of ``kubectl get memoapp`` that are more than a field."""
    shares = {"blue": state.traffic.blue, "green": state.traffic.green} if state.active and state.traffic else {}
    return {
        # That the old colour is gone is no news for a table.
        "release": _shown(state.release.phase) if state.release else "Waiting",
        "traffic": ", ".join(f"{colour} {share}" for colour, share in shares.items() if share) or "none",
    }


def _shown(phase: ReleasePhase) -> str:
    return ReleasePhase.COMPLETED.value if phase is ReleasePhase.RETIRED else phase.value


def _again(seen: Observation, status: MemoAppStatus, resync: float) -> float:
    release = status.release
    if seen.app.spec.suspend:
        return max(SUSPENDED_INTERVAL, resync)
    if release is not None and (not is_over(release.phase) or _may_turn_back(seen, status)):
        return min(PROGRESS_INTERVAL, resync)
    if conditions.is_true(status.conditions, conditions.STALLED):
        return min(STALLED_INTERVAL, resync)
    if not conditions.is_true(status.conditions, conditions.READY):
        return min(PROGRESS_INTERVAL, resync)
    if release is not None and release.phase is ReleasePhase.COMPLETED and len(status.colours or {}) > 1:
        left = (warm_until(seen, release) - seen.now).total_seconds()
        return max(0.1, min(left, resync))
    return resync


def _may_turn_back(seen: Observation, status: MemoAppStatus) -> bool:
    """What serves has no ready pod and the warm colour has: no event comes when that has been so for long enough."""
    state = State.of(status)
    if state.active is None or not is_warm(seen, state):
        return False
    return not serves(seen, state.colours, state.active.colour)


def transitions(uid: str, before: MemoAppStatus, after: MemoAppStatus) -> Iterator[Note]:
    """One note for each transition that a person would want to read about."""
    yield from _release_notes(uid, before, after)
    yield from _order_notes(uid, before, after)
    old = {item.type: item for item in before.conditions}
    for item in after.conditions:
        previous = old.get(item.type)
        if previous is not None and (previous.status, previous.reason) == (item.status, item.reason):
            continue
        first = previous is None
        key = _key(uid, item.type, item.status, item.reason, item.last_transition_time, item.message)
        true = item.status.value == "True"
        match item.type:
            case conditions.STALLED if true:
                yield Note(warning=True, reason=item.reason, message=item.message, key=key)
            case conditions.AVAILABLE | conditions.DATABASE_READY | conditions.CACHE_READY if true or not first:
                text = item.message or f"{item.type} is {item.status.value}: {item.reason}"
                if previous is None or previous.status != item.status:
                    yield Note(warning=not true, reason=_name(item.type, true=true), message=text, key=key)
            case _:
                pass


def _name(type_: str, *, true: bool) -> str:
    if type_ == conditions.AVAILABLE:
        return "Available" if true else "Unavailable"
    return type_ if true else type_.replace("Ready", "NotReady")


_NOTES: dict[ReleasePhase, tuple[bool, str]] = {
    ReleasePhase.PENDING: (False, "ReleaseStarted"),
    ReleasePhase.PREPARING: (False, "ReleasePreparing"),
    ReleasePhase.SHIFTING: (False, "ReleaseShifting"),
    ReleasePhase.COMPLETED: (False, "ReleaseCompleted"),
    ReleasePhase.RETIRED: (False, "ReleaseRetired"),
    ReleasePhase.ROLLING_BACK: (True, "ReleaseRollingBack"),
    ReleasePhase.ROLLED_BACK: (True, "ReleaseRolledBack"),
    ReleasePhase.HELD: (True, "ReleaseHeld"),
    ReleasePhase.REJECTED: (True, "ReleaseRejected"),
    ReleasePhase.WITHDRAWN: (False, "ReleaseWithdrawn"),
}


def _release_notes(uid: str, before: MemoAppStatus, after: MemoAppStatus) -> Iterator[Note]:
    release, old = after.release, before.release
    if release is None or (old is not None and (old.id, old.phase) == (release.id, release.phase)):
        return
    warning, reason = _NOTES[release.phase]
    text = f"version {release.version}, revision {release.id}, {release.colour}"
    if release.reason:
        text = f"{text}: {release.reason}: {release.message}"
    # Held and back again is another transition: the conditions' times tell it apart.
    moments = [release.started_at, *(item.last_transition_time for item in after.conditions)]
    yield Note(warning=warning, reason=reason, message=text, key=_key(uid, reason, release.id, *moments))


def _order_notes(uid: str, before: MemoAppStatus, after: MemoAppStatus) -> Iterator[Note]:
    """Orders that were noted and changed nothing: whoever gave them should read why."""
    old, new = before.orders or OrdersStatus(), after.orders or OrdersStatus()
    if before.release is None:
        return
    if new.rollback and new.rollback != old.rollback and before.release == after.release:
        text = "there is no old colour with ready pods to go back to; put the old version into the spec"
        yield Note(warning=True, reason="RollbackIgnored", message=text, key=_key(uid, "rollback", new.rollback))
    if new.retry and new.retry != old.retry and (before.release, before.rejected) == (after.release, after.rejected):
        yield Note(
            warning=True,
            reason="RetryIgnored",
            message="nothing that is declared is rejected or held",
            key=_key(uid, "retry", new.retry),
        )


def _key(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16]
