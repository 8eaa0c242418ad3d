"""A disaster drill: its namespace, and the MemoApp that is recovered in it."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.api.v1alpha1.recovery import RestoreFrom
from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import MEMO_APP, NAMESPACE, SECRET, Manifest

LABEL = "memoapp.dev/disaster-drill"
"""Of the namespace: the uid of the MemoRestore that made it."""
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
_NOT_THERE = ("backup", "paused", "suspend", "gates")
"""Parts of the spec that the recovered app has not: nothing is saved, and whoever is asked for gates is not asked."""
_OF_A_RELEASE = ("approval", "backup", "dataLoss", "onFailure", "probes")


def namespace(name: str, uid: str) -> Manifest:
    """The namespace, in which every pod is restricted: those of a MemoApp are."""
    labels = {names.MANAGED_BY_LABEL: names.MANAGED_BY, LABEL: uid, **RESTRICTED}
    return {"apiVersion": NAMESPACE.api_version, "kind": NAMESPACE.kind, "metadata": {"name": name, "labels": labels}}


def secret(original: Manifest, namespace: str) -> Manifest:
    """A key of the destination, or the identity, as it is where the app lives."""
    metadata = {"name": original["metadata"]["name"], "namespace": namespace}
    return {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.kind,
        "metadata": metadata,
        "type": original.get("type") or "Opaque",
        "data": original.get("data") or {},
    }


def keys(source: RestoreFrom) -> list[str]:
    """Names of the Secrets without which the destination cannot be read."""
    found = set()
    if source.destination.s3 is not None:
        found.add(source.destination.s3.credentials_secret_ref)
        if source.destination.s3.ca_secret_ref is not None:
            found.add(source.destination.s3.ca_secret_ref.name)
    if source.identity_secret_ref is not None:
        found.add(source.identity_secret_ref.name)
    return sorted(found)


def memoapp(app: MemoApp, source: RestoreFrom, namespace: str) -> Manifest:
    """The app as it is declared, recovered: without a way in from outside, and without autoscalers."""
    spec = app.spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    for part in _NOT_THERE:
        spec.pop(part, None)
    spec["database"]["managed"]["restoreFrom"] = source.model_dump(mode="json", by_alias=True, exclude_none=True)
    spec["database"]["deletionPolicy"] = "Delete"
    if "redis" in spec:
        spec["redis"]["deletionPolicy"] = "Delete"
    spec["traffic"].pop("ingress", None)
    for tier in (spec["backend"], spec.get("frontend") or {}):
        tier.pop("autoscaling", None)
    for part in _OF_A_RELEASE:
        spec["release"].pop(part, None)
    return {
        "apiVersion": MEMO_APP.api_version,
        "kind": MEMO_APP.kind,
        "metadata": {"name": app.metadata.name, "namespace": namespace},
        "spec": spec,
    }
