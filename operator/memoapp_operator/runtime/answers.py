"""What the running parts of an app answer in one pass."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from memoapp_operator.api.v1alpha1.memoapp import MemoApp, ReleasePhase
from memoapp_operator.domain.backups import Backups
from memoapp_operator.domain.manifest import Manifest, Ref
from memoapp_operator.domain.observation import Probe, ReleaseJob, Volume, Workload
from memoapp_operator.ports import Services, Steering
from memoapp_operator.render.context import Credentials

from . import credentials
from .pods import belongs, is_ready, is_running


@dataclass(frozen=True, slots=True)
class Answered:
    """The answers; see the attributes of ``Observation``.

    Attributes:
        database: PostgreSQL's.
        cache: that of Redis.
        routers: address and steering of every router pod that runs, by its name.
        volume: the fill of the database's volume.
    """

    database: Probe | None = None
    cache: Probe | None = None
    routers: Mapping[str, tuple[str, Steering | None]] = field(default_factory=dict)
    volume: Volume | None = None


class Answers:
    """Asks them.

    Args:
        services: the running parts of apps.
    """

    def __init__(self, services: Services) -> None:
        self._services = services

    async def ask(
        self,
        app: MemoApp,
        known: Credentials,
        live: Mapping[Ref, Manifest],
        pods: Sequence[Manifest],
        workloads: Mapping[str, Workload],
    ) -> Answered:
        """All of them at once."""
        return Answered(
            *await asyncio.gather(
                self._database(app, known, workloads),
                self._cache(app, known, workloads),
                self._routers(app, live, pods),
                self._volume(pods),
            )
        )

    async def _database(self, app: MemoApp, known: Credentials, workloads: Mapping[str, Workload]) -> Probe | None:
        login = credentials.database_login(app, known)
        if (
            app.spec.suspend
            or login is None
            or (app.spec.database.managed is not None and not _up(workloads.get("database")))
        ):
            return None
        return await self._services.database(login)

    async def definitions(
        self, app: MemoApp, known: Credentials, told: Answered, saved: Backups, jobs: Mapping[str, ReleaseJob]
    ) -> str | None:
        """A digest of what is defined in the database, where it is wanted: as a migration begins, and has ended."""
        login, release = credentials.database_login(app, known), app.status.release
        migrates = app.spec.release.migration is not None and app.spec.release.migration.command is not None
        if login is None or release is None or not migrates or told.database is None or not told.database.healthy:
            return None
        migration, backup = release.migration, saved.named(release.backup)
        match release.phase:
            case ReleasePhase.PENDING | ReleasePhase.PREFLIGHT:
                wanted = True
            case ReleasePhase.BACKING_UP:
                wanted = backup is not None and backup.good
            case ReleasePhase.MIGRATING if migration is not None and migration.job in jobs:
                wanted = jobs[migration.job].end is not None
            case _:
                wanted = False
        return await self._services.definitions(login) if wanted else None

    async def _cache(self, app: MemoApp, known: Credentials, workloads: Mapping[str, Workload]) -> Probe | None:
        login = credentials.cache_login(app, known)
        if app.spec.suspend or login is None or app.spec.redis is None:
            return None
        if app.spec.redis.managed is not None and not _up(workloads.get("redis")):
            return None
        return await self._services.cache(login)

    async def _routers(
        self, app: MemoApp, live: Mapping[Ref, Manifest], pods: Sequence[Manifest]
    ) -> dict[str, tuple[str, Steering | None]]:
        """Every router pod that runs: one that is not ready waits for its weights to be confirmed."""
        certificate = credentials.router_certificate(app, live)
        running = [pod for pod in pods if belongs(pod, "router") and is_running(pod)]
        if certificate is None:
            return {}
        told = await asyncio.gather(*(self._services.steering(pod["status"]["podIP"], certificate) for pod in running))
        return {
            pod["metadata"]["name"]: (pod["status"]["podIP"], steering)
            for pod, steering in zip(running, told, strict=True)
        }

    async def _volume(self, pods: Sequence[Manifest]) -> Volume | None:
        for pod in pods:
            if belongs(pod, "database") and is_ready(pod):
                return await self._services.volume(pod["status"]["podIP"])
        return None


def _up(state: Workload | None) -> bool:
    return state is not None and state.ready > 0
