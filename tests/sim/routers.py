"""The routers of the simulation: weights that each pod holds by itself, and readiness that waits for the operator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from memoapp_operator.adapters.services import steering_in
from memoapp_operator.domain.manifest import CONFIG_MAP, Manifest, Ref
from memoapp_operator.ports import Steering
from memoapp_operator.render.haproxy import UNCONFIRMED_SECONDS

from .cluster import SimCluster
from .kubelet import PULLED

ALONE = PULLED + UNCONFIRMED_SECONDS + 1.0
"""Seconds after its start from which a router is ready with nobody's confirmation."""


class Routers:
    """What every router pod holds, by the pod's uid.

    Attributes:
        deaf: addresses of routers that answer nobody.
        listeners: told of what the operator sets, before it is set.
    """

    def __init__(self, cluster: SimCluster) -> None:
        self._cluster = cluster
        self._held: dict[str, Steering] = {}
        self.deaf: set[str] = set()
        self.listeners: list[Callable[[Manifest, Steering], None]] = []

    def resume(self, other: Routers) -> None:
        """Go on from where another one is."""
        self._held, self.deaf = {**other._held}, {*other.deaf}

    def start(self, pod: Manifest) -> None:
        """A container starts: it reads its maps from the file that is mounted."""
        for volume in pod["spec"]["volumes"]:
            state = self._cluster.find(Ref(CONFIG_MAP, volume.get("configMap", {}).get("name", "")))
            if state is not None and "state.map" in state["data"]:
                lines = (state["data"]["state.map"] + state["data"]["release.map"]).splitlines()
                read = steering_in("\n".join(f"0x0 {line}" for line in lines))
                assert read is not None
                self._held[pod["metadata"]["uid"]] = read

    def held(self, pod: Manifest) -> Steering | None:
        """What a router holds; None where it does not run yet."""
        return self._held.get(pod["metadata"]["uid"])

    def weight(self, pod: Manifest) -> int | None:
        """Percent of its clients that a router sends to green."""
        held = self.held(pod)
        return None if held is None else held.weight

    def steer(self, pod: Manifest, wanted: Steering) -> bool:
        """The operator sets the maps; True where that changes them."""
        for listener in self.listeners:
            listener(pod, wanted)
        changed = self.held(pod) != wanted
        self._held[pod["metadata"]["uid"]] = wanted
        return changed

    def unsettle(self, pod: Manifest, weight: int | None = None) -> None:
        """A container restarts, and reads a file that may be a minute old."""
        held = self._held[pod["metadata"]["uid"]]
        weight = held.weight if weight is None else weight
        self._held[pod["metadata"]["uid"]] = replace(held, weight=weight, confirmed=False)

    def is_ready(self, pod: Manifest, age: float) -> bool:
        """Confirmed by the operator, or alone for longer than the kubelet takes to bring the file up to date."""
        held = self.held(pod)
        return held is not None and (held.confirmed or age >= ALONE)
