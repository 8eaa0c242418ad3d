"""Sends what is in outboxes, beside the passes: a target that does not answer holds nothing up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memoapp import MemoApp, MemoAppStatus
from memoapp_operator.api.v1alpha1.notifications import MessageStatus
from memoapp_operator.domain import outbox
from memoapp_operator.domain.manifest import SECRET
from memoapp_operator.ports import Clock, Cluster, ClusterError, Messenger

from .credentials import decoded
from .queue import Key

MOST = 60
"""Messages that one target gets in an hour; what is more waits."""
_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class _Way:
    """One app's messages: those that are being sent, what came of others, and when each target had its last ones."""

    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    times: dict[str, deque[datetime]] = field(default_factory=dict)


class Notifier:
    """What the passes of MemoApps ask for.

    Args:
        cluster: the API server.
        messenger: the way out.
        clock: the time.
        wake: has a key worked on soon: something came of a message.
    """

    def __init__(self, cluster: Cluster, messenger: Messenger, clock: Clock, wake: Callable[[Key], None]) -> None:
        self._cluster = cluster
        self._messenger = messenger
        self._clock = clock
        self._wake = wake
        self._ways: dict[Key, _Way] = {}

    def outcomes(self, key: Key, status: MemoAppStatus) -> Mapping[str, str]:
        """What came of messages since they were last asked for, by id: empty where the target took it."""
        way = self._ways.get(key)
        if way is None:
            return {}
        told = status.notifications
        waiting = {item.id for item in (told.outbox if told is not None else None) or ()}
        way.outcomes = {id_: text for id_, text in way.outcomes.items() if id_ in waiting}
        return dict(way.outcomes)

    def send(self, key: Key, app: MemoApp, status: MemoAppStatus, noted: Mapping[str, str]) -> None:
        """Begin to send what is due and committed, and not on its way; ``noted``: outcomes that are committed."""
        if status.notifications is None:
            return
        now, way = self._clock.now(), self._ways.setdefault(key, _Way())
        for id_ in noted:
            way.outcomes.pop(id_, None)
        for item in outbox.due(status.notifications, now):
            if item.id in way.tasks or item.id in way.outcomes or not self._has_room(way, item.target, now):
                continue
            way.tasks[item.id] = asyncio.create_task(self._send(key, app, way, item))

    def forget(self, key: Key) -> None:
        """The MemoApp is gone."""
        for task in (self._ways.pop(key, None) or _Way()).tasks.values():
            task.cancel()

    @staticmethod
    def _has_room(way: _Way, target: str, now: datetime) -> bool:
        times = way.times.setdefault(target, deque())
        while times and now - times[0] >= _HOUR:
            times.popleft()
        if len(times) >= MOST:
            return False
        times.append(now)
        return True

    async def _send(self, key: Key, app: MemoApp, way: _Way, item: MessageStatus) -> None:
        try:
            way.outcomes[item.id] = await self._outcome(app, item)
        finally:
            way.tasks.pop(item.id, None)
        self._wake(key)

    async def _outcome(self, app: MemoApp, item: MessageStatus) -> str:
        target = next((each for each in app.spec.notifications or () if each.name == item.target), None)
        if target is None:
            return ""
        ref = target.url_secret_ref
        try:
            secret = await self._cluster.get(SECRET, app.metadata.namespace, ref.name)
        except ClusterError as error:
            return f"{SECRET.kind}/{ref.name} cannot be read: {error.reason}"
        url = decoded(secret).get(ref.key, "").strip()
        if not url:
            lacks = f"has no key {ref.key}" if secret is not None else "is not there"
            return f"{SECRET.kind}/{ref.name} {lacks}"
        return await self._messenger.send(url, item.title, item.text)
