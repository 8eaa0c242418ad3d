"""Every state that an app can be seen in, and what is decided: conditions, phase, columns, act, next look."""

from __future__ import annotations

from dataclasses import replace

import pytest
from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus, ReleasePhase
from memoapp_operator.domain.decide import PROGRESS_INTERVAL, STALLED_INTERVAL, decide
from memoapp_operator.domain.decision import Decision
from memoapp_operator.domain.manifest import CONFIG_MAP, Ref
from memoapp_operator.domain.observation import ChildState, Observation, Trouble, Workload
from memoapp_operator.domain.release import serves_alone

from tests.unit.domain.building import (
    BACKEND_ONLY,
    LATER,
    MISSING_SECRET,
    R2,
    RESYNC,
    TIERS,
    child,
    committed,
    healthy,
    memoapp,
    serving,
    settled,
    spec,
    until,
    without_pods,
)
from tests.unit.domain.moves import at
from tests.unit.domain.states import ROWS, Row, changed, new, preparing


def conditions(decision: Decision) -> dict[str, tuple[bool, str]]:
    return {item.type: (item.status.value == "True", item.reason) for item in decision.status.conditions}


def shown(row: Row) -> str:
    return row.phase or "Waiting"


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_state_and_what_is_decided(row: Row) -> None:
    decision = decide(row.seen, resync=RESYNC)
    found = conditions(decision)
    assert found["Ready"] == row.ready
    assert found["Available"] == row.available
    assert found["DatabaseReady"] == row.database
    assert found["Stalled"][0] is row.stalled
    phase = decision.status.release.phase.value if decision.status.release else ""
    assert phase.replace("Retired", "Completed") == row.phase.partition(" ")[0]
    assert decision.status.display == {"release": shown(row), "traffic": row.traffic}
    assert (decision.act, decision.again) == (row.act, row.again)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_ready_reconciling_and_stalled_exclude_each_other(row: Row) -> None:
    found = conditions(decide(row.seen, resync=RESYNC))
    assert [found[each][0] for each in ("Ready", "Reconciling", "Stalled")].count(True) == 1


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_is_not_ready_is_told_in_a_sentence(row: Row) -> None:
    for item in decide(row.seen, resync=RESYNC).status.conditions:
        if item.type in {"Ready", "Stalled"} and item.reason not in {"Ready", "Progressing"}:
            assert item.message


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_every_condition_speaks_of_the_generation_that_was_seen(row: Row) -> None:
    status = decide(row.seen, resync=RESYNC).status
    generation = row.seen.app.metadata.generation
    assert {item.observed_generation for item in status.conditions} == {generation}
    assert status.observed_generation == generation


def message(seen: Observation, type_: str = "Ready") -> str:
    return next(item.message for item in decide(seen, resync=RESYNC).status.conditions if item.type == type_)


def test_the_first_release_goes_to_blue_and_names_revision_and_version() -> None:
    status = decide(new(), resync=RESYNC).status
    assert status.release is not None
    assert status.release.model_dump(mode="json", exclude_none=True) == {
        "id": "rev-1",
        "version": "1.4.0",
        "colour": "blue",
        "phase": "Pending",
        "started_at": "2026-03-01T12:00:00Z",
    }
    assert (status.active, status.traffic) == (None, None)


def test_a_completed_release_serves_from_the_moment_it_completed() -> None:
    status = decide(preparing(now=LATER), resync=RESYNC).status
    assert status.active is not None
    assert status.active.model_dump(mode="json") == {
        "colour": "blue",
        "version": "1.4.0",
        "revision": "rev-1",
        "since": "2026-03-01T12:00:30Z",
    }
    assert status.traffic is not None
    assert (status.traffic.blue, status.traffic.green) == (100, 0)


def test_another_revision_is_a_release_in_the_other_colour() -> None:
    status = decide(replace(serving(), declared=R2, now=LATER), resync=RESYNC).status
    assert status.release is not None
    assert status.active is not None
    assert (status.release.id, status.release.phase.value, status.release.colour.value) == (
        "rev-2",
        "Pending",
        "green",
    )
    assert status.active.revision == "rev-1"


def test_while_a_secret_is_missing_no_release_begins_and_the_last_one_stays() -> None:
    seen = replace(changed(), declared=None, missing=MISSING_SECRET)
    assert decide(seen, resync=RESYNC).status.release == seen.app.status.release


def test_addresses_are_remembered_when_their_services_are_gone() -> None:
    seen = serving(addresses={"green-backend": "10.0.0.2"})
    assert decide(seen, resync=RESYNC).status.addresses == {"blue-backend": "10.0.0.1", "green-backend": "10.0.0.2"}


def test_an_address_that_changed_is_the_live_one() -> None:
    seen = serving(addresses={"blue-backend": "10.9.9.9"})
    assert decide(seen, resync=RESYNC).status.addresses == {"blue-backend": "10.9.9.9"}


def test_everything_that_is_missing_foreign_or_refused_is_named() -> None:
    assert message(new(missing=("Secret/mail", "key x of Secret/y"))) == "not there: Secret/mail, key x of Secret/y"
    foreign = (child(ChildState.FOREIGN, "memo-a"), child(ChildState.FOREIGN, "memo-b"))
    assert "Deployment/memo-a, Deployment/memo-b" in message(new(children=foreign))
    refused = message(preparing(refusals={Ref(CONFIG_MAP, "memo-router"): "forbidden by policy"}))
    assert refused == "the API server refuses ConfigMap/memo-router: forbidden by policy"


def test_an_app_without_redis_says_nothing_about_it() -> None:
    app = memoapp(spec(redis=None))
    decision = decide(healthy(app, cache=None, workloads=settled("router", "database", *TIERS)), resync=RESYNC)
    assert "CacheReady" not in conditions(decision)


def test_an_app_without_a_frontend_is_live_with_its_backend_alone() -> None:
    app = memoapp(spec(frontend=None))
    seen = until(healthy(app), ReleasePhase.COMPLETED)
    assert "blue-frontend" not in seen.workloads
    assert seen.app.status.active is not None
    assert seen.app.status.active.revision == BACKEND_ONLY.id
    assert conditions(decide(seen, resync=RESYNC))["Ready"] == (True, "Ready")


def test_an_external_database_is_judged_by_its_answer_alone() -> None:
    app = memoapp(spec(database={"external": {"secretRef": {"name": "mine"}}}))
    workloads = settled("router", "redis", *TIERS)
    asked = decide(healthy(app, workloads=workloads), resync=RESYNC)
    assert conditions(asked)["DatabaseReady"] == (True, "Answering")
    not_yet = decide(healthy(app, workloads=workloads, database=None), resync=RESYNC)
    assert conditions(not_yet)["DatabaseReady"] == (False, "NotReachedYet")


def test_a_managed_database_whose_controller_is_gone_is_not_ready_whatever_answers() -> None:
    seen = serving(workloads=settled("router", "redis", *TIERS))
    assert conditions(decide(seen, resync=RESYNC))["DatabaseReady"] == (False, "Starting")


@pytest.mark.parametrize("resync", [1.0, 5.0, 30.0])
def test_no_look_is_further_off_than_the_resync(resync: float) -> None:
    for row in ROWS.values():
        assert decide(row.seen, resync=resync).again <= resync


def test_while_what_serves_has_no_pods_and_the_warm_colour_has_it_looks_often() -> None:
    """No event tells that it has been so for long enough."""
    stall = Trouble("CrashLoopBackOff", "green-backend: again and again", stalls=True)
    warm = at(ReleasePhase.COMPLETED)
    assert decide(committed(without_pods(warm, "green", trouble=stall)), resync=RESYNC).again == PROGRESS_INTERVAL
    both = without_pods(without_pods(warm, "green", trouble=stall), "blue")
    assert decide(committed(both), resync=RESYNC).again == STALLED_INTERVAL


def test_a_scaled_to_nothing_tier_leaves_no_ready_pod() -> None:
    seen = serving(workloads={**serving().workloads, "blue-backend": Workload("blue-backend", 0, 0, settled=True)})
    assert conditions(decide(seen, resync=RESYNC))["Available"] == (False, "NoReadyPods")


def test_a_child_of_a_well_app_is_repaired_without_a_word() -> None:
    decision = decide(serving(children=(child(ChildState.DIFFERS),)), resync=RESYNC)
    assert conditions(decision)["Ready"] == (True, "Ready")
    assert decision.act
    assert decision.notes == ()


@pytest.mark.parametrize("state", [ChildState.MISSING, ChildState.DIFFERS])
def test_a_changed_spec_is_not_ready_before_it_is_applied(state: ChildState) -> None:
    seen = serving(children=(child(state),))
    newer = replace(seen, app=memoapp(spec(), seen.app.status, generation=2))
    assert conditions(decide(newer, resync=RESYNC))["Ready"] == (False, "Applying")
    assert conditions(decide(committed(newer), resync=RESYNC))["Ready"] == (False, "Applying")
    applied = committed(newer, children=(child(ChildState.CURRENT),))
    assert conditions(decide(applied, resync=RESYNC))["Ready"] == (True, "Ready")


def test_what_a_deleted_app_of_the_name_left_is_waited_for() -> None:
    decision = decide(new(children=(child(ChildState.LEAVING, "memo-old"),)), resync=RESYNC)
    assert not decision.act
    assert "Deployment/memo-old" in message(new(children=(child(ChildState.LEAVING, "memo-old"),)))


def test_what_left_the_spec_is_of_use_until_the_declared_revision_serves_alone() -> None:
    seen = serving()
    assert serves_alone(seen, seen.app.status)
    assert not serves_alone(replace(seen, declared=R2), seen.app.status)
    assert not serves_alone(replace(seen, declared=None), seen.app.status)
    assert not serves_alone(replace(seen, stored={}), seen.app.status)
    assert not serves_alone(new(), MemoAppStatus())
    warm = at(ReleasePhase.COMPLETED)
    assert not serves_alone(warm, warm.app.status)
    alone = at(ReleasePhase.RETIRED)
    assert serves_alone(alone, alone.app.status)
