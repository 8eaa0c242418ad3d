from __future__ import annotations

from tests.faults.calls import Call
from tests.faults.plans import PASS, At, Chosen, Every, Kill, Reply, Undisturbed


def write(number: int) -> Call:
    return Call("PATCH", "/api/v1/namespaces/one/configmaps/some", number=number)


def test_undisturbed() -> None:
    assert Undisturbed().on(write(1)) == PASS


def test_at_one_write() -> None:
    plan = At(2, Kill())
    assert [plan.on(write(number)) for number in (0, 1, 2, 3)] == [PASS, PASS, Kill(), PASS]


def test_every_second_write_and_no_other_call() -> None:
    plan = Every(2, Reply(409))
    assert [plan.on(write(number)) == Reply(409) for number in (0, 1, 2, 3, 4)] == [False, False, True, False, True]


def test_a_plan_ends_so_that_a_run_can_end() -> None:
    assert Every(1, Reply(409), upto=3).on(write(4)) == PASS


def test_a_chosen_call_is_hit_so_often() -> None:
    plan = Chosen("two", lambda call: call.number > 1, Kill(), times=2)
    assert [plan.on(write(number)) for number in (1, 2, 3, 4)] == [PASS, Kill(), Kill(), PASS]
