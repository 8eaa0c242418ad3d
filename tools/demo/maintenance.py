"""A short maintenance: tasks behind the page, as a visitor sees it."""

from __future__ import annotations

import html
import json
import re
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

from . import page
from .kube import APP, NAMESPACE, DemoError, kubectl

_NAME = "tonight"
_PATIENCE = 300.0
_LOOK = 0.2
_MESSAGE = "The database is tidied up."
_ENDED = {"Completed", "Failed", "Overrun"}


def done() -> None:
    """A window that begins now: its steps as they go, and what a visitor sees in each."""
    kubectl("delete", "maintenancewindow", _NAME, "-n", NAMESPACE, "--ignore-not-found")
    manifest = _window()
    print(manifest, end="")
    kubectl("apply", "-f", "-", stdin=manifest)
    _followed()
    print("$ kubectl get maintenancewindow")
    print(kubectl("get", "maintenancewindow", "-n", NAMESPACE), end="")


def _window() -> str:
    start = (datetime.now(UTC) - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"""apiVersion: memoapp.dev/v1alpha1
kind: MaintenanceWindow
metadata:
  name: {_NAME}
  namespace: {NAMESPACE}
spec:
  apps: {{names: [{APP}]}}
  policy: Allow
  work: []
  start: "{start}"
  duration: 1h
  timeZone: Europe/Berlin
  page: true
  message: {_MESSAGE}
  watch: 5s
  tasks:
    - {{name: save, backup: {{}}}}
    - {{name: tidy, vacuumAnalyze: {{}}}}
    - {{name: indexes, reindex: {{}}}}
"""


def _followed() -> None:
    began, seen, pages = time.monotonic(), "", 0
    while True:
        run = _run()
        at_work = next((step["name"] for step in run.get("steps") or () if step["state"] == "Running"), "")
        now = run.get("phase", "") if run.get("phase") in _ENDED else at_work
        visitor = _visitor()
        pages += _MESSAGE in visitor
        if now and now != seen:
            seen = now
            print(f"  {time.monotonic() - began:4.0f}s  {now:<12} a visitor sees: {visitor}", flush=True)
        if run.get("phase") in _ENDED:
            break
        if time.monotonic() - began > _PATIENCE:
            raise DemoError(f"the maintenance does not end: {run}")
        time.sleep(_LOOK)
    if run["phase"] != "Completed" or not pages:
        raise DemoError(f"the maintenance is {run['phase']}: {run.get('message')}; the page was seen {pages} times")


def _run() -> dict[str, Any]:
    told = json.loads(kubectl("get", "maintenancewindow", _NAME, "-n", NAMESPACE, "-o", "json"))
    runs: list[dict[str, Any]] = (told.get("status") or {}).get("runs") or [{}]
    return runs[0]


def _visitor() -> str:
    try:
        with urllib.request.urlopen(page.address(), timeout=5) as answer:  # noqa: S310 -- it is ours
            return f"{answer.status}, the app"
    except urllib.error.HTTPError as error:
        text = html.unescape(re.sub(r"<[^>]+>", " ", error.read().decode().partition("<body>")[2]))
        return f"{error.code}, {' '.join(text.split())}"
    except OSError as error:
        return str(error)
