"""The simulated API server does what tests/api/test_conformance.py shows a real one to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from memoapp_operator.domain.manifest import Manifest, Ref

from tests.conformance.cases import CASES
from tests.conformance.place import Place
from tests.sim.cluster import NAMESPACE
from tests.sim.world import World


class SimPlace:
    """The port ``Place``: time goes on only while something is waited for."""

    def __init__(self) -> None:
        self._world = World()
        self.cluster = self._world.cluster
        self.namespace = NAMESPACE
        self.name = "case"

    def put(self, manifest: Manifest) -> Manifest:
        return self.cluster.apply_as("somebody", manifest)

    def find(self, ref: Ref) -> Manifest | None:
        return self.cluster.find(ref)

    def remove(self, ref: Ref) -> None:
        self.cluster.remove(ref)

    async def eventually(self, check: Callable[[], bool]) -> None:
        for _ in range(10):
            self._world.controllers.step()
            if check():
                return
            self._world.clock.advance_to(self._world.clock.seconds + 1)
        pytest.fail("it never was so")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
async def test_it_does_what_a_real_one_does(case: Callable[[Place], Awaitable[None]]) -> None:
    await case(SimPlace())
