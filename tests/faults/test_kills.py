"""Killed after any write, the next process goes on where the last one was: the end is the undisturbed one."""

from __future__ import annotations

import pytest

from tests.faults.calls import Write
from tests.faults.conftest import Disturb, Plans
from tests.faults.plans import At, Chosen, Kill, Plan

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]


def every(step: int, kill: Kill) -> Plans:
    """A kill at every ``step``-th write of the undisturbed run."""

    def plans(writes: tuple[Write, ...]) -> list[Plan]:
        return [At(number, kill) for number in range(1, len(writes) + 1, step)]

    return plans


def test_killed_in_a_creation(disturb: Disturb) -> None:
    disturb("creation", every(3, Kill()))


@pytest.mark.parametrize("scenario", ["switch", "saving", "gradual", "gates", "rejection", "rollback", "withdrawal"])
def test_killed_in_a_release(disturb: Disturb, scenario: str) -> None:
    disturb(scenario, every(1, Kill()))


def test_killed_in_a_restore(disturb: Disturb) -> None:
    disturb("restoring", every(1, Kill()))


@pytest.mark.parametrize("scenario", ["maintaining", "upgrading", "taken-back"])
def test_killed_in_a_maintenance(disturb: Disturb, scenario: str) -> None:
    disturb(scenario, every(1, Kill()))


def test_killed_before_a_write_of_a_switch(disturb: Disturb) -> None:
    disturb("switch", every(2, Kill(sent=False)))


def test_killed_with_the_answer_in_hand(disturb: Disturb) -> None:
    disturb("switch", every(2, Kill(told=True)))


def test_killed_again_and_again(disturb: Disturb) -> None:
    disturb("switch", lambda _: [Chosen("three kills, each at a write", lambda call: call.counts, Kill(), times=3)])


def test_killed_while_the_app_goes(disturb: Disturb) -> None:
    disturb("deletion", lambda _: [Chosen("at the first read", lambda call: call.is_read, Kill(sent=False))])
