"""The kubelet of the simulation: what a pod shows at a moment, given what it needs and how its image behaves."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from memoapp_operator.domain.manifest import CONFIG_MAP, SECRET, VOLUME_CLAIM, Manifest, Ref

from .cluster import SimCluster

PULLED = 1.0
"""Seconds from a pod's start until its containers run, or fail to."""
READY = {"database": 5.0, "redis": 3.0, "backend": 4.0, "frontend": 2.0, "router": 3.0}
BACKS_OFF = 4.0
PULLS_AGAIN = 14.0
STOPS_PULLING = 17.0


class Behaviour(Enum):
    """What an image makes of its pods."""

    WELL = auto()
    NOT_PULLED = auto()
    CRASHES = auto()
    RUNS_AS_ROOT = auto()
    NEVER_READY = auto()
    UNSCHEDULABLE = auto()


@dataclass(slots=True)
class Running:
    """What a pod took with it when it started: later changes of Secrets do not reach it.

    Attributes:
        since: virtual seconds.
        stamp: when its containers started, as the API writes times.
        secrets: decoded values by Secret's name, then key.
        address: its IP.
    """

    since: float
    stamp: str
    address: str
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)


def moments(behaviour: Behaviour, component: str) -> tuple[float, ...]:
    """Seconds after the start at which the pod changes."""
    match behaviour:
        case Behaviour.NOT_PULLED:
            return (PULLED, BACKS_OFF, PULLS_AGAIN, STOPS_PULLING)
        case Behaviour.CRASHES:
            return (PULLED, BACKS_OFF, PULLS_AGAIN)
        case _:
            return (PULLED, READY.get(component, READY["backend"]))


def lacking(pod: Manifest, cluster: SimCluster) -> Iterator[tuple[Ref, bool]]:
    """What the pod refers to and is not there; True where it is a volume (the pod waits without saying so)."""
    for volume in pod["spec"].get("volumes", []):
        for ref in _volume_refs(volume):
            if cluster.find(ref) is None:
                yield ref, True
    for container in pod["spec"]["containers"]:
        for ref, key in env_refs(container):
            found = cluster.find(ref)
            if found is None or (key and key not in found.get("data", {})):
                yield ref, False


def _volume_refs(volume: Manifest) -> Iterator[Ref]:
    for field_name, key, kind in (
        ("secret", "secretName", SECRET),
        ("configMap", "name", CONFIG_MAP),
        ("persistentVolumeClaim", "claimName", VOLUME_CLAIM),
    ):
        source = volume.get(field_name)
        if source is not None and not source.get("optional"):
            yield Ref(kind, source[key])


def env_refs(container: Manifest) -> Iterator[tuple[Ref, str]]:
    """Objects that a container's variables name, and the keys in them."""
    for variable in container.get("env", []):
        for field_name, kind in (("secretKeyRef", SECRET), ("configMapKeyRef", CONFIG_MAP)):
            source = variable.get("valueFrom", {}).get(field_name)
            if source is not None and not source.get("optional"):
                yield Ref(kind, source["name"]), source["key"]
    for whole in container.get("envFrom", []):
        for field_name, kind in (("secretRef", SECRET), ("configMapRef", CONFIG_MAP)):
            if field_name in whole and not whole[field_name].get("optional"):
                yield Ref(kind, whole[field_name]["name"]), ""


def taken_along(pod: Manifest, cluster: SimCluster) -> dict[str, dict[str, str]]:
    """The decoded Secrets that the pod starts with."""
    volumes = [Ref(SECRET, each["secret"]["secretName"]) for each in pod["spec"].get("volumes", []) if "secret" in each]
    variables = [ref for each in pod["spec"]["containers"] for ref, _ in env_refs(each) if ref.kind is SECRET]
    return {ref.name: decoded(cluster.find(ref)) for ref in {*volumes, *variables}}


def decoded(secret: Manifest | None) -> dict[str, str]:
    return {key: b64decode(value).decode() for key, value in ((secret or {}).get("data") or {}).items()}


def waiting(pod: Manifest, reason: str, message: str = "") -> Manifest:
    """The status of a pod whose containers do not run."""
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    return _status(pod, "Pending", state, ready=False, address=None, stamp="")


def unschedulable() -> Manifest:
    message = "0/1 nodes are available: 1 Insufficient memory."
    refused = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    return {"phase": "Pending", "conditions": [refused]}


def showing(pod: Manifest, behaviour: Behaviour, running: Running, age: float, ready: bool, stamp: str) -> Manifest:
    """The status of a pod that lacks nothing, ``age`` seconds after its start."""
    if age < PULLED:
        return waiting(pod, "ContainerCreating")
    match behaviour:
        case Behaviour.NOT_PULLED:
            tries = age < BACKS_OFF or PULLS_AGAIN <= age < STOPS_PULLING
            reason = "ErrImagePull" if tries else "ImagePullBackOff"
            return waiting(pod, reason, f"{reason}: manifest unknown, try {2 if age >= PULLS_AGAIN else 1}")
        case Behaviour.RUNS_AS_ROOT:
            text = f'container has runAsNonRoot and image will run as root (pod: "{pod["metadata"]["name"]}")'
            return waiting(pod, "CreateContainerConfigError", text)
        case Behaviour.CRASHES:
            return _crashing(pod, running, age, stamp)
        case _:
            state = {"running": {"startedAt": running.stamp}}
            return _status(pod, "Running", state, ready=ready, address=running.address, stamp=stamp)


def _crashing(pod: Manifest, running: Running, age: float, stamp: str) -> Manifest:
    last = {"terminated": {"exitCode": 3, "reason": "Error"}}
    if age < BACKS_OFF:
        state: Manifest = {"running": {"startedAt": running.stamp}}
        return _status(pod, "Running", state, ready=False, address=running.address, stamp=stamp)
    count = 2 if age < PULLS_AGAIN else 3
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": f"back-off after restart {count}"}}
    found = _status(pod, "Running", state, ready=False, address=running.address, stamp=stamp)
    for container in found["containerStatuses"]:
        container.update(lastState=last, restartCount=count)
    return found


def _status(
    pod: Manifest, phase: str, state: dict[str, Any], *, ready: bool, address: str | None, stamp: str
) -> Manifest:
    before = {item["type"]: item for item in pod.get("status", {}).get("conditions", [])}.get("Ready", {})
    value = "True" if ready else "False"
    since = before["lastTransitionTime"] if before.get("status") == value else stamp
    found: Manifest = {
        "phase": phase,
        "conditions": [
            {"type": "PodScheduled", "status": "True"},
            {"type": "Ready", "status": value, "lastTransitionTime": since},
        ],
        "containerStatuses": [
            {"name": each["name"], "image": each["image"], "ready": ready, "state": state, "restartCount": 0}
            for each in pod["spec"]["containers"]
        ],
    }
    return {**found, "podIP": address} if address else found
