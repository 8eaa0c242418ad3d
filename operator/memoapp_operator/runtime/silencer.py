"""Silences alerts during maintenance, beside the passes: an Alertmanager that is away holds nothing up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.domain import silencing
from memoapp_operator.domain.silencing import Outcome
from memoapp_operator.ports import Clock, Cluster, ClusterError, Silence, Silencer

from .queries import MissingError, source_of
from .queue import Key

AGAIN = timedelta(seconds=30)
"""Until it is tried again."""


@dataclass(slots=True)
class _Try:
    """The last try for one app."""

    until: str | None
    began: datetime
    task: asyncio.Task[None] | None = None
    outcome: Outcome | None = None


class Silences:
    """What the passes of MemoApps ask for.

    Args:
        cluster: the API server.
        silencer: the way to an Alertmanager.
        clock: the time.
        wake: has a key worked on soon: something came of a try.
    """

    def __init__(self, cluster: Cluster, silencer: Silencer, clock: Clock, wake: Callable[[Key], None]) -> None:
        self._cluster = cluster
        self._silencer = silencer
        self._clock = clock
        self._wake = wake
        self._tries: dict[Key, _Try] = {}

    def outcome(self, key: Key) -> Outcome | None:
        """What came of the last try; None where there was none, or it is under way."""
        found = self._tries.get(key)
        return found.outcome if found is not None else None

    def bring(self, key: Key, app: MemoApp, until: str | None) -> None:
        """Begin to have it so, if the last try was for something else, or failed a while ago."""
        last, now = self._tries.get(key), self._clock.now()
        if last is not None and last.task is not None:
            return
        if last is not None and last.until == until and now - last.began < AGAIN:
            return
        fresh = _Try(until, now)
        fresh.task = asyncio.create_task(self._try(key, app, fresh))
        self._tries[key] = fresh

    def forget(self, key: Key) -> None:
        """The MemoApp is gone, or names no Alertmanager."""
        found = self._tries.pop(key, None)
        if found is not None and found.task is not None:
            found.task.cancel()

    async def _try(self, key: Key, app: MemoApp, this: _Try) -> None:
        try:
            this.outcome = Outcome(this.until, await self._told(app, this.until))
        finally:
            this.task = None
        self._wake(key)

    async def _told(self, app: MemoApp, until: str | None) -> str:
        declared = app.spec.alertmanager
        if declared is None:
            return ""
        try:
            source = await source_of(self._cluster, app, declared)
        except MissingError as error:
            return str(error)
        except ClusterError as error:
            return f"its Secret cannot be read: {error.reason}"
        wanted = None
        if until is not None:
            name = f"{app.metadata.namespace}/{app.metadata.name}"
            text = f"maintenance of the MemoApp {name}"
            wanted = Silence(silencing.labels_of(app), datetime.fromisoformat(until), text)
        return await self._silencer.silence(source, silencing.owner_of(app), wanted)
