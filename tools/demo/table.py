"""The table of ``kubectl get memoapp --watch``, a line for every change, in columns that stay where they are."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from tools.testbed import steps

from .kube import APP, CLUSTER, NAMESPACE, DemoError, condition, status

_COLUMNS = {
    "NAME": ".metadata.name",
    "VERSION": ".status.active.version",
    "AVAILABLE": '.status.conditions[?(@.type=="Available")].status',
    "READY": '.status.conditions[?(@.type=="Ready")].status',
    "RELEASE": ".status.display.release",
    "TRAFFIC": ".status.display.traffic",
}
_ROW = "{:<6} {:<8} {:<10} {:<7} {:<13} {:<17}  {}"
_LOOK = 0.3


def follow(until: Callable[[dict[str, Any]], bool], within: float) -> dict[str, Any]:
    """Show the table until ``until`` holds of the MemoApp's status; that status.

    Raises:
        DemoError: it does not hold within so many seconds.
    """
    print(_ROW.format(*_COLUMNS, "AFTER"), flush=True)
    began = time.monotonic()
    columns = ",".join(f"{name}:{path}" for name, path in _COLUMNS.items())
    command = (steps.tool(CLUSTER, "kubectl"), "get", "memoapp", APP, "-n", NAMESPACE, "--watch", "--no-headers")
    with subprocess.Popen(
        [*command, "-o", f"custom-columns={columns}"],
        env=steps.environment(CLUSTER),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as watch:
        reader = threading.Thread(target=_show, args=(watch, began), daemon=True)
        reader.start()
        try:
            return _waited(until, began + within)
        finally:
            time.sleep(_LOOK)  # the last line is on its way
            watch.terminate()
            reader.join(5)


def _show(watch: subprocess.Popen[str], began: float) -> None:
    before: list[str] = []
    for line in watch.stdout or ():
        row = [cell.replace("<none>", "") for cell in re.split(r"\s{2,}", line.strip())]
        if row != before:
            print(_ROW.format(*row, f"{time.monotonic() - began:.0f}s"), flush=True)
            before = row


def _waited(until: Callable[[dict[str, Any]], bool], deadline: float) -> dict[str, Any]:
    while not until(told := status()):
        if time.monotonic() > deadline:
            ready = condition(told, "Ready")
            raise DemoError(f"it takes too long: {ready.get('reason')}: {ready.get('message')}")
        time.sleep(_LOOK)
    return told
