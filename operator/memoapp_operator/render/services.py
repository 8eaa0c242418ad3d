"""Services: the app's own, one for each tier of each colour, PostgreSQL's and Redis'."""

from __future__ import annotations

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.manifest import SERVICE, Manifest

from .context import Context
from .endpoints import (
    CACHE,
    CACHE_PORT,
    DATABASE,
    DATABASE_PORT,
    ROUTER,
    ROUTER_PORT,
    SERVICE_PORT,
    coloured,
    ports_of,
)
from .metadata import child, selector


def services(context: Context) -> tuple[Manifest, ...]:
    """All Services. Both colours' exist for the app's whole life: the router and host aliases name their addresses."""
    spec = context.app.spec
    found = [_service(context, None, ROUTER, SERVICE_PORT, target=ROUTER_PORT)]
    for colour in Colour:
        ports = ports_of(context, colour)
        found += [_coloured(context, colour, component, port) for component, port in ports.items()]
    if spec.database.managed:
        found.append(_database(context))
    if spec.redis and spec.redis.managed:
        found.append(_service(context, CACHE, CACHE, CACHE_PORT, target=CACHE_PORT, port_name="redis"))
    return tuple(found)


def _coloured(context: Context, colour: Colour, component: str, port: int) -> Manifest:
    """The Service of a tier of a colour; one that was deleted comes back with the address it had."""
    suffix = coloured(colour, component)
    service = _service(context, suffix, component, port, target="http", colour=colour)
    if suffix in context.addresses:
        service["spec"]["clusterIP"] = context.addresses[suffix]
    return service


def _database(context: Context) -> Manifest:
    """PostgreSQL's. With one replica there is nowhere else to go.

    So a pod that is not ready keeps its place (a sidecar's trouble is enough for that), and connections fail only
    where PostgreSQL itself refuses them.
    """
    service = _service(context, DATABASE, DATABASE, DATABASE_PORT, target=DATABASE_PORT, port_name="postgresql")
    service["spec"]["publishNotReadyAddresses"] = True
    return service


def _service(
    context: Context,
    suffix: str | None,
    component: str,
    port: int,
    *,
    target: int | str,
    port_name: str = "http",
    colour: Colour | None = None,
) -> Manifest:
    ports = [{"name": port_name, "port": port, "targetPort": target, "protocol": "TCP"}]
    return {
        **child(SERVICE, context, suffix, component=component, colour=colour),
        "spec": {"selector": selector(context, component, colour), "ports": ports},
    }
