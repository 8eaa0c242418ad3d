from __future__ import annotations

import asyncio

import pytest

from tests.sim import stage
from tests.sim.runner import Simulation


@pytest.fixture
def sim() -> Simulation:
    return stage.simulation()


# Where none was ever set, asking for the event loop makes one that nobody closes: a warning in some later test.
asyncio.set_event_loop(None)
