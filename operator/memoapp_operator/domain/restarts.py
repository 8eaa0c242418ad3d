"""Changes that would restart the database or Redis: they wait for an order; another major version is refused."""

from __future__ import annotations

import re

from .diff import differences
from .manifest import STATEFUL_SET, Manifest, kind_of

RESTART_ANNOTATION = "memoapp.dev/restart"
TEMPLATE_ANNOTATION = "memoapp.dev/template"
"""Digest of the pod template that was applied: tells that a field is to be removed from it."""
_TAG = re.compile(r":v?([0-9]+)[^/]*$")


def restarts(wanted: Manifest, live: Manifest) -> bool:
    """Applying ``wanted`` would replace pods of a StatefulSet: its template says something else, or says less."""
    if kind_of(wanted) != STATEFUL_SET or not (wanted["spec"].get("replicas", 1) and live["spec"].get("replicas", 1)):
        return False  # without a pod there is nothing to restart: it goes to sleep, or wakes up, as it is declared
    before = (live["metadata"].get("annotations") or {}).get(TEMPLATE_ANNOTATION)
    if before is not None and before != wanted["metadata"]["annotations"].get(TEMPLATE_ANNOTATION):
        return True
    return any(path.startswith(".spec.template") for path in differences(wanted, live))


def other_major(wanted: Manifest, live: Manifest) -> str | None:
    """What is wrong with the images' major versions, as far as their tags tell; None where nothing is."""
    before = _images(live)
    for name, image in _images(wanted).items():
        old, new = major(before.get(name, "")), major(image)
        if name == "database" and old and new and old != new:
            return f"PostgreSQL {old} cannot become {new} by another image: its data would not be readable"
    return None


def upgrades(wanted: Manifest, live: Manifest) -> bool:
    """Applying ``wanted`` would give PostgreSQL or Redis another image. The operator's own beside them is none."""
    before, after = _images(live), _images(wanted)
    return any(before.get(name) != after.get(name) for name in ("database", "redis"))


def _images(manifest: Manifest) -> dict[str, str]:
    return {item["name"]: item["image"] for item in manifest["spec"]["template"]["spec"]["containers"]}


def major(image: str) -> str | None:
    """The major version that an image's tag names; None where it tells none."""
    found = _TAG.search(image.partition("@")[0])
    return found.group(1) if found else None
