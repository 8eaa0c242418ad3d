"""Each gate of its own: from counts, pods and probes to a measurement."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.gates import Gates, PodGates
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.counters import API, PAGE, SLOW_MS, Counters
from memoapp_operator.domain.gates import THRESHOLDS, Measured, Pods, Sources, measure
from memoapp_operator.domain.measurements import Measurement, Verdict

SPEC = Gates()


def counts(requests: int, client: int = 0, server: int = 0, slower: int = 0, than: int = 1000) -> Counters:
    """``slower`` of the responses took longer than ``than`` milliseconds, and as long as 5 s."""
    return Counters(requests, client, server, tuple(slower if limit <= max(than, 2000) else 0 for limit in SLOW_MS))


def sources(page: Counters | None = None, api: Counters | None = None, **more: object) -> Sources:
    found = Sources(
        new={PAGE: page or counts(100), API: api or counts(100)},
        old={PAGE: counts(900), API: counts(900)},
        probes={API: counts(5)},
        told=2,
    )
    return replace(found, **more)  # type: ignore[arg-type]


def gate(name: str, seen: Sources, spec: Gates = SPEC) -> Measurement:
    found = {item.gate: item for item in measure(spec, seen, Colour.GREEN)}
    return found[name]


def test_an_app_that_is_well_passes_every_gate() -> None:
    assert {item.verdict for item in measure(SPEC, sources(), Colour.GREEN)} == {Verdict.PASS}


@pytest.mark.parametrize(
    ("errors", "verdict", "abort"), [(0, Verdict.PASS, False), (1, Verdict.FAIL, False), (11, Verdict.FAIL, True)]
)
def test_server_errors_fail_and_many_of_them_abort(errors: int, verdict: Verdict, abort: bool) -> None:
    found = gate("serverErrorPercent", sources(api=counts(100, server=errors), page=counts(100)))
    assert (found.verdict, found.abort) == (verdict, abort)


def test_errors_of_one_class_do_not_drown_among_the_others() -> None:
    found = gate("serverErrorPercent", sources(page=counts(10_000), api=counts(50, server=5)))
    assert (found.abort, found.value, found.requests) == (True, 10, 50)
    assert found.text("green", "blue") == (
        "abortServerErrorPercent 10.0 > 5 on green (blue 0.0), 50 requests, of the api class"
    )


def test_a_class_with_few_requests_counts_among_all_of_them_alone() -> None:
    found = gate("serverErrorPercent", sources(page=counts(1000), api=counts(19, server=1)))
    assert (found.verdict, found.value) == (Verdict.PASS, Fraction(100, 1019))


def test_client_errors_never_abort() -> None:
    found = gate("clientErrorPercent", sources(api=counts(100, client=100)))
    assert (found.verdict, found.abort, found.value) == (Verdict.FAIL, False, 100)


def test_what_the_old_colour_does_as_well_is_no_reason_to_go_back() -> None:
    old = {PAGE: counts(900), API: counts(900, client=180, server=90)}
    assert gate("clientErrorPercent", sources(api=counts(100, client=20), old=old)).verdict is Verdict.PASS
    assert gate("serverErrorPercent", sources(api=counts(100, server=10), old=old)).verdict is Verdict.PASS
    assert gate("serverErrorPercent", sources(api=counts(100, server=16), old=old)).verdict is Verdict.FAIL


def test_few_requests_say_nothing_however_many_failed() -> None:
    found = gate("serverErrorPercent", sources(page=counts(10, server=10), api=counts(9, server=9)))
    assert (found.verdict, found.abort) == (Verdict.INCONCLUSIVE, False)
    assert found.text("green", "blue") == "serverErrorPercent: 19 of the 20 requests that it takes"


def test_a_silent_router_is_an_error_and_so_is_none_at_all() -> None:
    for seen, why in ((sources(silent=("r-b",), told=1), "no answer from r-b"), (sources(told=0), "no router tells")):
        names = ("clientErrorPercent", "serverErrorPercent", "responseTime.frontend", "responseTime.backend")
        assert {(gate(name, seen).verdict, gate(name, seen).why) for name in names} == {(Verdict.ERROR, why)}
        assert gate("pods", seen).verdict is Verdict.PASS


def test_slow_answers_fail_the_gate_of_their_class_alone() -> None:
    seen = sources(api=counts(100, slower=6))
    assert gate("responseTime.backend", seen).verdict is Verdict.FAIL
    assert gate("responseTime.frontend", seen).verdict is Verdict.PASS
    assert gate("responseTime.backend", sources(api=counts(100, slower=5))).verdict is Verdict.PASS
    assert gate("responseTime.backend", seen).text("green", "blue") == (
        "responseTime.backend 6.0 > 5 on green (blue 0.0), 100 requests, percent slower than 1s, p95 about 2,500 ms"
    )


def test_a_class_that_is_too_rare_to_be_judged_is_skipped() -> None:
    old = {PAGE: counts(9000), API: counts(10)}
    found = gate("responseTime.backend", sources(page=counts(1000), api=counts(1), old=old))
    assert (found.verdict, found.why) == (Verdict.SKIPPED, "1 requests of its class, 1 expected, 20 are needed")


def test_a_class_that_is_not_asked_any_more_is_not_skipped() -> None:
    """The pages are broken, so that nobody calls the API."""
    old = {PAGE: counts(500), API: counts(500)}
    assert (
        gate("responseTime.backend", sources(page=counts(1000), api=counts(0), old=old)).verdict is Verdict.INCONCLUSIVE
    )


def test_without_clients_nothing_passes_but_the_pods_and_the_probes() -> None:
    seen = sources(page=counts(0), api=counts(0))
    said = {item.gate: item.verdict for item in measure(SPEC, seen, Colour.GREEN)}
    passed = {name for name, verdict in said.items() if verdict is Verdict.PASS}
    assert passed == {"pods", "probes"}
    assert set(said.values()) == {Verdict.PASS, Verdict.INCONCLUSIVE}


def test_named_probes_count_like_clients_and_say_so() -> None:
    probes = {PAGE: counts(30), API: counts(30)}
    seen = sources(page=counts(0), api=counts(0), old={}, probes=probes, named=True)
    assert {item.verdict for item in measure(SPEC, seen, Colour.GREEN)} == {Verdict.PASS}
    assert gate("serverErrorPercent", seen).note == "measured by probes only"
    assert "measured by probes only" not in gate("serverErrorPercent", replace(seen, new=sources().new)).note
    assert gate("serverErrorPercent", replace(seen, probes={API: counts(30, server=3)})).abort


def test_containers_that_end_abort_and_too_few_ready_pods_fail() -> None:
    found = gate("pods", sources(pods=Pods(ended=("backend: OOMKilled", "backend: OOMKilled"))))
    assert (found.verdict, found.abort, found.value) == (Verdict.FAIL, True, 2)
    assert found.text("green", "blue") == "pods 2.0 > 0 on green, containers ended: backend: OOMKilled"
    short = gate("pods", sources(pods=Pods(short=("1 of 2 pods of backend are ready",))))
    assert (short.verdict, short.abort) == (Verdict.FAIL, False)
    assert short.text("green", "blue") == "pods: on green 1 of 2 pods of backend are ready"
    some = SPEC.model_copy(update={"pods": PodGates(restarts=2)})
    assert gate("pods", sources(pods=Pods(ended=("backend: Error",) * 2)), some).verdict is Verdict.PASS
    assert gate("pods", sources(pods=Pods(ended=("backend: Error",) * 3)), some).abort


def test_probes_that_fail_hold_the_release_and_never_abort_it() -> None:
    found = gate("probes", sources(probes={API: counts(5, server=5)}))
    assert (found.verdict, found.abort) == (Verdict.FAIL, False)
    assert gate("probes", sources(probes={})).verdict is Verdict.INCONCLUSIVE
    assert gate("probes", sources(probes={PAGE: counts(5, client=5)})).verdict is Verdict.PASS


def test_what_was_measured_elsewhere_is_among_them() -> None:
    asked = Measurement("prometheus/latency", Verdict.PASS, Fraction(1), Fraction(0))
    assert gate("prometheus/latency", sources(asked=(asked,))) is asked


def test_the_first_abort_of_a_round_is_told() -> None:
    found = measure(SPEC, sources(api=counts(100, server=50)), Colour.GREEN)
    abort = Measured("s", True, 1.0, found).abort
    assert abort is not None
    assert abort.gate == "serverErrorPercent"
    assert Measured("s", True, 1.0, measure(SPEC, sources(), Colour.GREEN)).abort is None


def test_every_threshold_is_counted_by_the_routers() -> None:
    assert set(THRESHOLDS.values()) == set(SLOW_MS)
    assert {name.value for name in THRESHOLDS} == {"100ms", "250ms", "500ms", "1s", "2s", "5s"}


NUMBERS = st.integers(0, 500)


@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
def test_no_gate_over_requests_passes_without_enough_of_them(pages: int, apis: int, bad: int, worse: int) -> None:
    seen = sources(page=counts(pages, server=min(bad, pages)), api=counts(apis, server=min(worse, apis)))
    found = gate("serverErrorPercent", seen)
    assert (found.verdict is Verdict.INCONCLUSIVE) is (pages + apis < SPEC.min_requests)
    if found.verdict is Verdict.PASS:
        assert (min(bad, pages) + min(worse, apis)) * 1000 <= pages + apis
