"""The proxy between a client and a fake API server: what is counted, and each thing that can go wrong."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.faults.plans import (
    At,
    Away,
    Chosen,
    DropWatches,
    Every,
    Freeze,
    Jump,
    Kill,
    Reply,
    Silence,
    Stale,
    Strike,
    Wait,
)
from tests.kube import eventually
from tests.unit.faults.conftest import MAPS, Bench

APPS = "/apis/memoapp.dev/v1alpha1/namespaces/one/memoapps"


def test_calls_are_passed_on_with_the_proxys_credentials(bench: Bench) -> None:
    answer = bench.create("one")
    assert (answer.status_code, answer.json()) == (201, {"made": "one"})
    assert bench.api.tokens == {"Bearer secret"}


def test_writes_are_counted_and_leases_events_and_reads_are_not(bench: Bench) -> None:
    bench.create("one")
    bench.create("lease", "leases")
    bench.create("event", "events")
    bench.list()
    bench.client.put(f"{MAPS}/one")
    assert [str(write) for write in bench.proxy.writes] == [
        "  1 a1 POST   configmaps/one -> 201",
        "  2 a1 PUT    configmaps/one -> 200",
    ]


def test_arming_counts_anew(bench: Bench) -> None:
    bench.create()
    bench.arm(At(1, Reply(500)))
    assert bench.create().status_code == 500
    assert [write.call.number for write in bench.proxy.writes] == [1]


def test_kill_after_a_write_keeps_the_answer_back(bench: Bench) -> None:
    bench.arm(At(2, Kill()))
    bench.create("one")
    with pytest.raises(httpx.HTTPError):
        bench.create("two")
    assert bench.killed.is_set()
    assert len(bench.api.asked) == 2
    assert (bench.proxy.writes[1].code, bench.proxy.writes[1].told) == (201, 0)


def test_kill_before_a_write(bench: Bench) -> None:
    bench.arm(At(1, Kill(sent=False)))
    with pytest.raises(httpx.HTTPError):
        bench.create()
    assert bench.killed.is_set()
    assert bench.api.asked == []
    assert str(bench.proxy.writes[0]) == "  1 a1 POST   configmaps/some -> not sent"


def test_kill_after_the_answer_was_told(bench: Bench) -> None:
    bench.arm(At(1, Kill(told=True)))
    assert bench.create().status_code == 201
    assert bench.killed.wait(2)


def test_a_reply_instead_of_the_write(bench: Bench) -> None:
    bench.arm(Every(2, Reply(429, retry_after=3)))
    answers = [bench.create() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [201, 429, 201, 429]
    assert answers[1].headers["Retry-After"] == "3"
    assert answers[1].json()["reason"] == "TooManyRequests"
    assert len(bench.api.asked) == 2


def test_a_reply_after_the_write(bench: Bench) -> None:
    bench.arm(At(1, Reply(500, sent=True)))
    assert bench.create().status_code == 500
    assert len(bench.api.asked) == 1
    assert bench.proxy.writes[0].created


def test_away_cuts_everything_and_comes_back(bench: Bench) -> None:
    bench.arm(At(1, Away(0.6)))
    with pytest.raises(httpx.HTTPError):
        bench.create()
    with pytest.raises(httpx.ConnectError):
        bench.create()
    eventually(lambda: _answers(bench), timeout=3)
    assert len(bench.api.asked) >= 2


def test_a_delay(bench: Bench) -> None:
    bench.arm(At(1, Wait(0.3)))
    began = time.monotonic()
    assert bench.create().status_code == 201
    assert time.monotonic() - began >= 0.3


def test_stale_lists_are_those_of_before(bench: Bench) -> None:
    assert bench.list() == "first"
    bench.arm(At(1, Stale(0.5)))
    bench.create()
    assert bench.list() == "first"
    single = [bench.client.get(f"{MAPS}/one").json() for _ in range(2)]
    assert single[0] != single[1]
    eventually(lambda: bench.list() == "second", timeout=3)


def test_stale_reads_can_be_those_of_single_objects_too(bench: Bench) -> None:
    before = bench.client.get(f"{MAPS}/one").json()
    bench.arm(At(1, Stale(0.5, lists_only=False)))
    bench.create()
    assert bench.client.get(f"{MAPS}/one").json() == before


def test_watches_stream(bench: Bench) -> None:
    with bench.client.stream("GET", MAPS, params={"watch": "true"}) as answer:
        lines = answer.iter_lines()
        assert [next(lines) for _ in range(3)] == ['{"number": 0}', '{"number": 1}', '{"number": 2}']


def test_a_silent_watch_stays_open_and_is_cut_at_the_end(bench: Bench) -> None:
    bench.arm(At(1, Silence(0.6)))
    with bench.client.stream("GET", MAPS, params={"watch": "true"}) as answer:
        lines = answer.iter_lines()
        next(lines)
        bench.create()
        began = time.monotonic()
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
        assert time.monotonic() - began >= 0.4


def test_dropped_watches_end_at_once(bench: Bench) -> None:
    bench.arm(At(1, DropWatches()))
    with bench.client.stream("GET", MAPS, params={"watch": "true"}) as answer:
        lines = answer.iter_lines()
        next(lines)
        assert bench.create().status_code == 201
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            list(lines)


def test_the_caller_is_frozen_with_the_answer_on_its_way(bench: Bench) -> None:
    bench.arm(At(1, Freeze(0.3)))
    assert bench.create().status_code == 201
    assert bench.done == ["freeze a1"]
    bench.client.get(APPS)
    assert bench.proxy.quiet_for({"a1"}) == 0
    eventually(lambda: bench.done == ["freeze a1", "wake a1"], timeout=3)
    eventually(lambda: bench.proxy.quiet_for({"a1"}) > 0, timeout=3)


def test_quiet_is_who_leads_and_does_not_write(bench: Bench) -> None:
    bench.create()
    bench.create("lease", "leases")
    assert bench.proxy.quiet_for({"a1"}) == 0
    bench.client.get(APPS)
    assert bench.proxy.quiet_for({"a1"}) > 0
    assert bench.proxy.quiet_for({"a2"}) == 0


def test_quiet_is_who_looks_again_and_does_not_write(bench: Bench) -> None:
    def quiet() -> bool:
        return bench.proxy.quiet_for({"a1"}, passes=2) > 0

    bench.client.get(APPS)
    bench.client.get(f"{APPS}/memo")
    bench.create()
    bench.client.get(f"{APPS}/memo")
    assert not quiet()
    bench.client.get(f"{APPS}/memo")
    assert quiet()
    bench.create()
    assert not quiet()


def test_the_api_server_is_struck_after_the_write(bench: Bench) -> None:
    bench.arm(At(1, Strike()))
    assert bench.create().status_code == 201
    assert bench.done == ["strike"]


def test_the_clock_jumps_before_the_write(bench: Bench) -> None:
    bench.arm(At(1, Jump(-60)))
    assert bench.create().status_code == 201
    assert bench.done == ["jump -60"]


def test_a_chosen_call(bench: Bench) -> None:
    bench.arm(Chosen("the first list", lambda call: call.is_read, Reply(503)))
    assert [bench.client.get(MAPS).status_code for _ in range(2)] == [503, 200]
    assert bench.proxy.noted == ("  0 GET    configmaps: Reply(code=503, sent=False, retry_after=None)",)


def _answers(bench: Bench) -> bool:
    try:
        return bench.create().status_code == 201
    except httpx.HTTPError:
        return False
