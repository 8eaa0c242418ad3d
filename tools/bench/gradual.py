"""What gradual releases and their rollbacks by gates cost clients and time, under constant load."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.e2e import rounds
from tests.e2e.app import App
from tests.e2e.loaded import RATE
from tests.e2e.rounds import BACK, CHANCE, OVERHEAD, WEIGHT
from tests.kube import Kube
from tools.bench.figures import Fact, Figure
from tools.testbed import sample


@dataclass(frozen=True, slots=True)
class Gradual:
    """So many gradual releases that go through, and as many that are sent back."""

    kube: Kube
    cluster: str
    namespace: str
    images: dict[str, str]
    rounds: int

    def figures(self) -> Iterator[Figure | Fact]:
        """All figures."""
        app = App(self.kube, self.namespace, "gradual")
        app.create({**sample.tiered(self.images), **rounds.SPEC})
        app.ready()
        with tempfile.TemporaryDirectory() as folder:
            found = list(rounds.releases(app, self.images, self.cluster, Path(folder), self.rounds))
        app.delete()
        bad, good = [item for item in found if item.bad], [item for item in found if not item.bad]
        sent, what = sum(len(item.result.requests) for item in found), f"{len(found)} releases at {RATE:g} requests/s"
        yield Figure(f"failed of {sent} but by the version, {what}", sum(item.others for item in found), 0)
        yield Figure("doubts about that", sum(len(item.result.reasons) for item in found), 0)
        yield Figure("answers of two versions in one", sum(len(item.result.mixed) for item in found), 0)
        worst = max(item.intervals for item in bad)
        yield Figure("first error to last answer of a bad version, worst", round(worst, 2), BACK, "intervals")
        reached, allowed = sum(item.reached for item in bad), sum(item.allowed for item in bad)
        yield Figure(
            f"{reached} clients reached it, by those of {WEIGHT} % and its time", round(reached / allowed, 2), CHANCE
        )
        errors, beside = sum(len(item.own) for item in bad) / len(bad), f"{rounds.ERRORS} % of its answers"
        yield Fact("errors that clients saw, a bad version", round(errors, 1), beside)
        slowest = max(item.overhead for item in good)
        yield Figure(f"over its holds of {rounds.HOLDS:g} s, worst of {len(good)}", round(slowest, 2), OVERHEAD, "s")
