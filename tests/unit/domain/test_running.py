"""The run of a window's tasks: each step once, with a limit, and to an end whatever happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.maintenancewindow import MaintenanceWindow
from memoapp_operator.api.v1alpha1.memoapp import HolderStatus, MaintenanceStatus, MemoApp
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.api.v1alpha1.tasks import RunPhase, RunStatus, StepState
from memoapp_operator.domain import maintenance, run_steps, running
from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.observation import KnownRun
from memoapp_operator.domain.run_steps import Made, Rival, RunSight
from memoapp_operator.domain.state import State
from memoapp_operator.domain.waiting import text
from memoapp_operator.domain.window_status import RUNS, TASKS_DONE, Sight, due, notes, step
from memoapp_operator.domain.windows import Span

from tests.unit.domain import building, moves
from tests.unit.domain.test_window_status import app as metadata
from tests.unit.domain.test_window_status import verdict

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOURS = timedelta(hours=1)
TASKS = [
    {"name": "save", "backup": {}},
    {"name": "tidy", "vacuumAnalyze": {}, "timeout": "30m", "onFailure": "Continue"},
    {"name": "clean", "job": {"image": "registry.example/clean:1"}},
]


def window(tasks: list[dict[str, Any]] | None = None, name: str = "saturday", **spec: Any) -> MaintenanceWindow:
    declared = {
        "apps": {"names": ["memo"]},
        "policy": "Allow",
        "start": timestamp(START),
        "duration": "3h",
        "tasks": TASKS if tasks is None else tasks,
        **spec,
    }
    found = {"name": name, "namespace": "prod", "uid": f"uid-{name}", "generation": 1}
    return MaintenanceWindow.model_validate({"metadata": found, "spec": declared})


def well() -> MemoApp:
    return building.decided(building.serving())


def paged(app: MemoApp, *holders: str, since: bool = True) -> MemoApp:
    held = [HolderStatus(name=name, until=timestamp(START + 3 * HOURS)) for name in holders]
    page = MaintenanceStatus(
        until=timestamp(START + 3 * HOURS), since=timestamp(START) if since else None, holders=held
    )
    return app.model_copy(update={"status": app.status.model_copy(update={"maintenance": page})})


def first(found: MaintenanceWindow | None = None, **changes: Any) -> RunSight:
    """A run that was queued a while ago."""
    found = found or window()
    run = running.queued(found, "memo", Span(START, START + 3 * HOURS), START)
    return replace(RunSight(found, run, well(), START + timedelta(seconds=5)), **changes)


def onward(seen: RunSight, **changes: Any) -> RunSight:
    """The next pass, two seconds later."""
    kept = {"run": running.advance(seen), "now": seen.now + timedelta(seconds=2), "made": None}
    return replace(seen, **{**kept, **changes})


def helped(seen: RunSight) -> RunSight:
    """The next pass of a world that does what is asked for."""
    run = running.advance(seen)
    at_work = run_steps.under_way(run)
    made = Made(good=True, message="done") if at_work is not None and at_work.object is not None else None
    app = paged(well(), "window/saturday") if run.page_until is not None else well()
    return onward(seen, made=made, app=app)


def states(run: RunStatus) -> dict[str, str]:
    return {step.name: step.state.value for step in run.steps}


def through(seen: RunSight, passes: int = 80) -> RunStatus:
    for _ in range(passes):
        seen = helped(seen)
    return seen.run


def until(seen: RunSight, name: str) -> RunSight:
    """The first sight in which that step is under way."""
    for _ in range(60):
        at_work = run_steps.under_way(seen.run)
        if at_work is not None and at_work.name == name and at_work.state is StepState.RUNNING:
            return replace(seen, made=None)
        seen = helped(seen)
    raise AssertionError(seen.run)


def test_the_steps_go_one_after_the_other_to_the_end() -> None:
    found = window(page=True, tests=False)
    seen, order = first(found), []
    for _ in range(80):
        at_work = run_steps.under_way(seen.run)
        if at_work is not None and at_work.state is StepState.RUNNING:
            order += [at_work.name] if at_work.name not in order else []
        seen = helped(seen)
    assert order == ["Health", "Page", "save", "tidy", "clean", "PageDown", "Watch"]
    run = seen.run
    assert (run.phase, run.message, run.page_until) == (RunPhase.COMPLETED, None, None)
    assert {step.state for step in run.steps} == {StepState.SUCCEEDED}
    kinds = [(step.object or "").partition("/")[0] for step in run.steps]
    assert kinds == ["", "", "MemoBackup", "Job", "Job", "", ""]
    assert all(step.started_at and step.finished_at for step in run.steps)
    assert run.started_at is not None
    assert run.finished_at is not None
    watch = next(step for step in run.steps if step.name == "Watch")
    lasted = datetime.fromisoformat(str(watch.finished_at)) - datetime.fromisoformat(str(watch.started_at))
    assert lasted >= timedelta(minutes=1)


def test_the_page_is_asked_for_only_where_a_person_asked_for_it() -> None:
    assert "Page" not in states(first().run)
    seen = until(first(window(page=True)), "Page")
    assert seen.run.page_until == seen.run.ends
    away = until(first(window(page=True)), "PageDown")
    assert away.run.page_until is None


def test_each_run_makes_objects_of_its_own() -> None:
    found = window()
    run = first().run
    tasks = [each for each in run.steps if run_steps.is_task(each)]
    names = {run_steps.object_of(found, run, each, "Job") for each in tasks}
    next_week = run.model_copy(update={"window": timestamp(START + timedelta(days=7))})
    later = {run_steps.object_of(found, next_week, each, "Job") for each in tasks}
    assert len(names | later) == 6
    assert all(len(name.partition("/")[2]) <= 63 for name in names)


def test_nothing_is_done_to_an_app_that_is_not_well() -> None:
    lost = building.decided(building.serving(database=None))
    seen = until(first(window(page=True)), "Health")
    waits = replace(seen, app=lost)
    at_work = run_steps.under_way(running.advance(waits))
    assert at_work is not None
    assert (at_work.message or "").startswith("DatabaseReady is False: ")
    late = replace(waits, now=START + timedelta(minutes=11))
    run = running.advance(late)
    assert run.phase is RunPhase.FAILED
    assert states(run) == {
        "Health": "Failed",
        **dict.fromkeys(["Page", "save", "tidy", "clean", "Tests", "PageDown", "Watch"], "Skipped"),
    }
    assert (run.message or "").endswith(", for 10 minutes")


def test_it_waits_for_a_release_and_not_for_one_that_waits_itself() -> None:
    at_work = moves.at(Phase.SHIFTING).app
    assert "is under way (Shifting)" in (running.not_well(at_work, idle=True) or "")
    assert running.not_well(moves.at(Phase.PENDING).app, idle=True) is None
    assert running.not_well(paged(well(), "restore/undo"), idle=True) == "a restore is at work on the data"


def test_a_page_that_is_not_shown_is_given_up_and_no_task_is_begun() -> None:
    seen = until(first(window(page=True)), "Page")
    assert (
        states(running.advance(replace(seen, app=paged(well(), "window/saturday", since=False))))["Page"] == "Running"
    )
    late = replace(seen, app=well(), now=seen.now + timedelta(minutes=3))
    run = running.advance(late)
    assert states(run)["Page"] == "Failed"
    assert states(run)["save"] == "Skipped"
    end = through(replace(late, run=run))
    assert end.phase is RunPhase.FAILED
    assert (states(end)["PageDown"], states(end)["Watch"], end.page_until) == ("Succeeded", "Succeeded", None)


@pytest.mark.parametrize(("name", "goes_on"), [("save", False), ("tidy", True)])
def test_a_task_that_fails_stops_the_others_or_does_not(name: str, goes_on: bool) -> None:
    seen = until(first(), name)
    run = running.advance(replace(seen, made=Made(good=False, message="DumpFailed: no")))
    assert (states(run)[name], states(run)["clean"]) == ("Failed", "Pending" if goes_on else "Skipped")
    end = through(replace(seen, run=run))
    assert (end.phase, end.message) == (RunPhase.FAILED, f"{name}: DumpFailed: no")
    assert states(end)["Watch"] == "Succeeded", "the app is watched all the same"


def test_a_task_that_hangs_is_given_up_after_its_time() -> None:
    seen = until(first(), "tidy")
    hangs = replace(seen, made=Made(None), now=seen.now + timedelta(minutes=29))
    assert states(running.advance(hangs))["tidy"] == "Running"
    late = replace(hangs, now=seen.now + timedelta(minutes=31))
    run = running.advance(late)
    failed = next(step for step in run.steps if step.name == "tidy")
    assert (failed.state, failed.message) == (StepState.FAILED, "not done within 30m")


def test_at_the_end_of_the_window_what_is_under_way_finishes_and_nothing_else_begins() -> None:
    tasks = [{**TASKS[0], "timeout": "4h"}, *TASKS[1:]]
    seen = until(first(window(tasks, page=True)), "save")
    over = replace(seen, made=Made(None), now=START + 3 * HOURS + timedelta(minutes=1))
    assert states(running.advance(over))["save"] == "Running"
    end = through(replace(over, made=Made(good=True)))
    assert end.phase is RunPhase.OVERRUN
    assert (states(end)["save"], states(end)["tidy"], states(end)["clean"]) == ("Succeeded", "Skipped", "Skipped")
    assert end.message == "not done before the end of the window: save, tidy, clean"


def test_one_run_of_an_app_at_a_time_the_one_that_was_first() -> None:
    earlier = Rival("another", begun=False, queued=START - timedelta(seconds=1))
    waits = running.advance(first(rivals=(earlier,)))
    assert (waits.phase, waits.message) == (RunPhase.QUEUED, "waits until the run of the window another is done")
    later = Rival("another", begun=False, queued=START + timedelta(seconds=1))
    assert running.advance(first(rivals=(later,))).phase is RunPhase.ACTIVE
    begun = Rival("zulu", begun=True, queued=START + timedelta(seconds=9))
    assert running.advance(first(rivals=(begun,))).phase is RunPhase.QUEUED, "one that is under way goes first"
    same = Rival("another", begun=False, queued=START)
    assert running.advance(first(rivals=(same,))).phase is RunPhase.QUEUED, "of two of one moment the first by name"
    assert running.advance(first(rivals=(replace(same, window="zulu"),))).phase is RunPhase.ACTIVE


def test_what_was_queued_a_moment_ago_is_let_be_seen_by_others() -> None:
    assert running.advance(first(now=START + timedelta(seconds=1))).phase is RunPhase.QUEUED


def test_a_deny_keeps_it_waiting_until_it_is_too_late() -> None:
    seen = first(denied="freeze")
    assert running.advance(seen).message == "the window freeze denies it"
    over = running.advance(replace(seen, now=START + 3 * HOURS))
    assert (over.phase, over.message) == (RunPhase.FAILED, "it did not begin in time: the window freeze denies it")
    assert set(states(over).values()) == {"Skipped"}
    short = first(window(lastStart="30m"), denied="freeze", now=START + timedelta(minutes=31))
    assert running.advance(short).phase is RunPhase.FAILED


def test_a_memoapp_that_goes_ends_its_run() -> None:
    seen = until(first(), "tidy")
    run = running.advance(replace(seen, app=None))
    assert (run.phase, run.message, run.page_until) == (RunPhase.FAILED, "the MemoApp is gone", None)
    assert StepState.RUNNING not in {step.state for step in run.steps}


def test_a_task_that_was_taken_out_of_the_window_is_left_out() -> None:
    seen = until(first(), "save")
    less = window([TASKS[0]])
    run = through(replace(seen, window=less))
    assert run.phase is RunPhase.COMPLETED
    assert (states(run)["save"], states(run)["clean"]) == ("Succeeded", "Skipped")


def test_the_watch_fails_where_the_app_does_not_come_back() -> None:
    seen = until(first(), "Watch")
    assert seen.run.phase is RunPhase.VERIFYING
    lost = building.decided(building.serving(database=None))
    waits = replace(seen, app=lost, now=seen.now + timedelta(minutes=2))
    assert running.advance(waits).phase is RunPhase.VERIFYING
    run = running.advance(replace(waits, now=seen.now + timedelta(minutes=7)))
    assert run.phase is RunPhase.FAILED
    assert (run.message or "").startswith("Watch: DatabaseReady is False")


def test_a_run_begins_with_its_window_once_and_not_too_late() -> None:
    found = window(lastStart="1h")
    sight = Sight(found, (metadata("memo"),), START + timedelta(minutes=10))
    (run,) = due(sight)
    assert run.phase is RunPhase.QUEUED
    known = found.model_copy(update={"status": found.status.model_copy(update={"runs": [run]})})
    assert due(replace(sight, window=known)) == [run]
    done = run.model_copy(update={"phase": RunPhase.COMPLETED})
    over = found.model_copy(update={"status": found.status.model_copy(update={"runs": [done]})})
    assert due(replace(sight, window=over)) == [done], "not once more in the same window"
    assert due(replace(sight, now=START + timedelta(minutes=61))) == [], "nobody looked in time"
    assert due(replace(sight, now=START - timedelta(minutes=1))) == []
    without = window().spec.model_copy(update={"tasks": None})
    assert due(replace(sight, window=found.model_copy(update={"spec": without}))) == []


def test_the_window_says_how_its_runs_go() -> None:
    found, now = window(), START + timedelta(minutes=1)
    sight = Sight(found, (metadata("memo"),), now)
    run = first().run.model_copy(update={"phase": RunPhase.ACTIVE})
    status, again = step(sight, [run])
    assert (status.phase, again) == ("Active", RUNS)
    assert verdict(status, TASKS_DONE)[:2] == ("Unknown", "Active")
    assert step(sight, [run.model_copy(update={"phase": RunPhase.VERIFYING})])[0].phase == "Verifying"
    assert step(replace(sight, now=START + 4 * HOURS), [run])[0].phase == "Overrun"
    failed = run.model_copy(update={"phase": RunPhase.FAILED, "message": "save: no"})
    good = run.model_copy(update={"phase": RunPhase.COMPLETED, "app": "other"})
    told, _ = step(sight, [good, failed])
    assert verdict(told, TASKS_DONE) == ("False", "Failed", "memo: save: no")
    assert verdict(step(sight, [good])[0], TASKS_DONE)[:2] == ("True", "Completed")


def test_its_beginning_and_its_end_are_events() -> None:
    run = first().run
    active = run.model_copy(update={"phase": RunPhase.ACTIVE})
    failed = run.model_copy(update={"phase": RunPhase.FAILED, "message": "save: no"})
    assert [*notes("1", [], [run])] == []
    (begins,) = notes("1", [run], [active])
    assert (begins.warning, begins.reason, begins.message) == (False, "RunStarted", "memo: its tasks are begun")
    assert [*notes("1", [active], [active])] == []
    (ends,) = notes("1", [active], [failed])
    assert (ends.warning, ends.reason, ends.message) == (True, "RunFailed", "memo: save: no")
    done = active.model_copy(update={"phase": RunPhase.COMPLETED})
    assert [note.reason for note in notes("1", [active], [done])] == ["RunCompleted"]


def test_a_run_holds_the_page_of_its_app_and_keeps_releases_waiting() -> None:
    until_ = timestamp(building.NOW + HOURS)
    run = KnownRun("saturday", begun=True, page_until=until_, message="The disks are changed.")
    seen = building.serving(runs=(run,))
    told = maintenance.status_after(seen)
    assert told is not None
    assert [(item.name, item.until) for item in told.holders] == [("window/saturday", until_)]
    assert maintenance.message_of(told) == "The disks are changed."
    by_hand = building.with_spec(seen, maintenance={"until": "2026-03-01T12:30:00Z", "message": "By hand."})
    both = maintenance.status_after(by_hand)
    assert both is not None
    assert (both.until, both.message) == (until_, "By hand.")
    beside = replace(run, page_until=None)
    fresh = building.committed(building.serving(declared=building.R2, runs=(beside,)))
    pending = building.committed(fresh)
    assert building.phase_of(pending) is Phase.PENDING
    assert text(pending, State.of(pending.app.status)) == "waiting until the tasks of the window saturday are done"
    assert building.phase_of(building.committed(replace(pending, runs=()))) is not Phase.PENDING


@given(st.lists(st.sampled_from(["good", "bad", "none", "lost", "gone", "late"]), max_size=60))
def test_whatever_happens_it_ends_and_the_page_with_it(events: list[str]) -> None:
    seen = first(window(page=True))
    for event in events:
        made = {"good": Made(good=True), "bad": Made(good=False), "none": Made(None)}.get(event)
        app = {"lost": building.decided(building.serving(database=None)), "gone": None}.get(event, well())
        before = seen.run
        seen = onward(seen, made=made, app=app)
        if event == "late":
            seen = replace(seen, now=seen.now + timedelta(minutes=20))
        after = {step.name: step.state for step in seen.run.steps}
        ended = {StepState.SUCCEEDED, StepState.FAILED, StepState.SKIPPED}
        assert all(after[step.name] is step.state for step in before.steps if step.state in ended), "it stays so"
        assert sum(state is StepState.RUNNING for state in after.values()) <= 1
    end = through(replace(seen, now=max(seen.now, START + 4 * HOURS), made=None), 200)
    assert running.is_ended(end)
    assert end.page_until is None
    assert not {step.state for step in end.steps} & {StepState.RUNNING, StepState.PENDING}


@pytest.mark.parametrize(("duration", "hours"), [("4h", 4), ("2h", 2)])
def test_a_window_that_is_prolonged_or_cut_short_moves_the_end_of_its_run_and_page(duration: str, hours: int) -> None:
    seen = until(first(window(page=True)), "save")
    longer = window(page=True, duration=duration)
    known = longer.model_copy(update={"status": longer.status.model_copy(update={"runs": [seen.run]})})
    (run,) = due(Sight(known, (metadata("memo"),), seen.now))
    end = timestamp(START + hours * HOURS)
    assert (run.ends, run.page_until) == (end, end)
    assert run.steps == seen.run.steps
    over = through(seen)
    done = longer.model_copy(update={"status": longer.status.model_copy(update={"runs": [over]})})
    assert due(Sight(done, (metadata("memo"),), seen.now)) == [over], "what is over is left as it was"


def test_a_window_that_begins_at_another_time_leaves_its_run_alone() -> None:
    seen = until(first(window(page=True)), "save")
    moved = window(page=True, start=timestamp(START + 10 * HOURS))
    known = moved.model_copy(update={"status": moved.status.model_copy(update={"runs": [seen.run]})})
    assert due(Sight(known, (metadata("memo"),), seen.now)) == [seen.run]
