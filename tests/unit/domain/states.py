"""The table of states: what an app can be seen like, and what is then decided."""

from __future__ import annotations

from dataclasses import replace

from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.decide import STALLED_INTERVAL
from memoapp_operator.domain.observation import ChildState, Observation, Probe, Trouble

from tests.unit.domain.building import (
    LATER,
    MISSING_SECRET,
    PASSING,
    R2,
    REFUSED,
    RESYNC,
    TIERS,
    child,
    healthy,
    memoapp,
    serving,
    settled,
    spec,
    unsettled,
)
from tests.unit.domain.moves import at, crashing, first
from tests.unit.domain.release_states import NOT_YET, RELEASES, SERVES, Row

NEW = {
    "children": (child(ChildState.MISSING),),
    "workloads": {},
    "addresses": {},
    "database": None,
    "cache": None,
    "routers": {},
}
DOWN = Probe(healthy=False, reason="NotReachable", message="connection refused")


def new(**changes: object) -> Observation:
    """An app that was created just now: nothing is there."""
    return replace(healthy(), **{**NEW, **changes})


def preparing(**changes: object) -> Observation:
    """An app whose first release was committed, and that is not live yet."""
    return replace(first(Phase.PREPARING), **changes)


def changed(**changes: object) -> Observation:
    """A serving app whose spec was changed to another version, and seen for the first time."""
    seen = serving()
    app = memoapp(spec(version="1.5.0"), seen.app.status, generation=2)
    return replace(seen, app=app, declared=R2, now=LATER, **changes)


ROWS: dict[str, Row] = {
    **RELEASES,
    "created just now": Row(
        new(),
        (False, "DatabaseNotReady"),
        stalled=False,
        available=NOT_YET,
        database=(False, "Starting"),
        phase="Pending",
    ),
    "database starts": Row(
        preparing(database=None, workloads=unsettled("database", 0)),
        (False, "DatabaseNotReady"),
        stalled=False,
        available=NOT_YET,
        database=(False, "Starting"),
    ),
    "Redis starts": Row(
        replace(first(Phase.PENDING), cache=None),
        (False, "CacheNotReady"),
        stalled=False,
        available=NOT_YET,
        phase="Pending",
    ),
    "pods start": Row(
        preparing(workloads=settled("router", "database", "redis")),
        (False, "Preparing"),
        stalled=False,
        available=NOT_YET,
    ),
    "a router says another weight": Row(
        preparing(routers={"a": 0, "b": 50}), (False, "Preparing"), stalled=False, available=NOT_YET
    ),
    "a router does not answer": Row(
        preparing(routers={"a": 0, "b": None}), (False, "Preparing"), stalled=False, available=NOT_YET
    ),
    "no router is ready": Row(preparing(routers={}), (False, "Preparing"), stalled=False, available=NOT_YET),
    "a child is not applied yet": Row(
        preparing(children=(child(ChildState.DIFFERS, "memo-blue-backend"), *preparing().children[2:])),
        (False, "Preparing"),
        stalled=False,
        available=NOT_YET,
    ),
    "a child is being deleted": Row(
        preparing(children=(child(ChildState.LEAVING),)),
        (False, "ChildrenLeaving"),
        stalled=False,
        available=NOT_YET,
        act=False,
    ),
    "first release is live": Row(
        preparing(),
        (True, "Ready"),
        stalled=False,
        available=SERVES,
        phase="Completed",
        traffic="blue 100",
        again=RESYNC,
    ),
    "serves, all is well": Row(
        serving(),
        (True, "Ready"),
        stalled=False,
        available=SERVES,
        phase="Completed",
        traffic="blue 100",
        again=RESYNC,
    ),
    "serves, another version is declared": Row(
        changed(), (False, "Pending"), stalled=False, available=SERVES, phase="Pending", traffic="blue 100"
    ),
    "serves, the new pods cannot start": Row(
        crashing(at(Phase.PREPARING)),
        (False, "CrashLoopBackOff"),
        stalled=True,
        available=SERVES,
        phase="Rejected",
        traffic="blue 100",
        again=STALLED_INTERVAL,
    ),
    "serves, one pod of two is ready": Row(
        serving(workloads={**serving().workloads, **unsettled("blue-backend")}),
        (False, "Degraded"),
        stalled=False,
        available=SERVES,
        phase="Completed",
        traffic="blue 100",
    ),
    "no pod of the backend is ready": Row(
        serving(workloads={**serving().workloads, **unsettled("blue-backend", 0, PASSING)}),
        (False, "HealthNotReached"),
        stalled=False,
        available=(False, "NoReadyPods"),
        phase="Completed",
        traffic="blue 100",
    ),
    "the frontend's Deployment was deleted": Row(
        serving(workloads=settled("router", "database", "redis", "blue-backend")),
        (False, "Degraded"),
        stalled=False,
        available=(False, "NoReadyPods"),
        phase="Completed",
        traffic="blue 100",
    ),
    "no router is left": Row(
        serving(workloads=settled("database", "redis", *TIERS)),
        (False, "Degraded"),
        stalled=False,
        available=(False, "NoReadyPods"),
        phase="Completed",
        traffic="blue 100",
    ),
    "serves, the database is down": Row(
        serving(database=DOWN),
        (False, "DatabaseNotReady"),
        stalled=False,
        available=SERVES,
        database=(False, "NotReachable"),
        phase="Completed",
        traffic="blue 100",
    ),
    "the database's pod crashes": Row(
        serving(
            database=None,
            workloads={
                **serving().workloads,
                **unsettled("database", 0, Trouble("CrashLoopBackOff", "database: x", stalls=True)),
            },
        ),
        (False, "CrashLoopBackOff"),
        stalled=True,
        available=SERVES,
        database=(False, "CrashLoopBackOff"),
        phase="Completed",
        traffic="blue 100",
        again=STALLED_INTERVAL,
    ),
    "serves, Redis is down": Row(
        serving(cache=DOWN),
        (False, "CacheNotReady"),
        stalled=False,
        available=SERVES,
        phase="Completed",
        traffic="blue 100",
    ),
    "new, a Secret is missing": Row(
        new(missing=MISSING_SECRET, declared=None),
        (False, "SecretMissing"),
        stalled=True,
        available=NOT_YET,
        database=(False, "Starting"),
        phase="",
        again=STALLED_INTERVAL,
    ),
    "serves, a ConfigMap went missing": Row(
        serving(missing=("ConfigMap/texts",), declared=None),
        (False, "ConfigMapMissing"),
        stalled=True,
        available=SERVES,
        phase="Completed",
        traffic="blue 100",
        again=STALLED_INTERVAL,
    ),
    "new, something foreign is in the way": Row(
        new(children=(child(ChildState.MISSING), child(ChildState.FOREIGN, "memo-other"))),
        (False, "ForeignObject"),
        stalled=True,
        available=NOT_YET,
        database=(False, "Starting"),
        act=False,
        phase="Pending",
    ),
    "serves, something foreign is in the way": Row(
        serving(children=(child(ChildState.FOREIGN),)),
        (False, "ForeignObject"),
        stalled=True,
        available=SERVES,
        phase="Completed",
        traffic="blue 100",
        again=STALLED_INTERVAL,
    ),
    "new, the volume is there and its Secret is not": Row(
        new(lost=True),
        (False, "SecretLost"),
        stalled=True,
        available=NOT_YET,
        database=(False, "SecretLost"),
        act=False,
        phase="Pending",
    ),
    "serves, the database's Secret was deleted": Row(
        serving(lost=True, database=None),
        (False, "SecretLost"),
        stalled=True,
        available=SERVES,
        database=(False, "SecretLost"),
        phase="Completed",
        traffic="blue 100",
        again=STALLED_INTERVAL,
    ),
    "kept data of another database": Row(
        new(mismatch="it is another's"),
        (False, "KeptDataMismatch"),
        stalled=True,
        available=NOT_YET,
        database=(False, "Starting"),
        act=False,
        phase="Pending",
    ),
    "the API server refuses a child": Row(
        preparing(refusals=REFUSED, workloads=settled("router", "database", "redis")),
        (False, "ChildRefused"),
        stalled=True,
        available=NOT_YET,
        phase="Preparing",
    ),
    "serves, a change would restart the database": Row(
        serving(children=(replace(child(ChildState.WAITING), detail="digest"),)),
        (False, "RestartPending"),
        stalled=True,
        available=SERVES,
        phase="Completed",
        traffic="blue 100",
        again=STALLED_INTERVAL,
    ),
    "serves, another major of the database is declared": Row(
        serving(children=(replace(child(ChildState.IMPOSSIBLE), detail="PostgreSQL 17 cannot become 18"),)),
        (False, "MajorVersionRefused"),
        stalled=True,
        available=SERVES,
        phase="Completed",
        traffic="blue 100",
        again=STALLED_INTERVAL,
    ),
    "serves, and the nodes do not send to its pods yet": Row(
        replace(serving(), reached={**serving().reached, "blue-backend": False}),
        (False, "Degraded"),
        stalled=False,
        available=SERVES,
        phase="Completed",
        traffic="blue 100",
    ),
}
