"""Fields as server-side apply sees them: paths to leaves, with the items of list-maps named by their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, TypeAlias

from memoapp_operator.domain.manifest import Manifest

Step: TypeAlias = str | tuple[tuple[str, Any], ...]
Path: TypeAlias = tuple[Step, ...]

# From the API's x-kubernetes-list-map-keys. Lists that are not here are replaced as a whole.
_LIST_KEYS = {
    "containers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "imagePullSecrets": ("name",),
    "volumeMounts": ("mountPath",),
    "hostAliases": ("ip",),
    "ownerReferences": ("uid",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
_IDENTITY = frozenset({"apiVersion", "kind", "status"})
METADATA = frozenset({"labels", "annotations", "ownerReferences"})


def body(manifest: Manifest) -> Manifest:
    """What of an object can be owned: all but its identity, status and what the server fills in."""
    found = {key: value for key, value in manifest.items() if key not in _IDENTITY}
    metadata = {key: value for key, value in manifest["metadata"].items() if key in METADATA}
    return {**found, "metadata": metadata}


def leaves(manifest: Manifest) -> dict[Path, Any]:
    """Every leaf of an object that can be owned."""
    return dict(_leaves(body(manifest), ()))


def _leaves(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    keys = _list_keys(path, value)
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, key))
    elif keys:
        for item in value:
            yield from _leaves(item, (*path, _step(item, keys)))
    else:
        yield path, value


def _list_keys(path: Path, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not path or not isinstance(path[-1], str):
        return ()
    if path[-1] == "ports":
        return ("containerPort" if "containerPort" in value[0] else "port", "protocol")
    return _LIST_KEYS.get(path[-1], ())


def _step(item: dict[str, Any], keys: tuple[str, ...]) -> Step:
    return tuple((key, item.get(key)) for key in keys)


def put(manifest: Manifest, path: Path, value: Any) -> None:
    """Set one leaf, and make the maps and items on the way to it."""
    here: Any = manifest
    for step, following in pairwise(path):
        here = _enter(here, step, [] if isinstance(following, tuple) else {})
    if value != {} or not isinstance(here.get(path[-1]), dict):
        here[path[-1]] = value


def _enter(here: Any, step: Step, empty: Any) -> Any:
    if isinstance(step, str):
        return here.setdefault(step, empty)
    found = _item(here, step)
    if found is None:
        found = dict(step)
        here.append(found)
    return found


def _item(items: list[Any], step: Step) -> Any:
    return next((item for item in items if all(item.get(key) == value for key, value in step)), None)


def drop(manifest: Manifest, paths: Iterable[Path]) -> None:
    """Take leaves away. The keys of an item go last, for it is found by them, and stay where anything else is left."""
    for path in sorted(paths, key=_is_key):
        if not _is_key(path) or _is_bare(manifest, path):
            _drop(manifest, path)


def _is_key(path: Path) -> bool:
    return len(path) > 1 and isinstance(path[-2], tuple) and path[-1] in _keys(path[-2])


def _keys(step: Step) -> set[Step]:
    return {key for key, _ in step} if isinstance(step, tuple) else set()


def _is_bare(manifest: Manifest, path: Path) -> bool:
    """The item that the key belongs to has nothing but keys."""
    here: Any = manifest
    for step in path[:-1]:
        here = here.get(step) if isinstance(step, str) else _item(here, step)
        if here is None:
            return False
    return set(here) <= _keys(path[-2])


def _drop(manifest: Manifest, path: Path) -> None:
    """Take one leaf away, and the maps and items that hold nothing any more."""
    trail: list[tuple[Any, Step, Any]] = []
    here: Any = manifest
    for step in path:
        inside = here.get(step) if isinstance(step, str) else _item(here, step)
        if inside is None:
            return
        trail.append((here, step, inside))
        here = inside
    for index, (holder, step, inside) in enumerate(reversed(trail)):
        if index and inside:
            return
        if isinstance(step, str):
            del holder[step]
        else:
            holder.remove(inside)
