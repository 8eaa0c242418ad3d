from __future__ import annotations

import pytest

from tests.faults.calls import Call, Write, created, deleted, intruders, plain

APPS = "/apis/apps/v1/namespaces/one/deployments"


@pytest.mark.parametrize(
    ("call", "target"),
    [
        (Call("PATCH", f"{APPS}/memo-router"), "deployments/memo-router"),
        (Call("PUT", "/apis/memoapp.dev/v1alpha1/namespaces/one/memoapps/memo/status"), "memoapps/memo/status"),
        (Call("POST", "/api/v1/namespaces/one/secrets", body=b'{"metadata": {"name": "memo"}}'), "secrets/memo"),
        (Call("POST", "/api/v1/namespaces/one/secrets", body=b"no JSON"), "secrets"),
        (Call("GET", "/version"), "/version"),
    ],
)
def test_the_target_of_a_call(call: Call, target: str) -> None:
    assert call.target == target


def test_watches_and_reads_are_told_apart() -> None:
    watch, read = Call("GET", APPS, "watch=true&timeoutSeconds=5"), Call("GET", APPS)
    assert (watch.is_watch, watch.is_read) == (True, False)
    assert (read.is_watch, read.is_read) == (False, True)
    assert not Call("GET", "/version").is_read


def test_what_was_made_and_deleted_whatever_was_told() -> None:
    writes = [
        Write(Call("PATCH", f"{APPS}/one"), 201, 0),
        Write(Call("PATCH", f"{APPS}/one"), 200, 200),
        Write(Call("DELETE", f"{APPS}/one"), 200, 500),
        Write(Call("DELETE", f"{APPS}/one"), 404, 404),
        Write(Call("DELETE", f"{APPS}/one"), 0, 409),
    ]
    assert created(writes) == {"deployments/one": 1}
    assert deleted(writes) == {"deployments/one": 1}


def test_digests_in_names_do_not_count() -> None:
    assert plain("secrets/memo-connection-0a1b2c3d") == "secrets/memo-connection-#"


def test_a_process_that_writes_again_after_another_is_an_intruder() -> None:
    def writers(*names: str) -> list[Write]:
        return [Write(Call("PATCH", f"{APPS}/one", number=number, by=by), 200, 200) for number, by in enumerate(names)]

    assert intruders(writers("a1", "a1", "b1", "a2")) == []
    assert intruders(writers("a1", "b1", "b1", "a1")) == ["a1"]
    assert intruders(reversed(writers("a1", "b1"))) == []
