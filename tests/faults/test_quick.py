"""One kill in the middle of a switch, and a creation with a refusal at every second write: a minute for both."""

from __future__ import annotations

import pytest

from tests.faults.calls import Call
from tests.faults.conftest import Disturb
from tests.faults.plans import Chosen, Every, Kill, Reply

pytestmark = pytest.mark.timeout(900)


def test_killed_in_the_middle_of_a_switch(disturb: Disturb) -> None:
    (outcome,) = disturb("switch", [Chosen("as the clients are to move", _shifts, Kill())])
    assert outcome.noted
    assert outcome.starts == 2


def test_a_creation_with_conflicts(disturb: Disturb) -> None:
    (outcome,) = disturb("creation", [Every(2, Reply(409), upto=40)])
    assert len(outcome.noted) > 5


def _shifts(call: Call) -> bool:
    return call.target == "memoapps/memo/status" and b'"phase": "Shifting"' in call.body
