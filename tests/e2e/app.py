"""One MemoApp under test: what a person does with it, and a report of everything around it where a wait fails."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from tests.e2e.report import report
from tests.kube import Kube, Object, Predicate, WaitTimeoutError
from tests.kube import condition as status_of

Found = TypeVar("Found")
KIND = "memoapp.dev/v1alpha1/MemoApp"
WITHIN = 240.0
"""Seconds. A MemoApp alone needs 12; four at a time on two cores, and now and then no leader, need many more."""
CHILD_KINDS = (
    "v1/Secret",
    "v1/ConfigMap",
    "v1/PersistentVolumeClaim",
    "v1/Service",
    "apps/v1/StatefulSet",
    "apps/v1/Deployment",
    "policy/v1/PodDisruptionBudget",
    "networking.k8s.io/v1/NetworkPolicy",
    "networking.k8s.io/v1/Ingress",
    "autoscaling/v2/HorizontalPodAutoscaler",
)


@dataclass(frozen=True, slots=True)
class App:
    """A handle on one MemoApp, whether or not it is there."""

    kube: Kube
    namespace: str
    name: str

    def create(self, spec: Object, **metadata: Object) -> Object:
        return self.kube.create(manifest(self.name, self.namespace, spec, **metadata))

    def read(self) -> Object:
        return self.kube.get(KIND, self.name, self.namespace)

    def change(self, **spec: Any) -> Object:
        """Merge into the spec."""
        return self.kube.patch(KIND, self.name, self.namespace, body={"spec": spec})

    def order(self, what: str, within: float = WITHIN) -> None:
        """Give an order: ``retry``, ``rollback`` or ``restart``; returns once the status shows that it was heard."""
        nonce = uuid.uuid4().hex[:8]
        annotations = {f"memoapp.dev/{what}": nonce}
        self.kube.patch(KIND, self.name, self.namespace, body={"metadata": {"annotations": annotations}})
        self.wait(lambda found: (status_field(found, "orders") or {}).get(what) == nonce, within)

    def delete(self) -> None:
        """Delete it; returns once it is gone (its children may still be going)."""
        self.kube.delete(KIND, self.name, self.namespace)
        self.kube.wait(KIND, self.name, self.namespace, until=lambda found: found is None)

    def wait(self, until: Predicate, within: float = WITHIN) -> Object:
        """The MemoApp once ``until`` holds of it."""
        try:
            found = self.kube.wait(KIND, self.name, self.namespace, until=until, timeout=within)
        except WaitTimeoutError:
            text = report(self.kube, self.namespace, self.name)
            raise AssertionError(f"{self.namespace}/{self.name}: not within {within:g} s\n{text}") from None
        assert found is not None
        return found

    def ready(self, within: float = WITHIN) -> Object:
        """The MemoApp once its present spec is live."""
        return self.wait(is_ready, within)

    def shows(self, condition: str, status: str, reason: str, within: float = WITHIN) -> Object:
        """The condition once it is so."""

        def so(found: Object | None) -> bool:
            entry = condition_of(found, condition)
            return (entry.get("status"), entry.get("reason")) == (status, reason) and is_current(found)

        return condition_of(self.wait(so, within), condition)

    def eventually(self, look: Callable[[], Found], until: Callable[[Found], bool], within: float = WITHIN) -> Found:
        """What ``look`` gives once ``until`` holds of it; looked at twice a second, for what no watch shows."""
        deadline = time.monotonic() + within
        while not until(found := look()):
            if time.monotonic() > deadline:
                text = report(self.kube, self.namespace, self.name)
                raise AssertionError(f"{self.namespace}/{self.name}: not within {within:g} s: {found}\n{text}")
            time.sleep(0.5)
        return found

    def children(self) -> list[Object]:
        """Every live object that carries the app's labels, pods and revisions apart."""
        labels = f"app.kubernetes.io/managed-by=memoapp-operator,memoapp.dev/app={self.name}"
        return [child for kind in CHILD_KINDS for child in self.kube.list(kind, self.namespace, labels=labels)]

    def revisions(self) -> list[Object]:
        """The stored revisions; the StatefulSets' own are none."""
        found = self.kube.list("apps/v1/ControllerRevision", self.namespace, labels=f"memoapp.dev/app={self.name}")
        return [item for item in found if "memoapp.dev/revision" in (item["metadata"].get("annotations") or {})]

    def pods(self, component: str) -> list[Object]:
        labels = f"memoapp.dev/app={self.name},app.kubernetes.io/component={component}"
        return self.kube.list("v1/Pod", self.namespace, labels=labels)

    def http(self, method: str, path: str, body: object = None) -> httpx.Response:
        """One request to the app's own Service, by way of the API server."""
        url = f"/api/v1/namespaces/{self.namespace}/services/{self.name}:http/proxy{path}"
        content = None if body is None else json.dumps(body)
        return self.kube.http.request(method, url, content=content, headers={"Content-Type": "application/json"})

    def write_memo(self, text: str) -> None:
        answer = self.http("POST", "/api/memos", {"text": text})
        assert answer.status_code == httpx.codes.CREATED, answer.text

    def memos(self) -> list[str]:
        answer = self.http("GET", "/api/memos")
        assert answer.status_code == httpx.codes.OK, answer.text
        return [memo["text"] for memo in answer.json()["memos"]]


def manifest(name: str, namespace: str, spec: Object, **metadata: Object) -> Object:
    return {
        "apiVersion": "memoapp.dev/v1alpha1",
        "kind": "MemoApp",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": spec,
    }


def status_field(found: Object | None, name: str) -> Any:
    """A field of the status; None where it is not there."""
    return ((found or {}).get("status") or {}).get(name)


def condition_of(found: Object | None, name: str) -> Object:
    conditions = ((found or {}).get("status") or {}).get("conditions", [])
    return next((entry for entry in conditions if entry["type"] == name), {})


def is_current(found: Object | None) -> bool:
    """Whether the status speaks of the present spec."""
    status = (found or {}).get("status") or {}
    return found is not None and status.get("observedGeneration") == found["metadata"]["generation"]


def is_ready(found: Object | None) -> bool:
    return is_current(found) and status_of(found, "Ready") == "True"
