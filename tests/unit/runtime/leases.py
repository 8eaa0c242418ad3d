"""An API server with one lease in it, and processes that can be stopped and woken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.ports import ClusterError, Conflict, Unavailable
from memoapp_operator.runtime.lease import Lease

COLLECTION = "/apis/coordination.k8s.io/v1/namespaces/system/leases"
LEASE = f"{COLLECTION}/memoapp-operator"
LENGTH = 15.0


class Fault(Enum):
    """What becomes of one call."""

    NONE = "answered"
    ERROR = "500"
    SILENT = "it never arrives"
    DEAF = "it is carried out and the answer is lost"


@dataclass
class Api:
    """GET, POST and PUT of the lease, under its resourceVersion."""

    stored: Manifest | None = None
    version: int = 0
    calls: list[tuple[str, float]] = field(default_factory=list)
    writes: list[Manifest] = field(default_factory=list)

    def answer(self, verb: str, where: str, body: Manifest | None) -> Manifest:
        self.calls.append((verb, asyncio.get_running_loop().time()))
        match verb:
            case "GET" if where == LEASE and self.stored:
                return self.stored
            case "GET" if where == LEASE:
                raise ClusterError(404, "NotFound", "there is none")
            case "POST" if where == COLLECTION and body and not self.stored:
                return self.store(body)
            case "PUT" if where == LEASE and body and self.stored:
                if body["metadata"]["resourceVersion"] != self.stored["metadata"]["resourceVersion"]:
                    raise Conflict(409, "Conflict", "the object has been modified")
                return self.store(body)
            case _:
                raise Conflict(409, "AlreadyExists", "it is there")

    def store(self, body: Manifest) -> Manifest:
        self.version += 1
        copy = json.loads(json.dumps(body))
        copy["metadata"]["resourceVersion"] = str(self.version)
        self.stored = copy
        self.writes.append(copy)
        return copy

    @property
    def holder(self) -> str:
        return str(self.stored["spec"]["holderIdentity"]) if self.stored else ""


def unending(faults: Iterable[tuple[Fault, float]]) -> Iterator[tuple[Fault, float]]:
    """The faults, and from then on none."""
    yield from faults
    while True:
        yield Fault.NONE, 0.0


class Process:
    """One candidate's surroundings: its clocks, its connection, and whether it runs at all.

    Args:
        api: the API server.
        name: its identity.
        faults: of its calls, one after the other, each with seconds that the way there and the way back take.
        rate: how fast its clocks go.
        wall: how wrong its wall clock is.
    """

    def __init__(
        self,
        api: Api,
        name: str,
        faults: Iterable[tuple[Fault, float]] = (),
        rate: float = 1.0,
        wall: timedelta = timedelta(0),
    ) -> None:
        self.api = api
        self.name = name
        self.rate = rate
        self.wall = wall
        self.faults = unending(faults)
        self.woken_at = 0.0

    def lease(self, length: float = LENGTH) -> Lease:
        return Lease(self, "system", self.name, length, self, monotonic=self.monotonic, sleep=self.sleep)

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + self.wall + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time() * self.rate

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.rate)
        await self.awake()

    def stop(self, seconds: float) -> None:
        """As by SIGSTOP: nothing that it awaits comes back before ``seconds`` are over."""
        self.woken_at = asyncio.get_running_loop().time() + seconds

    async def awake(self) -> None:
        left = self.woken_at - asyncio.get_running_loop().time()
        while left > 0:
            await asyncio.sleep(max(left, 0.001))
            left = self.woken_at - asyncio.get_running_loop().time()

    async def call(
        self,
        verb: str,
        where: str,
        *,
        body: Manifest | None = None,
        query: Mapping[str, str] | None = None,  # noqa: ARG002 -- the port's
        content_type: str = "application/json",  # noqa: ARG002
    ) -> Any:
        fault, seconds = next(self.faults)
        await asyncio.sleep(seconds)
        if fault is Fault.SILENT:
            await self.unanswered()
        if fault is Fault.ERROR:
            raise Unavailable(500, "InternalError", "etcd has no leader")
        try:
            found = self.api.answer(verb, where, json.loads(json.dumps(body)))
        finally:
            await asyncio.sleep(seconds)
            await self.awake()
        if fault is Fault.DEAF:
            await self.unanswered()
        return found

    async def unanswered(self) -> None:
        """What the adapter makes of no answer."""
        await asyncio.sleep(10)
        raise Unavailable(0, "TimeoutError", "no answer")
