"""What the builders need to know of one MemoApp; everything else they derive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp
from memoapp_operator.domain.manifest import MEMO_APP, Manifest
from memoapp_operator.domain.revision import Revision


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
        staff: value of the header that lets staff behind the maintenance page; None where there is none.
        router_digest: identifies the router's present certificates; None as long as there are none.
    """

    database: Mapping[str, str] | None = None
    cache: Mapping[str, str] | None = None
    router_digest: str | None = None
    staff: str | None = None


NO_RELEASE = "none"


@dataclass(frozen=True, slots=True)
class Context:
    """One MemoApp and what is known of its surroundings.

    Attributes:
        app: as read from the API server.
        platform: the operator itself.
        credentials: decoded Secrets.
        addresses: ClusterIP by Service, for those that exist: keys ``blue-backend``, ``blue-frontend``,
            ``green-backend``, ``green-frontend`` (frontend only where the app has one).
        colours: the revision of each colour whose pods run, by decision of the release; empty before the first
            release began.
        lost: colours that run while somebody deleted their revision: they are left as they are, and so is the way to
            them.
        ports: ports of the live Services, by ``blue-backend`` and the like.
        serving: the colour that serves, by decision of the release; None before the first one completed.
        floors: while a release is under way, replicas of the serving colour's tiers as it began, by tier.
        green_weight: share of the clients that green serves, in percent.
        release: id of the release that the clients' buckets are fixed for.
        rejected: ids of the revisions that are rejected, and why, a line each; empty where none is.
        copies: names of the immutable copies that stand for the Secrets and ConfigMaps that the tiers name, by kind
            and name of the original; without one the original is named (an optional one that is not there).
        replicas: replicas of the live Deployments, by ``blue-backend`` and the like.
        agent_image: image of the agent beside the database: that of the running StatefulSet, so that a new
            operator never restarts a database; None where there is none yet.
        migrated: what became of the migrations of stored revisions, a line each.
        page_message: what visitors read on the maintenance page; empty where nobody wrote anything.
        page_until: end of the maintenance page, in seconds since 1970; 0 where none is to be seen.
        offers: an agent brings back what was saved beside the data, or is about to.
        migrates: a migration is under way, by decision of the release.
        claims: sizes of the volume claims as they stand in the cluster (quantity), by ``database`` and ``redis``.
    """

    app: MemoApp
    platform: Platform
    credentials: Credentials = Credentials()
    addresses: Mapping[str, str] = field(default_factory=dict)
    colours: Mapping[Colour, Revision] = field(default_factory=dict)
    lost: frozenset[Colour] = frozenset()
    ports: Mapping[str, int] = field(default_factory=dict)
    serving: Colour | None = None
    floors: Mapping[str, int] = field(default_factory=dict)
    green_weight: int = 0
    release: str = NO_RELEASE
    rejected: str = ""
    copies: Mapping[tuple[str, str], str] = field(default_factory=dict)
    replicas: Mapping[str, int] = field(default_factory=dict)
    agent_image: str | None = None
    claims: Mapping[str, str] = field(default_factory=dict)
    migrates: bool = False
    migrated: str = ""
    page_until: int = 0
    page_message: str = ""
    offers: bool = False

    @property
    def owner(self) -> Manifest:
        """The owner reference of what belongs to this very MemoApp."""
        return {
            "apiVersion": MEMO_APP.api_version,
            "kind": MEMO_APP.kind,
            "name": self.app.metadata.name,
            "uid": self.app.metadata.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
