"""A revision: what a release brings, stored in an immutable ControllerRevision.

A colour is always rendered from its revision, never from the live spec: so the colour that serves can be repaired while
the spec says something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .manifest import Manifest

ID_ANNOTATION = "memoapp.dev/revision"
KEPT_REVISIONS = 5
"""Revisions that nothing refers to any more and that are kept all the same, for people to look at."""


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision.

    Attributes:
        id: digest of version and tiers.
        version: of the application.
        tiers: by component: ``template`` (a pod template without colour and host aliases), ``port``, ``healthPath``,
            and for a frontend ``backendHost``.
        name: of its ControllerRevision; empty as long as it is not stored.
        number: counts up within an app.
        migration: what became of its migration, as it is kept beside the weights; empty where there was none.
    """

    id: str
    version: str
    tiers: Mapping[str, Mapping[str, Any]]
    name: str = ""
    number: int = 0
    migration: str = ""

    @property
    def entry(self) -> str:
        """The component that the router talks to."""
        return "frontend" if "frontend" in self.tiers else "backend"


def parse(manifest: Manifest) -> Revision:
    """The revision in a live ControllerRevision."""
    metadata, data = manifest["metadata"], manifest["data"]
    return Revision(
        id=(metadata.get("annotations") or {}).get(ID_ANNOTATION, ""),
        version=data["version"],
        tiers=data["tiers"],
        name=metadata["name"],
        number=manifest["revision"],
    )


def next_number(stored: Iterable[Revision], mentioned: Iterable[str]) -> int:
    """The number of the next revision: never that of one that was deleted and is still named somewhere."""
    numbers = [revision.number for revision in stored]
    return max([*numbers, *(number_in(name) or 0 for name in mentioned)], default=0) + 1


def number_in(name: str) -> int | None:
    """The number in the name of a ControllerRevision, ``<app>-r<number>``."""
    tail = name.rpartition("-r")[2]
    return int(tail) if tail.isascii() and tail.isdecimal() else None


def superfluous(stored: Iterable[Revision], used: Iterable[str]) -> tuple[Revision, ...]:
    """Revisions to be pruned: not used by name, and older than the newest ``KEPT_REVISIONS`` of the unused."""
    names = set(used)
    unused = sorted((item for item in stored if item.name not in names), key=lambda item: -item.number)
    return tuple(unused[KEPT_REVISIONS:])


def copied_objects(revision: Revision) -> set[tuple[str, str]]:
    """(kind, name) of the Secrets and ConfigMaps that a revision's pods refer to."""
    found: set[tuple[str, str]] = set()
    for tier in revision.tiers.values():
        _collect(tier["template"], found)
    return found


_FIELDS = {
    "secretKeyRef": ("Secret", "name"),
    "configMapKeyRef": ("ConfigMap", "name"),
    "secretRef": ("Secret", "name"),
    "configMapRef": ("ConfigMap", "name"),
    "configMap": ("ConfigMap", "name"),
}


def _places(value: Any) -> Iterable[tuple[dict[str, Any], str, str]]:
    """Every (object, key, kind) in a pod template where a Secret or ConfigMap is named."""
    if isinstance(value, list):
        for item in value:
            yield from _places(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if isinstance(inner, dict) and key in _FIELDS and _FIELDS[key][1] in inner:
                yield inner, _FIELDS[key][1], _FIELDS[key][0]
            elif isinstance(inner, dict) and key == "secret":
                yield from ((inner, name, "Secret") for name in ("secretName", "name") if name in inner)
            yield from _places(inner)


def _collect(template: Any, found: set[tuple[str, str]]) -> None:
    found |= {(kind, holder[key]) for holder, key, kind in _places(template)}


def with_copies(template: Manifest, copies: Mapping[tuple[str, str], str]) -> Manifest:
    """The template with the names of copies in the places of originals; changes ``template`` itself."""
    for holder, key, kind in list(_places(template)):
        holder[key] = copies.get((kind, holder[key]), holder[key])
    return template
