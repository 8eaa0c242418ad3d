"""The operator process: serve health, become leader, watch and work until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from memoapp_operator import handlers
from memoapp_operator.adapters.alertmanager import AlertmanagerSilencer
from memoapp_operator.adapters.kube import KubeCluster, connect
from memoapp_operator.adapters.mint import SystemMint
from memoapp_operator.adapters.notifications import AppriseNotifier
from memoapp_operator.adapters.services import LiveServices
from memoapp_operator.config import Settings, from_environment
from memoapp_operator.ports import LeaseLostError, Outside
from memoapp_operator.render.context import Platform
from memoapp_operator.runtime import logs
from memoapp_operator.runtime.lease import Lease
from memoapp_operator.runtime.metrics import Metrics
from memoapp_operator.runtime.queue import WorkQueue
from memoapp_operator.runtime.reconcile import Reconciler, SystemClock
from memoapp_operator.runtime.server import Health, serve

logger = logging.getLogger("memoapp_operator")

DRAIN_SECONDS = 12.0
"""For the passes under way at SIGTERM, and again for the watches; a pod has 30 seconds in all."""


class Process:
    """One operator process with everything it is made of.

    Args:
        settings: from the environment.
        stop: set by a signal.
    """

    def __init__(self, settings: Settings, stop: asyncio.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._metrics = Metrics()
        self._health = Health()

    async def run(self) -> int:
        """Until the stop; the exit code."""
        runner = await serve(self._health, self._metrics, self._settings.port)
        client = await connect()
        lease = self._lease(KubeCluster(client, count=self._metrics.called))
        services = LiveServices(lease.remaining)
        try:
            cluster = KubeCluster(client, lease.remaining, self._metrics.called)
            return await self._lead(lease, cluster, services)
        finally:
            await services.close()
            await client.close()
            await runner.cleanup()

    def _lease(self, cluster: KubeCluster) -> Lease:
        identity = f"{self._settings.pod_name}_{uuid.uuid4().hex[:8]}"
        return Lease(cluster, self._settings.pod_namespace, identity, self._settings.lease_seconds, clock=SystemClock())

    async def _lead(self, lease: Lease, cluster: KubeCluster, services: LiveServices) -> int:
        await self._connected(cluster)
        acquiring = asyncio.create_task(lease.acquire())
        if not await self._first(acquiring):
            return 0
        logger.info("this process leads")
        self._metrics.leads(leading=True)
        try:
            return await self._work(lease, cluster, services)
        finally:
            await lease.release()

    async def _connected(self, cluster: KubeCluster) -> None:
        """Ready once the API server answers. /version is open to every service account."""
        while not self._stop.is_set():
            with contextlib.suppress(Exception):
                await cluster.call("GET", "/version")
                self._health.connected = True
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._stop.wait()

    async def _first(self, task: asyncio.Task[None]) -> bool:
        """True once ``task`` is done; False where the stop came first."""
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        for pending in (task, stopping):
            if not pending.done():
                pending.cancel()
        return task.done() and not task.cancelled() and not self._stop.is_set()

    async def _work(self, lease: Lease, cluster: KubeCluster, services: LiveServices) -> int:
        settings = self._settings
        reconciler = Reconciler(
            cluster,
            services,
            SystemMint(),
            Platform(settings.operator_image, settings.pod_namespace),
            SystemClock(),
            settings.resync_seconds,
            self._metrics,
            Outside(AppriseNotifier(), AlertmanagerSilencer()),
        )
        queue = WorkQueue(reconciler.reconcile, self._metrics.retried)
        reconciler.wake = queue.add
        self._metrics.watch_depth(queue.depth)
        self._health.oldest_pass = queue.oldest_pass
        unwatch, watching = asyncio.Event(), asyncio.Event()
        tasks: dict[str, asyncio.Task[Any]] = {
            "lease": asyncio.create_task(lease.keep()),
            "queue": asyncio.create_task(queue.run(settings.workers)),
            "watch": asyncio.create_task(handlers.watch(queue.add, settings.namespaces, unwatch, watching)),
            "stop": asyncio.create_task(self._stop.wait()),
        }
        retaking = asyncio.create_task(_take_signals_back(watching, self._stop))
        done, _ = await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_COMPLETED)
        # While kopf starts, the signals are its own: watches that end in good order were told to stop.
        told = tasks["stop"] in done or (done == {tasks["watch"]} and tasks["watch"].exception() is None)
        if not told:
            _abandon({name: task for name, task in tasks.items() if task in done})
        logger.info("stopping: no new pass begins, those under way are finished")
        queue.stop()
        # One after the other: kopf, when it stops, cancels whatever was begun in the loop since it started.
        await _drained({tasks["queue"]})
        # Nothing is written any more, and kopf takes five seconds to stop: another process need not wait for that.
        tasks["lease"].cancel()
        await asyncio.gather(tasks["lease"], return_exceptions=True)
        await lease.release()
        unwatch.set()
        await _drained({tasks["watch"]})
        retaking.cancel()
        return 0


def _abandon(done: Mapping[str, asyncio.Task[Any]]) -> None:
    """Leave at once, without another write: the lease is lost, or a part of the process has died."""
    for name, task in done.items():
        error = None if task.cancelled() else task.exception()
        if error is not None and not is_loss(error):
            logger.error("the process ends: %s failed", name, exc_info=error)
    logger.error("the process ends: %s over", " and ".join(done) + (" is" if len(done) == 1 else " are"))
    logging.shutdown()
    os._exit(1)


def is_loss(error: BaseException) -> bool:
    """The lease was lost and nothing else went wrong; the workers tell it as a group."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_loss(inner) for inner in error.exceptions)
    return isinstance(error, LeaseLostError)


async def _drained(tasks: set[asyncio.Task[Any]]) -> None:
    _, pending = await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
    for task in pending:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _take_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def _take_signals_back(watching: asyncio.Event, stop: asyncio.Event) -> None:
    """Kopf sets handlers of its own as it starts: once it watches, signals are ours again."""
    await watching.wait()
    _take_signals(stop)


async def _main(settings: Settings) -> int:
    stop = asyncio.Event()
    _take_signals(stop)
    return await Process(settings, stop).run()


def main() -> int:
    """Run the operator; exit code 2 where its settings are wrong."""
    try:
        settings = from_environment(os.environ)
    except ValidationError as error:
        for item in error.errors(include_input=False):
            sys.stderr.write(f"{'.'.join(map(str, item['loc']))}: {item['msg']}\n")
        return 2
    logs.configure(settings.log_level)
    return asyncio.run(_main(settings))


if __name__ == "__main__":
    sys.exit(main())
