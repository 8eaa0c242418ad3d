"""The Secrets and ConfigMaps that people name: what is missing, and the copies that pods are given."""

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


def copy_names(app: str, references: Iterable[Reference], live: Mapping[Ref, Manifest]) -> dict[tuple[str, str], str]:
    """The copy that stands for each object that is there, by kind and name: ``<name>-<8 hex>``."""
    found = {}
    for reference in references:
        target = live.get(reference.ref)
        if target is not None:
            found[reference.ref.kind.kind, reference.ref.name] = copy_name(app, reference.ref.name, _contents(target))
    return found


def copy_name(app: str, name: str, contents: Mapping[str, str]) -> str:
    """The name of an app's immutable copy of an object with these (base64 or plain) values.

    Two apps of a namespace never share a copy: it goes with its app.
    """
    text = json.dumps([app, dict(contents)], sort_keys=True, separators=(",", ":"))
    return f"{name[:244]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _contents(target: Manifest) -> dict[str, str]:
    return {**(target.get("data") or {}), **(target.get("binaryData") or {})}
