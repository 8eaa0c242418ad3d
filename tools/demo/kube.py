"""kubectl against the demo's cluster."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tools.testbed import steps

CLUSTER = "demo"
NAMESPACE = "demo"
APP = "memo"


class DemoError(Exception):
    """The demo cannot go on; the message says why in one line."""


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    """Run kubectl; its output.

    Raises:
        DemoError: it failed; the message is what it said.
    """
    done = subprocess.run(
        [steps.tool(CLUSTER, "kubectl"), *arguments],
        input=stdin,
        env=steps.environment(CLUSTER),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise DemoError(f"kubectl {' '.join(arguments[:3])}: {done.stderr.strip()}")
    return done.stdout


def apply(manifest: dict[str, Any]) -> None:
    """``kubectl apply`` of one object."""
    kubectl("apply", "-f", "-", stdin=json.dumps(manifest))


def status() -> dict[str, Any]:
    """The MemoApp's status."""
    found: dict[str, Any] = json.loads(kubectl("get", "memoapp", APP, "-n", NAMESPACE, "-o", "json"))
    told: dict[str, Any] = found.get("status") or {}
    return told if told.get("observedGeneration") == found["metadata"]["generation"] else {}


def condition(told: dict[str, Any], name: str) -> dict[str, Any]:
    """One condition of a status; empty where it is not there."""
    return next((item for item in told.get("conditions", []) if item["type"] == name), {})
