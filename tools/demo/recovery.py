"""Data that is destroyed on purpose and brought back, the way back undone, and a backup proved by a drill."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

from . import page
from .kube import APP, NAMESPACE, DemoError, kubectl

_PATIENCE = 300.0
_LOOK = 0.2
_CACHED = 5.0
_DESTROY = "DELETE FROM memos"


def destroyed_and_back(backup: str) -> None:
    """Destroy all memos, restore the backup in their place while somebody looks, and undo that."""
    before = _memos()
    psql = ("psql", "-qU", "postgres", "memo_app", "-c", _DESTROY)
    kubectl("exec", "-n", NAMESPACE, f"{APP}-database-0", "-c", "database", "--", *psql)
    page.request("/api/memos", {"text": "written after the accident"})
    print(f"$ psql -c '{_DESTROY}'   # {len(before)} memos before, {len(_memos())} now")
    _ordered("back", {"source": {"backup": backup}, "mode": "InPlace"})
    lost = _followed("back", "ConsentNeeded")
    print(f"back waits: {lost['message']}")
    print('$ kubectl patch memorestore back --type merge -p \'{"spec":{"dataLoss":"Accept"}}\'')
    kubectl("patch", "memorestore", "back", "-n", NAMESPACE, "--type", "merge", "-p", '{"spec":{"dataLoss":"Accept"}}')
    told = _followed("back", "Completed")
    found = _memos_once(lambda memos: bool(memos) and set(memos) <= set(before))
    if not set(found) <= set(before) or not found:
        raise DemoError(f"restored were {found}, and before there were {before}")
    print(f"{len(found)} memos are back; visitors saw the maintenance page for {told['downtimeSeconds']} s")
    print(f"What was live before is kept as {told['kept']} until {told['keptUntil']}.")


def undone() -> None:
    """Bring back what was live before the restore."""
    _ordered("undo", {"source": {"undoOf": "back"}, "mode": "InPlace", "dataLoss": "Accept"})
    _followed("undo", "Completed")
    found = _memos_once(lambda memos: memos == ["written after the accident"])
    if found != ["written after the accident"]:
        raise DemoError(f"the undo brought back {found}")
    print("The database from after the accident is live again: 1 memo.")
    _ordered("back-again", {"source": {"undoOf": "undo"}, "mode": "InPlace", "dataLoss": "Accept"})
    _followed("back-again", "Completed")
    print(f"And back again: {len(_memos_once(lambda memos: memos != found))} memos.")
    print("$ kubectl get memorestore")
    print(kubectl("get", "memorestore", "-n", NAMESPACE), end="")


def proved(backup: str) -> None:
    """Restore the backup on a server of its own, and compare."""
    _ordered("drill", {"source": {"backup": backup}, "mode": "Drill"})
    told = _followed("drill", "Completed")
    evidence = told["evidence"]
    print(
        f"Restored by PostgreSQL {evidence['postgresVersion'].split()[0]} on a server of its own, and compared: "
        f"{evidence['tables']} tables, {evidence['rows']} rows, {evidence['sequences']} sequences, all definitions."
    )
    print("$ kubectl get memobackup")
    print(kubectl("get", "memobackup", "-n", NAMESPACE), end="")


def _memos_once(are: Callable[[list[str]], bool]) -> list[str]:
    """The memos once they are so, or as they are after a while: the sample keeps its list in Redis for two seconds."""
    deadline = time.monotonic() + _CACHED
    while not are(found := _memos()) and time.monotonic() < deadline:
        time.sleep(_LOOK)
    return found


def _memos() -> list[str]:
    return sorted(memo["text"] for memo in page.request("/api/memos")["memos"])


def _ordered(name: str, spec: dict[str, Any]) -> None:
    manifest = {
        "apiVersion": "memoapp.dev/v1alpha1",
        "kind": "MemoRestore",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"appRef": {"name": APP}, **spec},
    }
    if kubectl("get", "memorestore", name, "-n", NAMESPACE, "--ignore-not-found"):
        # Of a demo that ran before: what it keeps goes with it at once.
        if spec["mode"] == "InPlace":
            kubectl("patch", "memorestore", name, "-n", NAMESPACE, "--type", "merge", "-p", '{"spec":{"undoFor":"0s"}}')
        kubectl("delete", "memorestore", name, "-n", NAMESPACE, "--timeout=120s")
    said = " ".join(f"{key}: {json.dumps(value)}" for key, value in spec.items())
    print(f"$ kubectl apply -f - <<< 'kind: MemoRestore, name: {name}, {said}'", flush=True)
    kubectl("apply", "-f", "-", stdin=json.dumps(manifest))


def _followed(name: str, phase: str) -> dict[str, Any]:
    """Show each phase, and what a visitor sees in it, until it is that one; the status."""
    began, seen = time.monotonic(), ""
    while True:
        told: dict[str, Any] = json.loads(kubectl("get", "memorestore", name, "-n", NAMESPACE, "-o", "json"))
        status: dict[str, Any] = told.get("status") or {}
        now = str(status.get("phase") or "")
        if now and now != seen:
            seen = now
            print(f"  {time.monotonic() - began:4.0f}s  {now:<14} visitors: {_visitor()}", flush=True)
        if now == phase:
            return status
        if now == "Failed" or time.monotonic() - began > _PATIENCE:
            raise DemoError(f"the restore {name} is {now}: {status.get('reason')}: {status.get('message')}")
        time.sleep(_LOOK)


def _visitor() -> str:
    try:
        with urllib.request.urlopen(page.address() + "/api/memos", timeout=5) as answer:  # noqa: S310 -- it is ours
            return f"{answer.status}"
    except urllib.error.HTTPError as error:
        again = error.headers.get("Retry-After")
        return f"{error.code}" + (f", the maintenance page, Retry-After {again}" if again else "")
    except OSError as error:
        return str(error)
