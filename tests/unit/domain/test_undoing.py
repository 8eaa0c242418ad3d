"""Images that a run brings, the app's tests after its tasks, and what is taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import HeldImageStatus, MemoApp, OrdersStatus
from memoapp_operator.api.v1alpha1.tasks import RunPhase, StepState
from memoapp_operator.domain import run_steps, running, upgrading
from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.observation import Child, ChildState, KnownRun, Trouble
from memoapp_operator.domain.run_steps import Made, RunSight
from memoapp_operator.domain.upgrading import Rollout
from memoapp_operator.domain.window_status import window_of

from tests.unit.domain import building
from tests.unit.domain.test_running import first, onward, states, window

OLD, NEW = "example/postgres:17.4", "example/postgres:17.5"
SUITES = [{"name": "smoke", "command": ["smoke"]}, {"name": "outside", "when": "AfterSwitch", "command": ["look"]}]
UPGRADE = {"name": "upgrade", "updateDatabaseImage": {}}
MOVE = {"name": "move", "job": {"image": "example/move:1", "command": ["move"], "undo": ["move", "--back"]}}


def app(**changes: Any) -> MemoApp:
    parts = {"database": {"managed": {"image": NEW}}, "release": {"tests": SUITES}, "redis": None, **changes}
    return building.decided(building.with_spec(building.serving(), **parts))


def held(found: MemoApp) -> MemoApp:
    """The image was taken back."""
    item = HeldImageStatus(component="database", image=OLD, refused=NEW, window="saturday")
    return found.model_copy(update={"status": found.status.model_copy(update={"held_images": [item]})})


def begins(*tasks: dict[str, Any], **spec: Any) -> RunSight:
    return first(window([*tasks], **spec), app=app(), rollout=Rollout(OLD, settled=True))


def step_of(seen: RunSight, name: str) -> run_steps.StepStatus:
    return next(step for step in seen.run.steps if step.name == name)


def helped(seen: RunSight, **world: Any) -> RunSight:
    """The next pass of a world in which every Job and backup goes well."""
    at_work = run_steps.under_way(running.advance(seen))
    made = Made(good=True) if at_work is not None and at_work.object is not None else None
    return onward(seen, made=made, **world)


def until(seen: RunSight, name: str, **world: Any) -> RunSight:
    """The first sight in which that step is under way; everything before it goes well."""
    for _ in range(60):
        at_work = run_steps.under_way(seen.run)
        assert at_work is not None, seen.run
        if at_work.name == name and at_work.state is StepState.RUNNING:
            return replace(seen, made=None)
        seen = helped(seen, **world)
    raise AssertionError(seen.run)


def through(seen: RunSight, **world: Any) -> RunSight:
    for _ in range(80):
        seen = helped(seen, **world)
    return seen


def test_an_image_is_brought_after_a_backup() -> None:
    seen = begins(UPGRADE, page=True)
    assert list(states(seen.run)) == ["Health", "Page", "Save/upgrade", "upgrade", "Tests", "PageDown", "Watch"]
    seen = until(begins(UPGRADE), "upgrade")
    assert step_of(seen, "Save/upgrade").state is StepState.SUCCEEDED
    assert (step_of(seen, "Save/upgrade").object or "").startswith("MemoBackup/")
    at_work = step_of(seen, "upgrade")
    assert (at_work.object, at_work.before, at_work.after) == ("Upgrade/database", OLD, NEW)
    starts = onward(seen, rollout=Rollout(NEW, settled=False))
    assert states(starts.run)["upgrade"] == "Running"
    done = onward(onward(starts, rollout=Rollout(NEW, settled=True)))
    assert states(done.run)["upgrade"] == "Succeeded"


def test_a_backup_task_of_the_run_will_do() -> None:
    save = {"name": "save", "backup": {}}
    assert "Save/upgrade" not in states(begins(save, UPGRADE).run)
    redis = {"name": "cache", "updateRedisImage": {}}
    assert [name for name in states(begins(UPGRADE, redis).run) if name.startswith("Save/")] == ["Save/upgrade"]
    assert "Save/upgrade" in states(begins(UPGRADE, save).run), "one that comes later will not"


def test_no_image_is_brought_without_a_good_backup() -> None:
    save = {"name": "save", "backup": {}, "onFailure": "Continue"}
    seen = until(begins(save, UPGRADE), "save")
    seen = onward(seen, made=Made(good=False, message="DumpFailed"))
    seen = onward(onward(seen))
    assert step_of(seen, "upgrade").message == "no backup of this run is good"
    assert states(seen.run)["upgrade"] == "Failed"
    assert "Undo/upgrade" not in states(seen.run), "nothing was changed"


@pytest.mark.parametrize(
    ("rollout", "changes", "state", "message"),
    [
        (Rollout(NEW, settled=True), {}, "Succeeded", f"{NEW} runs already"),
        (Rollout("example/postgres:16.9", settled=True), {}, "Failed", "PostgreSQL 16 to 17 is another major version"),
        (None, {}, "Failed", "PostgreSQL is not managed here"),
        (Rollout(OLD, settled=True), {"app": held(app())}, "Skipped", f"{NEW} was taken back, and is not tried again"),
    ],
)
def test_what_a_task_does_not_bring(rollout: Rollout | None, changes: dict[str, Any], state: str, message: str) -> None:
    world = {"rollout": rollout, **changes}
    seen = until(begins(UPGRADE), "Save/upgrade", **world)
    for _ in range(3):
        seen = onward(replace(seen, made=Made(good=True)), **world)
    assert states(seen.run)["upgrade"] == state
    assert (step_of(seen, "upgrade").message or "").startswith(message)


BROKEN = Rollout(NEW, settled=False, trouble=Trouble("ImagePullBackOff", "database: it cannot be pulled", stalls=True))


@pytest.mark.parametrize("on_failure", ["Stop", "Continue"])
def test_an_image_that_does_not_get_ready_goes_back_at_once(on_failure: str) -> None:
    seen = until(begins({**UPGRADE, "onFailure": on_failure}, MOVE), "upgrade")
    seen = onward(replace(seen, rollout=BROKEN))
    order = [name for name in states(seen.run) if name not in {"Health", "Save/upgrade"}]
    assert order == ["upgrade", "Undo/upgrade", "move", "Tests", "Watch"]
    assert states(seen.run)["move"] == ("Skipped" if on_failure == "Stop" else "Pending")
    seen = until(seen, "Undo/upgrade", rollout=BROKEN)
    at_work = step_of(seen, "Undo/upgrade")
    assert (at_work.object, at_work.before, at_work.after) == ("Upgrade/database", OLD, NEW)
    still = onward(onward(seen, rollout=Rollout(OLD, settled=True)))
    assert states(still.run)["Undo/upgrade"] == "Running", "the app does not know of it yet: it would come again"
    back = onward(onward(seen, app=held(app()), rollout=Rollout(OLD, settled=True)))
    assert states(back.run)["Undo/upgrade"] == "Succeeded"
    end = through(back, app=held(app()), rollout=Rollout(OLD, settled=True))
    assert end.run.phase is RunPhase.FAILED
    said = "upgrade: ImagePullBackOff: database: it cannot be pulled; taken back: upgrade"
    assert end.run.message == said


def test_one_that_takes_too_long_goes_back() -> None:
    seen = until(begins(UPGRADE), "upgrade")
    waits = replace(seen, rollout=Rollout(NEW, settled=False), now=seen.now + timedelta(minutes=9))
    assert states(running.advance(waits))["upgrade"] == "Running"
    late = running.advance(replace(waits, now=seen.now + timedelta(minutes=11)))
    assert (states(late)["upgrade"], states(late)["Undo/upgrade"]) == ("Failed", "Pending")


def test_a_way_back_of_which_another_image_came_in_between() -> None:
    seen = until(onward(replace(until(begins(UPGRADE), "upgrade"), rollout=BROKEN)), "Undo/upgrade", rollout=BROKEN)
    other = app(database={"managed": {"image": "example/postgres:17.6"}})
    seen = onward(replace(seen, app=other))
    assert states(seen.run)["Undo/upgrade"] == "Skipped"


def test_a_person_who_declares_the_old_image_again_has_it_back() -> None:
    seen = until(onward(replace(until(begins(UPGRADE), "upgrade"), rollout=BROKEN)), "Undo/upgrade", rollout=BROKEN)
    reverted = app(database={"managed": {"image": OLD}})
    waits_ = onward(replace(seen, app=reverted))
    assert states(waits_.run)["Undo/upgrade"] == "Running"
    done = onward(onward(replace(waits_, rollout=Rollout(OLD, settled=True))))
    assert states(done.run)["Undo/upgrade"] == "Succeeded"
    back = known(taken_back=(("database", OLD, NEW),))
    child = Child(upgrading.ref_of("memo", "database"), ChildState.WAITING, "uid", "digest-1", upgrade=True)
    assert let(replace(building.serving(), app=reverted, children=(child,), runs=(back,))) == ["digest-1"]


def test_the_apps_tests_come_after_tasks_that_change_it() -> None:
    seen = until(begins(MOVE), "Test/smoke")
    assert list(states(seen.run)) == ["Health", "move", "Test/smoke", "Test/outside", "Watch"]
    assert (step_of(seen, "Test/smoke").object or "").startswith("Job/memo-test-smoke-")
    end = through(seen)
    assert end.run.phase is RunPhase.COMPLETED
    saves = through(begins({"name": "save", "backup": {}}))
    assert step_of(saves, "Tests").message == "no task changed the app"
    assert "Tests" not in states(begins(MOVE, tests=False).run)


def test_behind_the_page_no_test_goes_through_the_router() -> None:
    seen = begins(MOVE, page=True)
    at = next(number for number, step in enumerate(seen.run.steps) if step.name == "Tests")
    done = [
        step.model_copy(update={"state": StepState.SUCCEEDED, "started_at": seen.run.queued_at})
        for step in seen.run.steps[:at]
    ]
    update = {"steps": [*done, *seen.run.steps[at:]], "phase": RunPhase.ACTIVE, "page_until": seen.run.ends}
    run = running.advance(replace(seen, run=seen.run.model_copy(update=update)))
    assert [name for name in states(run) if name.startswith("Test/")] == ["Test/smoke"]


def test_a_test_that_fails_takes_the_tasks_back_the_last_one_first() -> None:
    world: dict[str, Any] = {"rollout": Rollout(NEW, settled=True)}
    seen = until(begins(UPGRADE, MOVE, page=False), "upgrade")
    seen = until(onward(replace(seen, **world)), "Test/smoke", **world)
    seen = onward(replace(seen, made=Made(good=False, message="exit code 1")))
    names = [*states(seen.run)]
    assert names[names.index("Test/smoke") :] == ["Test/smoke", "Test/outside", "Undo/move", "Undo/upgrade", "Watch"]
    assert states(seen.run)["Test/outside"] == "Skipped"
    assert seen.run.page_until is None
    end = through(seen, app=held(app()), rollout=Rollout(OLD, settled=True))
    assert end.run.phase is RunPhase.FAILED
    assert end.run.message == "Test/smoke: exit code 1; taken back: move, upgrade"
    assert (step_of(end, "Undo/move").object or "").startswith("Job/memo-undo-move-")


def test_what_cannot_be_taken_back_does_not_keep_the_others() -> None:
    seen = until(begins({**MOVE, "name": "one"}, {**MOVE, "name": "two"}), "Test/smoke")
    seen = until(onward(replace(seen, made=Made(good=False, message="no"))), "Undo/two")
    seen = onward(replace(seen, made=Made(good=False, message="exit code 3")))
    end = through(seen)
    assert (states(end.run)["Undo/two"], states(end.run)["Undo/one"]) == ("Failed", "Succeeded")
    assert end.run.message == "Test/smoke: no; Undo/two: exit code 3; taken back: one"


def at_its_end(seen: RunSight) -> RunSight:
    """The same a moment later, as the window ends."""
    over = seen.now + timedelta(seconds=10)
    return replace(seen, now=over, run=seen.run.model_copy(update={"ends": timestamp(over)}))


@pytest.mark.parametrize("at", ["move", "Test/smoke"])
def test_at_the_end_of_the_window_it_finishes_or_takes_back_as_it_says(at: str) -> None:
    finishes = running.advance(at_its_end(until(begins(MOVE), at)))
    assert states(finishes)[at] == "Running"
    ended = at_its_end(until(begins(MOVE, overrun="Undo"), at))
    run = running.advance(ended)
    assert (states(run)[at], states(run)["Undo/move"]) == ("Failed", "Pending")
    end = through(replace(ended, run=run))
    assert end.run.phase is RunPhase.OVERRUN
    late = {"move": "move", "Test/smoke": "Test/smoke, Test/outside"}[at]
    assert end.run.message == f"not done before the end of the window: {late}; taken back: move"


def test_an_undo_that_is_under_way_goes_on_after_the_end() -> None:
    seen = until(begins(MOVE, overrun="Undo"), "Test/smoke")
    seen = until(onward(replace(seen, made=Made(good=False, message="no"))), "Undo/move")
    run = running.advance(at_its_end(seen))
    assert states(run)["Undo/move"] == "Running"


def known(**changes: Any) -> KnownRun:
    return KnownRun("saturday", begun=True, **changes)


def test_what_is_taken_back_stays_so_until_another_image_or_a_word() -> None:
    back = known(taken_back=(("database", OLD, NEW),))
    found = upgrading.status_after(app(), [back], OrdersStatus())
    assert found is not None
    noted = held(app())
    assert noted.status.held_images == found
    assert upgrading.status_after(noted, [], OrdersStatus()) == found
    assert upgrading.status_after(noted, [], OrdersStatus(retry="again")) is None
    other = held(app(database={"managed": {"image": "example/postgres:17.6"}}))
    assert upgrading.status_after(other, [], OrdersStatus()) is None
    assert upgrading.effective(app(), noted.status).spec.database.managed.image == OLD  # type: ignore[union-attr]
    third = app(database={"managed": {"image": "example/postgres:17.6"}})
    assert upgrading.effective(third, noted.status) == third


def test_redis_goes_the_same_way() -> None:
    declared = app(redis={"managed": {"image": "example/redis:7.4.2"}})
    back = known(taken_back=(("redis", "example/redis:7.4.1", "example/redis:7.4.2"),))
    found = upgrading.status_after(declared, [back], OrdersStatus())
    status = declared.status.model_copy(update={"held_images": found})
    rendered = upgrading.effective(declared, status).spec.redis
    assert rendered is not None
    assert rendered.managed is not None
    assert rendered.managed.image == "example/redis:7.4.1"


def test_an_image_that_was_taken_back_is_told() -> None:
    seen = building.committed(building.serving(app=held(app())))
    found = next(
        item
        for item in held(building.decided(replace(seen, app=held(app())))).status.conditions
        if item.type == "Ready"
    )
    assert (found.status.value, found.reason) == ("False", "ImageTakenBack")
    assert "memoapp.dev/retry=<nonce>" in found.message


def let(seen: Any) -> list[str]:
    orders = building.decided(seen).status.orders
    return list((orders.restarts if orders is not None else None) or [])


def waits(*, upgrade: bool = True, **changes: Any) -> Any:
    ref = upgrading.ref_of("memo", "database")
    child = Child(ref, ChildState.WAITING, "uid", "digest-1", upgrade)
    seen = building.serving(app=app())
    return replace(seen, app=building.decided(seen), children=(child,), **changes)


def test_an_image_is_let_go_by_the_task_under_way_and_by_nothing_else() -> None:
    assert let(waits()) == []
    assert let(waits(runs=(known(),))) == []
    assert let(waits(runs=(known(upgrade="redis"),))) == []
    assert let(waits(runs=(known(upgrade="database"),))) == ["digest-1"]
    assert let(waits(upgrade=False, runs=(known(upgrade="database"),))) == [], "other parameters are no image"


def test_a_retry_does_not_bring_at_once_what_was_let_go_before() -> None:
    def knowing(seen: Any, *digests: str) -> Any:
        status = seen.app.status
        orders = (status.orders or OrdersStatus()).model_copy(update={"restarts": [*digests]})
        return replace(seen, app=seen.app.model_copy(update={"status": status.model_copy(update={"orders": orders})}))

    back = known(taken_back=(("database", OLD, NEW),))
    seen = waits(runs=(back,))
    other = Child(upgrading.ref_of("memo", "redis"), ChildState.WAITING, "uid", "of-redis", upgrade=True)
    also = replace(seen, children=(*seen.children, other))
    assert let(knowing(replace(seen, children=()), "of-the-image")) == []
    assert let(knowing(also, "of-the-image", "of-redis")) == ["of-redis"]
    assert let(knowing(replace(also, app=held(seen.app)), "of-redis")) == ["of-redis", "digest-1"]
    assert let(knowing(replace(also, runs=()), "of-the-image")) == ["of-the-image"]


def test_the_way_back_waits_for_nobody() -> None:
    seen = waits(runs=(known(),))
    assert let(replace(seen, app=held(seen.app))) == ["digest-1"]
    assert let(replace(waits(upgrade=False), app=held(seen.app))) == [], "other parameters wait as ever"


def test_an_image_that_a_task_brings_does_not_come_before_it() -> None:
    open_ = window_of(window([UPGRADE], start="2026-03-01T11:00:00Z"))
    assert let(waits(windows=(open_,))) == []
    assert let(waits(windows=(replace(open_, updates=frozenset()),))) == ["digest-1"]
    daily = replace(open_, schedule="0 11 * * *", start=None)
    message = next(
        item.message for item in building.decided(waits(windows=(daily,))).status.conditions if item.type == "Ready"
    )
    assert "until 2026-03-02 11:00 +0000: a task of the window saturday brings it" in message


def test_what_was_ready_last_is_what_pods_beside_it_are_of() -> None:
    fresh = app()
    assert upgrading.running(fresh, "database") == NEW, "nothing was ready yet"
    seen = replace(building.serving(), app=fresh, images={"database": OLD})
    ran = building.decided(seen)
    assert upgrading.running(ran, "database") == OLD
    broken = building.decided(replace(seen, app=ran, images={}))
    assert broken.status.images == {"database": OLD}, "while another one does not get ready"
    external = ran.model_copy(update={"spec": app(database={"external": {"secretRef": {"name": "a"}}}).spec})
    assert upgrading.running(external, "database") is None
    assert upgrading.images_after(external, {}) is None
