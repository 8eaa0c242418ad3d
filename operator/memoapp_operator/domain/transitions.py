"""The simple changes of state that moves are made of."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memoapp import ActiveStatus, Colour, ReleaseStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase

from . import colours, phases
from .conditions import timestamp
from .durations import seconds
from .observation import Observation, Trouble
from .revision import Revision
from .state import UNKNOWN, State, other, split


def moved(state: State, seen: Observation, phase: Phase, *, ended: bool = False, **changes: object) -> State:
    """The state with its release in another phase."""
    if state.release is None:
        return state
    update: dict[str, object] = {"phase": phases.move(state.release.phase, phase), **changes}
    if ended:
        update["finished_at"] = timestamp(seen.now)
    return replace(state, release=state.release.model_copy(update=update))


def rejected(state: State, seen: Observation, why: Trouble, **changes: object) -> State:
    """The state with its release rejected, and with why; a colour that was made for it is the caller's to take away."""
    if state.release is None:
        return state
    told = {"reason": why.reason, "message": why.message[:1024], **changes}
    return rejecting(moved(state, seen, Phase.REJECTED, ended=True, **told), seen, why)


def rejecting(state: State, seen: Observation, why: Trouble) -> State:
    """The state in which the release's revision is rejected. One that serves, and was to be restarted, is not."""
    release = state.release
    if release is None or release.restart is not None:
        return state
    return state.rejecting(release.id, why, seen.now)


def begun(seen: Observation, state: State) -> State:
    """A new release, where the spec declares a revision that neither serves nor is rejected."""
    declared = seen.declared
    if declared is None:
        return state
    if state.active is not None and declared.id == state.active.revision:
        restart = restart_of(seen)
        known = state.release is not None and state.release.restart == restart
        return state if restart is None or known else started(seen, state, declared, restart=restart)
    if state.rejection(declared.id, seen.now) is not None:
        return state
    return started(seen, state, declared)


def restart_of(seen: Observation) -> str | None:
    """The restart of all pods that a run of maintenance tasks asks for; None where none does."""
    return next((run.restart for run in seen.runs if run.begun and run.restart is not None), None)


def started(
    seen: Observation, state: State, revision: Revision, instead: str | None = None, restart: str | None = None
) -> State:
    """A release of ``revision``.

    Args:
        seen: what was seen.
        state: nothing of a release is under way in it.
        revision: what comes.
        instead: by order, in the place of the declared one of this id.
        restart: the pods of the revision that serves, anew.
    """
    colour = other(state.active.colour) if state.active else Colour.BLUE
    return replace(
        state,
        colours=_kept(seen, state, revision.id if restart is None else ""),
        release=ReleaseStatus(
            id=revision.id,
            version=revision.version,
            colour=colour,
            phase=Phase.PENDING,
            started_at=timestamp(seen.now),
            instead=instead,
            restart=restart,
        ),
    )


def _kept(seen: Observation, state: State, declared: str) -> dict[str, str]:
    """What the colours hold as a release begins: what serves, and a warm colour of the very revision that comes."""
    if state.active is None:
        return {}
    serving = state.active.colour.value
    found = {key: name for key, name in state.colours.items() if key == serving}
    warm = state.colours.get(other(state.active.colour).value)
    if warm is not None and warm in seen.stored and seen.stored[warm].id == declared:
        found[other(state.active.colour).value] = warm
    return found


def moved_on(seen: Observation, state: State) -> bool:
    """The spec declares something else by now."""
    release = state.release
    return seen.declared is not None and release is not None and seen.declared.id != (release.instead or release.id)


def limit_of(seen: Observation, phase: Phase) -> str | None:
    """How long the phase may last, as the spec says it (``30m``); None where it has no limit."""
    limit = phases.MOVES[phase].limit
    declared = seen.app.spec.release.model_dump(by_alias=True)
    return str(declared[limit.field]) if limit is not None else None


def deadline(seen: Observation, phase: Phase) -> str | None:
    """When the phase, which begins now, is over (RFC 3339)."""
    limit = limit_of(seen, phase)
    return timestamp(seen.now + timedelta(seconds=seconds(limit))) if limit is not None else None


def is_late(seen: Observation, release: ReleaseStatus) -> bool:
    """The phase's deadline has come."""
    return release.deadline is not None and seen.now >= datetime.fromisoformat(release.deadline)


def serving(state: State, seen: Observation) -> State:
    """The state in which the release's colour is the one that serves; what was rejected before is forgiven."""
    release = state.release
    if release is None:
        return state
    active = ActiveStatus(
        colour=release.colour, version=release.version, revision=release.id, since=timestamp(seen.now)
    )
    if state.active is not None and (state.active.colour, state.active.revision) == (active.colour, active.revision):
        active = state.active
    by_order = tuple(item for item in state.rejected if item.id == release.instead)
    return replace(state, active=active, traffic=split(release.colour), rejected=by_order)


def serving_in(seen: Observation, state: State, colour: Colour) -> State:
    """The state in which ``colour`` is the one that serves."""
    if state.active is not None and state.active.colour is colour:
        return state
    return replace(state, active=active_in(seen, state, colour))


def active_in(seen: Observation, state: State, colour: Colour) -> ActiveStatus:
    """What serves, once the clients are with ``colour``; by its name alone where somebody deleted its revision."""
    name, since = state.colours[colour.value], timestamp(seen.now)
    stored = seen.stored.get(name)
    if stored is None:
        return ActiveStatus(colour=colour, version=UNKNOWN, revision=name, since=since)
    return ActiveStatus(colour=colour, version=stored.version, revision=stored.id, since=since)


def lost(seen: Observation, state: State, colour: Colour) -> Trouble:
    """Why the colour serves no more."""
    unknown = Trouble("NoReadyPods", f"no pod of {colour} is ready", stalls=True)
    return colours.trouble_of(seen, state.colours, colour) or unknown
