"""The API server says no, is away, or comes back with another answer than the true one."""

from __future__ import annotations

import pytest

from tests.faults.calls import Write
from tests.faults.conftest import Disturb
from tests.faults.plans import At, Away, Every, Plan, Reply, Strike, Wait

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("scenario", ["creation", "switch"])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(409),
        Reply(409, sent=True),
        Reply(429, retry_after=2),
        Reply(500),
        Reply(500, sent=True),
    ],
    ids=str,
)
def test_every_second_write_is_answered(disturb: Disturb, scenario: str, reply: Reply) -> None:
    disturb(scenario, lambda writes: [Every(2, reply, upto=len(writes) + 4)])


@pytest.mark.parametrize("seconds", [10.0, 60.0])
def test_the_api_server_is_away_in_a_switch(disturb: Disturb, seconds: float) -> None:
    def plans(writes: tuple[Write, ...]) -> list[Plan]:
        return [At(number, Away(seconds)) for number in _phases(writes)]

    disturb("switch", plans)


@pytest.mark.parametrize("third", [1, 2])
def test_the_api_server_is_killed_in_a_creation(disturb: Disturb, third: int) -> None:
    disturb("creation", lambda writes: [At(len(writes) * third // 3, Strike())], together=False)


def test_slow_writes(disturb: Disturb) -> None:
    disturb("switch", lambda _: [Every(2, Wait(3))])


def _phases(writes: tuple[Write, ...]) -> list[int]:
    """The writes of the status: with each of them the release moves."""
    return [write.call.number for write in writes if write.call.target.endswith("/status")]
