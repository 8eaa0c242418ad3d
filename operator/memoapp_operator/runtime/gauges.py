"""Numbers of database and resources: for a plan, before the first clients come, and for every round of a release."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp, ReleaseStatus
from memoapp_operator.domain import database_gates, names, resource_gates
from memoapp_operator.domain.diff import quantity
from memoapp_operator.domain.durations import seconds
from memoapp_operator.domain.manifest import POD_METRICS, Manifest
from memoapp_operator.domain.measurements import Measurement
from memoapp_operator.domain.observation import Observation, Probe
from memoapp_operator.domain.state import other
from memoapp_operator.domain.usage import ContainerUsage, DatabaseReading, DatabaseStats, Gauged, UsageReading
from memoapp_operator.ports import Cluster, ClusterError, Login, Services

from . import credentials
from .snapshot import Snapshot

_UNKNOWN = Probe(healthy=False, reason="NotReachedYet", message="the database was not reached yet")


@dataclass(slots=True)
class Gauging:
    """What one process remembers of the numbers of one release.

    Attributes:
        found: what was read last before the first clients came.
        due: when it is read anew.
        before: the database's numbers before the first clients.
        step: the same as the step began.
        last: the same at the last measurement.
        counted: when the newest measurement of the pods was made that was counted already.
    """

    found: Gauged | None = None
    due: datetime | None = None
    before: DatabaseStats | None = None
    step: DatabaseStats | None = None
    last: DatabaseStats | None = None
    counted: datetime | None = None

    def forget(self) -> None:
        """Nothing is measured any more."""
        self.found, self.due, self.before, self.step, self.last, self.counted = None, None, None, None, None, None


class Gauges:
    """Reads them.

    Args:
        cluster: metrics.k8s.io is a part of its API.
        services: PostgreSQL.
    """

    def __init__(self, cluster: Cluster, services: Services) -> None:
        self._cluster = cluster
        self._services = services

    async def look(self, snapshot: Snapshot, memory: Gauging, now: datetime) -> Gauged:
        """The numbers, read anew once in an interval of the gates."""
        app = snapshot.observation.app
        interval = timedelta(seconds=seconds(app.spec.gates.interval))
        if memory.found is None or memory.due is None or now >= memory.due or memory.due - now > interval:
            database, usage = await self._read(snapshot)
            memory.found, memory.due = _gauged(snapshot.observation, database, usage, now), now + interval
            if isinstance(database, DatabaseStats):
                memory.before = database
        return memory.found

    async def begin(self, snapshot: Snapshot, memory: Gauging) -> None:
        """A step begins: its numbers are compared with those of now."""
        database = await self._database(snapshot)
        found = database if isinstance(database, DatabaseStats) else None
        memory.step, memory.last = found, found

    async def measure(
        self, snapshot: Snapshot, release: ReleaseStatus, memory: Gauging, now: datetime, *, regular: bool
    ) -> tuple[Measurement, ...]:
        """A measurement for each gate of database and resources."""
        seen, gates = snapshot.observation, snapshot.observation.app.spec.gates
        database, usage = await self._read(snapshot)
        past = database_gates.Past(memory.step, memory.last, memory.before)
        skipped = frozenset(release.skipped or ())
        text = await self._slowest(snapshot, database, past)
        looked = database_gates.Seen(database, past, text, skipped)
        resources = _seen(seen, usage, now, skipped, memory.counted)
        found = (
            *database_gates.measure(gates.database, looked),
            *resource_gates.measure(gates.resources, resources, release.colour, other(release.colour)),
        )
        if isinstance(database, DatabaseStats):
            memory.step = memory.step or database
            memory.last = database if regular else memory.last
        if regular:
            memory.counted = resource_gates.newest(resources, release.colour) or memory.counted
        return found

    async def _slowest(self, snapshot: Snapshot, database: DatabaseReading, past: database_gates.Past) -> str:
        """The text of the slowest statement, where it is one to be told."""
        app = snapshot.observation.app
        limit = database_gates.limits(app.spec.gates.database).slow
        worst, login = database_gates.slowest(database, past, limit), _login(snapshot)
        if worst is None or login is None or not database_gates.is_slow(worst, limit):
            return ""
        return await self._services.statement(login, worst.query)

    async def _read(self, snapshot: Snapshot) -> tuple[DatabaseReading, UsageReading]:
        return await asyncio.gather(self._database(snapshot), self._usage(snapshot.observation.app))

    async def _database(self, snapshot: Snapshot) -> DatabaseReading:
        app, login, probe = snapshot.observation.app, _login(snapshot), snapshot.observation.database
        if login is None or probe is None or not probe.healthy:
            return probe or _UNKNOWN
        user = app.spec.database.user if app.spec.database.managed is not None else login.user
        return await self._services.statistics(login, user, database_gates.limits(app.spec.gates.database).slow)

    async def _usage(self, app: MemoApp) -> UsageReading:
        try:
            items = await self._cluster.list(POD_METRICS, app.metadata.namespace, names.labels(app.metadata.name))
        except ClusterError:
            return "metrics.k8s.io does not answer"
        return tuple(found for item in items for found in _containers(item))


def _login(snapshot: Snapshot) -> Login | None:
    return credentials.database_login(snapshot.observation.app, snapshot.context.credentials)


def _containers(item: Manifest) -> list[ContainerUsage]:
    """What metrics.k8s.io says of a pod; nothing of one that is of no tier, or that it cannot be read of."""
    labels = item["metadata"].get("labels") or {}
    colour, tier = labels.get(names.COLOUR_LABEL), labels.get(names.COMPONENT_LABEL)
    if not colour or not tier:
        return []
    try:
        moment = datetime.fromisoformat(item["timestamp"])
        usages = [each["usage"] for each in item.get("containers") or []]
        return [ContainerUsage(colour, tier, _number(each["cpu"]), _number(each["memory"]), moment) for each in usages]
    except (KeyError, ValueError, TypeError):
        return []


def _number(text: str) -> Fraction:
    """A quantity in base units: processors, bytes."""
    found = quantity(text)
    if found is None:
        raise ValueError(text)
    return Fraction(found)


def _seen(
    seen: Observation, usage: UsageReading, now: datetime, skipped: frozenset[str], counted: datetime | None
) -> resource_gates.Seen:
    found: dict[tuple[str, str], Any] = {}
    for colour, name in (seen.app.status.colours or {}).items():
        if name in seen.stored:
            found |= resource_gates.limits_of(Colour(colour), seen.stored[name])
    managed = seen.app.spec.database.managed is not None
    return resource_gates.Seen(now, usage, found, seen.volume, skipped, counted, managed=managed)


def _gauged(seen: Observation, database: DatabaseReading, usage: UsageReading, now: datetime) -> Gauged:
    """With the gates that have no source for the colour that comes."""
    release, declared = seen.app.status.release, seen.declared
    colour = release.colour if release is not None else Colour.BLUE
    looked = _seen(seen, usage, now, frozenset(), None)
    if declared is not None and (seen.app.status.colours or {}).get(colour.value) is None:
        looked = replace(looked, limits=resource_gates.limits_of(colour, declared))
    lacking = {**database_gates.unmeasured(database), **resource_gates.unmeasured(looked, colour)}
    return Gauged(database, usage, lacking)
