"""How Jobs of releases stand: what succeeded, failed, or was killed so that nobody knows how far it came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.domain.jobs import in_the_way
from memoapp_operator.domain.manifest import LEASE, Ref
from memoapp_operator.domain.observation import End, ReleaseJob
from memoapp_operator.runtime.release_jobs import holder, lack_pods, seen

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAME = "memo-r2-migrate-3c30a"
LABELS = {"app.kubernetes.io/component": "migration", "memoapp.dev/revision": "r"}


def job(kind: str | None, reason: str = "BackoffLimitExceeded", **status: Any) -> dict[str, Any]:
    conditions = [{"type": kind, "status": "True", "reason": reason}] if kind else []
    return {"metadata": {"name": NAME, "uid": "u", "labels": LABELS}, "status": {"conditions": conditions, **status}}


def pod(code: int | None = None, message: str = "", why: str = "", **status: Any) -> dict[str, Any]:
    """A pod whose container ended so; ``status`` is that of the pod itself."""
    ended = {"exitCode": code, "message": message, **({"reason": why} if why else {})}
    containers = [{"name": "migration", "state": {"terminated": ended}}] if code is not None else []
    metadata = {"name": "p", "labels": {"batch.kubernetes.io/job-name": NAME}}
    return {"metadata": metadata, "spec": {}, "status": {"containerStatuses": containers, **status}}


def told(made: dict[str, Any], *pods: dict[str, Any], secrets: tuple[str, ...] = ()) -> ReleaseJob:
    return seen([made], pods, secrets)[NAME]


def test_one_that_is_complete_succeeded_though_its_pod_is_gone() -> None:
    assert told(job("Complete")).end is End.SUCCEEDED
    assert told(job("Complete"), pod(0)).end is End.SUCCEEDED


def test_one_that_is_at_work_has_no_end() -> None:
    assert told(job(None), pod()).end is None
    assert told(job("SuccessCriteriaMet"), pod(0)).end is None


def test_a_process_that_ended_in_error_failed() -> None:
    found = told(job("Failed"), pod(3, "column body does not exist"))
    assert (found.end, found.message, found.log) == (End.FAILED, "exit code 3", "column body does not exist")


@pytest.mark.parametrize(
    ("made", "pods"),
    [
        (job("Failed"), ()),
        (job("Failed"), (pod(137),)),
        (job("Failed"), (pod(143),)),
        (job("Failed"), (pod(1, why="OOMKilled"),)),
        (job("Failed"), (pod(1, reason="Evicted"),)),
        (job("Failed"), (pod(None, phase="Failed", reason="NodeLost"),)),
        (job("Failed", succeeded=1), (pod(1),)),
    ],
    ids=["pod gone", "SIGKILL", "SIGTERM", "out of memory", "evicted", "node lost", "two pods, two ends"],
)
def test_what_somebody_else_ended_was_killed(made: dict[str, Any], pods: tuple[dict[str, Any], ...]) -> None:
    assert told(made, *pods).end is End.KILLED


@pytest.mark.parametrize(
    ("made", "pods"),
    [
        (job("Failed", reason="DeadlineExceeded"), ()),
        (job("Failed"), (pod(143, "line", reason="DeadlineExceeded"),)),
    ],
    ids=["its Job's limit", "its pod's limit"],
)
def test_what_took_too_long_failed(made: dict[str, Any], pods: tuple[dict[str, Any], ...]) -> None:
    found = told(made, *pods)
    assert (found.end, found.late) == (End.FAILED, True)


def test_one_whose_pod_is_refused_says_why() -> None:
    event = {
        "involvedObject": {"uid": "u"},
        "reason": "FailedCreate",
        "message": 'Error creating: pods "x" is forbidden: exceeded quota: small, requested: pods=1',
        "lastTimestamp": "2026-03-01T12:00:00Z",
    }
    waiting = job(None)
    assert lack_pods([waiting], [])
    assert not lack_pods([waiting], [pod()])
    assert not lack_pods([job("Complete")], [])
    found = seen([waiting], [], (), [event])[NAME]
    assert found.trouble is not None
    assert (found.trouble.reason, found.trouble.stalls) == ("QuotaExceeded", True)
    assert found.trouble.message == "migration: exceeded quota: small, requested: pods=1"


def test_no_secret_is_in_what_it_said() -> None:
    found = told(job("Failed"), pod(1, "postgresql://memo_user:geheim@db"), secrets=("geheim",))
    assert found.log == "postgresql://memo_user:***@db"


def test_a_migrations_pod_whose_job_is_gone_still_works_on_the_data() -> None:
    orphan = pod(phase="Running")
    orphan["metadata"] |= {"uid": "p", "labels": {**LABELS, "batch.kubernetes.io/job-name": NAME}}
    (found,) = seen([], [orphan], ()).values()
    assert (found.name, found.purpose, found.revision, found.end) == ("p", "stopping", "r", None)
    assert in_the_way({"p": found}, "r") == "p"
    orphan["status"]["phase"] = "Failed"
    assert seen([], [orphan], ()) == {}


def test_jobs_of_others_are_not_looked_at() -> None:
    other = job("Complete")
    other["metadata"] = {**other["metadata"], "labels": {"app.kubernetes.io/component": "backup"}}
    leaving = job("Complete")
    leaving["metadata"] = {**leaving["metadata"], "deletionTimestamp": "2026-03-01T12:00:00Z"}
    assert seen([other, leaving], [], ()) == {}


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({}, None),
        ({"holderIdentity": ""}, None),
        ({"holderIdentity": "a", "renewTime": "2026-03-01T11:59:30.000000Z", "leaseDurationSeconds": 60}, "a"),
        ({"holderIdentity": "a", "renewTime": "2026-03-01T11:50:00.000000Z", "leaseDurationSeconds": 60}, None),
        ({"holderIdentity": "a"}, "a"),
    ],
    ids=["nobody", "given up", "held", "over", "without a time"],
)
def test_who_has_the_data(spec: dict[str, Any], wanted: str | None) -> None:
    metadata = {"name": "memo", "namespace": "prod", "uid": "1"}
    declared = {"version": "1", "backend": {"image": "a"}, "database": {"managed": {}}}
    app = MemoApp.model_validate({"metadata": metadata, "spec": declared})
    assert holder(app, {Ref(LEASE, "memo-data"): {"spec": spec}}, NOW) == wanted
    assert holder(app, {}, NOW + timedelta(1)) is None
