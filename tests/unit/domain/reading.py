"""What a decision says, read for an assertion."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoAppStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.observation import Observation
from memoapp_operator.domain.release import step
from memoapp_operator.domain.state import split

from tests.unit.domain.building import RESYNC

BLUE, GREEN = split(Colour.BLUE), split(Colour.GREEN)


def after(seen: Observation) -> MemoAppStatus:
    return decide(seen, resync=RESYNC).status


def serves_now(status: MemoAppStatus) -> tuple[str, str, int]:
    """Colour and revision that serve, and green's share."""
    assert status.active is not None
    assert status.traffic is not None
    return status.active.colour.value, status.active.revision, status.traffic.green


def conditions(status: MemoAppStatus) -> dict[str, tuple[bool, str]]:
    return {item.type: (item.status.value == "True", item.reason) for item in status.conditions}


def phase_after(seen: Observation) -> Phase:
    release = step(seen).release
    assert release is not None
    return release.phase
