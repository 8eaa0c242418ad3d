"""What must hold of releases at every write of the operator, in every test of this folder: promises 1, 2, 4 and 7."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.diff import differences
from memoapp_operator.domain.manifest import (
    CONFIG_MAP,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    JOB,
    POD,
    REVISION,
    SECRET,
    SERVICE,
    Manifest,
    Ref,
)
from memoapp_operator.domain.names import COLOUR_LABEL, COMPONENT_LABEL
from memoapp_operator.domain.revision import Revision, copied_objects, parse
from memoapp_operator.ports import Steering
from memoapp_operator.render.tiers import REVISION_ANNOTATION

from .cluster import NAMESPACE, unchanged
from .controllers import component_of
from .endpoints import is_ready
from .kinds import ref_of
from .traffic import WELL
from .world import World

FULL = 100
MOST_ERRORS = 0.1
"""Percent, by default."""


class ReleaseWatch:
    """Fails as soon as a write of the operator breaks a promise about releases.

    Args:
        world: what is watched.
        app: the MemoApp.
        alone: one operator leads; two that both believe to may tell routers what the other has just changed.

    Attributes:
        unserved: moments at which clients were sent to a colour that has no ready pod.
        judges_errors: False where the old version has as many errors, so that they are no reason to go back.
    """

    def __init__(self, world: World, app: Ref, *, alone: bool) -> None:
        self._world = world
        self._app = app
        self._alone = alone
        self.unserved: list[str] = []
        self.judges_errors = True
        world.cluster.listeners.append(self._changed)
        world.routers.listeners.append(self._steered)

    @property
    def _memoapp(self) -> Manifest:
        return self._world.cluster.find(self._app) or {"spec": {}, "status": {}}

    @property
    def _status(self) -> Manifest:
        found: Manifest = self._memoapp.get("status") or {}
        return found

    def serving(self) -> set[str]:
        """The colours that ready routers send clients to now."""
        if not self._status.get("active"):
            return set()
        weights = {self._world.routers.weight(pod) for pod in self._world.cluster.all(POD) if _is_router(pod)}
        told = [weight for weight in weights if weight is not None]
        return {"green" for weight in told if weight} | {"blue" for weight in told if weight < FULL}

    def revision(self, colour: str) -> Revision | None:
        """What a colour holds, as stored."""
        name = (self._status.get("colours") or {}).get(colour, "")
        found = self._world.cluster.find(Ref(REVISION, name))
        return parse(found) if found is not None else None

    def look(self) -> None:
        """Note down where clients are sent to nobody."""
        for colour in self.serving():
            held = self.revision(colour)
            for component in held.tiers if held is not None else ():
                pods = [pod for pod in self._world.cluster.all(POD) if _is_of(pod, colour, component)]
                if not any(map(is_ready, pods)):
                    self.unserved.append(f"{self._world.clock.seconds:g} s: no {colour} {component}")

    # Writes.

    def _changed(self, before: Manifest | None, after: Manifest | None) -> None:
        about = after or before or {}
        if self._world.cluster.writing is None or about["metadata"]["namespace"] != NAMESPACE:
            return
        if about["kind"] == self._app.kind.kind and before is not None and after is not None:
            if about["metadata"]["name"] == self._app.name:
                self._decided(before.get("status") or {}, after.get("status", {}))
        elif before is not None:
            self._what_serves_goes_on(before, after)
        elif after is not None and after["kind"] == DEPLOYMENT.kind:
            self._is_migrated(after)

    def _steered(self, pod: Manifest, wanted: Steering) -> None:
        """Promises 1 and 4: all clients to one colour, and to none before that was committed."""
        assert wanted.weight in self._declared_shares(), f"{wanted.weight} is no declared share"
        if self._alone and self._status:
            committed = self._status.get("traffic", {}).get("green", 0)
            assert wanted.weight == committed, f"{ref_of(pod)} is told {wanted.weight} while {committed} is committed"

    def _declared_shares(self) -> set[int]:
        """Green's shares: all, none, and those of the steps, whichever colour is the new one."""
        steps = (self._memoapp["spec"].get("release") or {}).get("steps") or []
        weights = {step["weight"] for step in steps} | {0, FULL}
        return weights | {FULL - weight for weight in weights}

    def _what_serves_goes_on(self, before: Manifest, after: Manifest | None) -> None:
        """Promise 1: what has clients is not deleted, changed or scaled down, nor what it could not start without."""
        serving = self.serving()
        colour = before["metadata"].get("labels", {}).get(COLOUR_LABEL)
        if after is None:
            kept = {ref for each in serving for ref in _needs(self.revision(each))}
            kept |= {Ref(REVISION, name) for each, name in self._status.get("colours", {}).items() if each in serving}
            assert ref_of(before) not in kept, f"{ref_of(before)} goes while a colour with clients needs it"
            lasting = colour in serving and before["kind"] in {DEPLOYMENT.kind, SERVICE.kind}
            assert not lasting, f"{ref_of(before)} goes while it has clients"
        elif before["kind"] == DEPLOYMENT.kind and colour in serving:
            self._is_as_stored(after, colour)
            self._is_not_scaled_down(before, after)

    def _is_as_stored(self, deployment: Manifest, colour: str) -> None:
        held = self.revision(colour)
        if held is None or self._world.cluster.admit is not unchanged:
            return
        assert deployment["metadata"]["annotations"][REVISION_ANNOTATION] == held.name
        tier = held.tiers[component_of(deployment)]
        left = differences(tier["template"], deployment["spec"]["template"])
        assert not left, f"{ref_of(deployment)} has clients and is not what its revision says: {left}"

    def _is_not_scaled_down(self, before: Manifest, after: Manifest) -> None:
        """But by what a person set."""
        spec, was, now = self._memoapp["spec"], before["spec"]["replicas"], after["spec"]["replicas"]
        tier = spec.get(component_of(after)) or {}
        set_by_hand = 0 if spec.get("suspend") else None if "autoscaling" in tier else tier.get("replicas", 2)
        assert now >= was or now == set_by_hand, f"{ref_of(after)} has clients and goes from {was} to {now} pods"

    # Decisions.

    def _decided(self, before: Manifest, after: Manifest) -> None:
        old, new = before.get("release") or {}, after.get("release") or {}
        was, now = old.get("phase"), new.get("phase")
        if not now or self._memoapp["spec"].get("suspend"):
            return
        self._only_what_passed_gets_more(before, after)
        if was == now:
            return
        if was in {"Preparing", "Testing"} and now in {"Shifting", "Completed"}:
            self._health_was_reached(new, after)
            self._is_tested(new)
        if now == "RolledBack" or (now == "Withdrawn" and was == "RollingBack"):
            self._is_back(new)
        if now == "Pending":
            rejected = [item["id"] for item in after.get("rejected", []) if not self._is_tried_again(item)]
            assert new["id"] not in rejected, f"{new['id']} is rejected and tried again"
        forgiven = {item["id"] for item in before.get("rejected", [])} - {
            item["id"] for item in after.get("rejected", [])
        }
        retried = (before.get("orders") or {}).get("retry") != (after.get("orders") or {}).get("retry")
        assert not forgiven or retried or now == "Completed", f"{forgiven} are forgiven unasked"

    def _is_tried_again(self, rejected: Manifest) -> bool:
        moment = rejected.get("retryAt")
        return moment is not None and datetime.fromisoformat(moment) <= self._world.clock.now()

    def _only_what_passed_gets_more(self, before: Manifest, after: Manifest) -> None:
        """Promise 2: after its first step a version that is bad gets no more clients, unless a person says so."""
        old, new = before.get("release") or {}, after["release"]
        if (old.get("id"), old.get("phase")) != (new["id"], new["phase"]) or new["phase"] != "Shifting":
            return
        asked = (before.get("orders") or {}) != (after.get("orders") or {})
        if (new.get("weight") or 0) <= (old.get("weight") or 0) or asked:
            return
        colour = Colour(new["colour"])
        fault = self._world.traffic.faults.get(colour, WELL)
        bad = self.judges_errors and fault.errors > MOST_ERRORS and fault.above < old["weight"]
        assert not bad, f"{old['weight']}% had {fault.errors}% errors and {new['weight']}% follow"
        assert old.get("since"), "more clients before every router had the weight"

    def _is_tested(self, release: Manifest) -> None:
        """Promise 2: every test that is declared for before the traffic has succeeded in this release."""
        declared = (self._memoapp["spec"].get("release") or {}).get("tests") or []
        jobs = {item["name"]: item["job"] for item in release.get("tests") or []}
        for suite in declared:
            if suite.get("when") != "AfterSwitch":
                job = self._world.cluster.find(Ref(JOB, jobs.get(suite["name"], "")))
                ends = {item["type"] for item in (job or {}).get("status", {}).get("conditions", [])}
                assert "Complete" in ends, f"the test {suite['name']} has not succeeded"

    def _is_migrated(self, deployment: Manifest) -> None:
        """Promise 2: no pod of a release comes before its migration has succeeded, or a person said that it is done."""
        release = self._status.get("release") or {}
        told = release.get("migration")
        if told is None or deployment["metadata"]["labels"].get(COLOUR_LABEL) != release.get("colour"):
            return
        job = self._world.cluster.find(Ref(JOB, told["job"]))
        ends = {item["type"] for item in (job or {}).get("status", {}).get("conditions", [])}
        assert "Complete" in ends or told.get("outcome") == "Approved", f"{told['job']} has not succeeded"

    def _health_was_reached(self, release: Manifest, status: Manifest) -> None:
        """Promise 2: every pod of the release's own is ready and well, and none of anybody else's is behind it."""
        colour = release["colour"]
        held = self._world.cluster.find(Ref(REVISION, status["colours"][colour]))
        assert held is not None
        revision = parse(held)
        assert revision.id == release["id"]
        for component in revision.tiers:
            name = f"{self._app.name}-{colour}-{component}"
            deployment = self._world.cluster.find(Ref(DEPLOYMENT, name))
            assert deployment is not None
            pods = [*self._pods(deployment)]
            assert len(pods) == deployment["spec"]["replicas"] >= 1, f"{name} has not all of its pods"
            assert all(map(is_ready, pods)), f"not all pods of {name} are ready"
            codes = {self._world.health_code(pod) for pod in pods}
            assert codes == {200}, f"health of {name} is {codes}"
            slice_ = self._world.cluster.find(Ref(ENDPOINT_SLICE, f"{name}-slice"))
            behind = {each["targetRef"]["name"] for each in slice_["endpoints"]} if slice_ is not None else set()
            assert behind == {pod["metadata"]["name"] for pod in pods}, f"others are behind {name}"

    def _pods(self, deployment: Manifest) -> Iterator[Manifest]:
        maker = f"{deployment['metadata']['uid']}/"
        for pod in self._world.cluster.all(POD):
            if any(owner["uid"].startswith(maker) for owner in pod["metadata"].get("ownerReferences", [])):
                yield pod

    def _is_back(self, release: Manifest) -> None:
        """Promise 4: only once no router sends there and the pods are gone."""
        assert release["colour"] not in self.serving(), "it is called rolled back and has clients"
        left = [item for item in self._world.cluster.all(DEPLOYMENT) if _colour(item) == release["colour"]]
        assert not left, "it is called rolled back and its pods are there"


def _is_router(pod: Manifest) -> bool:
    return pod["metadata"].get("labels", {}).get(COMPONENT_LABEL) == "router" and is_ready(pod)


def _is_of(pod: Manifest, colour: str, component: str) -> bool:
    labels = {COLOUR_LABEL: colour, COMPONENT_LABEL: component}
    return labels.items() <= pod["metadata"].get("labels", {}).items()


def _colour(manifest: Manifest) -> str | None:
    found: str | None = manifest["metadata"].get("labels", {}).get(COLOUR_LABEL)
    return found


def _needs(revision: Revision | None) -> set[Ref]:
    kinds = {SECRET.kind: SECRET, CONFIG_MAP.kind: CONFIG_MAP}
    return {Ref(kinds[kind], name) for kind, name in copied_objects(revision)} if revision is not None else set()
