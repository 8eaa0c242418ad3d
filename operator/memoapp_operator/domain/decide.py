"""From what was seen to what is done: the same observation always gives the same decision."""

from __future__ import annotations

from datetime import datetime

from memoapp_operator.api.v1alpha1.memoapp import (
    MaintenanceStatus,
    MemoAppStatus,
    OrdersStatus,
    ReleasePhase,
    ReleaseStatus,
)

from . import backups, conditions, gating, maintenance, outbox, plan, recovery, silencing, telling, upgrading, upkeep
from .colours import serves, tiers
from .decision import Decision
from .durations import seconds
from .forward import warm_until
from .gradual import stage_of
from .history import remembered
from .notes import transitions
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


_WAITING = frozenset({ReleasePhase.PENDING, ReleasePhase.APPROVING})
"""What they wait for may be a maintenance window."""
_WATCHED = frozenset({ReleasePhase.MIGRATING, ReleasePhase.APPROVING})
"""What they wait for comes with an event."""


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
    said = verdicts(seen, state)
    kept = upkeep.status_after(seen, said)
    also = upkeep.verdict(seen.app, kept, said)
    found = conditions.merge(
        before.conditions,
        (*said, also) if also is not None else said,
        generation=seen.app.metadata.generation,
        now=seen.now,
    )
    after = MemoAppStatus(
        observed_generation=seen.app.metadata.generation,
        conditions=found,
        active=state.active,
        traffic=state.traffic,
        release=state.release,
        colours=dict(state.colours) or None,
        rejected=list(state.rejected) or None,
        history=remembered(before, state.release) or None,
        plan=plan.after(seen, state, before),
        orders=state.orders if state.orders != OrdersStatus() else None,
        recovery=recovery.status_after(seen, state),
        maintenance=maintenance.status_after(seen),
        upkeep=kept,
        images=upgrading.images_after(seen.app, seen.images),
        held_images=upgrading.status_after(seen.app, seen.runs, state.orders),
        backups=backups.status_after(seen.app, seen.backups, state.orders, seen.now, gating.drills_wait(seen)),
        addresses=_addresses(seen, state) or None,
        display=display(state, recovers=recovery.due(seen, state)),
    )
    until = silencing.wanted(seen, after.maintenance)
    after = after.model_copy(update={"silence": silencing.status_after(seen, until)})
    return after.model_copy(update={"notifications": telling.status_after(seen, after)})


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


def display(state: State, *, recovers: bool = False) -> dict[str, str]:
    """The columns of ``kubectl get memoapp`` that are more than a field."""
    shares = {"blue": state.traffic.blue, "green": state.traffic.green} if state.active and state.traffic else {}
    return {
        "release": _shown(state.release) if state.release else "Recovering" if recovers else "Waiting",
        "traffic": ", ".join(f"{colour} {share}" for colour, share in shares.items() if share) or "none",
    }


def _shown(release: ReleaseStatus) -> str:
    """The phase; of a step its weight, too. That the old colour is gone is no news for a table."""
    if release.phase is ReleasePhase.SHIFTING and release.weight is not None:
        return f"{release.phase.value} {release.weight}%"
    return ReleasePhase.COMPLETED.value if release.phase is ReleasePhase.RETIRED else release.phase.value


def _again(seen: Observation, status: MemoAppStatus, resync: float) -> float:
    release, resync = status.release, min(resync, outbox.until_due(status.notifications, seen.now) or resync)
    resync = min(resync, upkeep.until_due(seen.app, status.upkeep, seen.now))
    if seen.app.spec.suspend:
        return max(SUSPENDED_INTERVAL, resync)
    left = _until_window(seen, status)
    if left is None and release is not None and release.phase in _WATCHED:
        left = STALLED_INTERVAL
    if left is not None:
        return max(0.1, min(left, resync))
    if release is not None and (not is_over(release.phase) or _may_turn_back(seen, status)):
        return min(PROGRESS_INTERVAL, resync)
    if status.maintenance is not None:
        return _until_fallen(seen, status.maintenance, resync)
    resync = min(resync, _until_tried_again(seen.now, status), _until_measured(seen, status))
    if conditions.is_true(status.conditions, conditions.STALLED):
        return min(STALLED_INTERVAL, resync)
    if not conditions.is_true(status.conditions, conditions.READY) and not plan.is_paused(seen):
        return min(PROGRESS_INTERVAL, resync)
    if release is not None and release.phase is ReleasePhase.COMPLETED and len(status.colours or {}) > 1:
        left = (warm_until(seen, release) - seen.now).total_seconds()
        return max(0.1, min(left, resync))
    return resync


def _until_fallen(seen: Observation, page: MaintenanceStatus, resync: float) -> float:
    """Seconds until the page is looked at again: every router shows it as a person wants it, or something goes on."""
    if page.since is None or any(item.name != maintenance.BY_HAND for item in page.holders):
        return min(PROGRESS_INTERVAL, resync)
    return max(0.1, min((datetime.fromisoformat(page.until) - seen.now).total_seconds(), resync))


def _until_window(seen: Observation, status: MemoAppStatus) -> float | None:
    """Seconds until the window opens that the release waits for; None where it waits for none."""
    state, release = State.of(status), status.release
    waits = release is not None and release.phase in _WAITING and gating.waits(seen, state) is not None
    answer = gating.closed(seen, state) if waits else None
    if answer is None:
        return None
    return (answer.start - seen.now).total_seconds() if answer.start is not None else float("inf")


def _until_tried_again(now: datetime, status: MemoAppStatus) -> float:
    """Seconds until a revision that was inconclusive may come again."""
    moments = [datetime.fromisoformat(item.retry_at) for item in status.rejected or () if item.retry_at]
    left = [(moment - now).total_seconds() for moment in moments if moment > now]
    return max(0.1, min(left, default=float("inf")))


def _until_measured(seen: Observation, status: MemoAppStatus) -> float:
    """Seconds until the abort limits are looked at again, while the old colour is warm."""
    watched = stage_of(seen.app.model_copy(update={"status": status})) is not None
    return float(seconds(seen.app.spec.gates.interval)) if watched else float("inf")


def _may_turn_back(seen: Observation, status: MemoAppStatus) -> bool:
    """What serves has no ready pod and the warm colour has: no event comes when that has been so for long enough."""
    state = State.of(status)
    if state.active is None or not is_warm(seen, state):
        return False
    return not serves(seen, state.colours, state.active.colour)
