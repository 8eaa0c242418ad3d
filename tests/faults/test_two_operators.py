"""One operator acts and another stands by: a leader that slept through its lease does nothing when it wakes."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Disturb
from tests.faults.plans import At, Freeze
from tests.faults.process import LEASE_SECONDS

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
LONGER = LEASE_SECONDS + 10.0
"""Long enough for the other to have taken over."""


@pytest.mark.parametrize("scenario", ["creation", "switch", "rollback"])
def test_the_leader_sleeps_longer_than_its_lease(disturb: Disturb, scenario: str) -> None:
    disturb(scenario, lambda writes: [At(number, Freeze(LONGER)) for number in range(1, len(writes) + 1, 4)])


def test_the_leader_sleeps_shorter_than_its_lease(disturb: Disturb) -> None:
    disturb("switch", lambda writes: [At(number, Freeze(LEASE_SECONDS / 2)) for number in (2, len(writes) // 2)])
