"""Switches and rollbacks without a pause under load, while the operator is killed and a router replaced."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.conftest import MakeApp
from tests.e2e.history import History
from tests.e2e.loaded import OLD_ANSWERS, under_load, unharmed
from tests.kube import Kube
from tests.load.result import Result
from tools.testbed import leadership, nodes, sample

ROUNDS = 20
KILL_IN, REPLACE_IN = 5, 10
"""The rounds in which the operator is killed and a router is deleted: its pod ends as pods should."""


@pytest.mark.long
@pytest.mark.loaded
def test_twenty_switches_and_twenty_rollbacks(
    kube: Kube, memoapp: MakeApp, images: dict[str, str], cluster: str, tmp_path: Path
) -> None:
    app = memoapp("memo", sample.tiered(images))
    app.ready()
    moves: list[tuple[str, float]] = []
    ordered: list[float] = []
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        app.change(**sample.tiered_version(images, "1.1.0"))
        for number in range(ROUNDS):
            began = moves[-1][1] if moves else 0.0
            moved = history.when(lambda moment: moment.traffic == "green 100", after=began)
            if number == KILL_IN:
                nodes.signal(cluster, leadership.leader(kube), "KILL")
            moves.append(("1.0.0", moved))
            if number == REPLACE_IN:
                kube.delete("v1/Pod", app.pods("router")[0]["metadata"]["name"], app.namespace)
            app.ready()
            ordered.append(time.time())
            app.order("rollback")
            moves.append(("1.1.0", history.when(lambda moment: moment.traffic == "blue 100", after=moved)))
            app.shows("Stalled", "True", "RolledBackByHand")
            ordered.append(time.time())
            app.order("retry")
        app.ready()
        time.sleep(2)
        result = load.stop()
    unharmed(result)
    assert history.always_available
    assert history.phases.count("Shifting") == ROUNDS + 1
    assert history.phases.count("RolledBack") == ROUNDS
    late = _late_answers(result, moves, ordered)
    assert len(late) == 2 * ROUNDS
    # Weights that were committed by an operator that is killed the same moment reach the routers with the next leader.
    slow = {number: seconds for number, seconds in enumerate(late) if seconds > OLD_ANSWERS}
    assert slow.keys() <= {2 * KILL_IN, 2 * KILL_IN + 1}


def _late_answers(result: Result, moves: list[tuple[str, float]], ordered: list[float]) -> list[float]:
    """Seconds of the last answer of the colour that was left, on a new connection, after each move.

    Until the next move was ordered: from then on that colour may answer again.
    """
    pairs = zip(moves, ordered, strict=True)
    return [result.within(0, end).last_answer(version, moved) for (version, moved), end in pairs]
