"""The table of states: what an app can be seen like, and what is then decided."""

from __future__ import annotations

from dataclasses import dataclass, replace

from memoapp_operator.domain.decide import PROGRESS_INTERVAL, STALLED_INTERVAL
from memoapp_operator.domain.observation import ChildState, Observation, Probe, Trouble

from tests.unit.domain.building import (
    LATER,
    MISSING_SECRET,
    PASSING,
    REFUSED,
    RESYNC,
    STALL,
    TIERS,
    child,
    committed,
    healthy,
    memoapp,
    serving,
    settled,
    spec,
    unsettled,
)

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
    return committed(healthy(children=(child(ChildState.MISSING),)), **changes)


def changed(**changes: object) -> Observation:
    """A serving app whose spec was changed to another version, and seen for the first time."""
    seen = serving()
    app = memoapp(spec(version="1.5.0"), seen.app.status, generation=2)
    return replace(seen, app=app, revision="rev-2", now=LATER, **changes)


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
        new(), (False, "DatabaseNotReady"), stalled=False, available=NOT_YET, database=(False, "Starting")
    ),
    "database starts": Row(
        preparing(database=None, workloads=unsettled("database", 0)),
        (False, "DatabaseNotReady"),
        stalled=False,
        available=NOT_YET,
        database=(False, "Starting"),
    ),
    "Redis starts": Row(preparing(cache=None), (False, "CacheNotReady"), stalled=False, available=NOT_YET),
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
        preparing(children=(child(ChildState.DIFFERS),)), (False, "Preparing"), stalled=False, available=NOT_YET
    ),
    "a child is being deleted": Row(
        preparing(children=(child(ChildState.LEAVING),)),
        (False, "ChildrenLeaving"),
        stalled=False,
        available=NOT_YET,
        act=False,
    ),
    "first release is live": Row(
        preparing(children=(child(ChildState.CURRENT),)),
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
        changed(), (False, "Preparing"), stalled=False, available=SERVES, traffic="blue 100"
    ),
    "serves, the new pods cannot start": Row(
        committed(
            changed(),
            workloads={
                **settled("router", "database", "redis", "blue-frontend"),
                **unsettled("blue-backend", 2, STALL),
            },
        ),
        (False, "ImagePullBackOff"),
        stalled=True,
        available=SERVES,
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
        new(missing=MISSING_SECRET, revision=None),
        (False, "SecretMissing"),
        stalled=True,
        available=NOT_YET,
        database=(False, "Starting"),
        phase="",
        again=STALLED_INTERVAL,
    ),
    "serves, a ConfigMap went missing": Row(
        serving(missing=("ConfigMap/texts",), revision=None),
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
        again=STALLED_INTERVAL,
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
        again=STALLED_INTERVAL,
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
        again=STALLED_INTERVAL,
    ),
    "the API server refuses a child": Row(
        preparing(refusals=REFUSED),
        (False, "ChildRefused"),
        stalled=True,
        available=NOT_YET,
        again=STALLED_INTERVAL,
    ),
}
