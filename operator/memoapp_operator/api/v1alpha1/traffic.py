"""The router in front of both colours, and the way in from outside."""

from __future__ import annotations

from pydantic import Field

from .base import Image, ObjectName, Resources, Spec, Timestamp
from .gates import SecretKey


class Ingress(Spec):
    """A way in from outside the cluster, by the cluster's own ingress controller."""

    host: ObjectName
    """Host name that clients ask for."""
    class_name: ObjectName | None = None
    """IngressClass. Without it the cluster's default class serves."""
    tls_secret_name: ObjectName | None = None
    """Secret with the certificate of the host. Without it the host is served over plain HTTP."""


class Staff(Spec):
    """Who sees the app while visitors see the maintenance page."""

    header: str = Field("X-MemoApp-Staff", min_length=1, max_length=64, pattern=r"^[A-Za-z][A-Za-z0-9-]*$")
    """Header of their requests. It goes no further than the router."""
    secret_ref: SecretKey
    """The value that the header has: one line of at least 16 visible characters."""


class Maintenance(Spec):
    """The maintenance page, by hand."""

    until: Timestamp
    """When it falls, whether or not an operator runs. A time that is over shows none."""
    message: str | None = Field(None, min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f]+$")
    """What visitors read on it: one line of plain text."""


class Traffic(Spec):
    """The router: HAProxy (3.0 or later) in front of both colours."""

    replicas: int = Field(2, ge=1, le=20)
    """Number of router pods."""
    image: Image = "docker.io/library/haproxy:3.0"
    """Image of HAProxy 3.0 or later."""
    ingress: Ingress | None = None
    """A way in from outside the cluster."""
    staff: Staff | None = None
    """Lets staff behind the maintenance page."""
    resources: Resources | None = None
    """Requests and limits of the router's container."""
