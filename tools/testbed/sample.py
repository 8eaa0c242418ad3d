"""MemoApps of the sample application, small enough that several fit on one small node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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
    }


def small(images: Mapping[str, str]) -> dict[str, Any]:
    """The shortest MemoApp with one pod of everything, and next to no requests."""
    return {
        "version": "1.0.0",
        "backend": {"image": images["backend"], "replicas": 1, "resources": _LITTLE},
        "database": {"managed": {**_database(images), "storage": {"size": "1Gi"}}},
        "traffic": {"image": images["haproxy"], "replicas": 1, "resources": _LITTLE},
    }


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
