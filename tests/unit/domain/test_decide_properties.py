"""What holds for every observation: deterministic, no clock of its own, and steady once committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.observation import ChildState, Observation, Probe, Trouble, Workload

from tests.unit.domain.building import NOW, REFUSED, RESYNC, child, committed, healthy, memoapp, spec

TROUBLES = st.none() | st.builds(
    Trouble, st.sampled_from(["ImagePullBackOff", "HealthNotReached"]), st.just("told"), st.booleans()
)
PROBES = st.none() | st.builds(
    Probe, st.booleans(), st.sampled_from(["Answering", "Timeout"]), st.text("ab", max_size=1)
)
APPS = st.sampled_from(
    [
        memoapp(spec()),
        memoapp(spec(frontend=None), generation=2),
        memoapp(spec(redis=None)),
        memoapp(spec(database={"external": {"secretRef": {"name": "mine"}}})),
        memoapp(spec(redis={"external": {"secretRef": {"name": "mine"}}}, frontend=None)),
    ]
)
NAMES = ["router", "database", "redis", "blue-backend", "blue-frontend", "green-backend", "green-frontend"]
WEIGHTS = st.sampled_from([None, 0, 50, 100])
STATES = st.lists(st.sampled_from(ChildState), min_size=1, max_size=3)


@st.composite
def workloads(draw: st.DrawFn) -> dict[str, Workload]:
    found = {}
    for name in draw(st.sets(st.sampled_from(NAMES))):
        whole = draw(st.booleans())
        ready = 2 if whole else draw(st.integers(0, 2))
        found[name] = Workload(name, 2, ready, whole, None if whole else draw(TROUBLES))
    return found


# What may be otherwise than in a healthy app, each by itself: so healthy and nearly healthy apps are seen as well.
SPOILED: dict[str, st.SearchStrategy[object]] = {
    "revision": st.sampled_from([None, "rev-2"]),
    "children": STATES.map(lambda states: tuple(child(state, f"child-{at}") for at, state in enumerate(states))),
    "workloads": workloads(),
    "missing": st.sampled_from([("Secret/mail",), ("ConfigMap/texts",)]),
    "lost": st.just(value=True),
    "mismatch": st.just("it is another's"),
    "refusals": st.just(REFUSED),
    "addresses": st.dictionaries(st.sampled_from(["blue-backend", "green-backend"]), st.just("10.0.0.1")),
    "database": PROBES,
    "cache": PROBES,
    "routers": st.dictionaries(st.sampled_from("ab"), WEIGHTS, max_size=2),
}


@st.composite
def sights(draw: st.DrawFn, app: MemoApp) -> Observation:
    spoiled = draw(st.sets(st.sampled_from(sorted(SPOILED)), max_size=4))
    now = NOW + timedelta(seconds=draw(st.integers(0, 1000)))
    return healthy(app, now=now, **{field: draw(SPOILED[field]) for field in sorted(spoiled)})


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """A sight, together with a status that earlier sights led to."""
    app = draw(APPS)
    for _ in range(draw(st.integers(0, 3))):
        app = committed(draw(sights(app))).app
    return draw(sights(app))


def completes(seen: Observation) -> bool:
    before, after = seen.app.status.release, decide(seen, resync=RESYNC).status.release
    return before != after and after is not None and after.phase.value == "Completed"


SEEN: dict[str, Callable[[Observation], bool]] = {
    "a release that completes": completes,
    "another revision of an app that serves": lambda seen: bool(seen.app.status.active) and seen.revision == "rev-2",
    "an app that serves and lost its pods": lambda seen: bool(seen.app.status.active) and not seen.workloads,
}


@pytest.mark.parametrize("wanted", SEEN.values(), ids=SEEN)
def test_the_observations_include(wanted: Callable[[Observation], bool]) -> None:
    assert find(observations(), wanted, settings=settings(phases=[Phase.generate], max_examples=1000))


@given(observations())
def test_the_same_observation_gives_the_same_decision(seen: Observation) -> None:
    assert decide(seen, resync=RESYNC) == decide(replace(seen), resync=RESYNC)


@given(observations(), st.integers(0, 10**6))
@settings(max_examples=200)
def test_a_decision_that_was_committed_is_made_once(seen: Observation, seconds: int) -> None:
    """A release may begin in one pass and complete in the next; the third has nothing left to write or tell."""
    steady = committed(committed(seen))
    later = replace(steady, now=steady.now + timedelta(seconds=seconds))
    again = decide(later, resync=RESYNC)
    assert again.status == later.app.status
    assert again.notes == ()


@given(observations())
@settings(max_examples=200)
def test_what_serves_goes_on_serving_until_another_release_completed(seen: Observation) -> None:
    before, after = seen.app.status, decide(seen, resync=RESYNC).status
    if before.active is not None and after.active != before.active:
        assert after.release is not None
        assert after.active is not None
        assert after.release.phase.value == "Completed"
        assert after.active.revision == after.release.id == seen.revision
    if before.active is not None:
        assert after.traffic is not None
        assert after.traffic.blue + after.traffic.green == 100


@given(observations())
def test_a_release_completes_only_where_everything_it_needs_is_well(seen: Observation) -> None:
    if completes(seen):
        assert seen.database is not None
        assert seen.database.healthy
        assert not seen.refusals
        assert all(child.state is ChildState.CURRENT for child in seen.children)
        assert set(seen.routers.values()) == {0}
        assert seen.workloads["router"].settled
        assert seen.workloads["blue-backend"].settled


@given(observations())
def test_nothing_is_created_past_a_foreign_object_or_anothers_data(seen: Observation) -> None:
    foreign = any(child.state is ChildState.FOREIGN for child in seen.children)
    if seen.mismatch or (foreign and seen.app.status.active is None):
        assert not decide(seen, resync=RESYNC).act


@given(observations())
def test_ready_means_that_nothing_is_the_matter(seen: Observation) -> None:
    status = decide(seen, resync=RESYNC).status
    found = {item.type: item.status.value for item in status.conditions}
    assert [found[each] for each in ("Ready", "Reconciling", "Stalled")].count("True") == 1
    if found["Ready"] == "True":
        assert found["DatabaseReady"] == "True"
        assert found["Available"] == "True"
        assert not any([seen.missing, seen.refusals, seen.mismatch, seen.lost])
        assert all(item.settled for item in seen.workloads.values())


@given(observations())
def test_reasons_are_words_that_the_api_server_takes(seen: Observation) -> None:
    for item in decide(seen, resync=RESYNC).status.conditions:
        assert item.reason.isalpha()
        assert item.reason[0].isupper()
