"""Ports and host names by which the children reach each other."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.api.v1alpha1.workload import Backend, Frontend
from memoapp_operator.domain.manifest import Manifest

from .context import Context
from .metadata import name

BACKEND = "backend"
FRONTEND = "frontend"
ROUTER = "router"
DATABASE = "database"
CACHE = "redis"

SERVICE_PORT = 80
ROUTER_PORT = 8080
ROUTER_HEALTH_PORT = 8081
ROUTER_ADMIN_PORT = 9999
DATABASE_PORT = 5432
CACHE_PORT = 6379
AGENT_PORT = 9188


def tiers(context: Context) -> dict[str, Backend | Frontend]:
    """The tiers that the app has, by component."""
    spec = context.app.spec
    found: dict[str, Backend | Frontend] = {BACKEND: spec.backend}
    if spec.frontend:
        found[FRONTEND] = spec.frontend
    return found


def ports_of(context: Context, colour: Colour) -> dict[str, int]:
    """Ports of a colour's tiers, by component: those of its revision, and of the spec where it holds none.

    Where its revision was deleted, those of its live Services.
    """
    found = {component: tier.port for component, tier in tiers(context).items()}
    if colour in context.lost:
        live = {component: context.ports.get(coloured(colour, component)) for component in (BACKEND, FRONTEND)}
        return {component: port for component, port in live.items() if port is not None}
    revision = context.colours.get(colour)
    if revision is not None:
        found |= {component: int(tier["port"]) for component, tier in revision.tiers.items()}
    return found


def entry(context: Context, colour: Colour) -> str:
    """The component of a colour that the router talks to: the frontend, or the backend where there is none."""
    revision = context.colours.get(colour)
    if revision is not None:
        return revision.entry
    if colour in context.lost:
        return FRONTEND if coloured(colour, FRONTEND) in context.replicas else BACKEND
    return FRONTEND if context.app.spec.frontend else BACKEND


def coloured(colour: Colour, component: str) -> str:
    """The suffix of what belongs to one tier of a colour; also the key of its Service in ``Context.addresses``."""
    return f"{colour}-{component}"


def host(context: Context, suffix: str) -> str:
    """The host name of the Service ``<app>-<suffix>`` within the cluster."""
    return f"{name(context, suffix)}.{context.app.metadata.namespace}.svc"


def container_port(number: int, port_name: str) -> Manifest:
    """A container's port. The protocol is part of its key in server-side apply, so it is written out."""
    return {"name": port_name, "containerPort": number, "protocol": "TCP"}
