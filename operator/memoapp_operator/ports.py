"""What the outside must offer. The engine knows these protocols; adapters and test doubles implement them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from memoapp_operator.domain.counters import Counters, Key
from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.manifest import Kind, Manifest, Ref
from memoapp_operator.domain.observation import Probe, Volume
from memoapp_operator.domain.queries import Answer
from memoapp_operator.domain.usage import DatabaseReading


class ClusterError(Exception):
    """The API server did not do what was asked.

    Attributes:
        code: HTTP status; 0 where no answer came.
        reason: the reason of the Status object, or of the transport.
    """

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.code = code
        self.reason = reason
        self.message = message


class Conflict(ClusterError):  # noqa: N818 -- the API's own word for it
    """409: somebody else was quicker (resourceVersion, uid or field ownership)."""


class Refused(ClusterError):  # noqa: N818 -- the API's own word for it
    """400, 403, 422: the same request will not succeed until somebody changes something."""


class Unavailable(ClusterError):  # noqa: N818 -- the API's own word for it
    """No answer, 429 or 5xx: the same request may succeed later. Its outcome is not known."""


class LeaseLostError(Exception):
    """The lease's end has come: nothing may be written any more."""


class Cluster(Protocol):
    """The Kubernetes API. Every call raises ClusterError or one of its kinds; writes raise LeaseLostError too."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        """The object, or None where there is none."""
        ...

    async def list(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        """The objects with all of ``labels``."""
        ...

    async def create(self, manifest: Manifest) -> Manifest:
        """Create; Conflict where an object of that name is there."""
        ...

    async def apply(self, manifest: Manifest, *, new: bool = False) -> Manifest:
        """Server-side apply as the operator's field manager.

        ``new`` says that no such object was seen: then nobody's fields are taken over (Conflict).
        """
        ...

    async def scale(self, ref: Ref, namespace: str, uid: str, replicas: int) -> None:
        """Set the replicas of the Deployment with this uid, by its scale subresource; Conflict where it is another."""
        ...

    async def delete(self, ref: Ref, namespace: str, uid: str) -> None:
        """Delete the object with this uid; no error where it is gone already."""
        ...

    async def mark(
        self,
        manifest: Manifest,
        *,
        annotations: Mapping[str, str] | None = None,
        finalizers: Sequence[str] | None = None,
    ) -> Manifest:
        """Set annotations, or all finalizers, under the resourceVersion of ``manifest``."""
        ...

    async def replace(self, manifest: Manifest) -> Manifest:
        """Write the whole object under its resourceVersion; Conflict where it is not the newest."""
        ...

    async def replace_status(self, manifest: Manifest) -> Manifest:
        """Write ``status`` under the resourceVersion of ``manifest``; Conflict where it is not the newest."""
        ...

    async def note(self, about: Manifest, note: Note, now: datetime) -> None:
        """Tell an Event about an object; once a note's key, however often it is told."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Login:
    """How to reach a database or Redis. Never printed."""

    host: str
    port: int
    user: str
    password: str
    dbname: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class ClientCertificate:
    """PEM texts of a client certificate, its key and the authority of the server. Never printed."""

    authority: str
    certificate: str
    key: str


@dataclass(frozen=True, slots=True, repr=False)
class PrometheusSource:
    """How to reach a Prometheus: its address, the PEM text of its authority, a token. Never printed."""

    url: str
    authority: str | None = None
    bearer: str | None = None


@dataclass(frozen=True, slots=True)
class Steering:
    """How one router sends its clients.

    Attributes:
        weight: share of the clients that green serves, in percent.
        release: the release that the clients' buckets are fixed for.
        until: the end of the maintenance page, in seconds since 1970; 0 where none is to be seen.
        confirmed: the operator has set all since the router started; it is ready only then.
        message: what visitors read on the page; empty where nobody wrote anything.
    """

    weight: int
    release: str
    confirmed: bool = True
    until: int = 0
    message: str = ""


class Services(Protocol):
    """What the operator asks of the running parts of an app. No question raises; each ends within seconds."""

    async def database(self, login: Login) -> Probe:
        """Does PostgreSQL answer a query?"""
        ...

    async def statistics(self, login: Login, user: str, slow: int) -> DatabaseReading:
        """PostgreSQL's own numbers.

        Args:
            login: of a role that may read them, as far as there is one.
            user: the application's role: its transactions and statements count.
            slow: milliseconds; statements that took less in sum are left out.
        """
        ...

    async def statement(self, login: Login, query: str) -> str:
        """The normalised text of a statement by its query id; empty where it is not known."""
        ...

    async def definitions(self, login: Login) -> str | None:
        """A digest of the definitions in a database, or None where it does not tell."""
        ...

    async def databases(self, login: Login) -> Mapping[str, bool] | None:
        """The server's databases by name, and whether they take connections; None where it does not tell."""
        ...

    async def swap(self, login: Login, live: str, fresh: str, kept: str) -> None:
        """Rename databases in one transaction, with nobody connected: ``live`` to ``kept``, and ``fresh`` to ``live``.

        Whether that went well is seen by asking for the databases.

        Raises:
            LeaseLostError: the lease is over: another process may have done something else by now.
        """
        ...

    async def open(self, login: Login, name: str) -> None:
        """Let a database take connections."""
        ...

    async def drop(self, login: Login, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        ...

    async def cache(self, login: Login) -> Probe:
        """Does Redis answer AUTH and PING?"""
        ...

    async def health(self, address: str, port: int, path: str) -> int | None:
        """Status code of ``GET path``, or None where no answer came."""
        ...

    async def volume(self, address: str) -> Volume | None:
        """The fill of the database's volume by the agent beside it, or None where it does not tell."""
        ...

    async def steering(self, address: str, certificate: ClientCertificate) -> Steering | None:
        """How the router at ``address`` sends its clients, or None where it does not tell."""
        ...

    async def counters(self, address: str, certificate: ClientCertificate) -> Mapping[Key, Counters] | None:
        """What the router at ``address`` has counted since its start, or None where it does not tell."""
        ...

    async def query(self, source: PrometheusSource, text: str) -> Answer:
        """What a Prometheus answers to a query."""
        ...

    async def steer(self, address: str, certificate: ClientCertificate, wanted: Steering) -> None:
        """Have the router at ``address`` send its clients so, at once. Whether it does is seen by asking again.

        Raises:
            LeaseLostError: the lease is over: another process may have told it something else by now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Silence:
    """What an Alertmanager is not to tell.

    Attributes:
        labels: that the alerts have; those of critical severity are told all the same.
        until: when it ends by itself; aware.
        comment: for people.
    """

    labels: tuple[tuple[str, str], ...]
    until: datetime
    comment: str


class Silencer(Protocol):
    """The way to an Alertmanager."""

    async def silence(self, source: PrometheusSource, owner: str, wanted: Silence | None) -> str:
        """Have the owner's one silence so, or none; the same asked twice changes nothing.

        Empty once it is so, else why it is not, without the token. Does not raise, and ends within seconds.
        """
        ...


class Messenger(Protocol):
    """The way to people outside of the cluster."""

    async def send(self, url: str, title: str, text: str) -> str:
        """Empty once the target took it, else why it did not. Does not raise, and ends within seconds.

        Args:
            url: where to; it holds a secret, which no answer names.
            title: one line.
            text: some lines.
        """
        ...


@dataclass(frozen=True, slots=True)
class Outside:
    """What is outside of the cluster: people, and an Alertmanager."""

    messenger: Messenger
    silencer: Silencer


class Mint(Protocol):
    """Where new secrets come from."""

    def password(self) -> str:
        """A new random password of letters and digits."""
        ...

    async def router_certificates(self, dns_names: tuple[str, ...], now: datetime) -> Mapping[str, str]:
        """A new authority with a server and a client certificate.

        Keys: ``ca.crt``, ``server.pem``, ``client.crt``, ``client.key``, ``notAfter`` (RFC 3339).
        """
        ...


class Clock(Protocol):
    """The time, as an argument."""

    def now(self) -> datetime:
        """Now: aware, UTC."""
        ...
