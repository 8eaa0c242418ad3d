"""One MemoBackup: what is done for it, from what was seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memobackup import BackupPhase, MemoBackup
from memoapp_operator.domain.taking import LATER, JobSeen, Sight, Work, shown, step

from tests.unit.domain.building import NOW, memoapp, spec

SAVING = memoapp(spec(backup={}))
WHERE = {"destination": {"volume": {"size": "20Gi"}}, "folder": "prod/memo/2026/03/one/"}
GOOD = {
    "reason": "Verified",
    "destination": {"volume": {}},
    "folder": "prod/memo/2026/03/one/",
    "takenAt": "2026-03-01T11:59:00Z",
    "size": 2048,
}


def backup(status: dict[str, Any] | None = None, **declared: Any) -> MemoBackup:
    metadata = {"name": "one", "namespace": "prod", "uid": "1", "creationTimestamp": "2026-03-01T11:00:00Z"}
    return MemoBackup.model_validate(
        {"metadata": metadata, "spec": {"appRef": {"name": "memo"}, **declared}, "status": status or {}}
    )


def seen(found: MemoBackup | None = None, **changes: Any) -> Sight:
    return replace(Sight(backup=found or backup(), app=SAVING, now=NOW, jobs={}), **changes)


def job(done: bool | None, told: dict[str, Any] | None = None, trouble: tuple[str, str] | None = None) -> JobSeen:
    return JobSeen("9", done, told, trouble)


RUNNING = {"phase": "Running", "reason": "Running", "startedAt": "2026-03-01T11:58:00Z"}


def test_the_finalizer_comes_first() -> None:
    found = step(seen(held=False))
    assert (found.hold, found.work, found.status.phase) == (True, None, None)


def test_what_is_committed_first_is_done_then() -> None:
    found = step(seen())
    assert (found.status.phase, found.work) == (BackupPhase.RUNNING, Work.TAKE)
    again = step(seen(backup(RUNNING)))
    assert (again.work, again.status.started_at) == (Work.TAKE, "2026-03-01T11:58:00Z")


@pytest.mark.parametrize(
    ("changes", "reason", "stalled"),
    [
        ({"app": None}, "AppNotFound", True),
        ({"app": memoapp(spec())}, "NoDestination", True),
        ({"missing": ("Secret/vault",)}, "SecretMissing", True),
        ({"busy": "memo-backup-1"}, "Waiting", False),
        ({"app": memoapp(spec(backup={}, suspend=True))}, "Suspended", False),
    ],
)
def test_what_it_waits_for_is_said(changes: dict[str, Any], reason: str, stalled: bool) -> None:
    found = step(seen(**changes))
    assert (found.status.phase, found.status.reason, found.work) == (BackupPhase.PENDING, reason, None)
    assert found.again is not None
    conditions = {item.type: item.status.value for item in found.status.conditions}
    assert conditions == {"Ready": "False", "Reconciling": str(not stalled), "Stalled": str(stalled)}


def test_a_job_that_is_done_says_what_came_of_it() -> None:
    found = step(seen(backup(RUNNING), jobs={Work.TAKE: job(True, GOOD)})).status
    assert (found.phase, found.size, found.display_size, found.taken_at) == (
        BackupPhase.VERIFIED,
        2048,
        "2.0Ki",
        "2026-03-01T11:59:00Z",
    )
    assert found.location is not None
    assert found.location.folder == GOOD["folder"]
    assert found.verified_at == "2026-03-01T12:00:00Z"


@pytest.mark.parametrize(
    ("done", "told", "trouble", "reason"),
    [
        (False, {"reason": "DestinationFull", "message": "no space"}, None, "DestinationFull"),
        (False, None, ("DeadlineExceeded", "it took too long"), "DeadlineExceeded"),
        (False, None, None, "OutcomeLost"),
        (True, None, None, "OutcomeLost"),
        (False, GOOD, None, "OutcomeLost"),
    ],
)
def test_only_a_job_that_ended_well_and_said_so_makes_a_backup(
    done: bool, told: dict[str, Any] | None, trouble: tuple[str, str] | None, reason: str
) -> None:
    found = step(seen(backup(RUNNING), jobs={Work.TAKE: job(done, told, trouble)})).status
    assert (found.phase, found.reason, found.location) == (BackupPhase.FAILED, reason, None)


def test_a_job_that_is_at_work_is_heard_though_its_app_is_gone() -> None:
    found = step(seen(backup(RUNNING), app=None, jobs={Work.TAKE: job(True, GOOD)})).status
    assert found.phase is BackupPhase.VERIFIED


def test_why_its_pod_does_not_run_is_said() -> None:
    found = step(seen(backup(RUNNING), jobs={Work.TAKE: job(None, None, ("ImagePullBackOff", "no image"))})).status
    assert (found.phase, found.reason, found.message) == (BackupPhase.RUNNING, "ImagePullBackOff", "no image")


def test_a_record_is_its_makers_for_a_moment_and_is_then_read_back() -> None:
    record = backup(location=WHERE)
    fresh = record.model_copy(
        update={"metadata": record.metadata.model_copy(update={"creation_timestamp": "2026-03-01T11:59:58Z"})}
    )
    assert step(seen(fresh)).work is None
    assert step(seen(record)).work is Work.VERIFY
    assert step(seen(record, app=None)).work is Work.VERIFY, "its app need not be there"


def test_a_record_that_does_not_hold_keeps_its_location() -> None:
    told = {"reason": "NotVerified", "message": "altered"}
    found = step(seen(backup(RUNNING, location=WHERE), jobs={Work.VERIFY: job(False, told)})).status
    assert (found.phase, found.reason) == (BackupPhase.FAILED, "NotVerified")
    assert found.location is not None


VERIFIED = {"phase": "Verified", "location": WHERE, "size": 1}


@pytest.mark.parametrize(
    ("declared", "pruned", "work"),
    [({}, False, Work.HIDE), ({"deletionPolicy": "Delete"}, False, Work.REMOVE), ({}, True, Work.REMOVE)],
)
def test_what_is_deleted_is_hidden_unless_it_is_to_go(declared: dict[str, Any], pruned: bool, work: Work) -> None:
    found = step(seen(backup(VERIFIED, **declared), leaving=True, pruned=pruned))
    assert (found.work, found.release, found.status.phase) == (work, False, BackupPhase.DELETING)
    done = step(seen(backup(VERIFIED, **declared), leaving=True, pruned=pruned, jobs={work: job(True)}))
    assert done.release is True


def test_what_never_was_needs_no_job_to_go() -> None:
    assert step(seen(backup({"phase": "Failed", "reason": "DumpFailed"}), leaving=True)).release is True


def test_one_that_is_deleted_at_work_is_stopped_first() -> None:
    found = step(seen(backup(RUNNING), leaving=True, jobs={Work.TAKE: job(None)}))
    assert (found.stop, found.release) == (Work.TAKE, False)


def test_a_marker_that_cannot_be_written_holds_nobody_and_data_that_is_to_go_does() -> None:
    failed = {"reason": "DestinationUnreachable", "message": "refused"}
    hidden = step(seen(backup(VERIFIED), leaving=True, jobs={Work.HIDE: job(False, failed)}))
    assert hidden.release is True
    held = step(seen(backup(VERIFIED, deletionPolicy="Delete"), leaving=True, jobs={Work.REMOVE: job(False, failed)}))
    assert (held.release, held.stop, held.again) == (False, Work.REMOVE, LATER)
    assert held.status.reason == "DestinationUnreachable"
    just_now = replace(job(False, failed), ended=NOW - timedelta(minutes=1))
    waits = step(seen(backup(VERIFIED, deletionPolicy="Delete"), leaving=True, jobs={Work.REMOVE: just_now}))
    assert (waits.release, waits.stop, waits.again) == (False, None, LATER)


def test_a_second_pass_changes_nothing() -> None:
    for found in (seen(app=None), seen(busy="x"), seen(backup(RUNNING), jobs={Work.TAKE: job(True, GOOD)})):
        status = step(found).status
        later = replace(
            found, backup=found.backup.model_copy(update={"status": status}), now=NOW + timedelta(minutes=5)
        )
        assert step(later).status == status


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0"), (999, "999"), (2048, "2.0Ki"), (18 << 20, "18Mi"), (1000 << 20, "1.0Gi")]
)
def test_sizes_have_three_digits_at_most(size: int, text: str) -> None:
    assert shown(size) == text
