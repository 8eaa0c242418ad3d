"""Migrations, tests, and the gates of database and resources, on a real cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.app import App, status_field
from tests.e2e.conftest import MakeApp
from tests.kube import Kube, Object
from tools.testbed import sample

SMOKE = {"name": "smoke", **sample.CHECKS}
WHOLE = {"name": "whole", **sample.CHECKS, "when": "AfterSwitch"}
QUICK = {"interval": "3s", "failureLimit": 1, "minRequests": 5}
JOB = "batch/v1/Job"


def release(**more: Any) -> Object:
    return {**sample.MIGRATES, **more}


def migration(found: Object) -> Object:
    return (status_field(found, "release") or {}).get("migration") or {}


def ended(app: App, phase: str, within: float = 240) -> Object:
    """The MemoApp once its release is in that phase; what it says by then."""
    found = app.wait(lambda now: (status_field(now, "release") or {}).get("phase") == phase, within)
    told: Object = found["status"]["release"]
    return told


def gates(told: Object) -> dict[str, str]:
    return {item["name"]: item["verdict"] for item in told.get("gates") or []}


def test_a_release_migrates_is_tested_and_watches_the_database(memoapp: MakeApp, images: dict[str, str]) -> None:
    steps = {"steps": [{"weight": 50, "hold": "20s"}], "probes": {"paths": ["/api/memos"]}}
    limits = {"limits": {"cpu": "1", "memory": "256Mi"}}
    spec = sample.tiered(images)
    spec["backend"]["resources"] = {**spec["backend"]["resources"], **limits}
    declared = {"release": release(tests=[SMOKE, WHOLE], **steps), "gates": QUICK}
    app = memoapp("memo", {**spec, **declared})
    app.ready()
    app.write_memo("written before")
    app.change(**sample.tiered_version(images, "1.1.0"))
    app.wait(lambda now: (status_field(now, "active") or {}).get("version") == "1.1.0" and bool(now))
    told = app.ready()["status"]["release"]
    assert told["migration"]["outcome"] == "Succeeded"
    assert told["migration"]["schemaBefore"] != told["migration"]["schemaAfter"], "1.1.0 adds a column"
    assert [(item["name"], item["outcome"]) for item in told["tests"]] == [("smoke", "Passed"), ("whole", "Passed")]
    verdicts = gates(told)
    for name in ("connectionsPercent", "deadlocks", "lockWait", "transactionAge", "slowQuery", "diskPercent"):
        assert verdicts[name] == "Pass", (name, told["gates"])
    assert verdicts["replicationLag"] == "Skipped"
    assert (verdicts["cpuPercent"], verdicts["memoryPercent"]) == ("Pass", "Pass")
    assert "written before" in app.memos()
    assert "written by a test of a release" in app.memos()


def test_a_migration_that_fails_rejects_its_version_and_the_old_one_serves_on(
    memoapp: MakeApp, images: dict[str, str]
) -> None:
    app = memoapp()
    app.ready()
    app.change(**sample.version(images, "1.1.0", FAULT="migration-fails"))
    told = ended(app, "Rejected")
    assert told["reason"] == "MigrationFailed"
    assert "this migration fails on purpose" in told["message"]
    assert "this migration fails on purpose" in told["migration"]["log"]
    app.write_memo("still here")
    assert app.memos() == ["still here"]
    app.change(**sample.version(images, "1.1.0"))
    app.wait(lambda now: (status_field(now, "active") or {}).get("version") == "1.1.0")


def test_a_migration_that_hangs_is_ended_by_its_time_limit(memoapp: MakeApp, images: dict[str, str]) -> None:
    app = memoapp()
    app.ready()
    version = sample.version(images, "1.1.0", FAULT="migration-hangs")
    app.change(**version, release={"migration": {"timeout": "8s"}})
    told = ended(app, "Rejected")
    assert told["reason"] == "MigrationFailed"
    assert "not done within 8s" in told["message"]


def test_a_migration_whose_pod_is_killed_is_held_until_a_person_decides(
    kube: Kube, memoapp: MakeApp, images: dict[str, str]
) -> None:
    app = memoapp()
    app.ready()
    app.change(**sample.version(images, "1.1.0", FAULT="migration-hangs"))

    def running() -> list[Object]:
        return [pod for pod in app.pods("migration") if pod["status"].get("phase") == "Running"]

    (pod,) = app.eventually(running, lambda found: len(found) == 1)
    kube.delete("v1/Pod", pod["metadata"]["name"], app.namespace)
    told = ended(app, "Held")
    assert told["reason"] == "MigrationLost"
    app.write_memo("held, and served")
    app.order("approve")
    found = app.wait(lambda now: (status_field(now, "active") or {}).get("version") == "1.1.0")
    assert migration(found)["outcome"] == "Approved"


TESTS: dict[str, tuple[Object, str, str]] = {
    "fails": ({"command": ["python3", "-m", "memo_backend", "check", "$(MEMOAPP_URL)/nowhere"]}, "TestFailed", "404"),
    "hangs": ({"command": ["sleep", "600"], "timeout": "5s"}, "TestFailed", "not done within 5s"),
    "has no image": ({"image": "registry.invalid/none:1"}, "ImagePullBackOff", "cannot be pulled"),
}


@pytest.mark.parametrize("name", TESTS)
def test_a_test_that_does_not_pass_rejects_the_version(name: str, memoapp: MakeApp, images: dict[str, str]) -> None:
    suite, reason, text = TESTS[name]
    app = memoapp()
    app.ready()
    app.change(**sample.version(images, "1.1.0"), release={"tests": [{"name": "suite", **suite}]})
    told = ended(app, "Rejected")
    assert told["reason"] == reason
    assert text in told["message"]
    assert app.read()["status"]["active"]["version"] == "1.0.0"


def test_what_destroys_the_data_of_both_versions_is_found_by_a_test(memoapp: MakeApp, images: dict[str, str]) -> None:
    app = memoapp()
    app.ready()
    version = sample.version(images, "1.1.0", FAULT="migration-destroys")
    app.change(**version, release={"tests": [SMOKE], "migration": {"reversible": False}})
    told = ended(app, "Rejected")
    assert (told["reason"], told["irreversible"]) == ("TestFailed", True)
    assert "POST /api/memos answered 503" in told["message"]


def test_a_query_made_slow_on_purpose_takes_the_clients_back(
    memoapp: MakeApp, small: Object, images: dict[str, str]
) -> None:
    paths = {"steps": [{"weight": 50, "hold": "1m"}], "probes": {"paths": ["/api/memos"]}}
    slow = {"database": {"slowQuery": "400ms"}, "responseTime": {"backend": "5s"}}
    app = memoapp("memo", {**small, "release": release(**paths), "gates": {**QUICK, **slow}})
    app.ready()
    app.write_memo("one")
    app.change(**sample.version(images, "1.1.0", FAULT="slow-query-600ms"))
    told = ended(app, "RolledBack")
    assert told["message"].startswith("slowQuery: ")
    assert "pg_sleep($1)" in told["message"]


def test_paused_a_release_is_planned_and_goes_on_afterwards(memoapp: MakeApp, images: dict[str, str]) -> None:
    app = memoapp()
    app.ready()
    app.change(**sample.version(images, "1.1.0"), paused=True)
    found = app.wait(lambda now: bool(status_field(now, "plan")))
    plan = found["status"]["plan"]
    assert plan[0].startswith("version 1.1.0, revision ")
    assert any(line.startswith("migration: python3 -m memo_backend migrate, within 10m") for line in plan)
    assert app.shows("Ready", "False", "Paused")
    assert found["status"]["active"]["version"] == "1.0.0"
    app.change(paused=False)
    app.wait(lambda now: (status_field(now, "active") or {}).get("version") == "1.1.0")
    assert "plan" not in app.ready()["status"]
