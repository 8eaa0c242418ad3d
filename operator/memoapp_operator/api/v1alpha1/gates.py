"""Gates of a release: what its new version is measured by, and what is allowed."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from .base import ObjectName, Spec, list_map, rules

# Up to 100, with at most three decimals: a share of requests is never told more exactly than that.
Percent = Annotated[str, Field(max_length=6, pattern=r"^([0-9]{1,2}(\.[0-9]{1,3})?|100)$")]
# What CEL's double() and a person read in the same way.
Number = Annotated[str, Field(max_length=25, pattern=r"^-?[0-9]{1,15}(\.[0-9]{1,9})?$")]


class ErrorGates(Spec):
    """Limits for the shares of responses that are errors, in percent of all responses of the new version."""

    client_error_percent: Percent = "1"
    """Most responses with status 400 to 499."""
    server_error_percent: Percent = "0.1"
    """Most responses with status 500 to 599."""
    abort_server_error_percent: Percent = "5"
    """Beyond this share of status 500 to 599 the clients go back at once, after a single measurement."""


class Threshold(StrEnum):
    """Times that the router counts slower responses for."""

    MS_100 = "100ms"
    MS_250 = "250ms"
    MS_500 = "500ms"
    S_1 = "1s"
    S_2 = "2s"
    S_5 = "5s"


class ResponseTimeGates(Spec):
    """Limits for the time from a request to the headers of its response."""

    frontend: Threshold = Threshold.S_2
    """Pages: every path that is not under /api."""
    backend: Threshold = Threshold.S_1
    """The API: paths under /api."""
    slow_percent: Percent = "5"
    """Most responses that may be slower than that, in percent: with 5 the 95th percentile is within the limit."""


class PodGates(Spec):
    """The pods of the new version."""

    restarts: int = Field(0, ge=0, le=100)
    """Most containers that may end since the first clients came; one more and the clients go back at once."""


# A time that is measured: shorter than a duration, which counts no milliseconds.
Span = Annotated[str, Field(max_length=16, pattern=r"^([0-9]{1,6}(ms|s|m))+$")]
SharePercent = Annotated[int, Field(ge=1, le=100)]


class DatabaseGates(Spec):
    """PostgreSQL, while clients move to the new version.

    A limit that is left out is the default, and is skipped where the database does not tell. One that is written here
    must be told: without an answer the release does not go on.
    """

    connections_percent: SharePercent | None = None
    """Most connections, in percent of those that there can be; 80 if left out."""
    replication_lag: Span | None = None
    """Longest time by which a replica is behind; 1s if left out."""
    deadlocks: int | None = Field(None, ge=0, le=1000)
    """Most deadlocks since the step began; 0 if left out."""
    lock_wait: Span | None = None
    """Longest time for which a session waits for a lock; 30s if left out."""
    transaction_age: Span | None = None
    """Longest time for which a transaction is open; 5m if left out."""
    slow_query: Span | None = None
    """Longest mean time of a statement since the step began, by pg_stat_statements; 1s if left out. One that was as
    slow before does not count."""


class ResourceGates(Spec):
    """What pods and volumes use.

    As in ``database``, what is left out has a default, and what is written must be told.
    """

    cpu_percent: SharePercent | None = None
    """Most CPU that a container of the new version uses, in percent of its limit; 80 if left out."""
    memory_percent: SharePercent | None = None
    """Most memory that a container of the new version uses, in percent of its limit; 85 if left out."""
    disk_percent: SharePercent | None = None
    """Most of the database's volume that is used, in percent; 90 if left out. No release begins beyond it either."""


class SecretKey(Spec):
    """One key of a Secret in the MemoApp's namespace."""

    name: ObjectName
    """Name of the Secret."""
    key: str = Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")
    """Key in the Secret."""


class PrometheusQuery(Spec):
    """One query; every sample of its result must be within the limits."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.min) || has(self.max)", "one of min and max is needed"),
            (
                "!has(self.min) || !has(self.max) || double(self.min) <= double(self.max)",
                "min must not be more than max",
            ),
        )
    )
    name: str = Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    """Name of the gate: it appears as prometheus/<name>."""
    query: str = Field(min_length=1, max_length=4096)
    """PromQL for an instant vector or a scalar. $(colour), $(otherColour), $(app), $(namespace) and $(version) are
    replaced."""
    min: Number | None = None
    """Least value that is allowed."""
    max: Number | None = None
    """Greatest value that is allowed."""
    dry_run: bool | None = None
    """It is asked and shown, and decides nothing."""


class PrometheusGates(Spec):
    """Gates out of a Prometheus of your own."""

    url: str = Field(max_length=512, pattern=r"^https?://[^\s?#@]+$")
    """Address of its HTTP API, with its path prefix where it has one: https://prometheus.example/monitoring."""
    ca_secret_ref: SecretKey | None = None
    """The authority (PEM) of its certificate. Without it the system's authorities count."""
    bearer_secret_ref: SecretKey | None = None
    """A token that is sent with each query."""
    queries: list[PrometheusQuery] = Field(min_length=1, max_length=16, json_schema_extra=list_map("name"))
    """What is asked."""


class GateName(StrEnum):
    """The gates that are always there."""

    CLIENT_ERRORS = "clientErrorPercent"
    SERVER_ERRORS = "serverErrorPercent"
    FRONTEND_TIME = "responseTime.frontend"
    BACKEND_TIME = "responseTime.backend"
    PODS = "pods"
    PROBES = "probes"
    CONNECTIONS = "connectionsPercent"
    REPLICATION_LAG = "replicationLag"
    DEADLOCKS = "deadlocks"
    LOCK_WAIT = "lockWait"
    TRANSACTION_AGE = "transactionAge"
    SLOW_QUERY = "slowQuery"
    CPU = "cpuPercent"
    MEMORY = "memoryPercent"
    DISK = "diskPercent"


Interval = Annotated[
    str,
    Field(
        max_length=8,
        pattern=r"^([0-9]{1,3}(s|m))+$",
        json_schema_extra=rules(
            ("duration(self) >= duration('2s') && duration(self) <= duration('10m')", "it is 2s to 10m")
        ),
    ),
]


class Gates(Spec):
    """What a new version is measured by while clients move to it, and afterwards while the old one is warm."""

    errors: ErrorGates = Field(
        ErrorGates(),
        json_schema_extra=rules(
            (
                "double(self.serverErrorPercent) <= double(self.abortServerErrorPercent)",
                "abortServerErrorPercent must not be less than serverErrorPercent",
            )
        ),
    )
    """Shares of responses that are errors."""
    response_time: ResponseTimeGates = ResponseTimeGates()
    """Times of responses."""
    pods: PodGates = PodGates()
    """Health of the new version's pods."""
    database: DatabaseGates = DatabaseGates()
    """PostgreSQL."""
    resources: ResourceGates = ResourceGates()
    """CPU, memory and disk."""
    prometheus: PrometheusGates | None = None
    """Gates out of a Prometheus of your own."""
    interval: Interval = "10s"
    """How often is measured."""
    failure_limit: int = Field(3, ge=0, le=100)
    """Measurements of a gate that may fail in one step; one more and the release goes back."""
    error_limit: int = Field(5, ge=0, le=100)
    """Times in a row that the source of a gate may not answer; one more and the release goes back."""
    min_requests: int = Field(20, ge=1, le=1_000_000)
    """Requests without which a measurement says nothing."""
    dry_run: list[GateName] | None = Field(None, max_length=15)
    """Gates that are measured and shown, and decide nothing; a query says so itself."""

    @property
    def watched(self) -> frozenset[str]:
        """Names of the gates that decide nothing."""
        queries = self.prometheus.queries if self.prometheus is not None else []
        return frozenset({*(self.dry_run or ()), *(f"prometheus/{item.name}" for item in queries if item.dry_run)})
