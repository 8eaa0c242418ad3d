"""What keeps pods from running, read off pods, Deployments and StatefulSets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .manifest import Manifest
from .observation import Trouble, Workload

# Reasons of a waiting container (kubernetes/pkg/kubelet/images/types.go). The kubelet alternates between some of
# them, so they count as one.
_PULL_REASONS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
)
PULL_FAILED = "ImagePullBackOff"
UNSCHEDULABLE = "Unschedulable"
_ROOT_MESSAGES = ("runAsNonRoot", "non-numeric user")


def workload(
    name: str,
    controller: Manifest | None,
    pods: Iterable[Manifest],
    health: Trouble | None = None,
    creation: Trouble | None = None,
) -> Workload | None:
    """The state of one controller and its pods; None where the controller is not there.

    Args:
        name: what people call it.
        controller: a live Deployment or StatefulSet.
        pods: its pods; those that are being deleted do not count.
        health: what its health path answers, where its pods run and are not ready.
        creation: why it gets no pods, where only Events tell.
    """
    if controller is None:
        return None
    status, wanted = controller.get("status") or {}, controller["spec"].get("replicas", 1)
    ready = status.get("readyReplicas", 0)
    seen = status.get("observedGeneration", 0) >= controller["metadata"].get("generation", 0)
    updated = status.get("updatedReplicas", 0)
    settled = seen and updated == wanted == ready == status.get("replicas", 0)
    mine = [*pods]
    trouble = None if settled else _trouble(name, controller, mine, health, creation)
    moments = _ready_moments(mine)
    oldest, youngest = min(moments, default=None), max(moments, default=None)
    gone = _gone_since(controller, mine)
    return Workload(name, wanted, ready, settled, trouble, gone, oldest, youngest, tuple(sorted(_ended(mine))))


def _ended(pods: Iterable[Manifest]) -> Iterator[tuple[str, str]]:
    """When and why containers ended in pods that go on; not in one that its node gave up, which is no fault of it."""
    for pod in pods:
        status = pod.get("status") or {}
        if pod["metadata"].get("deletionTimestamp") or status.get("reason"):
            continue
        for container in status.get("containerStatuses") or []:
            for state in (container.get("lastState") or {}, container.get("state") or {}):
                ended = state.get("terminated") or {}
                if ended.get("finishedAt"):
                    yield str(ended["finishedAt"]), ended.get("reason") or f"exit code {ended.get('exitCode')}"


def _gone_since(controller: Manifest, pods: list[Manifest]) -> str | None:
    """When the last ready pod ceased to be; by the controller's word where no pod is left to tell."""
    conditions = [_conditions(pod).get("Ready") or {} for pod in pods]
    if any(item.get("status") == "True" for item in conditions):
        return None
    moments = [str(item["lastTransitionTime"]) for item in conditions if item.get("lastTransitionTime")]
    if moments:
        return max(moments)
    available = _conditions(controller).get("Available") or {}
    return str(available.get("lastTransitionTime", "")) or None if available.get("status") == "False" else None


def _ready_moments(pods: list[Manifest]) -> list[str]:
    conditions = [_conditions(pod).get("Ready") or {} for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    moments = [item.get("lastTransitionTime") for item in conditions if item.get("status") == "True"]
    return [str(moment) for moment in moments if moment]


def _trouble(
    name: str, controller: Manifest, pods: list[Manifest], health: Trouble | None, creation: Trouble | None
) -> Trouble | None:
    """The gravest trouble: what nobody but a person can end comes first."""
    living = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    found = [
        *_creation_failure(name, controller),
        *((creation,) if creation is not None else ()),
        *(trouble for pod in living for trouble in _pod_troubles(name, pod)),
        *([health] if health else []),
    ]
    worst = min(found, key=lambda trouble: not trouble.stalls, default=None)
    return worst if worst is not None and worst.stalls else _late(name, controller, worst)


def _conditions(manifest: Manifest) -> dict[str, dict[str, Any]]:
    return {item["type"]: item for item in (manifest.get("status") or {}).get("conditions") or []}


def _creation_failure(name: str, controller: Manifest) -> Iterator[Trouble]:
    failure = _conditions(controller).get("ReplicaFailure")
    if failure is not None and failure["status"] == "True":
        yield pods_refused(name, failure.get("message", ""))


def creation_refused(name: str, controller: Manifest, events: Iterable[Manifest]) -> Trouble | None:
    """Why a controller gets no pods, by its last word in ``events``; a StatefulSet has no condition that tells."""
    uid = controller["metadata"]["uid"]
    own = [event for event in events if (event.get("involvedObject") or {}).get("uid") == uid]
    # Times are in seconds: of two in one, the better one came later.
    last = max(own, key=lambda event: (event.get("lastTimestamp") or "", event["reason"] != "FailedCreate"), default={})
    return pods_refused(name, last.get("message", "")) if last.get("reason") == "FailedCreate" else None


def pods_refused(name: str, text: str) -> Trouble:
    """Pods that the API server does not let be created; ``text`` is its answer, and names the pod each time anew."""
    about = text.split(" is forbidden: ", 1)[-1]
    reason = "QuotaExceeded" if "exceeded quota" in text else "PodsForbidden"
    return Trouble(reason, f"{name}: {about}", stalls=True)


def pod_trouble(name: str, pod: Manifest) -> Trouble | None:
    """Why a pod does not run, the gravest first; None where nothing tells."""
    return min(_pod_troubles(name, pod), key=lambda trouble: not trouble.stalls, default=None)


def _late(name: str, controller: Manifest, trouble: Trouble | None) -> Trouble | None:
    """A trouble that may pass does not pass by itself any more once a Deployment's time is over."""
    progressing = _conditions(controller).get("Progressing")
    if progressing is None or progressing.get("reason") != "ProgressDeadlineExceeded":
        return trouble
    limit = f"{controller['spec'].get('progressDeadlineSeconds', 600) // 60}m"
    if trouble is None:
        return Trouble("ProgressDeadlineExceeded", f"{name}: not ready within {limit}", stalls=True)
    return Trouble(trouble.reason, f"{trouble.message} for {limit}", stalls=True)


def _pod_troubles(name: str, pod: Manifest) -> Iterator[Trouble]:
    scheduled = _conditions(pod).get("PodScheduled")
    if scheduled is not None and scheduled["status"] == "False" and scheduled.get("reason") == "Unschedulable":
        # Not yet a matter for a person: a cluster autoscaler, or a pod that goes, may make room.
        yield Trouble(UNSCHEDULABLE, f"{name}: {scheduled.get('message', 'no node takes the pod')}", stalls=False)
    status = pod.get("status") or {}
    images = {item["name"]: item["image"] for item in pod["spec"].get("containers", [])}
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        if not container.get("ready"):
            yield from _container_trouble(name, container, images.get(container["name"], container.get("image", "")))


def _container_trouble(name: str, container: dict[str, Any], image: str) -> Iterator[Trouble]:
    waiting = (container.get("state") or {}).get("waiting") or {}
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in _PULL_REASONS:
        yield Trouble(PULL_FAILED, f"{name}: the image {image} cannot be pulled", stalls=True)
    elif reason == "CreateContainerConfigError" and any(text in message for text in _ROOT_MESSAGES):
        yield Trouble("ImageRunsAsRoot", f"{name}: {_root_advice(message, image)}", stalls=True)
    elif reason in {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}:
        yield Trouble("ContainerCannotStart", f"{name}: {message}", stalls=True)
    elif reason == "CrashLoopBackOff":
        yield Trouble("CrashLoopBackOff", f"{name}: {_exit(container)}", stalls=True)


def _root_advice(message: str, image: str) -> str:
    if "non-numeric" in message:
        return f"the user of the image {image} is not a number; name it in securityContext.runAsUser"
    return f"the image {image} runs as root; name another user in securityContext.runAsUser"


def _exit(container: dict[str, Any]) -> str:
    ended = (container.get("lastState") or {}).get("terminated") or {}
    if ended.get("reason") == "OOMKilled":
        return f"container {container['name']} needs more memory than its limit (OOMKilled)"
    return f"container {container['name']} ends with exit code {ended.get('exitCode', 'unknown')} again and again"


def unready_since(pod: Manifest) -> str | None:
    """Since when a pod that runs is not ready (RFC 3339); None where it is ready, not running or going."""
    if pod["metadata"].get("deletionTimestamp") or (pod.get("status") or {}).get("phase") != "Running":
        return None
    containers = pod["status"].get("containerStatuses") or []
    if not containers or not all("running" in (item.get("state") or {}) for item in containers):
        return None
    ready = _conditions(pod).get("Ready")
    if ready is None or ready["status"] == "True":
        return None
    started = [item["state"]["running"].get("startedAt", "") for item in containers]
    return str(max([ready.get("lastTransitionTime", ""), *started]))
