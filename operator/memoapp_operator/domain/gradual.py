"""The steps of a release: a weight, the gates while it holds, and the next; then all clients, and the soak."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp, ReleaseStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.api.v1alpha1.release import OnFailure, When

from . import colours, gating, maintenance, tally, testing
from .compared import noted
from .conditions import timestamp
from .durations import seconds
from .observation import Observation, Trouble
from .rollback import turn_back
from .state import GATE_ERROR, GATE_FAILED, GATE_INCONCLUSIVE, OLD_COLOUR_LOST, State, other, share, split
from .tally import Judgement, Outcome
from .transitions import deadline, is_late, limit_of, lost, moved, moved_on, serving, serving_in

ALL = 100
PATIENCE = 60.0
"""Seconds for which this process has measured a stage before it is given up as inconclusive: an operator that was away
knows nothing yet."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What is measured now.

    Attributes:
        id: changes with every step of every release.
        colour: the new one.
        ends: when its hold is over; None while only the abort limits count.
    """

    id: str
    colour: Colour
    ends: datetime | None


def stage_of(app: MemoApp) -> Stage | None:
    """What is to be measured by the committed status; None where nothing is."""
    status, release = app.status, app.status.release
    if release is None or app.spec.suspend:
        return None
    if release.phase in {Phase.SHIFTING, Phase.SOAKING} and release.since is not None:
        key = f"{release.started_at}/{release.phase}/{release.weight}/{release.since}"
        return Stage(key, release.colour, ends_at(app, release))
    if release.phase is Phase.COMPLETED and len(status.colours or {}) > 1:
        return Stage(f"{release.started_at}/{release.phase}/{release.finished_at}", release.colour, None)
    return None


def ends_at(app: MemoApp, release: ReleaseStatus) -> datetime | None:
    """When the hold of the present step, or the soak, is over."""
    if release.since is None:
        return None
    return datetime.fromisoformat(release.since) + timedelta(seconds=hold(app, release))


def hold(app: MemoApp, release: ReleaseStatus) -> int:
    """Seconds for which the present step, or the soak, is held at least."""
    spec = app.spec.release
    if release.phase is Phase.SOAKING:
        return seconds(spec.soak)
    return next((seconds(step.hold) for step in spec.steps or () if step.weight == release.weight), 0)


def following(app: MemoApp, weight: int) -> int:
    """The weight after ``weight``, in percent: that of the next greater step, else all."""
    return next((step.weight for step in app.spec.release.steps or () if step.weight > weight), ALL)


def begin(seen: Observation, state: State) -> State:
    """The first clients come. What has no source by now is skipped, unless a person wrote its limit."""
    if state.release is None or seen.gauged is None:
        return state  # it is not known yet
    state = replace(state, release=state.release.model_copy(update={"skipped": skipped_gates(seen) or None}))
    return _step(seen, state, following(seen.app, 0), 0)


def skipped_gates(seen: Observation) -> list[str]:
    """The gates without a source whose limits nobody wrote."""
    gates = seen.app.spec.gates
    written = {
        *gates.database.model_dump(by_alias=True, exclude_none=True),
        *gates.resources.model_dump(by_alias=True, exclude_none=True),
    }
    lacking = seen.gauged.unmeasured if seen.gauged is not None else {}
    return sorted(name for name in lacking if name not in written)


def _step(seen: Observation, state: State, weight: int, passed: int) -> State:
    """Commit the weight; it is told to the routers afterwards."""
    release = state.release
    if release is None:
        return state
    found = moved(
        state,
        seen,
        Phase.SHIFTING,
        deadline=deadline(seen, Phase.SHIFTING),
        weight=weight,
        passed=passed,
        since=None,
        gates=None,
        shifting_since=release.shifting_since or timestamp(seen.now),
        reason=None,
        message=None,
    )
    return replace(found, traffic=split(release.colour, weight))


def shifting(seen: Observation, state: State) -> State:
    """The weights go to every router and are read back; then the step is held, and measured."""
    release = state.release
    if release is None:
        return state
    away = _away(seen, state, release)
    if away is not None:
        return away
    if release.since is not None:
        return _unless_hidden(seen, state, release)
    if colours.routed(seen, state.traffic):
        return _arrived(seen, state, release)
    if is_late(seen, release):
        if state.traffic is not None and seen.recorded != state.traffic.green:
            # No router was told yet: the operator was away.
            return moved(state, seen, Phase.SHIFTING, deadline=deadline(seen, Phase.SHIFTING))
        text = f"not every router took the weights for {limit_of(seen, release.phase)}"
        return turn_back(seen, state, Trouble("RoutersNotReached", text, stalls=True))
    return state


def soaking(seen: Observation, state: State) -> State:
    """All clients are there, and measured; the tests of the whole run."""
    release = state.release
    if release is None:
        return state
    away = _away(seen, state, release)
    if away is not None:
        return away
    tests = testing.advanced(seen, state, When.AFTER_SWITCH)
    if tests.failed is not None:
        return turn_back(seen, tests.state, tests.failed)
    return _unless_hidden(seen, tests.state, tests.state.release or release)


def _unless_hidden(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """As the gates say; while visitors see the maintenance page nothing is judged, and no deadline counts."""
    if maintenance.is_up(seen):
        return moved(state, seen, release.phase, deadline=None)
    if release.deadline is None:
        end = seen.now + timedelta(seconds=hold(seen.app, release) + seconds(seen.app.spec.release.deadline))
        return moved(state, seen, release.phase, deadline=timestamp(end))
    return _judged(seen, state, release)


def _away(seen: Observation, state: State, release: ReleaseStatus) -> State | None:
    """Why the release goes no further, whatever the gates say; None where it does."""
    if moved_on(seen, state):
        return turn_back(seen, state, None)
    if not colours.serves(seen, state.colours, release.colour):
        return turn_back(seen, state, lost(seen, state, release.colour))
    if (why := gating.denied(seen, release)) is not None:
        return turn_back(seen, state, why)
    old = other(release.colour)
    served = share(state.traffic, old) > 0
    if served and colours.gone(seen, state.colours, old) and not colours.just_back(seen, state.colours, release.colour):
        return turn_back(seen, state, Trouble(OLD_COLOUR_LOST, f"{old} lost its pods in mid-release", stalls=True))
    return None


def _arrived(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """Every router has the weight."""
    if release.weight is not None and release.weight < ALL:
        return _held(seen, state, Phase.SHIFTING)
    watched = seconds(seen.app.spec.release.soak) or testing.declared(seen.app, When.AFTER_SWITCH)
    if release.passed == ALL or not watched:
        return serving(moved(state, seen, Phase.COMPLETED, ended=True), seen)
    found = _held(seen, state, Phase.SOAKING)
    return serving_in(seen, found, release.colour)


def _held(seen: Observation, state: State, phase: Phase) -> State:
    """The hold begins. The deadline counts what it takes longer than that."""
    found = moved(state, seen, phase, since=timestamp(seen.now), gates=None)
    if found.release is None:
        return found
    end = seen.now + timedelta(seconds=hold(seen.app, found.release) + seconds(seen.app.spec.release.deadline))
    return moved(found, seen, phase, deadline=timestamp(end))


def _judged(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """What the round of measurements of this pass makes of the step; without one nothing is judged."""
    stage, measured = stage_of(seen.app), seen.measured
    if measured is None or stage is None or measured.stage != stage.id:
        return state
    gates = seen.app.spec.gates
    found = tally.counted(release.gates, measured, gates, release.colour)
    verdict = tally.judged(found, measured, gates, release.colour)
    if measured.regular or verdict.outcome is Outcome.ABORT:
        first = release.compared or noted(measured.old)
        state = moved(state, seen, release.phase, gates=list(found), compared=first)
    over = stage.ends is not None and seen.now >= stage.ends
    if verdict.outcome is Outcome.PASSED and over and _is_tested(seen, release):
        # Written with the step: what the old colour did last is not lost with this process.
        last = noted(measured.old) or release.compared
        return passed(seen, moved(state, seen, release.phase, gates=list(found), compared=last), release)
    trouble = _trouble(seen, release, verdict)
    return _failed(seen, state, trouble, abort=verdict.outcome is Outcome.ABORT) if trouble is not None else state


def _is_tested(seen: Observation, release: ReleaseStatus) -> bool:
    """In the soak, the tests of the whole have passed."""
    return release.phase is not Phase.SOAKING or testing.are_done(seen.app, release, When.AFTER_SWITCH)


def _trouble(seen: Observation, release: ReleaseStatus, verdict: Judgement) -> Trouble | None:
    """Why the step is given up; None where it goes on."""
    match verdict.outcome:
        case Outcome.ABORT | Outcome.FAILED:
            return Trouble(GATE_FAILED, verdict.because, stalls=True)
        case Outcome.BLIND:
            return Trouble(GATE_ERROR, verdict.because, stalls=True)
        case Outcome.WAITING if _is_over(seen, release):
            text = f"not passed within {seen.app.spec.release.deadline} after the hold: {verdict.because}"
            return Trouble(GATE_INCONCLUSIVE, text, stalls=True)
        case _:
            return None


def _is_over(seen: Observation, release: ReleaseStatus) -> bool:
    """The deadline has come, and this process has looked for long enough to say so."""
    looked = seen.measured.seconds if seen.measured is not None else 0.0
    return is_late(seen, release) and looked >= min(PATIENCE, seconds(seen.app.spec.release.deadline))


def _failed(seen: Observation, state: State, why: Trouble, *, abort: bool) -> State:
    """Back, or held where the last step that passed had the clients; over an abort limit, with the old colour."""
    release = state.release
    if release is None:
        return state
    if seen.app.spec.release.on_failure is not OnFailure.HOLD:
        return turn_back(seen, state, why)
    old, weight = other(release.colour), 0 if abort else release.passed or 0
    if not colours.serves(seen, state.colours, old):
        return turn_back(seen, state, why)
    held = moved(state, seen, Phase.HELD, reason=why.reason, message=why.message[:1024])
    return serving_in(seen, replace(held, traffic=split(release.colour, weight)), old)


def passed(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """The step is done: the next weight, all clients, or the end."""
    if release.phase is Phase.SOAKING or release.weight is None:
        return serving(moved(state, seen, Phase.COMPLETED, ended=True), seen)
    return _step(seen, state, following(seen.app, release.weight), release.weight)


def approved_while_held(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """A person lets the step pass that the gates did not."""
    weight = release.weight or 0
    return _step(seen, state, following(seen.app, weight), weight)


def again(seen: Observation, state: State, release: ReleaseStatus) -> State:
    """A person has the step that failed tried again."""
    return _step(seen, state, release.weight or ALL, release.passed or 0)


def aborted(seen: Observation, state: State) -> Trouble | None:
    """After the release: an abort limit that the new colour is beyond while the old one is warm."""
    stage, measured, release = stage_of(seen.app), seen.measured, state.release
    if measured is None or stage is None or release is None or measured.stage != stage.id:
        return None
    watched = seen.app.spec.gates.watched
    found = next((item for item in measured.found if item.abort and item.gate not in watched), None)
    if found is None:
        return None
    return Trouble(GATE_FAILED, found.text(release.colour, other(release.colour)), stalls=True)
