"""What the application stored, against what it said it had."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .record import Request
from .target import Target
from .wire import Connection, GarbledError

SETTLE = 3.0
"""Seconds after the last request: a write that nobody waits for any more may still arrive."""
PATIENCE = 30.0
"""Seconds in which the journal must be had."""
_WITHIN = 10.0
# Ids end in six digits; a page holds those that share the first two, 10,000 at most.
_DIGITS = 4
_OK = 200


class JournalError(RuntimeError):
    """The journal could not be read, so nothing is known about writes."""


@dataclass(frozen=True, slots=True)
class Writes:
    """The writes of a run; each field but ``acknowledged`` holds ids.

    Attributes:
        acknowledged: how many were answered with 201.
        lost: acknowledged, and not stored.
        doubled: stored more than once, acknowledged or not.
        stored_unacknowledged: stored, but the client did not learn it. That is no failure of its own.
    """

    acknowledged: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    stored_unacknowledged: tuple[str, ...]


def compared(requests: Iterable[Request], stored: Mapping[str, int]) -> Writes:
    """The writes of a run against rows by journal id."""
    writes = {request.journal: request.acknowledged for request in requests if request.journal}
    return Writes(
        acknowledged=sum(writes.values()),
        lost=tuple(key for key, known in writes.items() if known and key not in stored),
        doubled=tuple(key for key in writes if stored.get(key, 0) > 1),
        stored_unacknowledged=tuple(key for key, known in writes.items() if not known and key in stored),
    )


async def fetch(target: Target, ids: Iterable[str], patience: float) -> dict[str, int]:
    """Rows by journal id, of the given ids' pages. This is no load: it is asked until it answers.

    Raises:
        JournalError: if it does not within ``patience`` seconds.
    """
    found: dict[str, int] = {}
    try:
        async with asyncio.timeout(patience):
            for prefix in sorted({each[:-_DIGITS] for each in ids}):
                found |= await _page(target, prefix)
    except TimeoutError:
        raise JournalError(f"the journal did not answer within {patience:g} s") from None
    return found


async def _page(target: Target, prefix: str) -> dict[str, int]:
    while True:
        try:
            async with asyncio.timeout(_WITHIN):
                return await _asked(target, prefix)
        except (OSError, ValueError, KeyError):
            await asyncio.sleep(0.5)


async def _asked(target: Target, prefix: str) -> dict[str, int]:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, target.address, target.port)
    head = f"GET /api/journal?prefix={prefix} HTTP/1.1\r\nHost: {target.host}\r\nConnection: close\r\n\r\n"
    try:
        answer = await connection.exchange(head.encode())
    finally:
        connection.abort()
    if answer.status != _OK:
        raise GarbledError(f"the journal answered {answer.status}")
    counts: dict[str, int] = json.loads(answer.body)["counts"]
    return counts
