"""The controllers of the simulation: Deployments, StatefulSets, volume claims and the garbage collector."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

from memoapp_operator.domain.manifest import (
    DEPLOYMENT,
    POD,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Manifest,
    Ref,
)
from memoapp_operator.domain.names import COMPONENT_LABEL

from . import endpoints
from .autoscaling import Autoscaling
from .clock import SimClock
from .cluster import SimCluster
from .endpoints import is_ready
from .kinds import MADE, ref_of

HASH_LABEL = "pod-template-hash"
COLLECTED_AFTER = 1.0
"""Seconds after which the garbage collector takes one more of the objects whose owner is gone."""


def template_hash(controller: Manifest) -> str:
    text = json.dumps(controller["spec"]["template"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def component_of(manifest: Manifest) -> str:
    found: str = manifest["metadata"].get("labels", {}).get(COMPONENT_LABEL, "")
    return found


class Controllers:
    """What brings pods into being and takes them away.

    Args:
        cluster: the API server.
        clock: the time.
        refuses: why pods of a component are not let in (a quota), or None.

    Attributes:
        autoscaling: the load of Deployments that have an autoscaler.
        collect: which of the objects without an owner the collector takes next; all at once by default.
    """

    def __init__(self, cluster: SimCluster, clock: SimClock, refuses: Callable[[str], str | None]) -> None:
        self._cluster = cluster
        self._clock = clock
        self._refuses = refuses
        self._pods = 0
        self._progress: dict[str, tuple[str, float]] = {}
        self._collected = 0.0
        self.autoscaling = Autoscaling(cluster)
        self.collect: Callable[[list[Manifest]], list[Manifest]] = lambda orphans: orphans

    def resume(self, other: Controllers) -> None:
        """Go on from where another one is."""
        self._pods, self._progress, self._collected = other._pods, {**other._progress}, other._collected
        self.autoscaling.load = {**other.autoscaling.load}

    def step(self) -> None:
        """Everything that can be done now."""
        self._collect()
        for claim in self._cluster.all(VOLUME_CLAIM):
            if "status" not in claim:
                self._cluster.set_status(ref_of(claim), {"phase": "Bound"})
        self.autoscaling.step()
        pods = [*self._cluster.all(POD)]
        for controller in self._cluster.all(DEPLOYMENT, STATEFUL_SET):
            mine = [pod for pod in pods if _owned(pod, controller)]
            if controller["kind"] == DEPLOYMENT.kind:
                self._deployment(controller, mine)
            else:
                self._stateful_set(controller, mine)
        endpoints.step(self._cluster)

    def next_change(self) -> float | None:
        """When something happens by the passing of time alone."""
        now, found = self._clock.seconds, []
        if self._orphans():
            found.append(max(now, self._collected + COLLECTED_AFTER))
        for controller in self._cluster.all(DEPLOYMENT):
            noted = self._progress.get(controller["metadata"]["uid"])
            due = noted[1] + controller["spec"].get("progressDeadlineSeconds", 600) if noted else now
            if due > now and not _complete(controller):
                found.append(due)
        return min(found, default=None)

    # Deployments.

    def _deployment(self, controller: Manifest, pods: list[Manifest]) -> None:
        wanted, current = controller["spec"].get("replicas", 1), template_hash(controller)
        new = [pod for pod in pods if _hash(pod) == current]
        old = [pod for pod in pods if _hash(pod) != current]
        surge = controller["spec"].get("strategy", {}).get("rollingUpdate", {}).get("maxSurge", 1) if old else 0
        room = min(wanted - len(new), wanted + surge - len(pods))
        refused = self._refuses(component_of(controller))
        while room > 0 and not refused:
            new.append(self._create_pod(controller, current))
            room, refused = room - 1, self._refuses(component_of(controller))
        gone = self._scale_down(new, wanted) + self._roll(new, old, wanted)
        left_new, left_old = _without(new, gone), _without(old, gone)
        short = refused if len(left_new) + len(left_old) < wanted or room > 0 else None
        self._deployment_status(controller, left_new, left_old, short)

    def _scale_down(self, new: list[Manifest], wanted: int) -> list[Manifest]:
        surplus = sorted(new, key=is_ready)[: max(0, len(new) - wanted)]
        for pod in surplus:
            self._cluster.remove(ref_of(pod))
        return surplus

    def _roll(self, new: list[Manifest], old: list[Manifest], wanted: int) -> list[Manifest]:
        """Old pods that may go: those that are not ready, and as many of the others as new ones stand in for."""
        ready = [pod for pod in old if is_ready(pod)]
        spare = max(0, len(ready) + sum(map(is_ready, new)) - wanted)
        gone = [pod for pod in old if not is_ready(pod)] + ready[:spare]
        for pod in gone:
            self._cluster.remove(ref_of(pod))
        return gone

    def _deployment_status(
        self, controller: Manifest, new: Sequence[Manifest], old: Sequence[Manifest], refused: str | None
    ) -> None:
        status = _counts(controller, new, old)
        uid, now = controller["metadata"]["uid"], self._clock.seconds
        signature = json.dumps([status["observedGeneration"], len(new), len(old), sum(map(is_ready, new))])
        if self._progress.get(uid, ("", 0.0))[0] != signature:
            self._progress[uid] = (signature, now)
        done = status["updatedReplicas"] == status["readyReplicas"] == status["replicas"] == status["wanted"]
        late = not done and now - self._progress[uid][1] >= controller["spec"].get("progressDeadlineSeconds", 600)
        reason = "ProgressDeadlineExceeded" if late else "NewReplicaSetAvailable" if done else "ReplicaSetUpdated"
        conditions = [{"type": "Progressing", "status": str(not late), "reason": reason}]
        if refused:
            # The name of the pod that was not made differs in each try.
            name = f"{controller['metadata']['name']}-{now:g}"
            message = f'pods "{name}" is forbidden: {refused}'
            conditions.append(
                {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}
            )
        del status["wanted"]
        self._cluster.set_status(ref_of(controller), {**status, "conditions": conditions})

    # StatefulSets.

    def _stateful_set(self, controller: Manifest, pods: list[Manifest]) -> None:
        """One replica. A pod that is not ready is replaced by none of another template (kubernetes#67250)."""
        current = template_hash(controller)
        parallel = controller["spec"].get("podManagementPolicy") == "Parallel"
        for pod in [pod for pod in pods if _hash(pod) != current and (parallel or is_ready(pod))]:
            self._cluster.remove(ref_of(pod))
            pods.remove(pod)
        name = f"{controller['metadata']['name']}-0"
        refused = self._refuses(component_of(controller))
        if controller["spec"]["replicas"] == 0:
            for pod in pods:
                self._cluster.remove(ref_of(pod))
            pods.clear()
        elif not pods and refused:
            self._tell(controller, "FailedCreate", f'create Pod {name} failed: pods "{name}" is forbidden: {refused}')
        elif not pods and self._cluster.find(Ref(POD, name)) is None:
            pods.append(self._create_pod(controller, current, ordinal=True))
            self._tell(controller, "SuccessfulCreate", f"create Pod {name} successful")
        new = [pod for pod in pods if _hash(pod) == current]
        status = _counts(controller, new, _without(pods, new))
        del status["wanted"]
        self._cluster.set_status(ref_of(controller), status)

    def _tell(self, controller: Manifest, reason: str, message: str) -> None:
        """The Event of a StatefulSet, which has no condition that tells; one object for each reason."""
        metadata = controller["metadata"]
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{reason.lower()}", "namespace": metadata["namespace"]},
            "involvedObject": {"kind": controller["kind"], "uid": metadata["uid"]},
            "reason": reason,
            "message": message,
            "lastTimestamp": self._clock.stamp(),
        }
        self._cluster.put(event, manager="kube-controller-manager")

    def _create_pod(self, controller: Manifest, digest: str, *, ordinal: bool = False) -> Manifest:
        self._pods += 1
        metadata, template = controller["metadata"], controller["spec"]["template"]
        suffix = "0" if ordinal else f"{digest}-{self._pods}"
        owner = _maker(controller, digest)
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": f"{metadata['name']}-{suffix}",
                "namespace": metadata["namespace"],
                "labels": {**template["metadata"]["labels"], HASH_LABEL: digest},
                "annotations": template["metadata"].get("annotations", {}),
                "ownerReferences": [{**owner, "controller": True}],
            },
            "spec": template["spec"],
            "status": {"phase": "Pending"},
        }
        return self._cluster.put(pod, manager="kube-controller-manager")

    # The garbage collector.

    def _collect(self) -> None:
        orphans = self._orphans()
        if not orphans:
            self._collected = self._clock.seconds
        elif self._clock.seconds >= self._collected + COLLECTED_AFTER:
            self._collected = self._clock.seconds
            for orphan in self.collect(orphans):
                self._cluster.remove(ref_of(orphan))

    def _orphans(self) -> list[Manifest]:
        """Objects all of whose owners are gone."""
        uids = {item["metadata"]["uid"] for item in self._cluster.all()}
        return [
            item
            for item in self._cluster.all(*MADE, POD)
            if item["metadata"].get("ownerReferences")
            and not any(_root(owner) in uids for owner in item["metadata"]["ownerReferences"])
        ]


def _maker(controller: Manifest, digest: str) -> Manifest:
    """The owner of a pod: a StatefulSet itself, or the ReplicaSet that a Deployment has for each template.

    ReplicaSets are no objects of their own here: their uid begins with that of their Deployment.
    """
    metadata = controller["metadata"]
    if controller["kind"] == STATEFUL_SET.kind:
        return {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": metadata["name"], "uid": metadata["uid"]}
    name = f"{metadata['name']}-{digest}"
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": name, "uid": f"{metadata['uid']}/{digest}"}


def _root(owner: Manifest) -> str:
    """The uid of an owner, or of the Deployment behind a ReplicaSet."""
    found: str = owner["uid"].partition("/")[0]
    return found


def _owned(pod: Manifest, controller: Manifest) -> bool:
    return any(_root(owner) == controller["metadata"]["uid"] for owner in pod["metadata"].get("ownerReferences") or [])


def _hash(pod: Manifest) -> str:
    found: str = pod["metadata"]["labels"].get(HASH_LABEL, "")
    return found


def _without(pods: Sequence[Manifest], gone: Sequence[Manifest]) -> list[Manifest]:
    names = {pod["metadata"]["name"] for pod in gone}
    return [pod for pod in pods if pod["metadata"]["name"] not in names]


def _counts(controller: Manifest, new: Sequence[Manifest], old: Sequence[Manifest]) -> dict[str, int]:
    return {
        "wanted": controller["spec"].get("replicas", 1),
        "observedGeneration": controller["metadata"]["generation"],
        "replicas": len(new) + len(old),
        "updatedReplicas": len(new),
        "readyReplicas": sum(map(is_ready, (*new, *old))),
    }


def _complete(controller: Manifest) -> bool:
    status, wanted = controller.get("status", {}), controller["spec"].get("replicas", 1)
    return all(status.get(key) == wanted for key in ("replicas", "updatedReplicas", "readyReplicas"))
