"""/metrics: what is shown of apps, passes and calls, and that nothing is left of an app that is gone."""

from __future__ import annotations

from collections.abc import Iterable

from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus
from memoapp_operator.domain.conditions import Verdict, merge
from memoapp_operator.domain.observation import Volume
from memoapp_operator.runtime.metrics import Metrics
from memoapp_operator.runtime.queue import Key
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.domain.building import NOW

MEMO = Key("prod", "memo")
OTHER = Key("prod", "other")
LABELS = {"namespace": "prod", "name": "memo"}


def status(*, ready: bool) -> MemoAppStatus:
    return MemoAppStatus(conditions=merge([], [Verdict("Ready", status=ready, reason="One")], generation=1, now=NOW))


def samples(metrics: Metrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, labels: Iterable[tuple[str, str]] = ()) -> float | None:
    return samples(metrics).get((name, frozenset(labels)))


def test_conditions_and_volume_of_an_app_are_shown() -> None:
    metrics = Metrics()
    metrics.observed(MEMO, status(ready=True), Volume(size=100, used=40, available=60))
    assert value(metrics, "memoapp_condition", {**LABELS, "type": "Ready"}.items()) == 1
    assert value(metrics, "memoapp_volume_size_bytes", LABELS.items()) == 100
    assert value(metrics, "memoapp_volume_used_bytes", LABELS.items()) == 40


def test_only_the_newest_state_of_an_app_is_shown() -> None:
    metrics = Metrics()
    metrics.observed(MEMO, status(ready=True), Volume(100, 40, 60))
    metrics.observed(MEMO, status(ready=False), None)
    assert value(metrics, "memoapp_condition", {**LABELS, "type": "Ready"}.items()) == 0
    assert value(metrics, "memoapp_volume_size_bytes", LABELS.items()) is None


def test_an_app_that_is_gone_leaves_no_series() -> None:
    metrics = Metrics()
    metrics.observed(OTHER, status(ready=True), Volume(100, 40, 60))
    before = samples(metrics)
    metrics.observed(MEMO, status(ready=True), Volume(100, 40, 60))
    assert samples(metrics) != before
    metrics.forget(MEMO)
    metrics.forget(MEMO)
    assert samples(metrics) == before


def test_passes_are_counted_by_result_and_their_time_is_measured() -> None:
    metrics = Metrics()
    metrics.passed("success", 0.2)
    metrics.passed("success", 0.3)
    metrics.passed("error", 20)
    assert value(metrics, "memoapp_reconcile_total", {"result": "success"}.items()) == 2
    assert value(metrics, "memoapp_reconcile_total", {"result": "error"}.items()) == 1
    assert value(metrics, "memoapp_reconcile_seconds_count") == 3
    assert value(metrics, "memoapp_reconcile_seconds_bucket", {"le": "0.25"}.items()) == 1


def test_calls_are_counted_by_verb_and_code() -> None:
    metrics = Metrics()
    metrics.called("PATCH", 200)
    metrics.called("PATCH", 0)
    assert value(metrics, "memoapp_api_calls_total", {"verb": "PATCH", "code": "200"}.items()) == 1
    assert value(metrics, "memoapp_api_calls_total", {"verb": "PATCH", "code": "0"}.items()) == 1


def test_leadership_depth_and_retries_are_shown() -> None:
    metrics = Metrics()
    assert value(metrics, "memoapp_leader") == 0
    metrics.leads(leading=True)
    metrics.retried()
    metrics.watch_depth(lambda: 7)
    assert value(metrics, "memoapp_leader") == 1
    assert value(metrics, "memoapp_workqueue_retries_total") == 1
    assert value(metrics, "memoapp_workqueue_depth") == 7


def test_two_processes_in_one_test_do_not_share_metrics() -> None:
    one, other = Metrics(), Metrics()
    one.retried()
    assert value(other, "memoapp_workqueue_retries_total") == 0
