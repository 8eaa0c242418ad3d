"""The last word of a drill that starts the backend: what was restored, and that the app is healthy on it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3

from .settings import SettingsError, given

DRILLED = "drilled"
"""In the folder that the pod's containers share: the line of the container that restored."""
PATIENCE = 180.0
"""Seconds for the backend to come up and to be healthy."""
_PAUSE = 0.5


def rehearse_one(environment: Mapping[str, str], patience: float = PATIENCE) -> dict[str, Any]:
    """What was restored, with what the backend's health path says; ``NotHealthy`` where it never says well."""
    line = _drilled(Path(given(environment, "MEMOAPP_WORK")) / DRILLED)
    if line.get("reason") != "Proved":
        return line
    began = time.monotonic()
    url = given(environment, "MEMOAPP_HEALTH")
    said = ""
    while time.monotonic() - began < patience:
        well, said = _ask(url)
        if well:
            return {**line, "health": f"{said} after {time.monotonic() - began:.1f} s"}
        time.sleep(_PAUSE)
    text = f"the data was as in the backup, and the backend is not healthy on it within {patience:.0f} s: {said}"
    return {**line, "reason": "NotHealthy", "message": text, "health": said}


def _drilled(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path.name}: {type(error).__name__}") from None
    return dict(found)


def _ask(url: str) -> tuple[bool, str]:
    path = urllib3.util.parse_url(url).path or "/"
    try:
        answer = urllib3.request("GET", url, retries=False, timeout=5, redirect=False)
    except urllib3.exceptions.HTTPError:
        return False, f"{path} gives no answer"
    return HTTPStatus.OK <= answer.status < HTTPStatus.BAD_REQUEST, f"{path} answers {answer.status}"
