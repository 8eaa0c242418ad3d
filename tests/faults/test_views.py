"""What the operator sees is late, silent or old, or its clock is wrong."""

from __future__ import annotations

import pytest

from tests.faults import clock
from tests.faults.conftest import Disturb
from tests.faults.plans import At, DropWatches, Every, Jump, Silence, Stale

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("scenario", ["creation", "switch", "rejection"])
def test_watches_fall_silent(disturb: Disturb, scenario: str) -> None:
    disturb(scenario, lambda _: [At(1, Silence(120))])


def test_watches_are_dropped_with_every_second_write(disturb: Disturb) -> None:
    disturb("switch", lambda _: [Every(2, DropWatches())])


@pytest.mark.parametrize("lists_only", [True, False])
def test_reads_are_stale(disturb: Disturb, lists_only: bool) -> None:
    disturb(
        "switch",
        lambda writes: [At(number, Stale(8, lists_only=lists_only)) for number in range(1, len(writes) + 1, 2)],
    )


@pytest.mark.skipif(clock.library() is None, reason="libfaketime is not installed (Debian's package faketime)")
@pytest.mark.parametrize("seconds", [300, -60])
def test_the_wall_clock_jumps(disturb: Disturb, seconds: float) -> None:
    """By less than the release's deadline, and back by less than a run may last: keepOld then lasts as much longer."""
    disturb("switch", lambda writes: [At(number, Jump(seconds)) for number in range(1, len(writes) + 1, 4)])
