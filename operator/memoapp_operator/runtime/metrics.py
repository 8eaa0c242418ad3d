"""Metrics, named as controller-runtime names them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus
from memoapp_operator.domain.gates import Measured
from memoapp_operator.domain.observation import Volume

from .queue import Key
from .release_metrics import ReleaseMetrics

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class _Apps(Collector):
    """One sample an app and condition, out of an in-memory view: a deleted app leaves no series behind."""

    def __init__(self) -> None:
        self.apps: dict[Key, tuple[MemoAppStatus, Volume | None]] = {}
        self.intervals: dict[Key, float] = {}

    def collect(self) -> Iterator[Metric]:
        condition = GaugeMetricFamily(
            "memoapp_condition",
            "1 where the condition of the MemoApp is True",
            labels=["namespace", "name", "type"],
        )
        size = GaugeMetricFamily("memoapp_volume_size_bytes", "Database volume: size", labels=["namespace", "name"])
        used = GaugeMetricFamily("memoapp_volume_used_bytes", "Database volume: used", labels=["namespace", "name"])
        taken = GaugeMetricFamily(
            "memoapp_backup_last_timestamp_seconds",
            "When the last good backup was taken",
            labels=["namespace", "name"],
        )
        proved = GaugeMetricFamily(
            "memoapp_backup_proved_timestamp_seconds",
            "When a backup was last restored and found to be like the original",
            labels=["namespace", "name"],
        )
        interval = GaugeMetricFamily(
            "memoapp_backup_interval_seconds",
            "Time between two backups by the schedule",
            labels=["namespace", "name"],
        )
        for key, (status, volume) in self.apps.items():
            for item in status.conditions:
                condition.add_metric([key.namespace, key.name, item.type], float(item.status.value == "True"))
            last = status.backups.last if status.backups is not None else None
            if last is not None:
                taken.add_metric([key.namespace, key.name], datetime.fromisoformat(last.taken_at).timestamp())
            proof = status.backups.last_proved if status.backups is not None else None
            if proof is not None:
                proved.add_metric([key.namespace, key.name], datetime.fromisoformat(proof.proved_at).timestamp())
            if key in self.intervals:
                interval.add_metric([key.namespace, key.name], self.intervals[key])
            if volume is not None:
                size.add_metric([key.namespace, key.name], volume.size)
                used.add_metric([key.namespace, key.name], volume.used)
        yield from (condition, size, used, taken, proved, interval)


class Metrics:
    """Everything that /metrics shows."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._apps = _Apps()
        self._registry.register(self._apps)
        self._releases = ReleaseMetrics()
        self._registry.register(self._releases)
        self._passes = Counter("memoapp_reconcile", "Passes by result", ["result"], registry=self._registry)
        self._seconds = Histogram(
            "memoapp_reconcile_seconds", "Duration of passes", buckets=_SECONDS, registry=self._registry
        )
        self._retries = Counter("memoapp_workqueue_retries", "Passes that failed", registry=self._registry)
        self._calls = Counter("memoapp_api_calls", "Calls to the API server", ["verb", "code"], registry=self._registry)
        self._leader = Gauge("memoapp_leader", "1 where this process acts", registry=self._registry)
        self._depth = Gauge("memoapp_workqueue_depth", "Keys that wait for a worker", registry=self._registry)

    def passed(self, result: str, seconds: float) -> None:
        """A pass ended: ``success``, ``gone`` or ``error``."""
        self._passes.labels(result).inc()
        self._seconds.observe(seconds)

    def retried(self) -> None:
        """A pass failed and is tried again."""
        self._retries.inc()

    def called(self, verb: str, code: int) -> None:
        """The API server was called; ``code`` 0: no answer."""
        self._calls.labels(verb, str(code)).inc()

    def leads(self, leading: bool) -> None:
        """This process acts, or does not."""
        self._leader.set(int(leading))

    def watch_depth(self, depth: Callable[[], float]) -> None:
        """Read the queue's depth when asked."""
        self._depth.set_function(depth)

    def observed(self, key: Key, status: MemoAppStatus, volume: Volume | None, interval: float | None = None) -> None:
        """The present state of one app; ``interval``: seconds between two backups by its schedule."""
        self._apps.apps[key] = (status, volume)
        if interval is not None:
            self._apps.intervals[key] = interval
        else:
            self._apps.intervals.pop(key, None)

    def released(self, key: Key, before: MemoAppStatus, after: MemoAppStatus, measured: Measured | None) -> None:
        """What a pass made of the app's release, and what it measured for it."""
        self._releases.observed(key, before, after, measured)

    def forget(self, key: Key) -> None:
        """The app is gone."""
        self._apps.apps.pop(key, None)
        self._apps.intervals.pop(key, None)
        self._releases.forget(key)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self._registry)
