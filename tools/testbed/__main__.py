"""Bring the cluster ``test`` to the state in which the end-to-end tests run: ``python tools/testbed``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tools.testbed import steps
from tools.testbed.commands import StepError

CLUSTER = "test"
VALUES: dict[str, Any] = {"replicas": 2, "operator": {"resyncSeconds": 10}}
"""A rotated Secret is seen within 10 s: tests wait for it."""


def main() -> int:
    """0, or 1 where a step failed."""
    try:
        steps.up(CLUSTER)
        steps.images(CLUSTER)
        steps.operator(CLUSTER, VALUES)
    except StepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
