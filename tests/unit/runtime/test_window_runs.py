"""What a maintenance task's object tells of it: done, failed, killed, and never a password."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memobackup import MemoBackup
from memoapp_operator.api.v1alpha1.memorestore import MemoRestore
from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.domain.run_steps import Made
from memoapp_operator.runtime import window_runs

PASSWORD = "geheim-und-lang"


def job(condition: str | None = None, **more: Any) -> Manifest:
    conditions = [{"type": condition, "status": "True", **more}] if condition is not None else []
    metadata = {"name": "memo-tidy-1a2b3c", "uid": "1", "labels": {}}
    return {"metadata": metadata, "spec": {}, "status": {"conditions": conditions}}


def pod(**terminated: Any) -> Manifest:
    labels = {"batch.kubernetes.io/job-name": "memo-tidy-1a2b3c"}
    state = {"terminated": terminated} if terminated else {"running": {}}
    status = {"phase": "Failed", "containerStatuses": [{"name": "maintenance", "state": state}]}
    spec = {"containers": [{"name": "maintenance", "image": "a"}]}
    return {"metadata": {"name": "p", "labels": labels, "uid": "2"}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("made", "pods", "expected"),
    [
        (job(), [pod()], Made(None)),
        (job("Complete"), [pod(exitCode=0)], Made(good=True)),
        (
            job("Failed", reason="BackoffLimitExceeded"),
            [pod(exitCode=3, message="a\nERROR:  canceling statement due to lock timeout\n")],
            Made(good=False, message="exit code 3: ERROR:  canceling statement due to lock timeout"),
        ),
        (job("Failed", reason="DeadlineExceeded"), [], Made(good=False, message="it took too long")),
        (
            job("Failed", reason="BackoffLimitExceeded"),
            [pod(exitCode=137, reason="OOMKilled")],
            Made(good=False, message="it needs more memory than its limit (OOMKilled)"),
        ),
        (
            job("Failed", reason="BackoffLimitExceeded"),
            [],
            Made(good=False, message="it was killed, and its pod is gone"),
        ),
    ],
)
def test_a_job_says_how_it_ended(made: Manifest, pods: list[Manifest], expected: Made) -> None:
    assert window_runs._of_job(made, pods, []) == expected


def test_no_password_is_told() -> None:
    pods = [pod(exitCode=1, message=f"connection to postgresql://memo_user:{PASSWORD}@memo failed")]
    found = window_runs._of_job(job("Failed", reason="BackoffLimitExceeded"), pods, [PASSWORD])
    assert PASSWORD not in found.message
    assert "***" in found.message


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, Made(None)),
        ({"phase": "Running", "message": "dumping"}, Made(None, "dumping")),
        ({"phase": "Verified", "displaySize": "18Mi"}, Made(good=True, message="18Mi were read back")),
        ({"phase": "Proved", "displaySize": "18Mi"}, Made(good=True, message="18Mi were read back")),
        ({"phase": "Failed", "reason": "DumpFailed", "message": "no"}, Made(good=False, message="DumpFailed: no")),
        ({"phase": "NotProved", "reason": "NotProved", "message": "x"}, Made(good=False, message="NotProved: x")),
    ],
)
def test_a_backup_says_what_came_of_it(status: dict[str, Any], expected: Made) -> None:
    metadata = {"name": "b", "namespace": "prod", "uid": "1"}
    found = MemoBackup.model_validate({"metadata": metadata, "spec": {"appRef": {"name": "memo"}}, "status": status})
    assert window_runs._of_backup(found) == expected
    assert window_runs._of_backup(None) == Made(None)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"phase": "Restoring", "message": "half of it"}, Made(None, "half of it")),
        ({"phase": "Completed"}, Made(good=True, message="restored and compared")),
        ({"phase": "Failed", "reason": "NotProved", "message": "a row"}, Made(good=False, message="NotProved: a row")),
    ],
)
def test_a_drill_says_what_came_of_it(status: dict[str, Any], expected: Made) -> None:
    metadata = {"name": "r", "namespace": "prod", "uid": "1"}
    spec = {"appRef": {"name": "memo"}, "source": {"backup": "b"}, "mode": "Drill"}
    found = MemoRestore.model_validate({"metadata": metadata, "spec": spec, "status": status})
    assert window_runs._of_restore(found) == expected
