"""Promise 8: an API server that answers badly delays the operator and confuses it never."""

from __future__ import annotations

import pytest
from memoapp_operator.ports import LeaseLostError

from tests.sim import apps, stage
from tests.sim.endstate import end_state
from tests.sim.faults import ConflictEvery, Faults, LeaseEnds, UnavailableEvery


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(ConflictEvery(2), id="every second write conflicts"),
        pytest.param(UnavailableEvery(3, takes_effect=False), id="every third write is lost"),
        pytest.param(UnavailableEvery(3, takes_effect=True), id="every third answer is lost"),
    ],
)
@pytest.mark.parametrize("shape", [apps.full, apps.backend_only])
async def test_the_end_is_the_same(shape: apps.Shape, faults: Faults) -> None:
    sim = stage.simulation()
    sim.cluster.faults = faults
    sim.declare(shape())
    await sim.until_rest(quiet=120)
    assert sim.operators[0].failed > 5
    assert end_state(sim) == (await stage.undisturbed(shape)).state
    assert all(sim.cluster.births(ref) == 1 for ref in sim.children())


@pytest.mark.parametrize("number", [1, 3, 4, 15, 28, 36])
async def test_once_the_lease_is_over_nothing_more_is_written(number: int) -> None:
    sim = stage.simulation()
    sim.cluster.faults = LeaseEnds(number)
    sim.declare(apps.full())
    with pytest.raises(LeaseLostError):
        await sim.until_rest()
    assert sim.written == number
    assert sim.writes()[-1].outcome == "LeaseLostError"
    assert sum(write.outcome == "LeaseLostError" for write in sim.writes()) == 1
