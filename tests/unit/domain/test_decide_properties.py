"""What holds for every observation: deterministic, no clock of its own, and steady once committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus
from memoapp_operator.domain.conditions import is_true
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.manifest import DEPLOYMENT
from memoapp_operator.domain.observation import ChildState, Observation

from tests.unit.domain.building import R2, RESYNC, committed, phase_of
from tests.unit.domain.worlds import Pass, completes, histories, observations

thorough = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])


def ready(seen: Observation) -> set[int]:
    return {item.ready for item in seen.workloads.values()}


SEEN: dict[str, Callable[[Observation], bool]] = {
    "a release that completes": completes,
    "another revision of an app that serves": lambda seen: bool(seen.app.status.active) and seen.declared == R2,
    "an app that serves and lost pods": lambda seen: bool(seen.app.status.active) and 0 in ready(seen),
    "a release in mid-way": lambda seen: phase_of(seen) is not None and str(phase_of(seen)) == "Shifting",
    "a release that goes back": lambda seen: str(phase_of(seen)) == "RollingBack",
}


@pytest.mark.parametrize("wanted", SEEN.values(), ids=SEEN)
def test_the_observations_include(wanted: Callable[[Observation], bool]) -> None:
    assert find(observations(), wanted, settings=settings(phases=[Phase.generate], max_examples=1000))


@given(observations())
@thorough
def test_the_same_observation_gives_the_same_decision(seen: Observation) -> None:
    assert decide(seen, resync=RESYNC) == decide(replace(seen), resync=RESYNC)


@given(observations())
@thorough
def test_a_decision_that_was_committed_is_made_once(seen: Observation) -> None:
    """A release takes a step a pass; once none is left to take, nothing is written or told any more."""
    for _ in range(12):
        after = committed(seen)
        if after.app.status == seen.app.status:
            break
        seen = after
    again = decide(seen, resync=RESYNC)
    assert again.status == seen.app.status
    assert again.notes == ()


@given(observations())
@thorough
def test_nothing_is_created_past_a_foreign_object_or_anothers_data(seen: Observation) -> None:
    foreign = any(child.state is ChildState.FOREIGN for child in seen.children)
    if seen.mismatch or (foreign and seen.app.status.active is None):
        assert not decide(seen, resync=RESYNC).act


@given(observations())
@thorough
def test_ready_means_that_nothing_is_the_matter(seen: Observation) -> None:
    status = decide(seen, resync=RESYNC).status
    found = {item.type: item.status.value for item in status.conditions}
    suspended = seen.app.spec.suspend
    ready = next(item for item in status.conditions if item.type == "Ready")
    rests = suspended or ready.reason == "OutsideWindow"  # as a person declared it: nothing is under way, nothing wrong
    assert [found[each] for each in ("Ready", "Reconciling", "Stalled")].count("True") == (
        0 if rests and found["Stalled"] != "True" else 1
    )
    if found["Ready"] == "True":
        assert found["DatabaseReady"] == "True"
        assert found["Available"] == "True"
        assert not suspended
        assert not any([seen.missing, seen.refusals, seen.mismatch, seen.lost])
        assert status.active is not None
        assert seen.declared is None or seen.declared.id == status.active.revision
        concerned = [name for name in seen.workloads if "-" not in name or name.startswith(status.active.colour)]
        assert all(seen.workloads[name].settled for name in concerned)


@given(observations())
@thorough
def test_reasons_are_words_that_the_api_server_takes(seen: Observation) -> None:
    status = decide(seen, resync=RESYNC).status
    for item in status.conditions:
        assert item.reason.isalpha()
        assert item.reason[0].isupper()
    MemoAppStatus.model_validate(status.model_dump(mode="json", by_alias=True, exclude_none=True))


@given(histories())
@thorough
def test_a_release_completes_only_where_its_pods_are_there_and_asked(passes: list[Pass]) -> None:
    for each in passes:
        if not completes(each.seen) or str(phase_of(each.seen)) != "Preparing":
            continue
        status, seen = each.after.status, each.seen
        assert status.active is not None
        colour = status.active.colour
        wanted = [name for name in seen.workloads if name.startswith(f"{colour}-")]
        assert wanted
        assert all(seen.workloads[name].settled and seen.reached[name] for name in wanted)
        deployed = [item for item in seen.children if item.ref.kind == DEPLOYMENT and f"-{colour}-" in item.ref.name]
        assert all(item.state is ChildState.CURRENT for item in deployed)
        assert set(seen.routers.values()) == {status.traffic.green if status.traffic else None}
        assert seen.workloads["router"].settled


@given(histories())
@thorough
def test_stalled_and_available_tell_of_the_clients_not_of_the_release(passes: list[Pass]) -> None:
    """While a ready pod of each tier and a ready router serve, the app is available, whatever a release does."""
    for each in passes:
        status, seen = each.after.status, each.seen
        if status.active is None or status.traffic is None or seen.app.spec.suspend:
            continue
        colour = "green" if status.traffic.green > 50 else "blue"
        names = ["router", *(name for name in seen.workloads if name.startswith(f"{colour}-"))]
        if any(name not in seen.workloads or seen.workloads[name].ready == 0 for name in names):
            assert not is_true(status.conditions, "Available")
