"""What clients and the API server notice of switches and rollbacks, under constant load."""

from __future__ import annotations

import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.app import App
from tests.e2e.history import History
from tests.e2e.loaded import OLD_ANSWERS, RATE, under_load
from tests.kube import Kube
from tests.load.result import Result
from tools.bench.figures import Fact, Figure
from tools.testbed import audit, sample
from tools.testbed.audit import Write

NEAR = 5.0
"""Seconds before a release and after its switch that are compared."""
SLOWER = 1.5
LEAST_WRITES = {"memoapps/status": 4, "controllerrevisions": 1, "deployments": 2, "configmaps": 1}
"""Four phases written ahead (Pending, Preparing, Shifting, Completed), the revision, a Deployment a tier, weights."""
LEAST_PASSES = 5
"""One that sees the changed spec, and one for what came of each phase."""
_RESYNC = 10.0
"""Seconds; the testbed's."""


@dataclass(frozen=True, slots=True)
class Move:
    """Clients that went from one version to the other.

    Attributes:
        version: that they left.
        ordered: when a person said so (seconds since the epoch).
        moved: when the new weights were committed.
        settled: when the status said that all is done.
    """

    version: str
    ordered: float
    moved: float
    settled: float


@dataclass(frozen=True, slots=True)
class Switches:
    """So many switches and as many rollbacks of one app."""

    kube: Kube
    cluster: str
    namespace: str
    images: dict[str, str]
    rounds: int

    def figures(self) -> Iterator[Figure | Fact]:
        """All figures; calls at rest are measured first."""
        app = App(self.kube, self.namespace, "switched")
        app.create(sample.tiered(self.images))
        app.ready()
        a_pass = self._reads_of_a_pass()
        with tempfile.TemporaryDirectory() as folder:
            moves, result = self._moved(app, Path(folder))
        app.delete()
        yield from _to_clients(moves, result)
        yield from self._calls(moves[0], a_pass)

    def _moved(self, app: App, folder: Path) -> tuple[list[Move], Result]:
        moves = []
        with History(app) as history, under_load(app, self.cluster, folder) as load:
            for number in range(self.rounds):
                time.sleep(NEAR)
                began = time.time()
                if number:
                    app.order("retry")
                else:
                    app.change(**sample.tiered_version(self.images, "1.1.0"))
                moves.append(_seen(history, "1.0.0", began, "green 100", "Completed"))
                app.ready()
                time.sleep(2 * NEAR)
                began = time.time()
                app.order("rollback")
                moves.append(_seen(history, "1.1.0", began, "blue 100", "RolledBack"))
            time.sleep(NEAR)
            return moves, load.stop()

    def _reads_of_a_pass(self) -> float:
        """Reads at rest by the number of passes; NaN where reads are not recorded."""
        began = datetime.now(UTC)
        time.sleep(3 * _RESYNC)
        reads = [call for call in self._by_operator() if call.verb in audit.READS and call.at >= began]
        return round(len(reads) / 3) if reads else math.nan

    def _calls(self, move: Move, a_pass: float) -> Iterator[Figure | Fact]:
        begin, end = (datetime.fromtimestamp(at, UTC) for at in (move.ordered, move.settled))
        found = [call for call in self._by_operator() if begin <= call.at <= end]
        writes = [call for call in found if call.verb not in audit.READS]
        least = sum(LEAST_WRITES.values())
        yield Figure(f"writes of a switch, the least is {least}", len(writes), 2 * least)
        for (verb, resource), count in sorted(Counter((call.verb, call.resource) for call in writes).items()):
            yield Fact(f"  {verb} {resource}", count, f"the least is {LEAST_WRITES.get(resource, 0)}")
        if not math.isnan(a_pass):
            reads = len(found) - len(writes)
            yield Fact("reads of a switch", reads, f"{LEAST_PASSES} passes of {a_pass:g} are {LEAST_PASSES * a_pass:g}")

    def _by_operator(self) -> list[Write]:
        return audit.by_operator(audit.calls(self.cluster, self.namespace))


def _seen(history: History, version: str, ordered: float, traffic: str, phase: str) -> Move:
    moved = history.when(lambda moment: moment.traffic == traffic, ordered)
    return Move(version, ordered, moved, history.phase(phase, moved))


def _to_clients(moves: list[Move], result: Result) -> Iterator[Figure | Fact]:
    what = f"{len(moves)} moves at {RATE:g} requests/s"
    yield Figure(f"failed of {len(result.requests)}, {what}", result.failed, 0)
    yield Figure("doubts about that", len(result.reasons), 0, "; ".join(result.reasons))
    yield Figure("answers of two versions in one", len(result.mixed), 0)
    for name, version in (("switch", "1.0.0"), ("rollback", "1.1.0")):
        mine = [move for move in moves if move.version == version]
        last = max(result.within(0, move.settled).last_answer(version, move.moved) for move in mine)
        yield Figure(f"last old answer after a {name}, worst of {len(mine)}", round(last, 3), OLD_ANSWERS, "s")
        took = max(move.moved - move.ordered for move in mine)
        yield Fact(f"from the order of a {name} to its weights, worst", round(took, 2), "s")
        before = _p99(result, [(move.ordered - NEAR, move.ordered) for move in mine])
        after = _p99(result, [(move.moved, move.moved + NEAR) for move in mine])
        title = f"p99 within {NEAR:g} s of a {name}, {after * 1000:.0f} ms, by that before"
        # A way back also ends the pods of the colour that it leaves, on the same nodes: told, and held to nothing.
        slower = round(after / before, 2)
        yield Figure(title, slower, SLOWER) if name == "switch" else Fact(title, slower, "no limit")


def _p99(result: Result, windows: list[tuple[float, float]]) -> float:
    """Over all these windows together."""
    found = [request for begin, end in windows for request in result.within(begin, end).requests]
    return Result(tuple(found), None).percentile(99)
