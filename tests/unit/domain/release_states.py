"""The table of states, the part of the releases: what is decided in each phase."""

from __future__ import annotations

from dataclasses import dataclass, replace

from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.decide import PROGRESS_INTERVAL, STALLED_INTERVAL
from memoapp_operator.domain.observation import Observation

from tests.unit.domain.building import (
    INTERVAL,
    RESYNC,
    STALL,
    without_pods,
)
from tests.unit.domain.moves import at, hours


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
RELEASES: dict[str, Row] = {
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
        phase="Shifting 100%",
        traffic="green 100",
    ),
    "the old colour is warm": Row(
        at(Phase.COMPLETED),
        (True, "Ready"),
        stalled=False,
        available=SERVES,
        phase="Completed",
        traffic="green 100",
        again=INTERVAL,
    ),
    "the old colour is warm and not well": Row(
        without_pods(at(Phase.COMPLETED), "blue"),
        (True, "Ready"),
        stalled=False,
        available=SERVES,
        phase="Completed",
        traffic="green 100",
        again=INTERVAL,
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
}
