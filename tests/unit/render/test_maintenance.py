"""Jobs of maintenance tasks: restricted, limited, without a password in sight, and gone some day."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.maintenancewindow import MaintenanceWindow
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.api.v1alpha1.release import Suite
from memoapp_operator.api.v1alpha1.tasks import Task
from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.render import maintenance
from memoapp_operator.render.context import Context
from memoapp_operator.render.revision import revision

from tests.unit.render import apps

WINDOW = MaintenanceWindow.model_validate(
    {
        "metadata": {"name": "night", "namespace": "prod", "uid": "window-uid"},
        "spec": {"apps": {"names": ["memo"]}, "policy": "Allow", "schedule": "0 2 * * 0", "duration": "2h"},
    }
)


def job(task: dict[str, Any], context: Context | None = None) -> Manifest:
    found = maintenance.job(context or apps.full(), WINDOW, Task.model_validate({"name": "t", **task}), "memo-t-1")
    assert found is not None
    return found


def container(task: dict[str, Any]) -> Manifest:
    (found,) = job(task)["spec"]["template"]["spec"]["containers"]
    return found  # type: ignore[no-any-return]


def variables(task: dict[str, Any]) -> dict[str, Any]:
    return {item["name"]: item.get("value") or item["valueFrom"] for item in container(task)["env"]}


SQL = [{"vacuumAnalyze": {}}, {"reindex": {}}]


@pytest.mark.parametrize("task", SQL)
def test_sql_is_the_apps_own_users_and_waits_for_no_table_for_long(task: dict[str, Any]) -> None:
    found = variables({**task, "timeout": "30m"})
    assert found["PGPASSWORD"] == {"secretKeyRef": {"name": "memo-connection", "key": "password"}}
    assert found["PGUSER"] == {"secretKeyRef": {"name": "memo-connection", "key": "user"}}
    assert found["PGOPTIONS"] == "-c lock_timeout=10000 -c statement_timeout=1800000"
    assert "ON_ERROR_STOP=1" in str(container(task)["command"])
    kind = next(iter(task))
    told = variables({kind: {"lockTimeout": "1m"}})
    assert told["PGOPTIONS"] == "-c lock_timeout=60000 -c statement_timeout=3600000"


def test_sql_runs_in_the_databases_own_image() -> None:
    managed = apps.full().app.spec.database.managed
    assert managed is not None
    assert container({"reindex": {}})["image"] == managed.image
    task = Task.model_validate({"name": "t", "reindex": {}})
    external = apps.external()
    declared = external.app.spec.backup
    expected = declared.client_image if declared is not None else None
    found = maintenance.job(external, WINDOW, task, "memo-t-1")
    assert (found is None) == (expected is None)


def test_a_command_of_ones_own_is_told_where_the_app_is() -> None:
    task = {"job": {"image": "a", "command": ["c"], "env": [{"name": "MEMOAPP_WINDOW", "value": "mine"}]}}
    assert variables(task) == {"MEMOAPP_URL": "http://memo.prod.svc:80", "MEMOAPP_WINDOW": "mine"}


@pytest.mark.parametrize("task", [*SQL, {"job": {"image": "a"}}])
def test_every_job_is_restricted_limited_and_the_windows(task: dict[str, Any]) -> None:
    found = job({**task, "timeout": "10m"})
    spec, pod = found["spec"], found["spec"]["template"]["spec"]
    assert (spec["backoffLimit"], pod["restartPolicy"], pod["activeDeadlineSeconds"]) == (0, "Never", 600)
    assert spec["activeDeadlineSeconds"] > 600
    assert spec["ttlSecondsAfterFinished"] == 604800
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    (only,) = pod["containers"]
    assert only["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert only["terminationMessagePolicy"] == "FallbackToLogsOnError"
    (owner,) = found["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("MaintenanceWindow", "window-uid")
    assert found["metadata"]["labels"]["memoapp.dev/window"] == "night"


def test_other_tasks_are_no_jobs() -> None:
    for task in ({"backup": {}}, {"restoreDrill": {}}):
        assert maintenance.job(apps.full(), WINDOW, Task.model_validate({"name": "t", **task}), "x") is None


def test_what_undoes_a_command_runs_in_a_pod_like_its_own() -> None:
    env = [{"name": "DEPTH", "value": "3"}]
    task = {"job": {"image": "example/move:1", "command": ["move"], "args": ["--on"], "env": env, "undo": ["back"]}}
    declared = Task.model_validate({"name": "t", **task})
    found = maintenance.job(apps.full(), WINDOW, declared, "memo-undo-t-1", undo=True)
    assert found is not None
    (undone,) = found["spec"]["template"]["spec"]["containers"]
    own = container(task)
    assert (own["command"], own["args"]) == (["move"], ["--on"])
    assert undone["command"] == ["back"]
    assert "args" not in undone
    assert undone["env"] == own["env"]
    assert found["metadata"]["name"] == "memo-undo-t-1"


def test_a_test_of_the_app_is_the_windows_and_calls_the_colour_that_serves() -> None:
    suite = Suite(name="smoke", command=["smoke"])
    declared = revision(apps.full())
    found = maintenance.test_job(apps.full(), WINDOW, suite, declared, Colour.GREEN, "memo-test-smoke-1")
    assert found["metadata"]["ownerReferences"][0]["kind"] == "MaintenanceWindow"
    labels = found["metadata"]["labels"]
    assert (labels["app.kubernetes.io/component"], labels["memoapp.dev/window"]) == ("maintenance", "night")
    assert "memoapp.dev/revision" not in labels, "it is no test of a release: none is judged by it"
    assert found["spec"]["template"]["metadata"]["labels"] == labels
    assert found["spec"]["ttlSecondsAfterFinished"] == maintenance.KEPT_SECONDS
    (pod,) = found["spec"]["template"]["spec"]["containers"]
    told = {item["name"]: item["value"] for item in pod["env"]}
    assert told["MEMOAPP_URL"].startswith("http://memo-green-frontend")
    assert told["MEMOAPP_COLOUR"] == "green"
