"""One kill in the middle of a switch, and a creation with a refusal at every second write: less than a minute each."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Disturb
from tests.faults.plans import At, Every, Kill, Reply

pytestmark = pytest.mark.timeout(900)


def test_killed_in_the_middle_of_a_switch(disturb: Disturb) -> None:
    (outcome,) = disturb("switch", lambda writes: [At(len(writes) // 2, Kill())])
    assert outcome.noted
    assert outcome.starts == 2


def test_a_creation_with_conflicts(disturb: Disturb) -> None:
    (outcome,) = disturb("creation", lambda writes: [Every(2, Reply(409), upto=len(writes))])
    assert len(outcome.noted) > 5
