"""A restart of all pods is a release of the revision that serves, and never rejects it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.api.v1alpha1.tasks import StepState, StepStatus
from memoapp_operator.domain import run_tasks
from memoapp_operator.domain.conditions import READY, find
from memoapp_operator.domain.observation import KnownRun, Observation
from memoapp_operator.domain.orders import ABORT_ANNOTATION

from tests.unit.domain.building import (
    R1,
    R2,
    committed,
    gradually,
    onward,
    phase_of,
    serving,
    until,
    with_spec,
)
from tests.unit.domain.moves import CLOSED, FREEZE, at, crashing, ordered, with_backup

TOKEN = "memo-fresh-1a2b3c"
RUN = (KnownRun("night", begun=True, restart=TOKEN),)


def asked(seen: Observation | None = None, **changes: Any) -> Observation:
    return replace(seen or serving(), runs=RUN, **changes)


def through(seen: Observation, phase: Phase, **kept: Any) -> Observation:
    for _ in range(120):
        if phase_of(seen) is phase and seen.app.status.release is not None and seen.app.status.release.restart:
            return seen
        seen = onward(seen, runs=RUN, **kept)
    raise AssertionError(phase_of(seen))


def test_the_same_revision_comes_up_in_the_other_colour_and_takes_over() -> None:
    seen = through(asked(), Phase.COMPLETED)
    status = seen.app.status
    assert status.active is not None
    assert (status.active.revision, status.active.colour) == (R1.id, "green")
    assert (status.history or [])[0].restart == TOKEN
    again = onward(seen, runs=RUN)
    for _ in range(5):
        again = onward(again, runs=RUN)
    assert again.app.status.release is not None
    assert again.app.status.release.started_at == status.release.started_at  # type: ignore[union-attr]


def test_a_warm_colour_of_the_same_revision_is_not_taken_for_new_pods() -> None:
    seen = through(asked(), Phase.COMPLETED)
    other = (replace(RUN[0], restart="another"),)
    fresh = committed(replace(seen, runs=other))
    assert phase_of(fresh) is Phase.PENDING
    assert fresh.app.status.colours == {"green": R1.name}


@pytest.mark.parametrize("windows", [CLOSED, FREEZE])
def test_it_waits_for_no_window_for_it_is_the_windows_own(windows: Any) -> None:
    assert phase_of(through(asked(windows=windows), Phase.COMPLETED, windows=windows)) is Phase.COMPLETED


def test_it_takes_no_backup_and_asks_nobody() -> None:
    seen = asked(gradually(with_backup(serving()), approval="Manual"))
    phases = set()
    for _ in range(110):
        seen = onward(seen, runs=RUN)
        phases.add(phase_of(seen))
    assert phase_of(seen) in {Phase.COMPLETED, Phase.RETIRED}
    assert not phases & {Phase.BACKING_UP, Phase.APPROVING}


def test_one_that_fails_rejects_nothing() -> None:
    seen = through(asked(), Phase.PREPARING)
    failed = committed(crashing(seen))
    assert phase_of(failed) is Phase.REJECTED
    assert failed.app.status.rejected is None
    for _ in range(4):
        failed = onward(failed, runs=RUN)
    assert phase_of(failed) is Phase.WITHDRAWN
    ready = find(failed.app.status.conditions, READY)
    assert ready is not None
    assert ready.status.value == "True"


def test_one_that_is_rolled_back_rejects_nothing() -> None:
    seen = through(asked(gradually(serving())), Phase.SHIFTING)
    back = committed(ordered(seen, ABORT_ANNOTATION))
    for _ in range(8):
        back = onward(back, runs=RUN)
    status = back.app.status
    assert phase_of(back) in {Phase.ROLLED_BACK, Phase.WITHDRAWN}
    assert status.rejected is None
    assert status.active is not None
    assert status.active.colour == "blue"


def test_a_new_version_goes_before_it() -> None:
    seen = asked(with_spec(serving()), declared=R2)
    begins = committed(seen)
    release = begins.app.status.release
    assert release is not None
    assert (release.id, release.restart) == (R2.id, None)
    assert run_tasks._restarted(begins.app, step()).good is False


def step() -> StepStatus:
    return StepStatus(name="fresh", state=StepState.RUNNING, object=f"Release/{TOKEN}")


@pytest.mark.parametrize(
    ("phase", "good"), [(Phase.PREPARING, None), (Phase.COMPLETED, True), (Phase.REJECTED, False), (Phase.HELD, None)]
)
def test_the_run_follows_its_release(phase: Phase, good: bool | None) -> None:
    app = at(Phase.COMPLETED).app
    release = app.status.release
    assert release is not None
    now = release.model_copy(update={"phase": phase, "restart": TOKEN})
    seen = app.model_copy(update={"status": app.status.model_copy(update={"release": now})})
    assert run_tasks._restarted(seen, step()).good is good
    assert run_tasks._restarted(app, step()).good is None, "it has not begun"


def test_one_that_another_release_followed_is_remembered() -> None:
    done = through(asked(), Phase.COMPLETED)
    later = until(onward(with_spec(done), declared=R2), Phase.PREPARING)
    assert later.app.status.release is not None
    assert later.app.status.release.restart is None
    assert run_tasks._restarted(later.app, step()).good is True
