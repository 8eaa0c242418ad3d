"""The clients' answers, drawn as they come: a bar every few seconds, the new version's share of it filled."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.load.record import Request

EVERY = 3.0
"""Seconds of answers in a bar."""
_WIDTH = 40
_BAR = "       {old:<6} {bar} {new:<6} {percent:>3.0f} %   {total:>3} requests, {failed} failed"


def bar(requests: list[Request], old: str, new: str) -> str:
    """One bar of what was answered.

    The share is that of requests to the API on new connections: each is a client of its own, and a backend tells the
    version that it was declared as.
    """
    clients = [
        request.version
        for request in requests
        if request.connection == "new" and request.kind == "api" and request.version
    ]
    share = clients.count(new) / max(1, len(clients))
    filled = round(share * _WIDTH)
    return _BAR.format(
        old=old,
        new=new,
        bar="░" * (_WIDTH - filled) + "█" * filled,
        percent=100 * share,
        total=len(requests),
        failed=sum(request.failure is not None for request in requests),
    )


class Drawn:
    """Prints a bar every ``EVERY`` seconds from ``__enter__`` on, of what stands in the log of a run by then.

    Args:
        log: as ``tests.load`` writes it.
        old: the version whose share is left empty.
        new: the one whose share is filled.
    """

    def __init__(self, log: Path, old: str, new: str) -> None:
        self._log, self._old, self._new = log, old, new
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._draw, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        self._thread.join(2 * EVERY)

    def _draw(self) -> None:
        with self._log.open(encoding="utf-8") as file:
            file.read()  # what came before is no matter of this bar
            rest = ""
            began = time.monotonic()
            while not self._over.wait(EVERY - (time.monotonic() - began) % EVERY):
                lines = (rest + file.read()).split("\n")
                rest = lines.pop()
                requests = [Request.parse(line) for line in lines if line.startswith('{"planned"')]
                print(bar(requests, self._old, self._new), flush=True)
