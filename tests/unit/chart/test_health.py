"""The health of a MemoApp in Argo CD: the script, run over conditions as the operator writes them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def _literal(value: Any) -> str:
    """A JSON value as Lua writes it."""
    match value:
        case dict():
            return "{" + ", ".join(f'["{key}"] = {_literal(item)}' for key, item in value.items()) + "}"
        case list():
            return "{" + ", ".join(_literal(item) for item in value) + "}"
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def _app(*conditions: tuple[str, str, str], seen: int = 2) -> dict[str, Any]:
    found = [{"type": name, "status": status, "reason": reason} for name, status, reason in conditions]
    return {"metadata": {"generation": 2}, "status": {"observedGeneration": seen, "conditions": found}}


READY = (("Ready", "True", "Ready"), ("Reconciling", "False", "Ready"), ("Stalled", "False", "Ready"))
STALLED = (
    ("Available", "True", "Serving"),
    ("Ready", "False", "ImagePullBackOff"),
    ("Reconciling", "False", "ImagePullBackOff"),
    ("Stalled", "True", "ImagePullBackOff"),
)


def _refused(reason: str) -> tuple[tuple[str, str, str], ...]:
    """What is declared does not serve, and nothing is tried any more; something else serves."""
    ready = (("Available", "True", "Serving"), ("Ready", "False", reason))
    return (*ready, ("Stalled", "True", reason), ("Reconciling", "False", reason))


SUSPENDED = (
    ("DatabaseReady", "Unknown", "Suspended"),
    ("Available", "False", "Suspended"),
    ("Ready", "False", "Suspended"),
    ("Stalled", "False", "Progressing"),
    ("Reconciling", "False", "Suspended"),
)
PAUSED = (("Available", "True", "Serving"), ("Ready", "False", "Paused"), *SUSPENDED[3:])
BLOCKED = (*SUSPENDED[:2], ("Ready", "False", "ForeignObject"), ("Stalled", "True", "ForeignObject"))
RECONCILING = (("Ready", "False", "X"), ("Reconciling", "True", "Preparing"), ("Stalled", "False", "X"))


@pytest.mark.parametrize(
    ("app", "expected"),
    [
        ({"metadata": {"generation": 1}}, "Progressing The operator has not seen this generation yet"),
        (_app(*READY, seen=1), "Progressing The operator has not seen this generation yet"),
        (_app(), "Progressing No condition yet"),
        (_app(*READY), "Healthy Ready"),
        (_app(*STALLED), "Degraded ImagePullBackOff"),
        (_app(*_refused("DeadlineExceeded")), "Degraded DeadlineExceeded"),
        (_app(*_refused("RolledBackByHand")), "Degraded RolledBackByHand"),
        (_app(*_refused("Held")), "Degraded Held"),
        (_app(*_refused("RestartPending")), "Degraded RestartPending"),
        (_app(*SUSPENDED), "Suspended Suspended"),
        (_app(*PAUSED), "Suspended Paused"),
        (_app(*BLOCKED), "Degraded ForeignObject"),
        (_app(*RECONCILING), "Progressing Preparing"),
        (_app(("Ready", "False", "X")), "Progressing X"),
        (_app(("Available", "False", "NoReadyPods"), ("Ready", "False", "X")), "Degraded NoReadyPods"),
    ],
    ids=[
        "new",
        "stale",
        "empty",
        "ready",
        "stalled",
        "rejected",
        "rolled back",
        "held",
        "waiting for an order",
        "suspended",
        "paused",
        "blocked while suspended",
        "reconciling",
        "not ready",
        "not available",
    ],
)
def test_conditions_become_health(
    lua: str, repository: Path, tmp_path: Path, app: dict[str, Any], expected: str
) -> None:
    script = (repository / "manifests" / "argocd" / "health" / "health.lua").read_text(encoding="utf-8")
    program = tmp_path / "program.lua"
    program.write_text(
        f"obj = {_literal(app)}\nlocal function health()\n{script}\nend\n"
        'local found = health()\nprint(found.status .. " " .. found.message)\n',
        encoding="utf-8",
    )
    result = subprocess.run([lua, str(program)], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == expected
