"""Frontend and backend: a Deployment for each tier of each colour that runs. How many pods stands in ``scale``."""

from __future__ import annotations

from copy import deepcopy

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.api.v1alpha1.workload import Backend, Frontend
from memoapp_operator.domain import names
from memoapp_operator.domain.durations import seconds
from memoapp_operator.domain.manifest import DEPLOYMENT, Manifest
from memoapp_operator.domain.revision import Revision, with_copies

from . import pod
from .context import Context
from .declared import stored
from .endpoints import BACKEND, FRONTEND, coloured, container_port, tiers
from .metadata import child, name, selector
from .quantity import resources
from .scale import replicas
from .secrets import CONNECTION

REVISION_ANNOTATION = "memoapp.dev/revision-name"
_LEAST_PATIENCE = 60
# The person's volumes have names of their own choice; this one is the operator's.
_TMP_VOLUME = "memoapp-tmp"
_TMP_PATH = "/tmp"  # noqa: S108 - a volume of its own
_REQUESTS: dict[str, Manifest] = {
    BACKEND: {"requests": {"cpu": "50m", "memory": "64Mi"}},
    FRONTEND: {"requests": {"cpu": "20m", "memory": "32Mi"}},
}


def deployments(context: Context) -> tuple[Manifest, ...]:
    """The Deployments of the colours that run, each from the revision of its colour.

    A frontend is left out as long as the address of its colour's backend Service is unknown: it would call another.
    """
    return tuple(
        _deployment(context, colour, component, revision)
        for colour, revision in context.colours.items()
        for component in revision.tiers
        if component == BACKEND or coloured(colour, BACKEND) in context.addresses
    )


def template(context: Context, component: str) -> Manifest:
    """The pod template of a tier as declared: without colour and host aliases, which do not make a revision.

    Where it names a Secret or ConfigMap, the immutable copy stands instead.
    """
    tier = tiers(context)[component]
    metadata: Manifest = {"labels": names.labels(context.app.metadata.name, component)}
    return with_copies({"metadata": metadata, "spec": _pod(context, component, tier)}, context.copies)


def _deployment(context: Context, colour: Colour, component: str, revision: Revision) -> Manifest:
    found = child(DEPLOYMENT, context, coloured(colour, component), component=component, colour=colour)
    found["metadata"]["annotations"] = {REVISION_ANNOTATION: revision.name}
    return {
        **found,
        "spec": {
            **pod.ROLLOUT,
            "progressDeadlineSeconds": _patience(context),
            "replicas": _as_they_are(context, colour, component),
            "selector": {"matchLabels": selector(context, component, colour)},
            "template": _in_colour(context, colour, revision, component),
        },
    }


def _as_they_are(context: Context, colour: Colour, component: str) -> int:
    """As many pods as the live Deployment has: their number is changed through ``scale`` alone; a new one begins right.

    The field is never left out: given up by a later apply, it would fall back to one pod.
    """
    live = context.replicas.get(coloured(colour, component))
    return live if live is not None else replicas(context, colour, component)


def _patience(context: Context) -> int:
    """Seconds in which pods must become ready: a sixth of the release's deadline, so 5 minutes by default."""
    return max(_LEAST_PATIENCE, seconds(context.app.spec.release.deadline) // 6)


def _in_colour(context: Context, colour: Colour, revision: Revision, component: str) -> Manifest:
    tier = revision.tiers[component]
    found: Manifest = deepcopy(dict(tier["template"]))
    found["metadata"]["labels"][names.COLOUR_LABEL] = colour.value
    if "backendHost" in tier:
        address = context.addresses[coloured(colour, BACKEND)]
        found["spec"]["hostAliases"] = [{"ip": address, "hostnames": [tier["backendHost"]]}]
    return found


def _pod(context: Context, component: str, tier: Backend | Frontend) -> Manifest:
    token = tier.service_account_name is not None
    found = {
        **pod.spec(context, stored(tier.security_context) or {}, token=token),
        **_scheduling(context, component, tier),
        "containers": [_container(context, component, tier)],
    }
    volumes = stored(tier.volumes or [])
    if _wants_tmp(tier):
        volumes = [*volumes, pod.empty_volume(_TMP_VOLUME)]
    if volumes:
        found["volumes"] = volumes
    return found


def _scheduling(context: Context, component: str, tier: Backend | Frontend) -> Manifest:
    found = {
        "serviceAccountName": tier.service_account_name,
        "nodeSelector": tier.node_selector or None,
        "affinity": stored(tier.affinity) or None,
        "tolerations": stored(tier.tolerations) or None,
        "topologySpreadConstraints": stored(tier.topology_spread_constraints) or [pod.spread(context, component)],
    }
    return {key: value for key, value in found.items() if value is not None}


def _container(context: Context, component: str, tier: Backend | Frontend) -> Manifest:
    # No liveness probe: the health answer includes the database, and a restart mends no database.
    ready = {"httpGet": {"path": tier.health_path, "port": tier.port}}
    found: Manifest = {
        "name": component,
        "image": tier.image,
        "command": tier.command,
        "args": tier.args,
        "env": deepcopy(_environment(context, component, tier)),
        "envFrom": stored(tier.env_from),
        "ports": [container_port(tier.port, "http")],
        "resources": resources(tier.resources, _REQUESTS[component]),
        "securityContext": pod.restricted(read_only=False),
        "lifecycle": pod.PRE_STOP_SLEEP,
        "readinessProbe": {**ready, "periodSeconds": 2, "timeoutSeconds": 2, "failureThreshold": 3},
        "volumeMounts": _mounts(tier),
    }
    return {key: value for key, value in found.items() if value}


def _environment(context: Context, component: str, tier: Backend | Frontend) -> list[Manifest]:
    """The person's variables; before them those of the backend that they do not declare themselves."""
    declared: list[Manifest] = stored(tier.env or [])
    ours = {}
    if component == BACKEND:
        ours["DATABASE_URL"] = "uri"
        if context.app.spec.redis:
            ours["REDIS_URL"] = "redis-uri"
    taken = {variable["name"] for variable in declared}
    connection = name(context, CONNECTION)
    return [
        {"name": variable, "valueFrom": {"secretKeyRef": {"name": connection, "key": key}}}
        for variable, key in ours.items()
        if variable not in taken
    ] + declared


def _mounts(tier: Backend | Frontend) -> list[Manifest]:
    mounts: list[Manifest] = stored(tier.volume_mounts or [])
    return [*mounts, pod.mount(_TMP_VOLUME, _TMP_PATH)] if _wants_tmp(tier) else mounts


def _wants_tmp(tier: Backend | Frontend) -> bool:
    paths = {str(declared.get("mountPath", "")).rstrip("/") for declared in tier.volume_mounts or []}
    return _TMP_PATH not in paths
