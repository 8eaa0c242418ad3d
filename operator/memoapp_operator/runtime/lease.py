"""The leader's lease: one process acts, and none acts after its lease's end.

The library's own elector goes on "leading" after a failed renewal and reads the wall clock; this one measures by the
monotonic clock, and a leader that could not renew in time writes nothing more (``remaining``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.ports import Clock, ClusterError, Conflict

logger = logging.getLogger(__name__)

LEASE_NAME = "memoapp-operator"


class LeaseClient(Protocol):
    """The calls that a lease needs."""

    async def call(
        self,
        verb: str,
        where: str,
        *,
        body: Manifest | None = None,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Any:
        """One request; the decoded answer, or a ClusterError."""
        ...


def _holder(lease: Manifest) -> str:
    found: str = (lease.get("spec") or {}).get("holderIdentity") or ""
    return found


def _moment(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, from the lease's length: renewed every third, given up by the holder after two thirds.

    The last third is the distance between the old leader's last write and the new one's first.
    """

    length: float

    @property
    def renew(self) -> float:
        """Seconds between two renewals."""
        return self.length / 3

    @property
    def deadline(self) -> float:
        """Seconds after the last good renewal at which the holder stops acting."""
        return self.length * 2 / 3

    @property
    def attempt(self) -> float:
        """Seconds for one try: a connection that died silently must leave time for another."""
        return self.length / 6


class Lease:
    """One candidate for the lease ``memoapp-operator`` of a namespace.

    Args:
        client: calls to the API server.
        namespace: of the lease.
        identity: of this process; differs from every other's.
        length: seconds.
        clock: wall clock, only for the times written for people.
        monotonic: seconds that never go back, also counted while the process is stopped.
    """

    def __init__(
        self,
        client: LeaseClient,
        namespace: str,
        identity: str,
        length: float,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._root = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self._namespace = namespace
        self._identity = identity
        self._timing = Timing(length)
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._held: Manifest | None = None
        self._renewed = float("-inf")
        self._seen: tuple[str, float] | None = None

    def remaining(self) -> float:
        """Seconds for which this process may still act; zero or less: it may not."""
        return self._renewed + self._timing.deadline - self._monotonic() if self._held else 0.0

    async def acquire(self) -> None:
        """Wait until this process holds the lease."""
        while not await self._try():
            await self._sleep(min(2.0, self._timing.renew))

    async def keep(self) -> None:
        """Renew until the lease is lost; then return. Lost is also what could not be renewed in time."""
        while self.remaining() > 0:
            await self._sleep(self._timing.renew)
            await self._renew_in_time()

    async def release(self) -> None:
        """Give the lease up, so that another process takes over at once."""
        if self._held is None or self.remaining() <= 0:
            return
        held, self._held = self._held, None
        held["spec"] = {**held["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            await self._client.call("PUT", f"{self._root}/{LEASE_NAME}", body=held)
        except ClusterError as error:
            logger.warning("the lease could not be released: %s", error)

    async def _renew_in_time(self) -> None:
        """Try until it is renewed, taken by another, or too late."""
        while self.remaining() > 0:
            try:
                async with asyncio.timeout(max(0.1, min(self._timing.attempt, self.remaining()))):
                    await self._renew()
            except Conflict:
                logger.exception("another process holds the lease")
                self._held = None
            except (ClusterError, TimeoutError) as error:
                logger.warning("the lease could not be renewed: %s", error)
                await self._sleep(min(1.0, self._timing.renew))
            else:
                return

    async def _renew(self) -> None:
        if self._held is None:
            return
        try:
            await self._prolong(self._held)
        except Conflict:
            # Not lost yet: the answer to a renewal of our own may not have come, or somebody wrote a label.
            present = await self._read()
            if present is None or _holder(present) != self._identity:
                raise
            await self._prolong(present)

    async def _prolong(self, held: Manifest) -> None:
        began = self._monotonic()
        body = {**held, "spec": {**held["spec"], "renewTime": _moment(self._clock.now())}}
        self._held = await self._client.call("PUT", f"{self._root}/{LEASE_NAME}", body=body)
        self._renewed = began

    async def _try(self) -> bool:
        try:
            return await self._take()
        except ClusterError as error:
            logger.info("the lease is not to be had: %s", error)
            return False

    async def _take(self) -> bool:
        began = self._monotonic()
        present = await self._read()
        if present is None:
            self._held = await self._client.call("POST", self._root, body=self._body(None))
        elif self._expired(present):
            self._held = await self._client.call("PUT", f"{self._root}/{LEASE_NAME}", body=self._body(present))
        else:
            return False
        self._renewed = began
        return True

    async def _read(self) -> Manifest | None:
        try:
            found: Manifest = await self._client.call("GET", f"{self._root}/{LEASE_NAME}")
        except ClusterError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise
        return found

    def _expired(self, present: Manifest) -> bool:
        """Nobody's, or not renewed for its whole length as measured here: the holder's clock does not count.

        Also what this process took itself, when the answer to it was lost.
        """
        if _holder(present) in {"", self._identity}:
            return True
        spec, version = present["spec"], present["metadata"]["resourceVersion"]
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, self._monotonic())
            return False
        return self._monotonic() - self._seen[1] > (spec.get("leaseDurationSeconds") or self._timing.length)

    def _body(self, present: Manifest | None) -> Manifest:
        now = _moment(self._clock.now())
        before = (present or {}).get("spec") or {}
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": present["metadata"] if present else {"name": LEASE_NAME, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(self._timing.length),
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": (before.get("leaseTransitions") or 0) + 1,
            },
        }
