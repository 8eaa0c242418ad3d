"""Volume claims of PostgreSQL and Redis.

The operator makes them itself, not by volumeClaimTemplates: so a claim can grow by a patch, and be kept or owned as
the deletion policy says.
"""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.data import CacheStorage, DatabaseDeletionPolicy, DatabaseStorage, DeletionPolicy
from memoapp_operator.domain.manifest import VOLUME_CLAIM, Manifest

from .context import Context
from .endpoints import CACHE, DATABASE
from .metadata import child
from .quantity import canonical, larger


def claims(context: Context) -> tuple[Manifest, ...]:
    """The claims that the spec wants."""
    database, cache = context.app.spec.database, context.app.spec.redis
    found = []
    if database.managed:
        found.append(_claim(context, DATABASE, database.managed.storage, database.deletion_policy))
    if cache and cache.managed:
        found.append(_claim(context, CACHE, cache.managed.storage, cache.deletion_policy))
    return tuple(found)


def _claim(
    context: Context,
    component: str,
    storage: DatabaseStorage | CacheStorage,
    policy: DeletionPolicy | DatabaseDeletionPolicy,
) -> Manifest:
    """A claim of the declared size, or of the one that it already has: a volume never shrinks."""
    present = context.claims.get(component)
    size = larger(storage.size, present) if present else canonical(storage.size)
    spec: Manifest = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    if storage.storage_class_name:
        spec["storageClassName"] = storage.storage_class_name
    kept = policy not in {DeletionPolicy.DELETE, DatabaseDeletionPolicy.DELETE}
    return {**child(VOLUME_CLAIM, context, component, component=component, kept=kept), "spec": spec}
