"""MemoApps of the sample application, small enough that several fit on one small node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MIGRATES = {"migration": {"command": ["python3", "-m", "memo_backend", "migrate"]}}
"""As in ``spec.release``: the sample's tables are made, and changed, by its migration."""
CHECKS = {"command": ["python3", "-m", "memo_backend", "check", "$(MEMOAPP_URL)"], "timeout": "2m"}
"""As an item of ``spec.release.tests``, but for its name: health, a memo written and read back."""
_LITTLE = {"requests": {"cpu": "5m", "memory": "32Mi"}}


def least(images: Mapping[str, str]) -> dict[str, Any]:
    """The spec of the shortest MemoApp: a backend on a database.

    Args:
        images: references by image, as ``images/build names`` prints them.
    """
    return {
        "version": "1.0.0",
        "backend": {"image": images["backend"]},
        "database": {"managed": {"image": images["postgres"]}},
        "traffic": {"image": images["haproxy"]},
        "release": MIGRATES,
    }


def small(images: Mapping[str, str]) -> dict[str, Any]:
    """The shortest MemoApp with one pod of everything, and next to no requests."""
    return {
        "version": "1.0.0",
        "backend": {"image": images["backend"], "replicas": 1, "resources": _LITTLE},
        "database": {"managed": {**_database(images), "storage": {"size": "1Gi"}}},
        "traffic": {"image": images["haproxy"], "replicas": 1, "resources": _LITTLE},
        "release": MIGRATES,
    }


def tiered(images: Mapping[str, str]) -> dict[str, Any]:
    """The small MemoApp with a frontend, and two routers as anybody would have."""
    spec = small(images)
    frontend = {"image": images["frontend"], "replicas": 1, "resources": _LITTLE}
    return {**spec, "frontend": frontend, "traffic": {**spec["traffic"], "replicas": 2}}


def version(images: Mapping[str, str], number: str, **environment: str) -> dict[str, Any]:
    """What a person changes in the small MemoApp for another version; variables that are not named are gone."""
    suffix = "" if number.startswith("1.0") else "-next"
    variables = [{"name": name, "value": value} for name, value in environment.items()]
    return {"version": number, "backend": {"image": images[f"backend{suffix}"], "env": variables or None}}


def tiered_version(images: Mapping[str, str], number: str, **environment: str) -> dict[str, Any]:
    """The same for the one with a frontend."""
    suffix = "" if number.startswith("1.0") else "-next"
    return {**version(images, number, **environment), "frontend": {"image": images[f"frontend{suffix}"]}}


def full(images: Mapping[str, str]) -> dict[str, Any]:
    """A MemoApp with everything that it can have, two pods of each tier."""
    tier = {"replicas": 2, "resources": _LITTLE}
    return {
        **small(images),
        "frontend": {"image": images["frontend"], **tier},
        "backend": {"image": images["backend"], **tier},
        "redis": {"managed": {"image": images["redis"], "resources": _LITTLE}},
        "traffic": {"image": images["haproxy"], **tier},
    }


def _database(images: Mapping[str, str]) -> dict[str, Any]:
    # Less shared memory and no synchronous disk writes: tests ask for many databases at once.
    return {"image": images["postgres"], "resources": _LITTLE, "parameters": {"shared_buffers": "16MB", "fsync": "off"}}
