"""Maintenance windows and the maintenance page, as their users see them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.app import App, condition_of
from tests.e2e.elsewhere import secret
from tests.e2e.history import History
from tests.e2e.loaded import told, under_load, unharmed
from tests.e2e.objects import sql
from tests.kube import ApiError, Kube
from tools.testbed import sample

WINDOW = "memoapp.dev/v1alpha1/MaintenanceWindow"
MakeApp = Callable[..., App]


def moment(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def window(app: App, name: str, **spec: Any) -> None:
    version, _, kind = WINDOW.rpartition("/")
    metadata = {"name": name, "namespace": app.namespace}
    declared = {"apps": {"names": [app.name]}, **spec}
    app.kube.create({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": declared})


def status_of(app: App, name: str) -> dict[str, Any]:
    found = app.kube.get(WINDOW, name, app.namespace)
    assert found is not None
    status: dict[str, Any] = found.get("status") or {}
    return status


def test_a_release_waits_for_its_window_and_a_freeze_is_seen(memoapp: MakeApp, images: dict[str, str]) -> None:
    app = memoapp("memo", {**sample.tiered(images), "release": {**sample.MIGRATES, "deadline": "2m"}})
    app.ready()
    window(app, "later", policy="Allow", start=moment(3600), duration="3h", timeZone="Europe/Berlin")
    window(app, "freeze", policy="Deny", schedule="0 0 1 1 *", duration="24h", apps={"selector": {}})
    app.eventually(lambda: status_of(app, "later").get("phase"), lambda phase: phase == "Scheduled")
    app.change(**sample.tiered_version(images, "1.1.0"))
    app.eventually(app.read, lambda found: condition_of(found, "Ready").get("reason") == "OutsideWindow")
    found = app.read()
    message = condition_of(found, "Ready")["message"]
    assert message.startswith("the release waits until ")
    assert message.endswith(": it is outside of every window that allows it")
    assert (condition_of(found, "Stalled")["status"], found["status"]["release"]["phase"]) == ("False", "Pending")
    time.sleep(5)
    version = app.read()["metadata"]["resourceVersion"]
    time.sleep(10)
    assert app.read()["metadata"]["resourceVersion"] == version, "it waits without a write"
    display = status_of(app, "later")["display"]
    assert display["apps"] == app.name
    assert display["next"].endswith(("+0100", "+0200"))
    assert status_of(app, "freeze")["display"]["apps"] == "*"
    # It opens now: no operator is asked to look, and the release begins at once.
    app.kube.patch(WINDOW, "later", app.namespace, body={"spec": {"start": moment(-60)}})
    app.ready()
    assert app.read()["status"]["active"]["version"] == "1.1.0"
    assert status_of(app, "later")["phase"] == "Active"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"duration": "0h", "schedule": "0 23 * * 6"}, "more than 0"),
        ({"duration": "3h"}, "exactly one of schedule and start"),
        ({"duration": "3h", "schedule": "@weekly"}, "schedule"),
        ({"duration": "3h", "start": "tomorrow"}, "start"),
    ],
)
def test_wrong_windows_are_refused(namespace: str, kube: Kube, spec: dict[str, Any], words: str) -> None:
    version, _, kind = WINDOW.rpartition("/")
    metadata = {"name": "wrong", "namespace": namespace}
    declared = {"apps": {"names": ["memo"]}, "policy": "Allow", **spec}
    with pytest.raises(ApiError, match=words):
        kube.create({"apiVersion": version, "kind": kind, "metadata": metadata, "spec": declared})


@pytest.mark.loaded
def test_the_page_goes_up_at_once_for_all_but_staff_and_falls(
    kube: Kube, namespace: str, memoapp: MakeApp, images: dict[str, str], cluster: str, tmp_path: Path
) -> None:
    secret(kube, namespace, "staff", value="correct-horse-battery\n")
    tiers = sample.tiered(images)
    app = memoapp(
        "memo",
        {
            **tiers,
            "release": sample.MIGRATES,
            "traffic": {**tiers["traffic"], "staff": {"secretRef": {"name": "staff", "key": "value"}}},
        },
    )
    app.ready()
    with History(app) as history, under_load(app, cluster, tmp_path, rate=100) as load:
        begins = time.time()
        app.change(maintenance={"until": moment(30), "message": "The database moves."})
        up = history.when(lambda seen: (seen.status.get("maintenance") or {}).get("since"), within=30)
        address = load.target
        page = httpx.get(address, trust_env=False)
        behind = httpx.get(address, headers={"X-MemoApp-Staff": "correct-horse-battery"}, trust_env=False)
        history.when(lambda seen: not seen.status.get("maintenance"), up, within=60)
        time.sleep(2)
        result = load.stop()
    assert (page.status_code, "<p>The database moves.</p>" in page.text) == (503, True)
    assert behind.is_success
    failed = [request for request in result.failures if request.status != 503]
    assert not failed, told(result, failed)
    paged = [request for request in result.requests if request.status == 503]
    assert paged
    assert min(request.finished for request in paged) - begins <= 5
    seen = [request for request in result.requests if up + 0.5 <= request.planned <= up + 5]
    assert {request.status for request in seen} == {503}, "every router shows it"
    assert result.requests[-1].status in {200, 201}, told(result)
    assert app.shows("Available", "True", "Serving")


def test_tasks_are_done_behind_the_page_one_after_the_other(
    memoapp: MakeApp, images: dict[str, str], namespace: str
) -> None:
    app = memoapp("memo", {**sample.tiered(images), "release": sample.MIGRATES, "backup": {}})
    app.ready()
    sql(namespace, "create table half (id int primary key); insert into half select generate_series(1, 1000)")
    sql(namespace, "alter table half owner to memo_user")
    clean = {"image": images["backend"], "command": ["python3", "-c", "import os; print(os.environ['MEMOAPP_URL'])"]}
    window(
        app,
        "night",
        policy="Allow",
        work=[],
        start=moment(-1),
        duration="1h",
        page=True,
        message="The disks are changed.",
        watch="3s",
        tasks=[
            {"name": "save", "backup": {}},
            {"name": "tidy", "vacuumAnalyze": {}},
            {"name": "indexes", "reindex": {}},
            {"name": "prove", "restoreDrill": {}},
            {"name": "clean", "job": clean},
        ],
    )
    app.eventually(app.read, lambda found: bool((found["status"].get("maintenance") or {}).get("since")), within=60)
    assert app.read()["status"]["maintenance"]["message"] == "The disks are changed."
    status = app.eventually(lambda: status_of(app, "night"), _is_over, within=240)
    (run,) = status["runs"]
    assert {step["name"]: step["state"] for step in run["steps"]} == {
        **dict.fromkeys(["Health", "Page", "save", "tidy", "indexes", "prove", "clean"], "Succeeded"),
        "Tests": "Skipped",
        **dict.fromkeys(["PageDown", "Watch"], "Succeeded"),
    }
    assert run["phase"] == "Completed"
    assert "maintenance" not in app.read()["status"]
    looked_after = "select count(*) from pg_stat_user_tables where relname = 'half' and last_vacuum is not null"
    assert sql(namespace, looked_after) == "1"
    assert sql(namespace, "select count(*) from pg_index where not indisvalid") == "0"
    app.shows("RestoreProved", "True", "Proved")


def _image(app: App) -> str:
    found = app.kube.get("apps/v1/StatefulSet", "memo-database", app.namespace)
    assert found is not None
    containers = found["spec"]["template"]["spec"]["containers"]
    return str(next(item["image"] for item in containers if item["name"] == "database"))


def _upgrade(app: App, name: str, **more: Any) -> dict[str, Any]:
    """The run of a window that brings the image that waits, behind the page."""
    declared = {"policy": "Allow", "work": [], "start": moment(-1), "duration": "1h", "page": True, "watch": "3s"}
    tasks = [{"name": "upgrade", "updateDatabaseImage": {}}]
    window(app, name, **declared, tasks=tasks, **more)
    status = app.eventually(lambda: status_of(app, name), _is_over, within=240)
    (run,) = status["runs"]
    found: dict[str, Any] = run
    return found


def test_an_image_comes_in_its_window_with_a_backup_and_the_apps_tests_and_one_that_does_not_run_goes_back(
    memoapp: MakeApp, images: dict[str, str], namespace: str
) -> None:
    tests = [{"name": "checks", **sample.CHECKS}]
    spec = {**sample.tiered(images), "release": {**sample.MIGRATES, "tests": tests}, "backup": {}}
    app = memoapp("memo", spec)
    app.ready()
    sql(namespace, "create table kept (id int primary key); insert into kept select generate_series(1, 1000)")
    old, new = images["postgres"], images["postgres-next"]
    app.change(database={"managed": {**spec["database"]["managed"], "image": f"{old}-typo"}})
    app.shows("Ready", "False", "RestartPending")
    run = _upgrade(app, "typo")
    assert run["phase"] == "Failed"
    assert run["message"].endswith("; taken back: upgrade")
    assert _image(app) == old
    app.shows("Ready", "False", "ImageTakenBack")
    app.shows("Available", "True", "Serving")
    app.change(database={"managed": {**spec["database"]["managed"], "image": new}})
    app.shows("Ready", "False", "RestartPending")
    run = _upgrade(app, "night")
    states = {step["name"]: step["state"] for step in run["steps"]}
    assert states == dict.fromkeys(
        ["Health", "Page", "Save/upgrade", "upgrade", "Test/checks", "PageDown", "Watch"], "Succeeded"
    ), run
    assert _image(app) == new
    assert sql(namespace, "select count(*) from kept") == "1000"
    app.ready()


def test_a_test_that_fails_after_the_tasks_takes_them_back(memoapp: MakeApp, images: dict[str, str]) -> None:
    """The task breaks what the app's test looks at; what undoes it is a command of its own."""
    check = (
        "import os, urllib.request as u; u.urlopen(os.environ['MEMOAPP_URL'] + os.environ.get('LOOK', '/api/health'))"
    )
    tests = [{"name": "look", "command": ["python3", "-c", check]}]
    app = memoapp("memo", {**sample.small(images), "release": {**sample.MIGRATES, "tests": tests}})
    app.ready()
    broken = [{**tests[0], "env": [{"name": "LOOK", "value": "/no/such/page"}]}]
    app.change(release={**sample.MIGRATES, "tests": broken})
    move = {"image": images["backend"], "command": ["python3", "-c", "print('moved')"]}
    tasks = [{"name": "move", "job": {**move, "undo": ["python3", "-c", "print('moved back')"]}}]
    window(app, "now", policy="Allow", work=[], start=moment(-1), duration="1h", watch="3s", tasks=tasks)
    status = app.eventually(lambda: status_of(app, "now"), _is_over, within=180)
    (run,) = status["runs"]
    states = {step["name"]: step["state"] for step in run["steps"]}
    assert states == {
        "Health": "Succeeded",
        "move": "Succeeded",
        "Test/look": "Failed",
        "Undo/move": "Succeeded",
        "Watch": "Succeeded",
    }, run
    assert "404" in run["message"]
    assert run["message"].endswith("; taken back: move")


def _is_over(status: dict[str, Any]) -> bool:
    return any(run["phase"] in {"Completed", "Failed", "Overrun"} for run in status.get("runs") or ())


@pytest.mark.loaded
def test_a_restart_of_all_pods_fails_no_request(
    memoapp: MakeApp, images: dict[str, str], cluster: str, tmp_path: Path
) -> None:
    app = memoapp("memo", {**sample.tiered(images), "release": sample.MIGRATES})
    app.ready()
    before = app.read()["status"]["active"]
    with History(app) as history, under_load(app, cluster, tmp_path) as load:
        tasks = [{"name": "fresh", "restartPods": {}}]
        window(app, "now", policy="Allow", work=[], start=moment(-1), duration="1h", watch="3s", tasks=tasks)
        status = app.eventually(lambda: status_of(app, "now"), _is_over, within=180)
        result = load.stop()
    (run,) = status["runs"]
    assert run["phase"] == "Completed", run
    after = app.read()["status"]["active"]
    assert (after["revision"], after["version"]) == (before["revision"], before["version"])
    assert after["colour"] != before["colour"]
    assert history.always_available
    unharmed(result)
