"""One MemoApp under load from this machine, and what is asked of such a run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.e2e.app import App
from tests.kube import ApiError
from tests.load.background import Background
from tests.load.nodeport import address, service
from tests.load.record import Request
from tests.load.result import Result, Verdict

RATE = 200.0
"""Requests per second."""
REST = 2.0
"""Seconds of load before the test does anything: it must be well at rest."""
OLD_ANSWERS = 1.2
"""Seconds after the weights were committed within which the old colour may answer on a new connection."""
_PORTS = 10
_SHOWN = 12


@contextmanager
def under_load(app: App, cluster: str, folder: Path, rate: float = RATE) -> Iterator[Background]:
    """Load on the app's routers, on which it was well for ``REST`` seconds; until ``stop``, or the context ends."""
    target = _reach(app, cluster)
    try:
        with Background(target, folder / f"{app.namespace}.jsonl", rate) as load:
            time.sleep(REST)
            yield load
    finally:
        app.kube.delete("v1/Service", f"{app.name}-load", app.namespace)


def unharmed(result: Result) -> None:
    """Nothing failed, nothing was mixed, and the run proves it."""
    assert result.verdict is Verdict.PASS, told(result)
    assert not result.mixed, told(result)


def told(result: Result, requests: Iterable[Request] | None = None) -> str:
    """A run, with the first of these requests or of those that failed."""
    shown = list(result.failures if requests is None else requests)[:_SHOWN]
    rows = [str(row) for row in result.by_second()]
    return "\n".join([str(result.summary()), *(request.line() for request in shown), *rows])


def _reach(app: App, cluster: str) -> str:
    """A node port that nobody else has; returns once the app answers on it."""
    target = address(cluster, _exposed(app))
    app.eventually(lambda: _answers(target), bool, within=30)
    return target


def _exposed(app: App) -> int:
    for number in range(_PORTS):
        try:
            app.kube.create(service(app.name, app.namespace, number))
        except ApiError as error:
            if "already allocated" not in error.message:
                raise
        else:
            return number
    raise LookupError("every node port is taken")


def _answers(target: str) -> bool:
    try:
        return httpx.get(f"{target}/api/version", timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False
