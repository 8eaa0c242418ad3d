"""What the spec declares as a revision, and the ControllerRevision that stores it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from memoapp_operator.api.v1alpha1.workload import Frontend
from memoapp_operator.domain.manifest import REVISION, Kind, Manifest
from memoapp_operator.domain.revision import ID_ANNOTATION, Revision

from .context import Context
from .endpoints import tiers
from .metadata import child
from .tiers import template

# 40 bits: two revisions of one app that meet by chance are out of reach, and a name stays readable.
_DIGITS = 10


def revision(context: Context) -> Revision:
    """The declared revision, not stored yet.

    Its id changes with the version and with anything in a pod of frontend or backend, and with the content of what the
    pods refer to, because that stands in the names of the copies. Replicas do not count: they change in place.
    """
    declared: dict[str, dict[str, Any]] = {}
    for component, tier in tiers(context).items():
        declared[component] = {
            "template": template(context, component),
            "port": tier.port,
            "healthPath": tier.health_path,
        }
        if isinstance(tier, Frontend):
            declared[component]["backendHost"] = tier.backend_host
    version = context.app.spec.version
    text = json.dumps({"version": version, "tiers": declared}, sort_keys=True, separators=(",", ":"))
    return Revision(hashlib.sha256(text.encode()).hexdigest()[:_DIGITS], version, declared)


def stored_revision(context: Context, declared: Revision, number: int) -> Manifest:
    """The ControllerRevision ``<app>-r<number>``: created once, its data never changes."""
    found = child(REVISION, context, f"r{number}")
    found["metadata"]["annotations"] = {ID_ANNOTATION: declared.id}
    return {**found, "revision": number, "data": {"version": declared.version, "tiers": declared.tiers}}


def copy_of(context: Context, kind: Kind, name: str) -> Manifest:
    """An immutable copy of a Secret or ConfigMap, without its content: owned by the MemoApp, named by its content."""
    found = child(kind, context, None)
    found["metadata"]["name"] = name
    return {**found, "immutable": True}
