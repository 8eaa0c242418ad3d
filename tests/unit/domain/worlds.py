"""Worlds for properties: what an app goes through, pass by pass, with things that go wrong and right again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, ReleasePhase
from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.observation import ChildState, Observation, Probe, Trouble, Workload
from memoapp_operator.domain.orders import ORDERS
from memoapp_operator.domain.state import rejection_text, rejections_in

from tests.unit.domain.building import (
    BACKEND_ONLY,
    NOW,
    R1,
    R2,
    R3,
    REFUSED,
    RESYNC,
    STORED,
    child,
    decided,
    healthy,
    memoapp,
    phase_of,
    spec,
)
from tests.unit.domain.moves import CLOSED, FREEZE, OPEN, at

TROUBLES = st.none() | st.builds(
    Trouble,
    st.sampled_from(["ImagePullBackOff", "CrashLoopBackOff", "HealthNotReached"]),
    st.just("told"),
    st.booleans(),
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
        memoapp(spec(release={"keepOld": "0s", "deadline": "10s"})),
    ]
)
# An app in any phase of a release of R2, so that short histories lead everywhere.
STARTS = st.sampled_from([at(phase).app for phase in ReleasePhase])
DECLARED = st.sampled_from([None, R1, R2, R3, BACKEND_ONLY])
WEIGHTS = st.sampled_from([None, 0, 50, 100])
STATES = st.lists(st.sampled_from(ChildState), min_size=1, max_size=3)
WAITS = st.sampled_from([0, 2, 6, 60, 3600])


@st.composite
def workloads(draw: st.DrawFn, well: Mapping[str, Workload], seen: Observation) -> dict[str, Workload]:
    """Some of the workloads gone, or without some or all of their pods, for a shorter or a longer while."""
    found = dict(well)
    for name in sorted(draw(st.sets(st.sampled_from(sorted(well)), min_size=1)) if well else ()):
        if draw(st.integers(0, 5)) == 0:
            del found[name]
            continue
        since = timestamp(seen.now - timedelta(seconds=draw(st.sampled_from([1, 10, 1000]))))
        back = timestamp(seen.now - timedelta(seconds=draw(st.sampled_from([1, 10]))))
        found[name] = Workload(name, 2, draw(st.integers(0, 2)), settled=False, trouble=draw(TROUBLES))
        found[name] = replace(found[name], gone_since=since, ready_since=back)
    return found


@st.composite
def sights(draw: st.DrawFn, app: MemoApp, before: Observation | None = None) -> Observation:
    """What is seen of an app with this status: mostly what it should be, and up to three things otherwise."""
    now = (before.now if before else NOW) + timedelta(seconds=draw(WAITS))
    kept = {"declared": before.declared, "orders": before.orders} if before else {}
    seen = healthy(app, now=now, **kept)
    spoiled: dict[str, st.SearchStrategy[object]] = {
        "declared": DECLARED,
        "children": STATES.map(lambda states: tuple(child(state, f"child-{at}") for at, state in enumerate(states))),
        "workloads": workloads(seen.workloads, seen),
        "missing": st.sampled_from([("Secret/mail",), ("ConfigMap/texts",)]),
        "lost": st.just(value=True),
        "mismatch": st.just("it is another's"),
        "refusals": st.just(REFUSED),
        "addresses": st.dictionaries(st.sampled_from(["blue-backend", "green-backend"]), st.just("10.0.0.1")),
        "database": PROBES,
        "cache": PROBES,
        "reached": st.just({}),
        "stored": st.sampled_from([{R1.name: R1}, {R2.name: R2, R3.name: R3}, {}]),
        "orders": st.dictionaries(st.sampled_from(ORDERS), st.sampled_from(["1", "2"])),
        "windows": st.sampled_from([CLOSED, FREEZE, OPEN]),
        "routers": st.dictionaries(st.sampled_from("ab"), WEIGHTS, max_size=2),
    }
    for field in sorted(draw(st.sets(st.sampled_from([*sorted(spoiled), "declared", "workloads"]), max_size=3))):
        seen = replace(seen, **{field: draw(spoiled[field])})
    if draw(st.integers(0, 15)) == 0:
        seen = replace(seen, app=suspended(app))
    return seen


def suspended(app: MemoApp) -> MemoApp:
    """The same app, suspended."""
    return app.model_copy(update={"spec": app.spec.model_copy(update={"suspend": True})})


def without_status(seen: Observation) -> Observation:
    """The same sight, its status lost: Deployments and the routers' ConfigMap are what is left of it."""
    status = seen.app.status
    blank = memoapp().status
    return replace(
        seen,
        app=seen.app.model_copy(update={"status": blank}),
        found=dict(status.colours or {}),
        recorded=status.traffic.green if status.traffic else None,
        noted=rejections_in(rejection_text(status.rejected or ())),
        stored=STORED,
    )


@dataclass(frozen=True)
class Pass:
    """One pass: what was seen, with the app as it was committed before, and the app as it is committed after."""

    seen: Observation
    after: MemoApp

    @property
    def before(self) -> MemoApp:
        """The app before this pass."""
        return self.seen.app


@st.composite
def histories(draw: st.DrawFn) -> list[Pass]:
    """Passes one after the other, each with what the one before committed."""
    app = draw(APPS | STARTS)
    passes: list[Pass] = []
    for _ in range(draw(st.integers(1, 6))):
        seen = draw(sights(app, passes[-1].seen if passes else None))
        status = decided(seen).status
        passes.append(Pass(seen, app.model_copy(update={"status": status})))
        app = passes[-1].after
    return passes


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """A sight, together with a status that earlier sights led to."""
    passes = draw(histories())
    return draw(sights(passes[-1].after, passes[-1].seen))


def completes(seen: Observation) -> bool:
    """This pass completes a release."""
    before, after = phase_of(seen), decide(seen, resync=RESYNC).status.release
    return after is not None and after.phase.value == "Completed" and before is not after.phase
