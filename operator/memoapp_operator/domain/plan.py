"""What would be released, and how, in words: for ``spec.paused`` and the annotation ``memoapp.dev/plan``. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.api.v1alpha1.release import Approval, When

from . import backups, database_gates, gating, migrating, resource_gates, testing, upkeep
from .durations import seconds
from .gradual import skipped_gates
from .observation import ChildState, Observation
from .orders import PLAN_ANNOTATION
from .phases import is_over
from .revision import Revision
from .state import State, other

_BEFORE_CLIENTS = frozenset({Phase.PENDING, Phase.PREFLIGHT, Phase.PREPARING, Phase.TESTING, Phase.APPROVING})
LONGEST = 512
_ORDER = (*itertools.takewhile(lambda phase: phase is not Phase.COMPLETED, Phase), Phase.COMPLETED)
"""The way forward, which the phases are declared in the order of."""


def wants_numbers(seen: Observation) -> bool:
    """The numbers of database and resources are read: before the first clients come, for a plan, and for a check."""
    status = seen.app.status
    release = status.release if status.active is not None else None
    return (release is not None and release.phase in _BEFORE_CLIENTS) or _asks(seen)


def _asks(seen: Observation) -> bool:
    return _is_ordered(seen) or is_paused(seen) or upkeep.check_is_due(seen.app, seen.now)


def is_paused(seen: Observation) -> bool:
    """Something is declared that does not serve, and nothing new may begin."""
    active = seen.app.status.active
    return seen.app.spec.paused and (
        active is None or (seen.declared is not None and seen.declared.id != active.revision)
    )


def holds(seen: Observation, before: State, after: State) -> bool:
    """The move from one state to the other would be one forward, and all is paused. A way back by order is not held."""
    new, old = after.release, before.release
    if not seen.app.spec.paused or new is None or new.instead is not None:
        return False
    if old is None or (old.id, old.started_at) != (new.id, new.started_at):
        return True
    if Phase.MIGRATING in {old.phase, new.phase} and new.phase in {Phase.MIGRATING, Phase.PREPARING}:
        return old.phase is not Phase.MIGRATING  # what a migration came to is not left unsaid
    if old.phase not in _ORDER or new.phase not in _ORDER:
        return False
    grown = (new.weight or 0) > (old.weight or 0)
    return _ORDER.index(new.phase) > _ORDER.index(old.phase) or (new.phase is Phase.SHIFTING and grown)


def after(seen: Observation, state: State, before: MemoAppStatus) -> list[str] | None:
    """The plan in the status: while paused as things stand; by order as they stood when it was seen."""
    if is_paused(seen):
        return [line[:LONGEST] for line in lines(seen, state)]
    if seen.app.spec.paused or not seen.orders.get(PLAN_ANNOTATION):
        return None
    return [line[:LONGEST] for line in lines(seen, state)] if _is_ordered(seen) else before.plan


def _is_ordered(seen: Observation) -> bool:
    nonce, orders = seen.orders.get(PLAN_ANNOTATION), seen.app.status.orders
    return bool(nonce) and (orders is None or orders.plan != nonce)


def lines(seen: Observation, state: State) -> Iterator[str]:
    """The plan, line by line."""
    declared, active = seen.declared, state.active
    if declared is None:
        lacking = f": not there: {', '.join(seen.missing)}" if seen.missing else " yet"
        yield f"what would be released cannot be told{lacking}"
        return
    if active is not None and declared.id == active.revision:
        yield f"nothing: version {declared.version}, revision {declared.id}, serves as it is declared"
        yield from _restarts(seen)
        return
    rejected = state.rejection(declared.id, seen.now)
    if rejected is not None:
        yield f"it was rejected ({rejected.reason}): only memoapp.dev/retry lets it come, or another revision"
    yield _takes_over(state, declared)
    yield from _changes(seen, state, declared)
    yield f"phases: {', '.join(_phases(seen, state, declared))}"
    yield _backup(seen, state)
    yield from _migration(seen, state, declared)
    yield from _tests(seen)
    yield from _gates(seen, first=active is None)
    yield _windows(seen, state)
    yield from _restarts(seen)


def _takes_over(state: State, declared: Revision) -> str:
    if state.active is None:
        return f"version {declared.version}, revision {declared.id}, is the first to serve"
    release = state.release
    colour = other(state.active.colour)
    under_way = release is not None and release.id == declared.id and not is_over(release.phase)
    verb = f"takes over ({release.phase.value} now)" if under_way and release is not None else "would take over"
    was = f"version {state.active.version}, revision {state.active.revision}"
    return f"version {declared.version}, revision {declared.id}, {verb} in {colour} from {was}"


def _changes(seen: Observation, state: State, declared: Revision) -> Iterator[str]:
    serving = seen.stored.get(state.colours.get(state.active.colour.value, "")) if state.active is not None else None
    if serving is None:
        return
    for tier in sorted({*serving.tiers, *declared.tiers}):
        old, new = serving.tiers.get(tier), declared.tiers.get(tier)
        if old is None or new is None:
            yield f"{tier}: {'added' if old is None else 'removed'}"
        elif old != new:
            yield f"{tier}: {', '.join(_differences(old, new)) or 'how it is rendered'}"


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Names of fields; of an image both values. Values of others may be secrets."""
    before, now = _container(old), _container(new)
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            yield f"image {before.get(key)} -> {now.get(key)}" if key == "image" else key
    fields = ({**part, "containers": None} for part in (_pod(old), _pod(new)))
    was, becomes = fields
    yield from (key for key in sorted({*was, *becomes}) if was.get(key) != becomes.get(key))
    yield from (key for key in ("port", "healthPath", "backendHost") if old.get(key) != new.get(key))


def _pod(tier: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = tier["template"].get("spec") or {}
    return found


def _container(tier: Mapping[str, Any]) -> Mapping[str, Any]:
    containers = _pod(tier).get("containers") or [{}]
    found: Mapping[str, Any] = containers[0]
    return found


def _phases(seen: Observation, state: State, declared: Revision) -> Iterator[str]:
    spec, app = seen.app.spec.release, seen.app
    first = state.active is None
    if not first:
        yield "Preflight"
        if backups.required(app):
            yield "BackingUp"
    if _migrates(seen, declared):
        yield "Migrating"
    yield "Preparing"
    if testing.declared(app, When.BEFORE_TRAFFIC):
        yield "Testing"
    if first:
        yield "Completed"
        return
    if spec.approval is Approval.MANUAL:
        yield "Approving"
    for step in spec.steps or ():
        yield f"Shifting {step.weight}% for {step.hold}"
    yield "Shifting 100%"
    if seconds(spec.soak) or testing.declared(app, When.AFTER_SWITCH):
        yield f"Soaking for {spec.soak}"
    yield f"Completed, the old colour warm for {spec.keep_old}"


def _backup(seen: Observation, state: State) -> str:
    if state.active is None:
        return "backup: none, there is nothing to save yet"
    if not backups.required(seen.app):
        return "backup: none, as spec.backup is not there or spec.release.backup is Skip"
    age = seen.app.spec.release.backup_max_age
    young = backups.young_enough(seen.app, seen.backups, seen.now)
    return (
        f"backup: {young.name} is no older than {age}"
        if young is not None
        else f"backup: a new one, none is younger than {age}"
    )


def _migrates(seen: Observation, declared: Revision) -> bool:
    spec = seen.app.spec.release.migration
    stored = next((item for item in seen.stored.values() if item.id == declared.id), declared)
    return spec is not None and spec.command is not None and not migrating.is_migrated(stored)


def _migration(seen: Observation, _: State, declared: Revision) -> Iterator[str]:
    spec = seen.app.spec.release.migration
    if spec is None:
        return
    back = "" if spec.reversible else "; it is not reversible"
    if spec.at_start:
        yield f"migration: by the application itself as it starts{back}"
    elif _migrates(seen, declared):
        yield f"migration: {' '.join([*(spec.command or []), *(spec.args or [])])}, within {spec.timeout}{back}"
    else:
        yield "migration: none, it was done for this revision"


def _tests(seen: Observation) -> Iterator[str]:
    for when in When:
        found = testing.declared(seen.app, when)
        if found:
            yield f"tests {when.value}: {', '.join(f'{each.name} within {testing.timeout(each)}' for each in found)}"


def _gates(seen: Observation, *, first: bool) -> Iterator[str]:
    """Every gate with its limit, by its source."""
    if first:
        yield "gates: none, the first release has no clients to lose"
        return
    spec = seen.app.spec.gates
    errors, times = spec.errors, spec.response_time
    yield (
        f"gates of the routers: at most {errors.client_error_percent} % of 4xx and "
        f"{errors.server_error_percent} % of 5xx, {times.slow_percent} % of pages slower than {times.frontend.value} "
        f"and of the API than {times.backend.value}"
    )
    limit = database_gates.limits(spec.database)
    yield (
        f"gates of the database: at most {limit.connections} % of connections, {float(limit.lag):g} s of lag, "
        f"{limit.deadlocks} deadlocks, {float(limit.lock_wait):g} s for a lock, {float(limit.transaction):g} s for a "
        f"transaction, {limit.slow} ms for a statement on average"
    )
    cpu, memory = spec.resources.cpu_percent or resource_gates.CPU_PERCENT, spec.resources.memory_percent
    yield (
        f"gates of resources: at most {cpu} % of CPU and {memory or resource_gates.MEMORY_PERCENT} % of memory limits, "
        f"{resource_gates.disk_percent(spec.resources)} % of the volume, {spec.pods.restarts} restarts"
    )
    if spec.prometheus is not None:
        yield f"gates of Prometheus: {', '.join(item.name for item in spec.prometheus.queries)}"
    lacking = seen.gauged.unmeasured if seen.gauged is not None else {}
    skipped = skipped_gates(seen)
    for name, why in sorted(lacking.items()):
        verb = "is skipped" if name in skipped else "has no source, and would hold the release"
        yield f"gate {name} {verb}: {why}"


def _windows(seen: Observation, state: State) -> str:
    known = ", ".join(sorted(item.name for item in seen.windows))
    answer = gating.closed(seen, state)
    if answer is not None:
        return f"windows: it waits {gating.until(answer)} ({known})"
    return f"windows: {known} let it begin" if known else "windows: no maintenance window holds it"


def _restarts(seen: Observation) -> Iterator[str]:
    waiting = [str(child.ref) for child in seen.children if child.state is ChildState.WAITING]
    if waiting:
        yield f"beside it, memoapp.dev/restart would restart {', '.join(waiting)}"
