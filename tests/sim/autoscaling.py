"""The HorizontalPodAutoscalers of the simulation: how many pods the load asks for is what a test says."""

from __future__ import annotations

from memoapp_operator.domain.manifest import AUTOSCALER, DEPLOYMENT, Ref

from .cluster import SimCluster

MANAGER = "kube-controller-manager/scale"


class Autoscaling:
    """Scales what autoscalers name.

    Attributes:
        load: pods that the load of a Deployment asks for, by its name; without it as many as there are.
    """

    def __init__(self, cluster: SimCluster) -> None:
        self._cluster = cluster
        self.load: dict[str, int] = {}

    def step(self) -> None:
        """Bring every target between its bounds, and to what its load asks for. One at zero is switched off."""
        for autoscaler in self._cluster.all(AUTOSCALER):
            spec = autoscaler["spec"]
            ref = Ref(DEPLOYMENT, spec["scaleTargetRef"]["name"])
            target = self._cluster.find(ref)
            if target is None or not target["spec"]["replicas"]:
                continue
            wanted = self.load.get(ref.name, target["spec"]["replicas"])
            bounded = min(max(wanted, spec["minReplicas"]), spec["maxReplicas"])
            self._cluster.edit(ref, lambda found, bounded=bounded: found["spec"].update(replicas=bounded), MANAGER)
