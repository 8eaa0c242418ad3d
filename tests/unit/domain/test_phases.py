"""The table of the release: every phase and every move of it is reached, and nothing else can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain import phases
from memoapp_operator.domain.backups import Backups
from memoapp_operator.domain.measurements import Verdict
from memoapp_operator.domain.observation import Probe
from memoapp_operator.domain.release import _HANDLERS, step

from tests.unit.domain.building import healthy, measurement, phase_of, says
from tests.unit.domain.moves import MOVES, at

_BEGINS_ANEW = {Phase.HELD, Phase.PREFLIGHT, Phase.BACKING_UP, Phase.MIGRATING}


def test_every_phase_has_a_row_and_a_handler() -> None:
    assert set(phases.MOVES) == set(Phase) == set(_HANDLERS)


def test_the_examples_are_the_moves_of_the_table() -> None:
    table = {(phase, target) for phase, row in phases.MOVES.items() for target in row.moves}
    assert set(MOVES) == table


@pytest.mark.parametrize("phase", Phase)
def test_every_phase_is_reached(phase: Phase) -> None:
    assert phase_of(at(phase)) is phase


@pytest.mark.parametrize(("before", "after"), MOVES, ids=lambda phase: phase.value)
def test_every_move_is_made(before: Phase, after: Phase) -> None:
    seen = MOVES[before, after]()
    assert phase_of(seen) is before
    release = step(seen).release
    assert release is not None
    assert release.phase is after


@pytest.mark.parametrize("phase", [phase for phase, row in phases.MOVES.items() if row.limit])
def test_a_phase_with_a_limit_goes_where_the_table_says_once_it_is_over(phase: Phase) -> None:
    limit = phases.MOVES[phase].limit
    assert limit is not None
    assert limit.to in phases.MOVES[phase].moves
    seen = at(phase)
    stuck = replace(
        seen,
        now=seen.now + timedelta(hours=1),
        reached={},
        routers=dict.fromkeys(seen.routers) if phase is not Phase.COMPLETED else seen.routers,
        recorded=100,
        measured=measurement(seen.app, says(Verdict.INCONCLUSIVE)),
        backups=Backups(),
        cache=Probe(healthy=False, reason="NotReachable") if phase is Phase.PREFLIGHT else seen.cache,
        jobs={},
        holder="somebody" if phase is Phase.MIGRATING else None,
    )
    release = step(stuck).release
    assert release is not None
    assert release.phase is limit.to


def test_the_first_release_begins_where_there_was_none() -> None:
    release = step(healthy()).release
    assert release is not None
    assert release.phase is Phase.PENDING
    assert phases.move(None, Phase.PENDING) is Phase.PENDING


@pytest.mark.parametrize("before", [None, *Phase])
@pytest.mark.parametrize("after", Phase)
def test_a_move_that_is_not_in_the_table_is_refused(before: Phase | None, after: Phase) -> None:
    allowed = {before, *(phases.MOVES[before].moves if before is not None else [Phase.PENDING])}
    if after in allowed:
        assert phases.move(before, after) is after
    else:
        with pytest.raises(phases.MoveError, match=f"-> {after}"):
            phases.move(before, after)


def test_a_release_that_is_over_may_give_way_to_the_next_and_no_other_may() -> None:
    for phase, row in phases.MOVES.items():
        # Held is not over, and yet another revision may take the place of the colour without clients; suspended
        # the same release may begin anew.
        assert (Phase.PENDING in row.moves) is (row.over or phase in _BEGINS_ANEW)
        assert row.over is phases.is_over(phase)
    assert phases.is_over(None)


def test_the_diagram_shows_every_move_with_its_event() -> None:
    lines = list(phases.diagram())
    assert lines[:2] == ["stateDiagram-v2", "    [*] --> Pending"]
    assert len(lines) == 2 + len(MOVES)
    assert "    HELD --> ROLLING_BACK" not in "\n".join(lines)
    assert "    Held --> RollingBack: the old colour is well again, or by order" in lines
