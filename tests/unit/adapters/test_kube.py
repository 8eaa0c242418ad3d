"""The Kubernetes API over a real connection: what is sent, and what becomes of each answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from memoapp_operator.adapters.kube import PARALLEL_CALLS, KubeCluster, path
from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.manifest import CONFIG_MAP, DEPLOYMENT, MEMO_APP, SECRET, SERVICE, Manifest, Ref
from memoapp_operator.ports import ClusterError, Conflict, LeaseLostError, Refused, Unavailable

from tests.unit.adapters.apiserver import (
    Answer,
    ApiServer,
    answers,
    breaks_off,
    connected,
    fails,
    resets,
    serving,
    text,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
NOTE = Note(warning=True, reason="SecretLost", message="bring it back", key="key-1")


def manifest(kind: str = "ConfigMap", api_version: str = "v1", **more: Any) -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "memo-router", "namespace": "prod"}, **more}


MEMO = {
    "apiVersion": "memoapp.dev/v1alpha1",
    "kind": "MemoApp",
    "metadata": {"name": "memo", "namespace": "prod", "uid": "uid-1", "resourceVersion": "7"},
    "spec": {"version": "1.4.0"},
    "status": {"observedGeneration": 1},
}
WRITES: dict[str, Callable[[KubeCluster], Awaitable[object]]] = {
    "create": lambda cluster: cluster.create(manifest()),
    "apply": lambda cluster: cluster.apply(manifest()),
    "apply, new": lambda cluster: cluster.apply(manifest(), new=True),
    "delete": lambda cluster: cluster.delete(Ref(CONFIG_MAP, "x"), "prod", "uid-1"),
    "status": lambda cluster: cluster.replace_status(MEMO),
    "event": lambda cluster: cluster.note(MEMO, NOTE, NOW),
}
each_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)


class Calls:
    """What the adapter told of its calls."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.left = 10.0

    def count(self, verb: str, code: int) -> None:
        self.seen.append((verb, code))

    def remaining(self) -> float:
        return self.left


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with serving() as found:
        yield found


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
async def cluster(server: ApiServer, calls: Calls) -> AsyncIterator[KubeCluster]:
    async with connected(server.url) as client:
        yield KubeCluster(client, calls.remaining, calls.count)


def test_paths_are_those_of_the_api() -> None:
    assert path(SECRET, "prod") == "/api/v1/namespaces/prod/secrets"
    assert path(DEPLOYMENT, "prod", "x") == "/apis/apps/v1/namespaces/prod/deployments/x"
    assert path(MEMO_APP, None) == "/apis/memoapp.dev/v1alpha1/memoapps"
    assert path(MEMO_APP, "prod", "memo", "status") == "/apis/memoapp.dev/v1alpha1/namespaces/prod/memoapps/memo/status"


async def test_an_apply_is_server_side_as_our_field_manager(cluster: KubeCluster, server: ApiServer) -> None:
    await cluster.apply(manifest(data={"a": "b"}))
    assert (server.last.verb, server.last.path) == ("PATCH", "/api/v1/namespaces/prod/configmaps/memo-router")
    assert server.last.headers["Content-Type"] == "application/apply-patch+yaml"
    assert server.last.query == {"fieldManager": "memoapp-operator", "force": "true"}
    assert server.last.body == manifest(data={"a": "b"})


async def test_what_was_not_there_is_applied_without_taking_over_anybodys_fields(
    cluster: KubeCluster, server: ApiServer
) -> None:
    await cluster.apply(manifest(), new=True)
    assert server.last.query["force"] == "false"


async def test_a_creation_fails_where_something_is_there_and_owns_its_fields_apart(
    cluster: KubeCluster, server: ApiServer
) -> None:
    await cluster.create(manifest("Secret", data={"a": "Yg=="}))
    assert (server.last.verb, server.last.path) == ("POST", "/api/v1/namespaces/prod/secrets")
    assert server.last.query == {"fieldManager": "memoapp-operator-mint"}
    assert server.last.headers["Content-Type"] == "application/json"


async def test_a_status_is_written_to_its_subresource_under_the_version_that_was_read(
    cluster: KubeCluster, server: ApiServer
) -> None:
    await cluster.replace_status(MEMO)
    assert (server.last.verb, server.last.path) == ("PUT", path(MEMO_APP, "prod", "memo", "status"))
    assert server.last.body == MEMO


async def test_a_mark_writes_metadata_alone_under_the_version_that_was_read(
    cluster: KubeCluster, server: ApiServer
) -> None:
    marked = {
        **MEMO,
        "metadata": {**MEMO["metadata"], "uid": "uid-9", "resourceVersion": "7"},
        "spec": {"version": "2"},
    }
    await cluster.mark(marked, finalizers=["memoapp.dev/final-backup"])
    assert (server.last.verb, server.last.path) == ("PATCH", path(MEMO_APP, "prod", "memo"))
    assert server.last.headers["Content-Type"] == "application/merge-patch+json"
    held = {"uid": "uid-9", "resourceVersion": "7", "finalizers": ["memoapp.dev/final-backup"]}
    assert server.last.body == {"metadata": held}
    await cluster.mark(marked, annotations={"memoapp.dev/pruned": "now"})
    assert server.last.body == {
        "metadata": {"uid": "uid-9", "resourceVersion": "7", "annotations": {"memoapp.dev/pruned": "now"}}
    }


async def test_pods_are_counted_through_the_scale_of_the_object_with_the_uid(
    cluster: KubeCluster, server: ApiServer
) -> None:
    await cluster.scale(Ref(DEPLOYMENT, "memo-blue-backend"), "prod", "uid-9", 3)
    assert (server.last.verb, server.last.path) == (
        "PATCH",
        "/apis/apps/v1/namespaces/prod/deployments/memo-blue-backend/scale",
    )
    assert server.last.headers["Content-Type"] == "application/merge-patch+json"
    assert server.last.body == {"metadata": {"uid": "uid-9"}, "spec": {"replicas": 3}}


async def test_a_deletion_names_the_uid(cluster: KubeCluster, server: ApiServer) -> None:
    await cluster.delete(Ref(SERVICE, "memo"), "prod", "uid-9")
    assert (server.last.verb, server.last.path) == ("DELETE", "/api/v1/namespaces/prod/services/memo")
    assert server.last.body == {"preconditions": {"uid": "uid-9"}, "propagationPolicy": "Background"}


async def test_deleting_what_is_gone_is_done(cluster: KubeCluster, server: ApiServer) -> None:
    server.answer = fails(404, "NotFound")
    await cluster.delete(Ref(SERVICE, "memo"), "prod", "uid-9")


async def test_deleting_what_was_made_anew_is_a_conflict(cluster: KubeCluster, server: ApiServer) -> None:
    server.answer = fails(409, "Conflict", "the UID in the precondition (uid-9) does not match")
    with pytest.raises(Conflict):
        await cluster.delete(Ref(SERVICE, "memo"), "prod", "uid-9")


async def test_an_object_is_read_with_its_type_and_without_its_managed_fields(
    cluster: KubeCluster, server: ApiServer
) -> None:
    server.answer = answers({"metadata": {"name": "x", "managedFields": [{}]}, "data": {}})
    assert await cluster.get(CONFIG_MAP, "prod", "x") == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x"},
        "data": {},
    }


async def test_what_is_not_there_is_none(cluster: KubeCluster, server: ApiServer) -> None:
    server.answer = fails(404, "NotFound")
    assert await cluster.get(CONFIG_MAP, "prod", "x") is None


async def test_what_may_not_be_read_is_not_taken_for_missing(cluster: KubeCluster, server: ApiServer) -> None:
    server.answer = fails(403, "Forbidden")
    with pytest.raises(Refused):
        await cluster.get(SECRET, "prod", "x")


async def test_a_list_is_by_labels_and_its_items_have_a_type(cluster: KubeCluster, server: ApiServer) -> None:
    server.answer = answers({"items": [{"metadata": {"name": "x", "managedFields": []}}]})
    found = await cluster.list(DEPLOYMENT, "prod", {"b": "2", "a": "1"})
    assert server.last.query == {"labelSelector": "a=1,b=2"}
    assert found == [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}}]


async def test_an_empty_list_may_be_null(cluster: KubeCluster, server: ApiServer) -> None:
    server.answer = answers({"items": None})
    assert await cluster.list(DEPLOYMENT, "prod", {}) == []


async def test_every_call_says_who_asks_and_proves_it(server: ApiServer) -> None:
    async with connected(server.url, token="t0ken") as client:
        await KubeCluster(client).get(CONFIG_MAP, "prod", "x")
    assert server.last.headers["Authorization"] == "Bearer t0ken"
    assert server.last.headers["User-Agent"] == "memoapp-operator"


ERRORS: dict[str, tuple[Answer, type[ClusterError], int, str]] = {
    "bad request": (fails(400, "BadRequest"), Refused, 400, "BadRequest"),
    "forbidden": (fails(403, "Forbidden"), Refused, 403, "Forbidden"),
    "no such resource": (fails(404, "NotFound"), Refused, 404, "NotFound"),
    "too large": (fails(413, "RequestEntityTooLarge"), Refused, 413, "RequestEntityTooLarge"),
    "invalid": (fails(422, "Invalid"), Refused, 422, "Invalid"),
    "invalid field": (fails(422, "Invalid", cause="spec.replicas"), Refused, 422, "Invalid"),
    "made anew": (fails(422, "Invalid", cause="metadata.uid"), Conflict, 422, "Invalid"),
    "conflict": (fails(409, "Conflict"), Conflict, 409, "Conflict"),
    "exists": (fails(409, "AlreadyExists"), Conflict, 409, "AlreadyExists"),
    "unauthorised": (fails(401, "Unauthorized"), Unavailable, 401, "Unauthorized"),
    "too many": (fails(429, "TooManyRequests"), Unavailable, 429, "TooManyRequests"),
    "internal error": (fails(500, "InternalError"), Unavailable, 500, "InternalError"),
    "no leader": (fails(503, "ServiceUnavailable"), Unavailable, 503, "ServiceUnavailable"),
    "timed out there": (fails(504, "Timeout"), Unavailable, 504, "Timeout"),
    "a proxy's page": (text("<html>Bad Gateway</html>", 502), Unavailable, 502, "Http502"),
    "a proxy's refusal": (text("no", 403), Refused, 403, "Http403"),
    "JSON that is no Status": (text("[]", 500), Unavailable, 500, "Http500"),
    "JSON that is null": (text("null", 422), Refused, 422, "Http422"),
    "JSON that is a text": (text('"gone"', 503), Unavailable, 503, "Http503"),
    "a page in place of an object": (text("<html>login</html>"), Unavailable, 200, "NotJson"),
    "connection reset": (resets, Unavailable, 0, "ServerDisconnectedError"),
    "answer broken off": (breaks_off, Unavailable, 0, "ClientPayloadError"),
}


@pytest.mark.parametrize(("answer", "kind", "code", "reason"), ERRORS.values(), ids=ERRORS)
async def test_an_answer_becomes_an_error_of_the_port(
    cluster: KubeCluster, server: ApiServer, answer: Answer, kind: type[ClusterError], code: int, reason: str
) -> None:
    server.answer = answer
    with pytest.raises(ClusterError) as caught:
        await cluster.apply(manifest())
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.reason) == (code, reason)


async def test_the_api_servers_words_are_kept(cluster: KubeCluster, server: ApiServer) -> None:
    server.answer = fails(422, "Invalid", "spec.replicas: must be at least 0")
    with pytest.raises(Refused, match=r"^Invalid: spec\.replicas: must be at least 0$"):
        await cluster.apply(manifest())


async def test_a_proxys_page_is_cut(cluster: KubeCluster, server: ApiServer) -> None:
    server.answer = text("x" * 10000, 502)
    with pytest.raises(Unavailable) as caught:
        await cluster.apply(manifest())
    assert len(caught.value.message) == 500


async def test_nobody_there_is_unavailable(calls: Calls) -> None:
    async with serving() as gone:
        url = gone.url
    async with connected(url) as client:
        with pytest.raises(Unavailable) as caught:
            await KubeCluster(client, calls.remaining, calls.count).get(CONFIG_MAP, "prod", "x")
    assert caught.value.code == 0
    assert calls.seen == [("GET", 0)]


async def test_calls_are_counted_with_their_codes(cluster: KubeCluster, server: ApiServer, calls: Calls) -> None:
    await cluster.get(CONFIG_MAP, "prod", "x")
    server.answer = fails(404, "NotFound")
    await cluster.get(CONFIG_MAP, "prod", "x")
    server.answer = resets
    with suppress(Unavailable):
        await cluster.apply(manifest())
    assert calls.seen == [("GET", 200), ("GET", 404), ("PATCH", 0)]


@each_write
@pytest.mark.parametrize("left", [0.0, -0.001, -1000.0])
async def test_after_the_leases_end_nothing_is_written(
    cluster: KubeCluster,
    server: ApiServer,
    calls: Calls,
    write: Callable[[KubeCluster], Awaitable[object]],
    left: float,
) -> None:
    calls.left = left
    with pytest.raises(LeaseLostError):
        await write(cluster)
    assert server.asked == []


async def test_after_the_leases_end_reading_goes_on(cluster: KubeCluster, server: ApiServer, calls: Calls) -> None:
    calls.left = 0.0
    await cluster.get(CONFIG_MAP, "prod", "x")
    await cluster.list(CONFIG_MAP, "prod", {})
    assert [each.verb for each in server.asked] == ["GET", "GET"]


@each_write
async def test_a_write_takes_no_longer_than_the_lease_lasts(
    cluster: KubeCluster, server: ApiServer, calls: Calls, write: Callable[[KubeCluster], Awaitable[object]]
) -> None:
    server.answer = server.hangs
    calls.left = 0.2
    async with asyncio.timeout(8):
        with pytest.raises(Unavailable) as caught:
            await write(cluster)
    assert (caught.value.code, caught.value.reason) == (0, "TimeoutError")


@each_write
async def test_a_write_that_waited_for_its_turn_until_the_lease_ended_is_not_sent(
    cluster: KubeCluster, server: ApiServer, calls: Calls, write: Callable[[KubeCluster], Awaitable[object]]
) -> None:
    server.answer = server.hangs
    reads = [asyncio.create_task(cluster.get(CONFIG_MAP, "prod", "x")) for _ in range(PARALLEL_CALLS)]
    await server.until_asked(PARALLEL_CALLS)
    late = asyncio.create_task(awaited(write(cluster)))
    for _ in range(10):
        await asyncio.sleep(0)
    calls.left = 0.0
    server.open.set()
    await asyncio.gather(*reads)
    with pytest.raises(LeaseLostError):
        await late
    assert {each.verb for each in server.asked} == {"GET"}


async def awaited(call: Awaitable[object]) -> object:
    async with asyncio.timeout(20):
        return await call


async def test_only_so_many_calls_are_under_way_at_once(cluster: KubeCluster, server: ApiServer) -> None:
    server.answer = server.hangs
    reads = [asyncio.create_task(cluster.get(CONFIG_MAP, "prod", "x")) for _ in range(3 * PARALLEL_CALLS)]
    await server.until_asked(PARALLEL_CALLS)
    server.open.set()
    await asyncio.gather(*reads)
    assert server.most == PARALLEL_CALLS


async def test_an_event_tells_of_the_app_and_is_told_once(cluster: KubeCluster, server: ApiServer) -> None:
    await cluster.note(MEMO, NOTE, NOW)
    first = server.last
    server.answer = fails(409, "AlreadyExists")
    await cluster.note(MEMO, NOTE, NOW.replace(hour=13))
    assert (first.verb, first.path) == ("POST", "/api/v1/namespaces/prod/events")
    assert first.body["metadata"] == server.last.body["metadata"]
    assert first.body == {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"memo.{hashlib.sha256(b'key-1').hexdigest()[:16]}", "namespace": "prod"},
        "involvedObject": {
            "apiVersion": "memoapp.dev/v1alpha1",
            "kind": "MemoApp",
            "name": "memo",
            "namespace": "prod",
            "uid": "uid-1",
        },
        "reason": "SecretLost",
        "message": "bring it back",
        "type": "Warning",
        "count": 1,
        "firstTimestamp": "2026-03-01T12:00:00Z",
        "lastTimestamp": "2026-03-01T12:00:00Z",
        "source": {"component": "memoapp-operator"},
        "reportingComponent": "memoapp-operator",
        "reportingInstance": "",
    }


async def test_two_notes_are_two_events(cluster: KubeCluster, server: ApiServer) -> None:
    await cluster.note(MEMO, NOTE, NOW)
    await cluster.note(MEMO, Note(warning=False, reason="SecretLost", message="bring it back", key="key-2"), NOW)
    names = {each.body["metadata"]["name"] for each in server.asked}
    assert len(names) == 2
    assert server.last.body["type"] == "Normal"


async def test_a_long_message_is_cut_to_what_an_event_takes(cluster: KubeCluster, server: ApiServer) -> None:
    await cluster.note(MEMO, Note(warning=True, reason="X", message="m" * 5000, key="k"), NOW)
    assert len(server.last.body["message"]) == 1024


async def test_an_event_that_may_not_be_written_is_an_error(cluster: KubeCluster, server: ApiServer) -> None:
    server.answer = fails(403, "Forbidden")
    with pytest.raises(Refused):
        await cluster.note(MEMO, NOTE, NOW)
