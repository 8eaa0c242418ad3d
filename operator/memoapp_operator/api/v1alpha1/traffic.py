"""The router in front of both colours, and the way in from outside."""

from __future__ import annotations

from pydantic import Field

from .base import Image, ObjectName, Resources, Spec


class Ingress(Spec):
    """A way in from outside the cluster, by the cluster's own ingress controller."""

    host: ObjectName
    """Host name that clients ask for."""
    class_name: ObjectName | None = None
    """IngressClass. Without it the cluster's default class serves."""
    tls_secret_name: ObjectName | None = None
    """Secret with the certificate of the host. Without it the host is served over plain HTTP."""


class Traffic(Spec):
    """The router: HAProxy (3.0 or later) in front of both colours."""

    replicas: int = Field(2, ge=1, le=20)
    """Number of router pods."""
    image: Image = "docker.io/library/haproxy:3.0"
    """Image of HAProxy 3.0 or later."""
    ingress: Ingress | None = None
    """A way in from outside the cluster."""
    resources: Resources | None = None
    """Requests and limits of the router's container."""
