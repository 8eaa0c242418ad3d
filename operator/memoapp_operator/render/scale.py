"""How many pods each tier of each colour has, and the autoscaler of the colour that serves.

A Deployment is made with its number of pods. Afterwards the number is changed through its ``scale`` subresource alone,
and applied as it is, so that an autoscaler is not fought.
"""

from __future__ import annotations

from collections.abc import Mapping

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.api.v1alpha1.workload import Autoscaling
from memoapp_operator.domain.manifest import AUTOSCALER, DEPLOYMENT, Manifest, Ref

from .context import Context
from .endpoints import coloured, tiers
from .metadata import child, name


def replicas(context: Context, colour: Colour, component: str) -> int:
    """Pods of one tier of one colour.

    As the spec says; none while suspended; of a tier that the spec has no more, as many as there are. Where an
    autoscaler is declared, as many as there are and never fewer than its least number or, while a release is under way,
    than the serving colour had as it began.
    """
    if context.app.spec.suspend:
        return 0
    tier = tiers(context).get(component)
    live = context.replicas.get(coloured(colour, component), 0)
    if tier is None:
        return max(1, live)
    if tier.autoscaling is None:
        return tier.replicas
    return max(live, _least(context, component, tier.autoscaling))


def scales(context: Context) -> Mapping[Ref, int]:
    """Pods of every Deployment of the colours that run."""
    return {
        Ref(DEPLOYMENT, name(context, coloured(colour, component))): replicas(context, colour, component)
        for colour, revision in context.colours.items()
        for component in revision.tiers
    }


def autoscalers(context: Context) -> tuple[Manifest, ...]:
    """The autoscalers of the colour that serves: a warm colour keeps its pods, a coming one gets as many at once."""
    serving = context.serving
    if serving is None or context.app.spec.suspend:
        return ()
    held = context.colours.get(serving)
    return tuple(
        _autoscaler(context, serving, component, tier.autoscaling)
        for component, tier in tiers(context).items()
        if tier.autoscaling is not None and held is not None and component in held.tiers
    )


def _least(context: Context, component: str, declared: Autoscaling) -> int:
    return max(declared.min_replicas, context.floors.get(component, 0))


def _autoscaler(context: Context, colour: Colour, component: str, declared: Autoscaling) -> Manifest:
    suffix = coloured(colour, component)
    least = _least(context, component, declared)
    target = {"type": "Utilization", "averageUtilization": declared.cpu_percent}
    return {
        **child(AUTOSCALER, context, suffix, component=component, colour=colour),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": DEPLOYMENT.kind, "name": name(context, suffix)},
            "minReplicas": least,
            "maxReplicas": max(declared.max_replicas, least),
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    }
