"""How a colour stands: what its pods, its Services and the routers tell. Functions that only assess."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp, TrafficStatus

from .manifest import DEPLOYMENT
from .names import child
from .observation import ChildState, Observation, Probe, Trouble, Workload

GONE_AFTER = 5.0
"""Seconds without a ready pod after which a serving colour is given up for a warm one that has served for as long."""

STEADY_FOR = 3.0
"""Seconds for which every pod of a new colour must have been ready before clients come: what crashes at its start may
well be ready for a moment, and again after every restart."""


def tiers(app: MemoApp) -> tuple[str, ...]:
    """The tiers that the spec declares."""
    return ("backend", "frontend") if app.spec.frontend is not None else ("backend",)


def well(probe: Probe | None) -> bool:
    """True where an answer came and was good."""
    return probe is not None and probe.healthy


def prepared(seen: Observation) -> bool:
    """Database and Redis answer."""
    return well(seen.database) and (seen.app.spec.redis is None or well(seen.cache))


def held_tiers(seen: Observation, name: str | None) -> tuple[str, ...]:
    """The tiers of a stored revision; those of the spec where it is not known."""
    revision = seen.stored.get(name or "")
    return tuple(revision.tiers) if revision is not None else tiers(seen.app)


def names(seen: Observation, held: Mapping[str, str], colour: Colour) -> tuple[str, ...]:
    """The workloads of a colour: ``blue-backend`` and the like."""
    return tuple(f"{colour}-{tier}" for tier in held_tiers(seen, held.get(colour.value)))


def _workloads(seen: Observation, held: Mapping[str, str], colour: Colour) -> Iterator[Workload]:
    return (item for name in names(seen, held, colour) if (item := seen.workloads.get(name)) is not None)


def serves(seen: Observation, held: Mapping[str, str], colour: Colour) -> bool:
    """The colour could take all clients: each of its tiers has a ready pod."""
    if colour.value not in held:
        return False
    wanted = names(seen, held, colour)
    return bool(wanted) and sum(item.ready > 0 for item in _workloads(seen, held, colour)) == len(wanted)


def complete(seen: Observation, held: Mapping[str, str], colour: Colour) -> bool:
    """The colour is as it should be: applied, every pod ready, health right through its own Services."""
    wanted = names(seen, held, colour)
    found = list(_workloads(seen, held, colour))
    return (
        are_current(seen, *wanted)
        and len(found) == len(wanted)
        and all(item.settled for item in found)
        and all(seen.reached.get(name) is True for name in wanted)
    )


def steady(seen: Observation, held: Mapping[str, str], colour: Colour) -> bool:
    """Every ready pod of the colour has been ready for a while."""
    moments = [item.steady_since for item in _workloads(seen, held, colour) if item.steady_since]
    return all(_age(seen, moment) >= STEADY_FOR for moment in moments)


def are_current(seen: Observation, *wanted: str) -> bool:
    """The Deployments of these workloads are there as they should be."""
    refs = {child(seen.app.metadata.name, name) for name in wanted}
    states = [item.state for item in seen.children if item.ref.kind == DEPLOYMENT and item.ref.name in refs]
    return len(states) == len(wanted) and all(state is ChildState.CURRENT for state in states)


def untried(seen: Observation, held: Mapping[str, str], colour: Colour) -> bool:
    """A Deployment of the colour was not even asked for: the operator was away."""
    refs = {child(seen.app.metadata.name, name) for name in names(seen, held, colour)}
    missing = [item.ref for item in seen.children if item.state is ChildState.MISSING and item.ref.kind == DEPLOYMENT]
    return any(ref.name in refs and ref not in seen.refusals for ref in missing)


def trouble_of(seen: Observation, held: Mapping[str, str], colour: Colour) -> Trouble | None:
    """What keeps the colour from coming up; what nobody but a person can end comes first."""
    found = [item.trouble for item in _workloads(seen, held, colour) if item.trouble]
    return min(found, key=lambda trouble: not trouble.stalls, default=None)


def routed(seen: Observation, traffic: TrafficStatus | None) -> bool:
    """Every ready router sends the clients where ``traffic`` says, and there is one."""
    share = traffic.green if traffic else 0
    return bool(seen.routers) and all(weight == share for weight in seen.routers.values())


def router_settled(seen: Observation) -> bool:
    """The routers run with the configuration that knows both colours as they are now."""
    router = seen.workloads.get("router")
    return router is not None and router.settled and are_current(seen, "router")


def gone(seen: Observation, held: Mapping[str, str], colour: Colour) -> bool:
    """The colour has not been able to serve for a while."""
    if serves(seen, held, colour):
        return False
    moments = [item.gone_since for item in _workloads(seen, held, colour) if item.ready == 0 and item.gone_since]
    return any(_age(seen, moment) >= GONE_AFTER for moment in moments)


def just_back(seen: Observation, held: Mapping[str, str], colour: Colour) -> bool:
    """The colour itself was down until now: where both come back together, which is first is no reason to move."""
    moments = [item.ready_since for item in _workloads(seen, held, colour) if item.ready_since]
    return any(_age(seen, moment) < GONE_AFTER for moment in moments)


def replicas(seen: Observation, held: Mapping[str, str], colour: Colour) -> dict[str, int]:
    """The real replicas of a colour, by tier: what an autoscaler made of them."""
    found = {item.name.partition("-")[2]: item.wanted for item in _workloads(seen, held, colour)}
    return {tier: number for tier, number in found.items() if number > 0}


def _age(seen: Observation, moment: str) -> float:
    return (seen.now - datetime.fromisoformat(moment)).total_seconds()
