"""Gradual releases and rollbacks by the gates without a pause, at 200 requests a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import rounds
from tests.e2e.conftest import MakeApp
from tests.e2e.loaded import told
from tests.load.result import Verdict
from tools.testbed import sample

ROUNDS = 20


@pytest.mark.long
@pytest.mark.loaded
def test_twenty_gradual_releases_and_twenty_rollbacks_by_gates(
    memoapp: MakeApp, images: dict[str, str], cluster: str, tmp_path: Path
) -> None:
    app = memoapp("memo", {**sample.tiered(images), **rounds.SPEC})
    app.ready()
    good, bad = 0, 0
    for release in rounds.releases(app, images, cluster, tmp_path, ROUNDS):
        # Nothing failed but what the version failed itself, and the run proves it.
        assert release.others == 0, told(release.result)
        assert not release.result.reasons, told(release.result)
        assert not release.result.mixed, told(release.result)
        if release.bad:
            bad += 1
            assert release.own, "no client met the fault"
            assert release.intervals <= rounds.BACK, told(release.result)
            assert release.reached <= rounds.CHANCE * release.allowed + 10, told(release.result)
        else:
            good += 1
            assert release.result.verdict is Verdict.PASS
            assert release.overhead <= rounds.OVERHEAD
    assert (good, bad) == (ROUNDS, ROUNDS)
