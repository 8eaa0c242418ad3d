"""The maintenance page: seconds until every router shows it, and until none does; what clients see meanwhile."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.e2e.app import App
from tests.e2e.history import History
from tests.e2e.loaded import RATE, under_load
from tests.kube import Kube
from tools.bench.figures import Fact, Figure
from tools.testbed import sample

WITHIN = 3.0
"""Limit, in seconds: an event, a pass, a word to each router and its answer read back in the next pass."""
_UP = 2.0


@dataclass(frozen=True, slots=True)
class Page:
    """So many times up, and down again, under constant load."""

    kube: Kube
    cluster: str
    namespace: str
    images: dict[str, str]
    rounds: int

    def figures(self) -> Iterator[Figure | Fact]:
        """All figures."""
        app = App(self.kube, self.namespace, "page")
        app.create(sample.tiered(self.images))
        app.ready()
        up, down = [], []
        with (
            tempfile.TemporaryDirectory() as folder,
            History(app) as history,
            under_load(app, self.cluster, Path(folder)) as load,
        ):
            for _ in range(self.rounds):
                until = (datetime.now(UTC) + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
                began = time.time()
                app.change(maintenance={"until": until})
                shown = history.when(lambda seen: (seen.status.get("maintenance") or {}).get("since"), began)
                up.append(shown - began)
                time.sleep(_UP)
                began = time.time()
                app.change(maintenance=None)
                down.append(history.when(lambda seen: not seen.status.get("maintenance"), began) - began)
                time.sleep(_UP)
            result = load.stop()
        app.delete()
        what = f"worst of {self.rounds}, at {RATE:g} requests/s"
        yield Figure(f"page up in every router, {what}", round(max(up), 2), WITHIN, "s")
        yield Figure(f"page down in every router, {what}", round(max(down), 2), WITHIN, "s")
        others = [request for request in result.failures if request.status != 503]  # noqa: PLR2004 -- the page's
        yield Figure("failed requests other than the page's 503", len(others), 0)
        paged = sum(request.status == 503 for request in result.requests)  # noqa: PLR2004 -- the page's
        yield Fact("answered by the page", paged, f"of {len(result.requests)} requests")
