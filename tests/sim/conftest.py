from __future__ import annotations

import pytest

from tests.sim import stage
from tests.sim.runner import Simulation


@pytest.fixture
def sim() -> Simulation:
    return stage.simulation()
