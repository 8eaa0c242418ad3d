"""What the builders need to know of one MemoApp; everything else they derive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp


@dataclass(frozen=True, slots=True)
class Platform:
    """The operator itself: its image (also that of the agent) and where its own pods run."""

    operator_image: str
    operator_namespace: str


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Values out of Secrets, decoded. Never printed: ``repr`` shows nothing.

    Attributes:
        database: managed: superuser-password, password, monitor-password; external: host, port, user, password,
            dbname. None as long as the Secret is not there.
        cache: managed: password; external: host, port, password (may be empty). None as with ``database``.
        router_digest: identifies the router's present certificates; None as long as there are none.
    """

    database: Mapping[str, str] | None = None
    cache: Mapping[str, str] | None = None
    router_digest: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """One MemoApp and what is known of its surroundings.

    Attributes:
        app: as read from the API server.
        platform: the operator itself.
        credentials: decoded Secrets.
        addresses: ClusterIP by Service, for those that exist: keys ``blue-backend``, ``blue-frontend``,
            ``green-backend``, ``green-frontend`` (frontend only where the app has one).
        colours: the colours whose pods run, by decision of the release; empty before the first release began.
        green_weight: share of the clients that green serves, in percent.
        release: id of the release that the clients' buckets are fixed for.
        references: digest of the contents of the Secrets and ConfigMaps that a tier names, by tier
            (``frontend``, ``backend``).
        agent_image: image of the agent beside the database: that of the running StatefulSet, so that a new
            operator never restarts a database; None where there is none yet.
        claims: sizes of the volume claims as they stand in the cluster (quantity), by ``database`` and ``redis``.
    """

    app: MemoApp
    platform: Platform
    credentials: Credentials = Credentials()
    addresses: Mapping[str, str] = field(default_factory=dict)
    colours: tuple[Colour, ...] = ()
    green_weight: int = 0
    release: str = "none"
    references: Mapping[str, str] = field(default_factory=dict)
    agent_image: str | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
