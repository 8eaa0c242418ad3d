"""The work queue: a key is there once, worked on by one worker at a time, and again after a delay."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from memoapp_operator.domain.manifest import MEMO_APP
from memoapp_operator.ports import LeaseLostError

logger = logging.getLogger(__name__)

BACKOFF_FIRST = 0.2
BACKOFF_MOST = 60.0
"""Seconds between tries after errors: doubled each time, with up to 50 % jitter."""
SETTLE = 0.25
"""Least seconds between the starts of two passes of one key: a burst of events is one pass."""
EARLY = 0.001
"""Seconds: timers fire early by the clock's resolution, and a key that is all but due would be waited for in a loop."""


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One MemoApp, or one object of another kind that has passes of its own."""

    namespace: str
    name: str
    kind: str = MEMO_APP.kind


@dataclass(slots=True)
class _Entry:
    due: float
    failures: int = 0
    running: bool = False
    again: float | None = None
    started: float = field(default=float("-inf"))


class WorkQueue:
    """Keys with the times at which they are due.

    Args:
        work: one pass; gives the seconds until the next, or None where the key is gone.
        on_retry: told of each pass that failed.
    """

    def __init__(
        self, work: Callable[[Key], Awaitable[float | None]], on_retry: Callable[[], None] = lambda: None
    ) -> None:
        self._work = work
        self._on_retry = on_retry
        self._entries: dict[Key, _Entry] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._order = itertools.count()
        self._changed = asyncio.Event()
        self._stopping = False

    def __len__(self) -> int:
        return len(self._entries)

    def depth(self) -> int:
        """Keys that are due and wait for a worker."""
        now = self._now()
        return sum(1 for entry in self._entries.values() if not entry.running and entry.due <= now)

    def oldest_pass(self) -> float:
        """Seconds that the longest pass under way has taken; 0 where none is."""
        started = [entry.started for entry in self._entries.values() if entry.running]
        return self._now() - min(started) if started else 0.0

    def add(self, key: Key, delay: float = 0.0) -> None:
        """Have ``key`` worked on in ``delay`` seconds, or sooner if it is due sooner."""
        due = self._now() + delay
        entry = self._entries.get(key)
        if entry is None:
            self._entries[key] = _Entry(due)
            self._push(key, due)
        elif entry.running:
            entry.again = due if entry.again is None else min(due, entry.again)
        else:
            due = max(due, entry.started + SETTLE)
            if due < entry.due:
                entry.due = due
                self._push(key, due)

    async def run(self, workers: int) -> None:
        """Work until ``stop``; then finish the passes under way."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(self._worker())

    def stop(self) -> None:
        """Start no further pass."""
        self._stopping = True
        self._changed.set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _push(self, key: Key, due: float) -> None:
        heapq.heappush(self._heap, (due, next(self._order), key))
        self._changed.set()

    async def _worker(self) -> None:
        while not self._stopping:
            key = self._take()
            if key is None:
                await self._wait()
            else:
                await self._pass(key, self._entries[key])

    def _take(self) -> Key | None:
        """The next key that is due, now running; None where there is none."""
        while self._heap and self._heap[0][0] <= self._now() + EARLY:
            due, _, key = heapq.heappop(self._heap)
            entry = self._entries.get(key)
            if entry is not None and not entry.running and entry.due == due:
                entry.running, entry.started, entry.again = True, self._now(), None
                return key
        return None

    async def _wait(self) -> None:
        self._changed.clear()
        timeout = self._heap[0][0] - self._now() if self._heap else None
        if timeout is not None and timeout <= 0:
            return
        try:
            async with asyncio.timeout(timeout):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _pass(self, key: Key, entry: _Entry) -> None:
        try:
            delay = await self._work(key)
            entry.failures = 0
        except LeaseLostError:
            self.stop()
            raise
        except Exception:
            logger.exception("the pass failed and is tried again", extra={"app": f"{key.namespace}/{key.name}"})
            self._on_retry()
            delay = self._backoff(entry)
        self._finish(key, entry, delay)

    def _backoff(self, entry: _Entry) -> float:
        delay: float = min(BACKOFF_MOST, BACKOFF_FIRST * 2.0**entry.failures)
        entry.failures += 1
        return delay * (1 + random.random() / 2)  # noqa: S311 -- jitter, not a secret

    def _finish(self, key: Key, entry: _Entry, delay: float | None) -> None:
        entry.running = False
        times = [] if entry.again is None else [entry.again]
        if delay is not None:
            times.append(self._now() + delay)
        if not times:
            del self._entries[key]
            return
        entry.due = max(min(times), entry.started + SETTLE)
        self._push(key, entry.due)
