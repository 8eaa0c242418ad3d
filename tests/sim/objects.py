"""Objects of the simulated API server, as they travel and by default."""

from __future__ import annotations

import json
from typing import TypeVar

from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.ports import Refused

T = TypeVar("T")


def copied(value: T) -> T:
    """A copy that shares nothing: objects travel as JSON."""
    found: T = json.loads(json.dumps(value))
    return found


def unchanged(manifest: Manifest) -> None:
    """The webhook that changes nothing."""
    del manifest


def no_metrics() -> list[Manifest]:
    """A cluster without metrics-server."""
    raise Refused(404, "NotFound", "the server could not find the requested resource")
