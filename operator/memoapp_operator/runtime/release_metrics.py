"""Metrics of releases, per app: where one is, what its gates measured, how releases ended and how long they took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus, ReleasePhase
from memoapp_operator.domain.gates import Measured
from memoapp_operator.domain.measurements import Measurement
from memoapp_operator.domain.state import share

from .queue import Key

_APP = ["namespace", "name"]
_ENDS = {ReleasePhase.COMPLETED, ReleasePhase.ROLLED_BACK, ReleasePhase.REJECTED, ReleasePhase.WITHDRAWN}


@dataclass(slots=True)
class _App:
    """What is known of one app.

    Attributes:
        status: as last committed.
        measured: the last round of the release under way, by gate.
        ended: releases that ended, by result: how many, and their seconds together.
    """

    status: MemoAppStatus
    measured: dict[str, Measurement] = field(default_factory=dict)
    ended: dict[str, tuple[int, float]] = field(default_factory=dict)


class ReleaseMetrics(Collector):
    """An in-memory view: a deleted app leaves no series behind. Counters begin at 0 with the process."""

    def __init__(self) -> None:
        self._apps: dict[Key, _App] = {}

    def observed(self, key: Key, before: MemoAppStatus, after: MemoAppStatus, measured: Measured | None) -> None:
        """One pass: the status as it was read and as it was committed, and what was measured for it."""
        app = self._apps.setdefault(key, _App(after))
        app.status = after
        if measured is not None:
            app.measured = {item.gate: item for item in measured.found}
        release, old = after.release, before.release
        if release is None:
            return
        if old is None or (old.id, old.started_at) != (release.id, release.started_at):
            app.measured = {}
        elif release.phase is not old.phase and release.phase in _ENDS:
            number, seconds = app.ended.get(release.phase.value, (0, 0.0))
            app.ended[release.phase.value] = (number + 1, seconds + _took(release.started_at, release.finished_at))

    def forget(self, key: Key) -> None:
        """The app is gone."""
        self._apps.pop(key, None)

    def collect(self) -> Iterator[Metric]:
        """Every series."""
        yield from self._releases()
        yield from self._gates()
        ended = CounterMetricFamily("memoapp_releases", "Releases that ended", labels=[*_APP, "result"])
        back = CounterMetricFamily("memoapp_rollbacks", "Releases whose clients went back", labels=_APP)
        took = SummaryMetricFamily(
            "memoapp_release_seconds", "From a release's beginning to its end", labels=[*_APP, "result"]
        )
        for key, app in self._apps.items():
            for result, (number, seconds) in sorted(app.ended.items()):
                ended.add_metric([key.namespace, key.name, result], number)
                took.add_metric([key.namespace, key.name, result], number, seconds)
            back.add_metric([key.namespace, key.name], app.ended.get(ReleasePhase.ROLLED_BACK.value, (0, 0.0))[0])
        yield from (ended, back, took)

    def _releases(self) -> Iterator[Metric]:
        phase = GaugeMetricFamily("memoapp_release_phase", "1 for the phase of the release", labels=[*_APP, "phase"])
        weight = GaugeMetricFamily(
            "memoapp_release_weight_percent", "Share of the clients that the release's colour serves", labels=_APP
        )
        for key, app in self._apps.items():
            release = app.status.release
            if release is not None:
                phase.add_metric([key.namespace, key.name, release.phase.value], 1)
                weight.add_metric([key.namespace, key.name], share(app.status.traffic, release.colour))
        yield from (phase, weight)

    def _gates(self) -> Iterator[Metric]:
        labels = [*_APP, "gate"]
        value = GaugeMetricFamily("memoapp_gate_value", "What was measured of the new colour last", labels=labels)
        other = GaugeMetricFamily("memoapp_gate_old_value", "The same of the old colour", labels=labels)
        limit = GaugeMetricFamily("memoapp_gate_limit", "What is allowed", labels=labels)
        verdict = GaugeMetricFamily("memoapp_gate_verdict", "1 for what was said last", labels=[*labels, "verdict"])
        for key, app in self._apps.items():
            for gate, item in app.measured.items():
                names = [key.namespace, key.name, gate]
                verdict.add_metric([*names, item.verdict.value], 1)
                limit.add_metric(names, float(item.limit))
                if item.value is not None:
                    value.add_metric(names, float(item.value))
                if item.other is not None:
                    other.add_metric(names, float(item.other))
        yield from (value, other, limit, verdict)


def _took(began: str, ended: str | None) -> float:
    if ended is None:
        return 0.0
    return max(0.0, (datetime.fromisoformat(ended) - datetime.fromisoformat(began)).total_seconds())
