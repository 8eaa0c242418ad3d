"""The state that a run ends in, without what differs from one undisturbed run to the next, and how two differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from tests.faults.calls import plain
from tests.kube import Kube, Object

State: TypeAlias = dict[str, Any]

KINDS = (
    "memoapp.dev/v1alpha1/MemoApp",
    "memoapp.dev/v1alpha1/MemoBackup",
    "v1/Secret",
    "v1/ConfigMap",
    "v1/PersistentVolumeClaim",
    "v1/Service",
    "v1/ServiceAccount",
    "apps/v1/StatefulSet",
    "apps/v1/Deployment",
    "apps/v1/ControllerRevision",
    "policy/v1/PodDisruptionBudget",
    "networking.k8s.io/v1/NetworkPolicy",
    "rbac.authorization.k8s.io/v1/Role",
    "rbac.authorization.k8s.io/v1/RoleBinding",
)
_DROPPED = frozenset(
    {"uid", "resourceVersion", "creationTimestamp", "managedFields", "namespace", "generation", "selfLink"}
)
"""Of the metadata of everything."""
_DIGESTS = frozenset({"memoapp.dev/applied", "memoapp.dev/certificates", "memoapp.dev/config"})
"""Annotations over passwords and certificates, which are new in each run."""
_SAVED = frozenset({"size", "displaySize", "digest", "content"})
"""Of a MemoBackup: the database's owner and moment are in it."""
_OTHERS = frozenset({"default", "kube-root-ca.crt", "memoapp-operator"})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_ADDRESS = re.compile(r"\b10\.\d+\.\d+\.\d+\b")


_MEASURED = re.compile(r"[\d.]+ (<=|>) ([\d.]+) on (\w+)(?: \(\w+ [\d.]+\))?, [\d,]+ requests")
"""What a gate says: its numbers are new in each run."""


def collect(kube: Kube, namespace: str) -> State:
    """Every object of the namespace that the operator could have made, by kind and name."""
    found = [item for kind in KINDS for item in kube.list(kind, namespace)]
    ids = {
        (item["metadata"].get("annotations") or {}).get("memoapp.dev/revision", ""): item["metadata"]["name"]
        for item in found
        if item["kind"] == "ControllerRevision"
    }
    state = {}
    for item in found:
        if item["metadata"]["name"] in _OTHERS:
            continue
        text = json.dumps(_bare(item))
        for digest, name in ids.items():
            text = re.sub(rf"(?<![0-9a-f]){digest}\b", f"id-of-{name}", text) if digest else text
        made = json.loads(_plain_text(text, namespace))
        if "migrated" in (made.get("data") or {}) and item["kind"] == "ConfigMap":
            # In the order of ids, which are new in each run.
            made["data"]["migrated"] = sorted(made["data"]["migrated"].splitlines())
        state[plain(f"{item['kind']}/{item['metadata']['name']}")] = made
    return state


def differences(wanted: Any, found: Any, path: str = "") -> Iterator[str]:
    """Each place in which ``found`` is not as ``wanted``, a line each."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for key in sorted({*wanted, *found}):
            inner = f"{path}.{key}" if path else key
            if key not in found:
                yield f"{inner}: missing"
            elif key not in wanted:
                yield f"{inner}: more than undisturbed: {_short(found[key])}"
            else:
                yield from differences(wanted[key], found[key], inner)
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (left, right) in enumerate(zip(wanted, found, strict=True)):
            yield from differences(left, right, f"{path}[{number}]")
    elif wanted != found:
        yield f"{path}: {_short(found)} instead of {_short(wanted)}"


def _bare(item: Object) -> Object:
    found = {key: value for key, value in item.items() if key != "metadata"}
    metadata = {key: value for key, value in item["metadata"].items() if key not in _DROPPED}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in _DIGESTS}
    found["metadata"] = {**metadata, "annotations": annotations}
    if item["kind"] == "Secret":
        found["data"] = sorted(item.get("data") or {})
    if item["kind"] == "MemoBackup":
        found["status"] = {key: value for key, value in (item.get("status") or {}).items() if key not in _SAVED}
    if item["kind"] in {"Deployment", "StatefulSet"}:
        status = item.get("status") or {}
        found["status"] = {key: status.get(key, 0) for key in ("replicas", "readyReplicas", "updatedReplicas")}
        template = found["spec"]["template"]["metadata"]
        kept = {key: value for key, value in (template.get("annotations") or {}).items() if key not in _DIGESTS}
        found["spec"] = {
            **found["spec"],
            "template": {**found["spec"]["template"], "metadata": {**template, "annotations": kept}},
        }
    if release := (found.get("status") or {}).get("release"):
        # How often a gate had too little to say, and what was counted, is a matter of chance.
        counted = {key: sorted(one["name"] for one in release[key]) for key in ("gates", "compared") if key in release}
        found["status"] = {**found["status"], "release": {**release, **counted}}
    if restarts := ((found.get("status") or {}).get("orders") or {}).get("restarts"):
        # Digests over the owner's uid.
        orders = {**found["status"]["orders"], "restarts": len(restarts)}
        found["status"] = {**found["status"], "orders": orders}
    if item["kind"] not in {"Deployment", "StatefulSet", "MemoApp"}:
        found.pop("status", None)
    return found


def _plain_text(text: str, namespace: str) -> str:
    text = _MEASURED.sub(r"MEASURED \1 \2 on \3", text)
    text = _UID.sub("UID", _TIME.sub("TIME", text.replace(namespace, "NAMESPACE")))
    return plain(_ADDRESS.sub("ADDRESS", text))


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 160 else f"{text[:160]}..."
