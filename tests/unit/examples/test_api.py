"""The backend's HTTP interface, on fakes of database and cache."""

import time

import pytest

from examples.memoapp.backend.memo_backend.faults import is_spoiled

from .conftest import Connect
from .fakes import FakeCache, FakeStore


async def test_healthy_is_200_with_exactly_three_fields(connect: Connect) -> None:
    async with connect() as client:
        answer = await client.get("/api/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "timestamp": "2026-11-23T12:00:00.000+00:00",
        "database": True,
    }


async def test_without_a_database_it_is_503(connect: Connect, store: FakeStore) -> None:
    store.away = True
    async with connect() as client:
        answer = await client.get("/api/health")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unhealthy",
        "timestamp": "2026-11-23T12:00:00.000+00:00",
        "database": False,
    }


async def test_the_never_healthy_version_says_the_truth_about_the_database(connect: Connect) -> None:
    async with connect(FAULT="never-healthy") as client:
        answer = await client.get("/api/health")
    assert answer.status_code == 503
    assert (answer.json()["status"], answer.json()["database"]) == ("unhealthy", True)


async def test_memos_come_newest_first_and_limited(connect: Connect) -> None:
    async with connect() as client:
        for text in ("one", "two", "three"):
            answer = await client.post("/api/memos", json={"text": text})
            assert answer.status_code == 201
        assert answer.json() == {
            "id": 3,
            "text": "three",
            "journal": None,
            "createdAt": "2026-11-23T12:00:00.000+00:00",
        }
        answer = await client.get("/api/memos?limit=2")
    assert [memo["text"] for memo in answer.json()["memos"]] == ["three", "two"]


async def test_doubled_writes_are_seen_in_the_journal(connect: Connect) -> None:
    async with connect() as client:
        for journal in ("run-1", "run-2", "run-1", "other-1"):
            await client.post("/api/memos", json={"text": "x", "journal": journal})
        answer = await client.get("/api/journal?prefix=run-")
    assert answer.json() == {"prefix": "run-", "rows": 3, "distinct": 2, "counts": {"run-1": 2, "run-2": 1}}


async def test_the_list_comes_from_the_cache_until_something_is_written(connect: Connect, store: FakeStore) -> None:
    async with connect(cache=FakeCache()) as client:
        for _ in range(3):
            answer = await client.get("/api/memos")
        assert answer.json() == {"memos": [], "reads": 3}
        assert store.reads == 1
        await client.post("/api/memos", json={"text": "new"})
        answer = await client.get("/api/memos")
    assert [memo["text"] for memo in answer.json()["memos"]] == ["new"]
    assert store.reads == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no json",
        b"[" * 30_000,
        b"[]",
        b"{}",
        b'{"text": 1}',
        b'{"text": ""}',
        b'{"text": "  "}',
        b'{"text": "a", "other": 1}',
        b'{"text": "a\\u0000"}',
        b'{"text": "\\ud800"}',
        b'{"text": "\xff"}',
        b'{"text": "a", "journal": ""}',
        b'{"text": "a", "journal": "a b"}',
        b'{"text": "a", "journal": 5}',
        b'{"text": "' + b"x" * 2001 + b'"}',
    ],
)
async def test_a_wrong_memo_is_400_and_not_written(connect: Connect, store: FakeStore, body: bytes) -> None:
    async with connect() as client:
        answer = await client.post("/api/memos", content=body)
    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    assert store.memos == []


async def test_the_longest_memo_is_taken_however_it_is_written(connect: Connect) -> None:
    escaped = b'{"text": "' + b"\\ud83d\\ude00" * 2000 + b'"}'
    async with connect() as client:
        answer = await client.post("/api/memos", content=escaped)
    assert answer.status_code == 201
    assert answer.json()["text"] == "\U0001f600" * 2000


async def test_a_body_that_is_too_long_is_413(connect: Connect) -> None:
    async with connect() as client:
        answer = await client.post("/api/memos", content=b"x" * 40_000)
    assert (answer.status_code, answer.json().keys()) == (413, {"error"})


@pytest.mark.parametrize(
    "query",
    [
        "/api/memos?limit=0",
        "/api/memos?limit=201",
        "/api/memos?limit=-1",
        "/api/memos?limit=x",
        "/api/memos?limit=9999999999999",
        "/api/journal",
        "/api/journal?prefix=",
        "/api/journal?prefix=%25",
    ],
)
async def test_a_wrong_query_is_400(connect: Connect, query: str) -> None:
    async with connect() as client:
        answer = await client.get(query)
    assert (answer.status_code, answer.json().keys()) == (400, {"error"})


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing", 404), ("DELETE", "/api/memos", 405)])
async def test_errors_of_the_framework_are_json_too(connect: Connect, method: str, path: str, status: int) -> None:
    async with connect() as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.json().keys()) == (status, {"error"})


async def test_a_lost_database_is_503_with_a_hint_when_to_come_back(connect: Connect, store: FakeStore) -> None:
    store.away = True
    async with connect() as client:
        answers = [
            await client.get("/api/memos"),
            await client.post("/api/memos", json={"text": "x"}),
            await client.get("/api/journal?prefix=x"),
        ]
    assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(503, "1")}


@pytest.mark.parametrize("path", ["/api/health", "/api/memos", "/api/version", "/metrics", "/nothing"])
async def test_every_answer_says_which_version_gave_it(connect: Connect, path: str) -> None:
    async with connect(MEMO_COLOUR="green") as client:
        answer = await client.get(path)
    assert answer.headers["x-memo-version"] == "1.2.3"
    assert answer.headers["x-memo-colour"] == "green"


async def test_version_without_a_colour(connect: Connect) -> None:
    async with connect() as client:
        answer = await client.get("/api/version")
    assert answer.json() == {"version": "1.2.3", "colour": None}
    assert "x-memo-colour" not in answer.headers


async def test_answers_are_measured_by_method_route_and_status(connect: Connect) -> None:
    async with connect() as client:
        await client.get("/api/memos")
        await client.post("/api/memos", json={})
        await client.get("/made/up/17")
        await client.request("BREW", "/api/memos")
        text = (await client.get("/metrics")).text
    name = "memo_http_request_duration_seconds_count"
    assert f'{name}{{method="GET",route="/api/memos",status="200"}} 1.0' in text
    assert f'{name}{{method="POST",route="/api/memos",status="400"}} 1.0' in text
    assert f'{name}{{method="GET",route="other",status="404"}} 1.0' in text
    assert f'{name}{{method="other",route="/api/memos",status="405"}} 1.0' in text
    assert 'memo_build_info{colour="",version="1.2.3"} 1.0' in text


async def test_a_slow_version_is_slow_in_the_memo_api_alone(connect: Connect) -> None:
    async with connect(FAULT="slow-300ms") as client:
        began = time.monotonic()
        assert (await client.get("/api/health")).status_code == 200
        assert time.monotonic() - began < 0.3
        began = time.monotonic()
        assert (await client.get("/api/memos")).status_code == 200
        assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize("percent", [0, 1, 7, 50, 99, 100])
def test_errors_are_as_many_as_they_say_and_spread_evenly(percent: int) -> None:
    spoiled = [is_spoiled(call, percent) for call in range(1, 1001)]
    assert [sum(spoiled[at : at + 100]) for at in range(0, 1000, 100)] == [percent] * 10


async def test_a_version_with_errors_spoils_as_many_calls_and_stays_healthy(connect: Connect) -> None:
    async with connect(FAULT="errors-20%") as client:
        statuses = [(await client.get("/api/memos")).status_code for _ in range(10)]
        health = await client.get("/api/health")
        text = (await client.get("/metrics")).text
    assert statuses == [200, 200, 200, 200, 500] * 2
    assert health.status_code == 200
    assert 'route="/api/memos",status="500"} 2.0' in text
