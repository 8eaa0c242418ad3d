"""The plan, and what ``spec.paused`` holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.observation import Observation, Trouble
from memoapp_operator.domain.orders import PLAN_ANNOTATION
from memoapp_operator.domain.release import step
from memoapp_operator.domain.state import State

from tests.unit.domain.building import (
    R1,
    R2,
    RESYNC,
    committed,
    healthy,
    onward,
    phase_of,
    serving,
    spec,
    until,
    with_spec,
)
from tests.unit.domain.moves import MOVES, at, at_step, hours, ordered


def paused(seen: Observation, **changes: Any) -> Observation:
    return with_spec(seen, **{**seen.app.spec.model_dump(by_alias=True, exclude_none=True), **changes, "paused": True})


def plan(seen: Observation) -> list[str]:
    return decide(seen, resync=RESYNC).status.plan or []


def test_paused_a_changed_spec_is_planned_and_nothing_begins() -> None:
    seen = onward(paused(serving(declared=R2)))
    assert phase_of(seen) is Phase.COMPLETED
    assert (seen.app.status.plan or [])[0] == (
        "version 1.5.0, revision rev-2, would take over in green from version 1.4.0, revision rev-1"
    )
    found = {item.type: item for item in seen.app.status.conditions}
    assert (found["Ready"].reason, found["Stalled"].status, found["Reconciling"].status) == ("Paused", "False", "False")
    assert phase_of(until(onward(with_spec(seen, paused=False)), Phase.COMPLETED)) is Phase.COMPLETED


def test_paused_with_nothing_changed_it_is_ready_and_plans_nothing() -> None:
    seen = onward(paused(serving()))
    assert seen.app.status.plan is None
    assert {item.type: item.status for item in seen.app.status.conditions}["Ready"] == "True"


def test_paused_from_the_start_nothing_ever_served() -> None:
    seen = onward(paused(healthy()))
    assert seen.app.status.release is None
    assert "is the first to serve" in (seen.app.status.plan or [])[0]


FORWARD = [Phase.PREFLIGHT, Phase.BACKING_UP, Phase.PREPARING, Phase.TESTING, Phase.APPROVING, Phase.SOAKING]


@pytest.mark.parametrize("phase", FORWARD)
def test_paused_in_mid_release_it_holds_where_it_is(phase: Phase) -> None:
    seen = paused(at(phase))
    for _ in range(3):
        seen = onward(seen)
    assert phase_of(seen) is phase


def test_paused_at_a_step_it_does_not_go_on_to_the_next() -> None:
    seen = hours(paused(at_step(10)), 0.1)
    assert phase_of(onward(seen)) is Phase.SHIFTING
    release = onward(seen).app.status.release
    assert release is not None
    assert release.weight == 10


def test_paused_a_migration_that_ended_is_said_and_its_pods_come_up() -> None:
    seen = onward(paused(at(Phase.MIGRATING)))
    assert phase_of(seen) is Phase.PREPARING
    assert phase_of(onward(onward(seen))) is Phase.PREPARING


BACK = [
    key
    for key in MOVES
    if key[1] in {Phase.ROLLING_BACK, Phase.REJECTED, Phase.ROLLED_BACK, Phase.WITHDRAWN, Phase.RETIRED}
]


@pytest.mark.parametrize(("before", "after"), BACK, ids=lambda phase: phase.value)
def test_paused_every_way_back_is_open(before: Phase, after: Phase) -> None:
    release = step(paused(MOVES[before, after]())).release
    assert release is not None
    assert release.phase is after


def test_by_order_a_plan_is_made_once_and_stays_as_it_was() -> None:
    seen = committed(ordered(serving(), PLAN_ANNOTATION, "n1"))
    first = seen.app.status.plan
    assert first == ["nothing: version 1.4.0, revision rev-1, serves as it is declared"]
    assert seen.app.status.orders is not None
    assert seen.app.status.orders.plan == "n1"
    changed = replace(seen, declared=R2)
    assert plan(changed) == first
    again = plan(ordered(changed, PLAN_ANNOTATION, "n2"))
    assert again[0].startswith("version 1.5.0, revision rev-2, takes over (Pending now)")
    assert plan(replace(changed, orders={})) == []


def test_it_tells_phases_backup_migration_tests_gates_and_windows() -> None:
    release = {
        "migration": {"command": ["migrate", "up"], "reversible": False},
        "tests": [{"name": "smoke"}, {"name": "whole", "when": "AfterSwitch", "timeout": "3m"}],
        "steps": [{"weight": 10, "hold": "1m"}],
        "approval": "Manual",
    }
    seen = paused(serving(declared=R2), release=release, backup={})
    found = plan(seen)
    assert (
        "phases: Preflight, BackingUp, Migrating, Preparing, Testing, Approving, Shifting 10% for 1m, Shifting 100%, "
        "Soaking for 0s, Completed, the old colour warm for 30m"
    ) in found
    assert "backup: a new one, none is younger than 1h" in found
    assert "migration: migrate up, within 10m; it is not reversible" in found
    assert "tests BeforeTraffic: smoke within 10m" in found
    assert "tests AfterSwitch: whole within 3m" in found
    assert "gate cpuPercent is skipped: no metrics-server" in found
    assert "windows: no maintenance window holds it" in found


def test_a_gate_that_a_person_wrote_and_nobody_measures_would_hold_it() -> None:
    seen = paused(serving(declared=R2), gates={"resources": {"cpuPercent": 80}})
    assert "gate cpuPercent has no source, and would hold the release: no metrics-server" in plan(seen)


def test_what_was_rejected_says_so() -> None:
    why = Trouble("GateFailed", "too many errors", stalls=True)
    status = serving().app.status
    rejected = list(State.of(status).rejecting("rev-2", why, serving().now).rejected)
    seen = serving(declared=R2)
    seen = replace(seen, app=seen.app.model_copy(update={"status": status.model_copy(update={"rejected": rejected})}))
    assert "it was rejected (GateFailed): only memoapp.dev/retry lets it come, or another revision" in plan(
        paused(seen)
    )


def test_no_value_of_a_variable_is_in_it() -> None:
    def revision(value: str, image: str) -> Any:
        container = {"image": image, "env": [{"name": "TOKEN", "value": value}]}
        return {"backend": {"template": {"spec": {"containers": [container]}}, "port": 1, "healthPath": "/"}}

    old, new = replace(R1, tiers=revision("geheim-1", "a:1")), replace(R2, tiers=revision("geheim-2", "a:2"))
    seen = serving(declared=new)
    seen = paused(replace(seen, stored={**seen.stored, R1.name: old}))
    assert "backend: env, image a:1 -> a:2" in plan(seen)
    assert "geheim" not in str(plan(seen))


def test_what_cannot_be_known_yet_says_what_is_missing() -> None:
    seen = serving(declared=None, missing=("Secret/mail",))
    found = plan(ordered(seen, PLAN_ANNOTATION))
    assert found == ["what would be released cannot be told: not there: Secret/mail"]
    assert spec()
