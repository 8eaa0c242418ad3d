"""Which Jobs may go: those of releases and of maintenance tasks that are over and that nobody waits for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase
from memoapp_operator.runtime import pruning

from tests.unit.domain import building
from tests.unit.domain.building import R2, gradually, onward, serving, until, with_spec

ENDED = "2026-03-01T11:00:00Z"


def job(component: str, *, over: bool = True, window: str | None = None, **metadata: Any) -> dict[str, Any]:
    labels = {"app.kubernetes.io/component": component} | ({"memoapp.dev/window": window} if window else {})
    condition = {"type": "Complete", "status": "True", "lastTransitionTime": ENDED}
    return {
        "metadata": {"name": component, "uid": "1", "creationTimestamp": ENDED, "labels": labels, **metadata},
        "status": {"conditions": [condition] if over else []},
    }


def names(app: Any, *jobs: dict[str, Any], at_work: tuple[str, ...] = ()) -> list[str]:
    return [item.name for item in pruning.ended(app, jobs, at_work)]


def test_those_of_releases_and_tasks_that_are_over() -> None:
    app = building.decided(serving())
    jobs = [job("migration"), job("test"), job("maintenance", window="saturday")]
    assert names(app, *jobs) == ["migration", "test", "maintenance"]
    assert next(pruning.ended(app, jobs, ())).at == datetime(2026, 3, 1, 11, tzinfo=UTC)


def test_nothing_that_is_at_work_or_that_somebody_else_takes_away() -> None:
    app = building.decided(serving())
    assert names(app, job("test", over=False)) == []
    assert names(app, job("test", deletionTimestamp=ENDED)) == []
    assert names(app, job("backup"), job("restore"), job("drill")) == []
    assert names(app, job("maintenance", window="saturday"), at_work=("saturday",)) == []


def test_nothing_of_a_release_under_way() -> None:
    app = until(gradually(onward(with_spec(serving()), declared=R2)), ReleasePhase.SHIFTING).app
    assert names(app, job("migration"), job("test")) == []
    assert names(app, job("maintenance", window="saturday")) == ["maintenance"]
