"""Regular work on a real cluster: looked over, and cleared away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.e2e.app import App
from tools.testbed import sample

MakeApp = Callable[..., App]
EACH_MINUTE = "* * * * *"


def _migrations(app: App) -> list[str]:
    found: list[dict[str, Any]] = app.kube.list("batch/v1/Job", app.namespace)
    return [item["metadata"]["name"] for item in found]


def test_it_is_looked_over_and_jobs_that_are_over_go(memoapp: MakeApp, images: dict[str, str]) -> None:
    app = memoapp("memo", sample.small(images))
    app.ready()
    assert _migrations(app)
    app.change(
        upkeep={"check": {"schedule": EACH_MINUTE}, "prune": {"schedule": EACH_MINUTE, "olderThan": "1s"}},
    )
    app.shows("UpkeepDone", "True", "Done", within=120)
    app.eventually(lambda: _migrations(app), lambda names: not names, within=90)
    upkeep = app.read()["status"]["upkeep"]
    assert "findings" not in upkeep["check"]
    assert upkeep["prune"]["at"]
    app.change(gates={"resources": {"diskPercent": 1}})
    found = app.shows("UpkeepDone", "False", "CheckFailed", within=120)
    assert "diskPercent: " in found["message"]
    app.shows("Ready", "True", "Ready")
