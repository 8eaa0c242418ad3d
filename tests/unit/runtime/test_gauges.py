"""What metrics.k8s.io answers, as metrics-server writes it."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from memoapp_operator.domain.usage import ContainerUsage
from memoapp_operator.runtime.gauges import _containers

LABELS = {"memoapp.dev/app": "memo", "memoapp.dev/colour": "green", "app.kubernetes.io/component": "backend"}
ITEM: dict[str, Any] = {
    "metadata": {"name": "memo-green-backend-844944c78c-crr8w", "namespace": "prod", "labels": LABELS},
    "timestamp": "2026-11-26T19:47:15Z",
    "window": "11.068s",
    "containers": [{"name": "backend", "usage": {"cpu": "10180845n", "memory": "90668Ki"}}],
}


def test_nanocores_and_kibibytes() -> None:
    moment = datetime(2026, 11, 26, 19, 47, 15, tzinfo=UTC)
    cpu, memory = Fraction(10180845, 10**9), Fraction(90668 * 1024)
    assert _containers(ITEM) == [ContainerUsage("green", "backend", cpu, memory, moment)]


@pytest.mark.parametrize(
    "change",
    [
        {"metadata": {"name": "memo-database-0", "labels": {"memoapp.dev/app": "memo"}}},
        {"timestamp": "yesterday"},
        {"containers": [{"name": "backend", "usage": {"cpu": "many", "memory": "1Ki"}}]},
        {"containers": [{"name": "backend", "usage": {}}]},
    ],
    ids=["of no tier", "no time", "no number", "nothing"],
)
def test_what_cannot_be_read_is_no_measurement(change: dict[str, Any]) -> None:
    assert _containers({**ITEM, **change}) == []
