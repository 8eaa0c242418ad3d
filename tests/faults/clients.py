"""Clients of the app during a run: open loop, no retries, some of them write; whatever goes wrong is told."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.faults.network import enter

PERIOD = 0.05
WRITE_EVERY = 5
SLOW = 2.0
_GIVEN_UP = 10.0


@dataclass(slots=True)
class Clients:
    """Requests to one address, from a thread in the node's network.

    Attributes:
        network: the network namespace; None: this one.
        url: where the app answers.
        failures: refused, reset, 4xx, 5xx, lost and doubled.
        answers: by the version that gave them.
        slow: over two seconds.
        own: 503 that the app itself answered.
        at_fault: the version whose own 500s are no failures; ``faults`` counts them.
    """

    network: Path | None
    url: str
    failures: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    slow: int = 0
    own: int = 0
    at_fault: str = ""
    faults: int = 0
    _acknowledged: set[str] = field(default_factory=set)
    _doubtful: set[str] = field(default_factory=set)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """No more requests; those under way are waited for, then the journal is compared."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        if self.network is not None:
            enter(self.network)
        asyncio.run(self._send())

    async def _send(self) -> None:
        timeout = aiohttp.ClientTimeout(total=_GIVEN_UP)
        # A connection a request: nothing is retried behind our back on a kept one.
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        async with aiohttp.ClientSession(self.url, timeout=timeout, connector=connector) as session:
            began, tasks = time.monotonic(), set()
            for number in itertools.count():
                if self._stop.is_set():
                    break
                task = asyncio.create_task(self._one(session, number))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                await asyncio.sleep(max(0.0, began + (number + 1) * PERIOD - time.monotonic()))
            await asyncio.gather(*tasks)
            await self._compare(session)

    async def _one(self, session: aiohttp.ClientSession, number: int) -> None:
        journal = f"n{number}"
        writes = number % WRITE_EVERY == 0
        began, at = time.monotonic(), time.strftime("%H:%M:%S")
        try:
            if writes:
                self._doubtful.add(journal)
                request = session.post("/api/memos", json={"text": "memo", "journal": journal})
            else:
                # The sample's faults are in its memo API alone.
                request = session.get("/api/memos?limit=1" if self.at_fault else "/api/version")
            async with request as answer:
                text = await answer.text()
                version = answer.headers.get("X-Memo-Version", "none")
                self.answers[version] += 1
                if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and version == self.at_fault:
                    self.faults += 1
                elif answer.status == HTTPStatus.SERVICE_UNAVAILABLE and "X-Memo-Version" in answer.headers:
                    self.own += 1  # The app gives its database one second: on a busy machine that is short.
                elif answer.status >= HTTPStatus.BAD_REQUEST:
                    self.failures.append(f"{at} {journal} {answer.method}: {answer.status} {text[:80]}")
                elif writes:
                    self._acknowledged.add(journal)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self.failures.append(f"{at} {journal}: {type(error).__name__} {error}")
        self.slow += time.monotonic() - began > SLOW

    async def _compare(self, session: aiohttp.ClientSession) -> None:
        """Each acknowledged write is stored once, every other at most once."""
        try:
            async with session.get("/api/journal", params={"prefix": "n"}) as answer:
                found: dict[str, Any] = await answer.json()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            self.failures.append(f"the journal could not be read: {error}")
            return
        counts: dict[str, int] = found["counts"]
        self.failures += [f"{item} was acknowledged and is lost" for item in self._acknowledged - counts.keys()]
        self.failures += [f"{item} was stored {count} times" for item, count in counts.items() if count > 1]
