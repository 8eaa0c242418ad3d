"""One run: everything is sent when the plan says so, whatever becomes of what was sent before."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from . import journal
from .client import Clients
from .log import Log
from .plan import Plan, Planned
from .record import Request
from .result import Result
from .target import Target


async def run(
    target: Target,
    plan: Plan,
    log: Path,
    stop: asyncio.Event | None = None,
    *,
    settle: float = journal.SETTLE,
    patience: float = journal.PATIENCE,
) -> Result:
    """Send the plan to the target, then ask the application what it stored.

    Args:
        target: where to send.
        plan: what to send when.
        log: the file that takes a line per request.
        stop: once set, nothing more is sent; what is under way is waited for, and the result is as usual.
        settle: seconds between the last answer and the question for the journal.
        patience: seconds in which the journal must answer.
    """
    with Log(log, plan, target) as lines:
        requests = await _send(target, plan, lines, stop or asyncio.Event())
        await asyncio.sleep(settle)
        writes = await _writes(target, requests, patience)
        lines.writes(writes)
    return Result(tuple(requests), writes)


async def _send(target: Target, plan: Plan, lines: Log, stop: asyncio.Event) -> list[Request]:
    clients = Clients(target)
    began = time.time() - time.monotonic()
    start = time.monotonic()
    done: list[Request] = []
    under_way: set[asyncio.Task[None]] = set()

    async def one(planned: Planned) -> None:
        request = await clients.send(planned, began + start + planned.at)
        done.append(request)
        lines.request(request)

    clients.clock = lambda: began + time.monotonic()
    for planned in plan.requests():
        await asyncio.sleep(max(0.0, start + planned.at - time.monotonic()))
        if stop.is_set():
            break
        task = asyncio.create_task(one(planned))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
    await asyncio.gather(*under_way)
    clients.close()
    return sorted(done, key=lambda request: request.planned)


async def _writes(target: Target, requests: list[Request], patience: float) -> journal.Writes | None:
    try:
        stored = await journal.fetch(target, [request.journal for request in requests if request.journal], patience)
    except journal.JournalError:
        return None
    return journal.compared(requests, stored)
