"""PodDisruptionBudgets: a drained node takes one pod of a component at a time.

None for a single replica, PostgreSQL and Redis among them: it would only forbid the drain.
"""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.jobs import Purpose
from memoapp_operator.domain.manifest import DISRUPTION_BUDGET, Manifest

from .context import Context
from .endpoints import ROUTER, coloured
from .metadata import child, selector
from .scale import replicas


def budgets(context: Context) -> tuple[Manifest, ...]:
    """The budgets of the colours that run, of the router, and of a migration."""
    found = [
        _budget(context, coloured(colour, component), component, colour)
        for colour, revision in context.colours.items()
        for component in revision.tiers
        if replicas(context, colour, component) > 1
    ]
    if context.app.spec.traffic.replicas > 1 and not context.app.spec.suspend:
        found.append(_budget(context, ROUTER, ROUTER, None))
    declared = context.app.spec.release.migration
    if context.migrates or (declared is not None and declared.command is not None):
        found.append(_undisturbed(context, Purpose.MIGRATION.value))
    return tuple(found)


def _undisturbed(context: Context, component: str) -> Manifest:
    """A migration that a drained node ended would be a lost outcome: the drain waits, as long as it may run."""
    spec = {"minAvailable": 1, "selector": {"matchLabels": selector(context, component)}}
    return {**child(DISRUPTION_BUDGET, context, component, component=component), "spec": spec}


def _budget(context: Context, suffix: str, component: str, colour: Colour | None) -> Manifest:
    return {
        **child(DISRUPTION_BUDGET, context, suffix, component=component, colour=colour),
        "spec": {
            "maxUnavailable": 1,
            # A pod that is not ready serves nobody: it must not keep a node from being drained.
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(context, component, colour)},
        },
    }
