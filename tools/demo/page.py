"""The page on this machine's loopback: requests by hand, and clients that send all the while."""

from __future__ import annotations

import json
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.load.background import Background
from tests.load.result import Result
from tools.testbed import steps

from .drawn import Drawn
from .kube import APP, CLUSTER, NAMESPACE, DemoError

NODE_PORT = 30080
RATE = 50.0
"""Requests a second: the demo runs beside everything else on a small machine."""


def service() -> dict[str, Any]:
    """The demo's own Service, beside that of the MemoApp."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"{APP}-page", "namespace": NAMESPACE},
        "spec": {
            "type": "NodePort",
            "selector": {"memoapp.dev/app": APP, "app.kubernetes.io/component": "router"},
            "ports": [{"port": 80, "targetPort": 8080, "nodePort": NODE_PORT}],
        },
    }


def address() -> str:
    """Where the page is."""
    return f"http://127.0.0.1:{steps.ports(CLUSTER)[NODE_PORT]}"


def request(path: str, body: dict[str, str] | None = None) -> Any:
    """One request to the page's API; the decoded answer. Tried for ten seconds: the node port is new."""
    data = json.dumps(body).encode() if body is not None else None
    deadline = time.monotonic() + 10
    while True:
        try:
            call = urllib.request.Request(  # noqa: S310 -- the address is ours
                address() + path, data=data, headers={"Content-Type": "application/json"}
            )
            with urllib.request.urlopen(call, timeout=5) as answer:  # noqa: S310
                return json.load(answer)
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise DemoError(f"{path}: {error}") from error
            time.sleep(0.3)


@contextmanager
def clients(old: str, new: str) -> Iterator[list[Result]]:
    """Clients that send for as long as the context lasts, drawn by the version that answers them.

    The list holds the result afterwards.
    """
    found: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="memoapp-demo-") as folder:
        log = Path(folder) / "load.jsonl"
        with Background(address(), log, RATE) as load:
            time.sleep(2)
            with Drawn(log, old, new):
                yield found
                time.sleep(2)
            found.append(load.stop())


def told(result: Result) -> str:
    """What the clients saw, in a line."""
    counts, versions = result.counts, sorted({item.version for item in result.requests if item.version})
    writes = result.writes.acknowledged if result.writes else 0
    return (
        f"{counts['total']} requests, {result.failed} failed "
        f"(refused, reset, 5xx, slower than 2 s; {writes} writes: {counts['lost']} lost, {counts['doubled']} doubled); "
        f"answers of {' and '.join(versions)}"
    )
