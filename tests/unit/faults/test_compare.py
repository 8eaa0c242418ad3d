from __future__ import annotations

from typing import Any

from tests.faults.calls import Call, Write
from tests.faults.runner import Outcome, compare

SECRETS = "/api/v1/namespaces/one/secrets"


def outcome(*writes: Write, plan: str = "a plan", **changes: Any) -> Outcome:
    state = {"Secret/memo": {"data": ["password"]}}
    return Outcome("switch", plan, writes=writes, **{"noted": ("killed",), "state": state, **changes})


def made(code: int = 201) -> Write:
    return Write(Call("POST", SECRETS, body=b'{"metadata": {"name": "memo"}}', number=1), code, code)


def removed(code: int = 200) -> Write:
    return Write(Call("DELETE", f"{SECRETS}/memo", number=2), code, code)


def test_an_equal_end_is_no_problem() -> None:
    found = outcome(made(), made(409))
    compare(outcome(made()), found)
    assert (found.problems, found.remarks) == ([], [])
    assert str(found).startswith("ok   switch     a plan: 2 writes")


def test_another_end_is_a_problem() -> None:
    found = outcome(made(), state={})
    compare(outcome(made()), found)
    assert found.problems == []
    found = outcome(made(), state={"Secret/memo": {"data": []}})
    compare(outcome(made()), found)
    assert found.problems == ['Secret/memo.data: [] instead of ["password"]']


def test_made_twice_and_deleted_for_nothing_are_problems() -> None:
    found = outcome(made(), removed(), made())
    compare(outcome(made()), found)
    assert found.problems == [
        "secrets/memo was created 2 times, undisturbed 1",
        "secrets/memo was deleted 1 times, undisturbed 0",
    ]


def test_a_plan_whose_call_did_not_come_is_told() -> None:
    found = outcome(made(), noted=())
    compare(outcome(made()), found)
    assert found.remarks == ["the plan's call did not come"]
