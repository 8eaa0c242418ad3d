"""The table of states: what an app can be seen like, and what is then decided."""

from __future__ import annotations

from dataclasses import dataclass, replace

from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.decide import PROGRESS_INTERVAL, STALLED_INTERVAL
from memoapp_operator.domain.observation import ChildState, Observation, Probe, Trouble

from tests.unit.domain.building import (
    LATER,
    MISSING_SECRET,
    PASSING,
    R2,
    REFUSED,
    RESYNC,
    STALL,
    TIERS,
    child,
    healthy,
    memoapp,
    serving,
    settled,
    spec,
    unsettled,
    without_pods,
)
from tests.unit.domain.moves import at, crashing, first, hours

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


@dataclass(frozen=True)
class Row:
    """One state and what is decided.

    Attributes:
        seen: what was observed.
        ready: status and reason of Ready.
        stalled: whether Stalled is True.
        available: status and reason of Available.
        database: status and reason of DatabaseReady.
        phase: of the release; empty where there is none.
        traffic: the column.
        act: whether anything may be created or changed.
        again: seconds to the next pass.
    """

    seen: Observation
    ready: tuple[bool, str]
    stalled: bool
    available: tuple[bool, str]
    database: tuple[bool, str] = (True, "Answering")
    phase: str = "Preparing"
    traffic: str = "none"
    act: bool = True
    again: float = PROGRESS_INTERVAL


NOT_YET = (False, "NotYetServing")
SERVES = (True, "Serving")
ROWS: dict[str, Row] = {
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
    "a release prepares": Row(
        without_pods(at(Phase.PREPARING), "green"),
        (False, "Preparing"),
        stalled=False,
        available=SERVES,
        traffic="blue 100",
    ),
    "the clients move": Row(
        replace(at(Phase.SHIFTING), routers={"a": 0, "b": 100}),
        (False, "Shifting"),
        stalled=False,
        available=SERVES,
        phase="Shifting",
        traffic="green 100",
    ),
    "the old colour is warm": Row(
        at(Phase.COMPLETED),
        (True, "Ready"),
        stalled=False,
        available=SERVES,
        phase="Completed",
        traffic="green 100",
        again=RESYNC,
    ),
    "the old colour is warm and not well": Row(
        without_pods(at(Phase.COMPLETED), "blue"),
        (True, "Ready"),
        stalled=False,
        available=SERVES,
        phase="Completed",
        traffic="green 100",
        again=RESYNC,
    ),
    "the old colour goes": Row(
        hours(at(Phase.COMPLETED), 1),
        (True, "Ready"),
        stalled=False,
        available=SERVES,
        phase="Completed",
        traffic="green 100",
        again=RESYNC,
    ),
    "the clients move back": Row(
        replace(at(Phase.ROLLING_BACK), routers={"a": 100}),
        (False, "RollingBack"),
        stalled=False,
        available=SERVES,
        phase="RollingBack",
        traffic="blue 100",
    ),
    "rolled back": Row(
        at(Phase.ROLLED_BACK),
        (False, "NoReadyPods"),
        stalled=True,
        available=SERVES,
        phase="RolledBack",
        traffic="blue 100",
        again=STALLED_INTERVAL,
    ),
    "held": Row(
        without_pods(at(Phase.HELD), "blue"),
        (False, "Held"),
        stalled=True,
        available=SERVES,
        phase="Held",
        traffic="green 100",
    ),
    "rejected": Row(
        at(Phase.REJECTED),
        (False, STALL.reason),
        stalled=True,
        available=SERVES,
        phase="Rejected",
        traffic="blue 100",
        again=STALLED_INTERVAL,
    ),
    "withdrawn for what serves": Row(
        at(Phase.WITHDRAWN),
        (True, "Ready"),
        stalled=False,
        available=SERVES,
        phase="Withdrawn",
        traffic="blue 100",
        again=RESYNC,
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
