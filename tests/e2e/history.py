"""What the status of one MemoApp said, state by state, while a test went on."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from tests.e2e.app import KIND, WITHIN, App, condition_of
from tests.kube import ApiError, Object

_AGAIN = 0.2
"""Seconds after which a watch that was cut begins anew: the API server may be busy."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One state of the status, and when the watch told it (seconds since the epoch): a little after it was written."""

    at: float
    status: Object

    @property
    def phase(self) -> str:
        return str((self.status.get("release") or {}).get("phase", ""))

    @property
    def traffic(self) -> str:
        """The column TRAFFIC."""
        return str((self.status.get("display") or {}).get("traffic", ""))

    @property
    def colours(self) -> frozenset[str]:
        """Those that hold a revision."""
        return frozenset(self.status.get("colours") or {})

    def condition(self, name: str) -> tuple[str, str]:
        """Status and reason of a condition."""
        entry = condition_of({"status": self.status}, name)
        return entry.get("status", ""), entry.get("reason", "")


Until = Callable[[Moment], Any]


class History:
    """Follows one MemoApp from ``__enter__`` on, with a watch of its own, until the context ends."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._moments: list[Moment] = []
        self._version = 0
        self._changed = threading.Condition()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.when(lambda _: True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._catch_up()
        self._over.set()
        self._thread.join()

    @property
    def moments(self) -> tuple[Moment, ...]:
        """Every state up to now; the first is that of the beginning."""
        if not self._over.is_set():
            self._catch_up()
        with self._changed:
            return tuple(self._moments)

    @property
    def phases(self) -> list[str]:
        """The phases of the releases, each once as long as it lasted."""
        return _runs(moment.phase for moment in self.moments)

    @property
    def traffic(self) -> list[str]:
        """The column TRAFFIC, each text once as long as it lasted."""
        return _runs(moment.traffic for moment in self.moments)

    @property
    def story(self) -> str:
        """All of it, a line a state."""
        lines = (
            f"{moment.at:.2f} {moment.phase}, {moment.traffic}, "
            f"Available {moment.condition('Available')}, Ready {moment.condition('Ready')}"
            for moment in self.moments
        )
        return "\n".join(lines)

    @property
    def always_available(self) -> bool:
        return {moment.condition("Available")[0] for moment in self.moments} == {"True"}

    def when(self, until: Until, after: float = 0.0, within: float = WITHIN) -> float:
        """When it first said so, at or after ``after``; waits for it."""
        deadline = time.monotonic() + within
        seen = 0
        with self._changed:
            while True:
                for moment in self._moments[seen:]:
                    if moment.at >= after and until(moment):
                        return moment.at
                seen = len(self._moments)
                if not self._changed.wait(deadline - time.monotonic()):
                    break
        # The wait that reports what stands around it.
        self._app.wait(lambda _: False, within=1)
        raise AssertionError("unreachable")

    def phase(self, name: str, after: float = 0.0, within: float = WITHIN) -> float:
        """When the release came into that phase."""
        return self.when(lambda moment: moment.phase == name, after, within)

    def _catch_up(self) -> None:
        now = int(self._app.read()["metadata"]["resourceVersion"])
        with self._changed:
            assert self._changed.wait_for(lambda: self._version >= now, timeout=WITHIN), "the watch tells no more"

    def _follow(self) -> None:
        app = self._app
        while not self._over.is_set():
            try:
                for found in app.kube.follow(KIND, app.name, app.namespace, self._over.is_set):
                    self._add(time.time(), found or {})
            except (httpx.HTTPError, ApiError):
                time.sleep(_AGAIN)

    def _add(self, at: float, found: Object) -> None:
        moment = Moment(at, found.get("status") or {})
        with self._changed:
            self._version = int((found.get("metadata") or {}).get("resourceVersion", 0))
            if not self._moments or self._moments[-1].status != moment.status:
                self._moments.append(moment)
            self._changed.notify_all()


def _runs(values: Iterator[str]) -> list[str]:
    return [value for value, _ in itertools.groupby(values)]
