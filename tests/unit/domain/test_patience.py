"""What a release waits for, and what is no fault of the version that it brings."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.observation import Observation, Probe, Trouble
from memoapp_operator.domain.release import step
from memoapp_operator.domain.troubles import UNSCHEDULABLE

from tests.unit.domain.building import R1, onward, phase_of, unsettled, with_workloads
from tests.unit.domain.moves import at, crashing, hours
from tests.unit.domain.reading import after, phase_after


def test_no_version_is_judged_while_its_database_does_not_answer() -> None:
    seen = replace(crashing(at(Phase.PREPARING)), database=Probe(healthy=False, reason="NotReachable"))
    waiting = onward(hours(seen, 10), workloads=seen.workloads, database=seen.database)
    assert phase_of(waiting) is Phase.PREPARING
    assert waiting.app.status.release is not None
    assert waiting.app.status.release.deadline is None
    back = replace(waiting, workloads=at(Phase.PREPARING).workloads, database=at(Phase.PREPARING).database)
    late = step(with_workloads(back, unsettled("green-backend", 1))).release
    assert late is not None
    assert late.deadline == timestamp(back.now + timedelta(minutes=30))
    assert phase_after(crashing(back)) is Phase.REJECTED


def test_a_node_may_come_until_the_deadline() -> None:
    none = Trouble(UNSCHEDULABLE, "green-backend: no node takes the pod for 5m", stalls=True)
    seen = with_workloads(at(Phase.PREPARING), unsettled("green-backend", 0, none))
    assert phase_after(hours(seen, 0.4)) is Phase.PREPARING
    assert phase_after(hours(seen, 0.6)) is Phase.REJECTED


def test_a_colours_former_pods_are_gone_before_new_ones_come() -> None:
    """They would count in a quota, and answer for the new ones."""
    seen = at(Phase.PENDING)
    assert phase_after(replace(seen, populated=frozenset({Colour.GREEN}))) is Phase.PENDING
    assert phase_after(replace(seen, populated=frozenset({Colour.BLUE}))) is Phase.PREPARING
    again = onward(replace(at(Phase.COMPLETED), declared=R1))
    assert phase_after(replace(again, populated=frozenset(Colour))) is Phase.PREPARING


def test_it_says_what_it_waits_for_where_nobody_would_look() -> None:
    former = replace(at(Phase.PENDING), populated=frozenset({Colour.GREEN}))
    assert "former pods of green" in message(former)
    behind = replace(at(Phase.PREPARING), reached={"green-backend": False, "green-frontend": True})
    assert "green-backend is healthy through its Service, with its own pods alone behind it" in message(behind)


def message(seen: Observation) -> str:
    """What Ready says."""
    return next(item.message for item in after(seen).conditions if item.type == "Ready")
