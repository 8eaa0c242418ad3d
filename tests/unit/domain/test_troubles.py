"""What keeps pods from running: a reason for each, and one message for as long as the trouble is the same."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain.observation import Trouble, Workload
from memoapp_operator.domain.troubles import creation_refused, unready_since, workload

IMAGE = "example/backend:1.4.0"
NAME = "blue-backend"


def controller(
    *, wanted: int = 2, ready: int = 1, generation: int = 2, seen: int = 2, updated: int | None = None, **status: Any
) -> dict[str, Any]:
    return {
        "metadata": {"generation": generation},
        "spec": {"replicas": wanted, "progressDeadlineSeconds": 300},
        "status": {
            "observedGeneration": seen,
            "replicas": wanted,
            "readyReplicas": ready,
            "updatedReplicas": wanted if updated is None else updated,
            **status,
        },
    }


def pod(*containers: dict[str, Any], conditions: tuple[dict[str, Any], ...] = (), **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "memo-blue-backend-x", **metadata},
        "spec": {"containers": [{"name": "backend", "image": IMAGE}]},
        "status": {"containerStatuses": list(containers), "conditions": list(conditions)},
    }


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {
        "name": "backend",
        "image": "",
        "ready": False,
        "state": {"waiting": {"reason": reason, "message": message}},
        **more,
    }


def crashed(**terminated: Any) -> dict[str, Any]:
    return waiting("CrashLoopBackOff", "back-off 10s", lastState={"terminated": terminated})


def trouble(*pods: dict[str, Any], of: dict[str, Any] | None = None, health: Trouble | None = None) -> Trouble | None:
    found = workload(NAME, of or controller(), pods, health)
    assert found is not None
    return found.trouble


def exceeded() -> dict[str, Any]:
    return {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}


def creation_failed(message: str) -> dict[str, Any]:
    condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
    return controller(conditions=[condition])


QUOTA = "exceeded quota: small, requested: pods=1, used: pods=3, limited: pods=3"
TROUBLES: dict[str, tuple[dict[str, Any], str, str]] = {
    "image cannot be pulled": (pod(waiting("ErrImagePull", "rpc error")), "ImagePullBackOff", IMAGE),
    "image has no valid name": (pod(waiting("InvalidImageName")), "ImagePullBackOff", IMAGE),
    "image may not be pulled": (pod(waiting("ErrImageNeverPull")), "ImagePullBackOff", IMAGE),
    "image runs as root": (
        pod(waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root")),
        "ImageRunsAsRoot",
        "runs as root; name another user in securityContext.runAsUser",
    ),
    "image's user is a name": (
        pod(waiting("CreateContainerConfigError", "container has runAsNonRoot and image has non-numeric user (app)")),
        "ImageRunsAsRoot",
        "is not a number; name it in securityContext.runAsUser",
    ),
    "key of a Secret is missing": (
        pod(waiting("CreateContainerConfigError", "couldn't find key x in Secret prod/mail")),
        "ContainerCannotStart",
        "couldn't find key x in Secret prod/mail",
    ),
    "command is not there": (
        pod(waiting("RunContainerError", "exec: no such file")),
        "ContainerCannotStart",
        "no such file",
    ),
    "container cannot be created": (pod(waiting("CreateContainerError", "device")), "ContainerCannotStart", "device"),
    "container crashes": (
        pod(crashed(exitCode=3)),
        "CrashLoopBackOff",
        "container backend ends with exit code 3 again and again",
    ),
    "container needs more memory": (
        pod(crashed(exitCode=137, reason="OOMKilled")),
        "CrashLoopBackOff",
        "needs more memory than its limit (OOMKilled)",
    ),
}


@pytest.mark.parametrize(("broken", "reason", "text"), TROUBLES.values(), ids=TROUBLES)
def test_a_trouble_of_a_pod_stalls_and_says_which_workload(broken: dict[str, Any], reason: str, text: str) -> None:
    found = trouble(broken)
    assert found is not None
    assert (found.reason, found.stalls) == (reason, True)
    assert found.message.startswith(f"{NAME}: ")
    assert text in found.message


def test_a_pod_that_no_node_takes_has_the_deployments_time_for_room_to_be_made() -> None:
    unscheduled = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    waits = pod(conditions=(unscheduled,))
    assert trouble(waits) == Trouble("Unschedulable", f"{NAME}: 0/3 nodes", stalls=False)
    late = trouble(waits, of=controller(conditions=[exceeded()]))
    assert late == Trouble("Unschedulable", f"{NAME}: 0/3 nodes for 5m", stalls=True)
    assert trouble(pod(conditions=({**unscheduled, "reason": "SchedulingGated"},))) is None
    assert trouble(pod(conditions=({**unscheduled, "status": "True"},))) is None


def test_the_message_stays_while_kubelet_alternates_between_pulling_and_waiting() -> None:
    said = {
        trouble(pod(waiting(reason, text)))
        for reason, text in (
            ("ErrImagePull", "failed to pull and unpack image: not found"),
            ("ImagePullBackOff", 'Back-off pulling image "x": ErrImagePull: not found'),
            ("ErrImagePull", "failed to pull and unpack image: i/o timeout"),
        )
    }
    assert len(said) == 1


def test_the_message_stays_while_a_crashing_container_waits_longer_each_time() -> None:
    said = {
        trouble(pod(waiting("CrashLoopBackOff", f"back-off {pause}", lastState={"terminated": {"exitCode": 1}})))
        for pause in ("10s", "20s", "5m0s")
    }
    assert len(said) == 1


def test_an_init_container_counts_like_the_others() -> None:
    broken = pod()
    broken["status"]["initContainerStatuses"] = [waiting("CrashLoopBackOff")]
    found = trouble(broken)
    assert found is not None
    assert found.reason == "CrashLoopBackOff"


@pytest.mark.parametrize(
    "fine",
    [
        pod({"name": "backend", "ready": True, "state": {"running": {}}}),
        pod(waiting("ContainerCreating")),
        pod(waiting("PodInitializing")),
        pod(crashed(exitCode=1), deletionTimestamp="2026-03-01T12:00:00Z"),
        {"metadata": {"name": "x"}, "spec": {}},
        {"metadata": {"name": "x"}, "spec": {}, "status": None},
    ],
    ids=["ready", "being created", "initialising", "crashed and being deleted", "not seen yet", "no status"],
)
def test_a_pod_on_its_way_is_no_trouble(fine: dict[str, Any]) -> None:
    assert trouble(fine) is None


def test_pods_over_quota_are_told_without_the_pods_name() -> None:
    said = {
        trouble(of=creation_failed(f'pods "memo-blue-backend-{suffix}" is forbidden: {QUOTA}'))
        for suffix in ("abcde", "fghij")
    }
    assert said == {Trouble("QuotaExceeded", f"{NAME}: {QUOTA}", stalls=True)}


def test_pods_that_a_policy_forbids_are_told() -> None:
    found = trouble(of=creation_failed('pods "x" is forbidden: violates PodSecurity "restricted:latest": hostPath'))
    assert found is not None
    assert (found.reason, found.stalls) == ("PodsForbidden", True)
    assert "hostPath" in found.message


def test_a_deadline_that_passed_stalls() -> None:
    found = trouble(of=controller(conditions=[exceeded()]))
    assert found == Trouble("ProgressDeadlineExceeded", f"{NAME}: not ready within 5m", stalls=True)


def test_a_health_path_that_is_not_reached_stalls_once_its_time_is_up() -> None:
    health = Trouble("HealthNotReached", f"{NAME}: /health answered 503", stalls=False)
    assert trouble(health=health) == health
    late = trouble(of=controller(conditions=[exceeded()]), health=health)
    assert late == Trouble("HealthNotReached", f"{NAME}: /health answered 503 for 5m", stalls=True)


def test_what_only_a_person_can_end_is_told_first() -> None:
    health = Trouble("HealthNotReached", f"{NAME}: /health answered 503", stalls=False)
    found = trouble(pod(waiting("ErrImagePull")), health=health)
    assert found is not None
    assert found.reason == "ImagePullBackOff"


SETTLED = {
    "all ready": (controller(ready=2), True),
    "one not ready": (controller(ready=1), False),
    "one of the old spec": (controller(ready=2, updated=1), False),
    "one too many": (controller(ready=2, replicas=3), False),
    "newest spec not seen": (controller(ready=2, seen=1), False),
    "none wanted": (controller(wanted=0, ready=0), True),
}


@pytest.mark.parametrize(("manifest", "expected"), SETTLED.values(), ids=SETTLED)
def test_a_workload_is_settled_once_only_ready_pods_of_the_newest_spec_run(
    manifest: dict[str, Any], expected: bool
) -> None:
    found = workload(NAME, manifest, [])
    assert found is not None
    assert found.settled is expected


def test_a_settled_workload_has_no_trouble_whatever_its_last_pods_say() -> None:
    assert trouble(pod(crashed(exitCode=1)), of=controller(ready=2)) is None


def test_a_controller_that_nobody_looked_at_yet_is_not_settled() -> None:
    fresh = {"metadata": {"generation": 1}, "spec": {"replicas": 2}}
    assert workload(NAME, fresh, []) == Workload(NAME, wanted=2, ready=0, settled=False)


def test_no_controller_is_no_workload() -> None:
    assert workload(NAME, None, []) is None


def running(started: str, changed: str, ready: str = "False", **metadata: Any) -> dict[str, Any]:
    condition = {"type": "Ready", "status": ready, "lastTransitionTime": changed}
    found = pod(
        {"name": "backend", "ready": False, "state": {"running": {"startedAt": started}}},
        conditions=(condition,),
        **metadata,
    )
    found["status"]["phase"] = "Running"
    return found


EARLY, LATE = "2026-03-01T12:00:00Z", "2026-03-01T12:05:00Z"


def test_a_workload_is_ready_since_its_oldest_ready_pod_is() -> None:
    def since(*pods: dict[str, Any]) -> str | None:
        found = workload(NAME, controller(), pods)
        assert found is not None
        return found.ready_since

    assert since(running(EARLY, LATE, ready="True"), running(EARLY, EARLY, ready="True")) == EARLY
    assert since(running(EARLY, EARLY), running(EARLY, LATE, ready="True")) == LATE
    assert since(running(EARLY, EARLY, ready="True", deletionTimestamp=LATE)) is None
    assert since(running(EARLY, EARLY)) is None
    assert since(pod()) is None


def test_a_workload_is_steady_since_its_youngest_ready_pod_is() -> None:
    pods = (
        running(EARLY, LATE, ready="True"),
        running(EARLY, EARLY, ready="True"),
        running(EARLY, "2026-03-01T12:09:00Z"),
    )
    found = workload(NAME, controller(), pods)
    assert found is not None
    assert (found.ready_since, found.steady_since) == (EARLY, LATE)


def test_a_workload_is_gone_since_its_last_ready_pod_ceased_to_be() -> None:
    def since(*pods: dict[str, Any]) -> str | None:
        short = {"type": "Available", "status": "False", "lastTransitionTime": EARLY}
        found = workload(NAME, controller(conditions=[short]), list(pods))
        assert found is not None
        return found.gone_since

    assert since(running(EARLY, EARLY), running(EARLY, LATE)) == LATE
    assert since(running(EARLY, EARLY), running(EARLY, LATE, ready="True")) is None
    assert since(pod()) == EARLY


def test_a_workload_without_pods_is_gone_since_its_controller_says_so() -> None:
    def since(*conditions: dict[str, Any]) -> str | None:
        found = workload(NAME, controller(conditions=list(conditions)), [])
        assert found is not None
        return found.gone_since

    available = {"type": "Available", "lastTransitionTime": EARLY}
    assert since({**available, "status": "False"}) == EARLY
    assert since({**available, "status": "True"}) is None
    assert since() is None


@pytest.mark.parametrize(("started", "changed"), [(EARLY, LATE), (LATE, EARLY)])
def test_a_pod_is_unready_since_its_last_start_or_change(started: str, changed: str) -> None:
    assert unready_since(running(started, changed)) == LATE


def test_a_pod_that_is_ready_or_not_running_or_going_is_not_asked() -> None:
    pending = running(EARLY, LATE)
    pending["status"]["phase"] = "Pending"
    crashing = running(EARLY, LATE)
    crashing["status"]["containerStatuses"].append(crashed(exitCode=1))
    bare = running(EARLY, LATE)
    bare["status"]["containerStatuses"] = []
    unknown = running(EARLY, LATE)
    unknown["status"]["conditions"] = []
    asked = [
        pending,
        crashing,
        bare,
        unknown,
        running(EARLY, LATE, ready="True"),
        running(EARLY, LATE, deletionTimestamp=LATE),
        {"metadata": {"name": "x"}},
    ]
    assert [unready_since(each) for each in asked] == [None] * len(asked)


SET = {"metadata": {"uid": "set-uid", "generation": 1}, "spec": {"replicas": 1}}


def event(reason: str, at: str, message: str = "", uid: str = "set-uid") -> dict[str, Any]:
    return {"involvedObject": {"uid": uid}, "reason": reason, "lastTimestamp": at, "message": message}


def failed(at: str, suffix: str = "0", uid: str = "set-uid") -> dict[str, Any]:
    text = f'create Pod memo-database-{suffix} failed error: pods "memo-database-{suffix}" is forbidden: {QUOTA}'
    return event("FailedCreate", at, text, uid)


def test_why_a_stateful_set_gets_no_pod_is_told_by_its_last_event() -> None:
    found = creation_refused("database", SET, [event("SuccessfulCreate", EARLY), failed(LATE)])
    assert found == Trouble("QuotaExceeded", f"database: {QUOTA}", stalls=True)
    seen = workload("database", SET, [], creation=found)
    assert seen is not None
    assert seen.trouble == found


LAST_WORDS = {
    "nothing was said": [],
    "it got one after all": [failed(EARLY), event("SuccessfulCreate", LATE)],
    "it got one in the same second": [event("SuccessfulCreate", LATE), failed(LATE)],
    "another's events": [failed(LATE, uid="another")],
    "nobody's events": [{"reason": "FailedCreate", "lastTimestamp": LATE}],
}


@pytest.mark.parametrize("events", LAST_WORDS.values(), ids=LAST_WORDS)
def test_a_stateful_set_that_gets_pods_has_no_such_trouble(events: list[dict[str, Any]]) -> None:
    assert creation_refused("database", SET, events) is None


def test_an_event_without_a_time_is_older_than_any_other() -> None:
    untimed = {**event("SuccessfulCreate", EARLY), "lastTimestamp": None}
    assert creation_refused("database", SET, [failed(EARLY), untimed]) is not None
