"""What has to be well before a release begins: so that what goes wrong afterwards is the new version's doing. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from . import colours, database_gates, maintenance, resource_gates
from .observation import Observation, Probe, Trouble, Workload
from .state import State
from .usage import DatabaseStats


def trouble(seen: Observation, state: State) -> Trouble | None:
    """What the release waits for; None where all is well."""
    return next(_troubles(seen, state), None)


def _troubles(seen: Observation, state: State) -> Iterator[Trouble]:
    if (busy := maintenance.restoring(seen.backups)) is not None:
        yield Trouble("RestoreInProgress", f"the restore {busy.name} is at work on the data", stalls=False)
    yield from _answers(seen)
    yield from _room(seen)
    yield from _disk(seen)
    yield from _changing(seen, state)
    if seen.backups.missing:
        yield Trouble("BackupImpossible", f"not there: {', '.join(seen.backups.missing)}", stalls=False)


def _answers(seen: Observation) -> Iterator[Trouble]:
    if not colours.well(seen.database):
        yield Trouble("DatabaseNotReady", f"the database is not well: {_said(seen.database)}", stalls=False)
    if seen.app.spec.redis is not None and not colours.well(seen.cache):
        yield Trouble("CacheNotReady", f"Redis is not well: {_said(seen.cache)}", stalls=False)


def _said(probe: Probe | None) -> str:
    return (probe.message or probe.reason) if probe is not None else "it was not reached yet"


def _disk(seen: Observation) -> Iterator[Trouble]:
    most = resource_gates.disk_percent(seen.app.spec.gates.resources)
    if seen.volume is not None and resource_gates.used_percent(seen.volume) > most:
        yield Trouble("DiskFull", f"more than {most} % of the database's volume are used", stalls=False)


def _room(seen: Observation) -> Iterator[Trouble]:
    """The database takes writes, and connections of a second colour."""
    reading = seen.gauged.database if seen.gauged is not None else None
    if not isinstance(reading, DatabaseStats):
        return
    if reading.read_only:
        yield Trouble("DatabaseReadOnly", "the database takes no writes", stalls=False)
    most = database_gates.limits(seen.app.spec.gates.database).connections
    if 100 * reading.connections > most * reading.most:
        text = f"more than {most} % of the database's connections are taken"
        yield Trouble("TooManyConnections", text, stalls=False)


def _changing(seen: Observation, state: State) -> Iterator[Trouble]:
    """Pods that start or are replaced are waited for.

    Not where something is wrong with those of the serving colour: the release may be what mends it.
    """
    serving = colours.names(seen, state.colours, state.active.colour) if state.active is not None else ()
    for name in ("database", "redis", "router", *serving):
        item = seen.workloads.get(name)
        if item is not None and not item.settled and _comes(item, serving=name in serving):
            yield Trouble("PodsChanging", f"pods of {name} start or are replaced", stalls=False)


def _comes(item: Workload, *, serving: bool) -> bool:
    return item.trouble is None and item.ready > 0 if serving else True
