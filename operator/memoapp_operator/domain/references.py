"""The Secrets and ConfigMaps that a MemoApp names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from memoapp_operator.api.v1alpha1.memoapp import MemoAppSpec
from memoapp_operator.api.v1alpha1.workload import Tier

from . import names
from .manifest import CONFIG_MAP, SECRET, Kind, Ref


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """One mention: which object, by whom, and which key of it.

    Attributes:
        ref: the object.
        tier: ``frontend`` or ``backend``: whose pods change with it.
        key: the key that must be there; None where any content will do.
        optional: True where pods start without it.
    """

    ref: Ref
    tier: str
    key: str = ""
    optional: bool = False


def connection_name(app: str) -> str:
    """The name of the generated Secret that tells how to reach database and Redis."""
    return names.child(app, "connection")


def references(app: str, spec: MemoAppSpec) -> tuple[Reference, ...]:
    """Every Secret and ConfigMap that the tiers and external services name, but the generated connection Secret."""
    found = [*_external(spec)]
    if spec.frontend is not None:
        found += _tier("frontend", spec.frontend)
    found += _tier("backend", spec.backend)
    own = Ref(SECRET, connection_name(app))
    return tuple(sorted({item for item in found if item.ref != own}))


def _external(spec: MemoAppSpec) -> Iterator[Reference]:
    if spec.database.external is not None:
        yield Reference(Ref(SECRET, spec.database.external.secret_ref.name), "backend")
    if spec.redis is not None and spec.redis.external is not None:
        yield Reference(Ref(SECRET, spec.redis.external.secret_ref.name), "backend")


def _tier(name: str, tier: Tier) -> Iterator[Reference]:
    yield from _from_env(name, tier)
    yield from _from_env_from(name, tier)
    for volume in tier.volumes or []:
        yield from _from_volume(name, volume)


def _from_env(name: str, tier: Tier) -> Iterator[Reference]:
    for variable in tier.env or []:
        source = variable.value_from
        if source is None:
            continue
        for kind, selector in ((SECRET, source.secret_key_ref), (CONFIG_MAP, source.config_map_key_ref)):
            if selector is not None:
                yield Reference(Ref(kind, selector.name), name, selector.key, bool(selector.optional))


def _from_env_from(name: str, tier: Tier) -> Iterator[Reference]:
    for source in tier.env_from or []:
        for kind, whole in ((SECRET, source.secret_ref), (CONFIG_MAP, source.config_map_ref)):
            if whole is not None:
                yield Reference(Ref(kind, whole.name), name, optional=bool(whole.optional))


def _from_volume(name: str, volume: dict[str, object]) -> Iterator[Reference]:
    yield from _from_source(name, volume)
    projected = volume.get("projected")
    if isinstance(projected, dict):
        for source in projected.get("sources") or []:
            yield from _from_source(name, source)


def _from_source(name: str, source: dict[str, object]) -> Iterator[Reference]:
    pairs: tuple[tuple[str, str, Kind], ...] = (
        ("secret", "secretName", SECRET),
        ("secret", "name", SECRET),
        ("configMap", "name", CONFIG_MAP),
    )
    for field, key, kind in pairs:
        part = source.get(field)
        if isinstance(part, dict) and isinstance(part.get(key), str):
            yield Reference(Ref(kind, part[key]), name, optional=bool(part.get("optional")))
