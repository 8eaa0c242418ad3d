"""The Secrets and ConfigMaps that people name: what is missing, and a digest of what is there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping

from memoapp_operator.domain.manifest import Manifest, Ref
from memoapp_operator.domain.references import Reference


def missing(references: Iterable[Reference], live: Mapping[Ref, Manifest]) -> tuple[str, ...]:
    """What pods could not start without, as sentence parts: ``Secret/mail``, ``key token of Secret/mail``."""
    found = []
    for reference in references:
        target = live.get(reference.ref)
        if reference.optional:
            continue
        if target is None:
            found.append(str(reference.ref))
        elif reference.key and reference.key not in _contents(target):
            found.append(f"key {reference.key} of {reference.ref}")
    return tuple(sorted(set(found)))


def digests(references: Iterable[Reference], live: Mapping[Ref, Manifest]) -> dict[str, str]:
    """By tier, a digest of everything that the tier names: another content is another revision."""
    contents: dict[str, list[tuple[str, dict[str, str] | None]]] = {}
    for reference in references:
        target = live.get(reference.ref)
        contents.setdefault(reference.tier, []).append(
            (str(reference.ref), _contents(target) if target is not None else None)
        )
    return {
        tier: hashlib.sha256(json.dumps(sorted(items, key=lambda item: item[0]), sort_keys=True).encode()).hexdigest()[
            :16
        ]
        for tier, items in contents.items()
    }


def _contents(target: Manifest) -> dict[str, str]:
    return {**(target.get("data") or {}), **(target.get("binaryData") or {})}
