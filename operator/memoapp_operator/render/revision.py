"""What the spec declares as a revision, and the ControllerRevision that stores it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import replace
from typing import Any

from memoapp_operator.api.v1alpha1.workload import Backend, Frontend
from memoapp_operator.domain.manifest import REVISION, Kind, Manifest
from memoapp_operator.domain.revision import ID_ANNOTATION, Revision, copied_objects

from .context import Context
from .declared import stored
from .endpoints import tiers
from .metadata import child
from .quantity import resources
from .tiers import template

# 40 bits: two revisions of one app that meet by chance are out of reach, and a name stays readable.
_DIGITS = 10
_IN_PLACE = frozenset({"replicas", "autoscaling"})


def revision(context: Context) -> Revision:
    """The declared revision, not stored yet."""
    declared: dict[str, dict[str, Any]] = {}
    for component, tier in tiers(context).items():
        declared[component] = {
            "template": template(context, component),
            "port": tier.port,
            "healthPath": tier.health_path,
        }
        if isinstance(tier, Frontend):
            declared[component]["backendHost"] = tier.backend_host
    made = Revision("", context.app.spec.version, declared)
    return replace(made, id=identity(context, copied_objects(made)))


def identity(context: Context, named: Collection[tuple[str, str]]) -> str:
    """The id of what a person declares: equal declarations are an equal revision, whichever operator renders them.

    It changes with the version, with every field of a tier but those that change in place, and with the content of
    what the pods refer to, because that stands in the names of the copies. How templates are rendered does not count:
    a new operator is no release of every app.

    Args:
        context: what is declared.
        named: (kind, name) of the Secrets and ConfigMaps that the pods refer to.
    """
    spec = context.app.spec
    declared = {
        "version": spec.version,
        "tiers": {component: _declared(tier) for component, tier in tiers(context).items()},
        "named": sorted(named),
        "redis": spec.redis is not None,
        "imagePullSecrets": stored(spec.image_pull_secrets or []),
    }
    text = json.dumps(declared, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def _declared(tier: Backend | Frontend) -> Manifest:
    """A tier in the one form in which it would be stored, without what changes in place."""
    found: Manifest = stored(tier)
    return {key: value for key, value in found.items() if key not in _IN_PLACE} | {
        "resources": resources(tier.resources, {})
    }


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
