"""What became of one request, and how it stands in the log."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

LIMIT = 2.0
"""Seconds from sending to the end of the answer; beyond, a request has failed."""


class Fault(StrEnum):
    """Why there was no answer.

    ``CLIENT`` is the load tool's own fault, such as too many open files: it says nothing about the target.
    """

    REFUSED = "refused"
    RESET = "reset"
    TIMEOUT = "timeout"
    OTHER = "other"
    CLIENT = "client"


class Failure(StrEnum):
    """How a request failed, as it is counted."""

    REFUSED = "refused"
    RESET = "reset"
    SERVER_ERROR = "5xx"
    SLOW = "over 2 s"
    OTHER = "other"
    CLIENT = "client"


_FAILURES = {
    Fault.REFUSED: Failure.REFUSED,
    Fault.RESET: Failure.RESET,
    Fault.TIMEOUT: Failure.SLOW,
    Fault.OTHER: Failure.OTHER,
    Fault.CLIENT: Failure.CLIENT,
}
_CREATED = 201
_OK = range(200, 400)
_SERVER_ERROR = range(500, 600)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; times are seconds since the epoch.

    Attributes:
        planned: when it was to be sent.
        sent: when it was: a new connection begins to connect, a kept one is written to.
        connected: when its new connection stood; None for a kept connection, or where none came about.
        finished: the end of the answer, or of the wait for it.
        method: GET or POST.
        path: without query.
        kind: ``page`` or ``api``.
        connection: ``new`` or ``kept``.
        cookie: the client keeps the router's cookie.
        status: of the answer; None where there was none.
        fault: why there was none.
        detail: at which point, and what the system called it; of a bad answer, how it begins.
        version: of the backend, or of the frontend for a page; empty where no header told.
        frontend: the version of the frontend that an answer passed.
        colour: as the backend tells it, if it was told.
        journal: the id of a write.
    """

    planned: float
    sent: float
    connected: float | None
    finished: float
    method: str
    path: str
    kind: str
    connection: str
    cookie: bool
    status: int | None
    fault: Fault | None
    detail: str
    version: str
    frontend: str
    colour: str
    journal: str

    @property
    def late(self) -> float:
        """Seconds that the tool itself was behind its plan."""
        return self.sent - self.planned

    @property
    def took(self) -> float:
        """Seconds."""
        return self.finished - self.sent

    @property
    def failure(self) -> Failure | None:
        """How it failed, if it did."""
        if self.fault is not None:
            return _FAILURES[self.fault]
        if self.status in _SERVER_ERROR:
            return Failure.SERVER_ERROR
        if self.status not in _OK:
            return Failure.OTHER
        return Failure.SLOW if self.took > LIMIT else None

    @property
    def acknowledged(self) -> bool:
        """A write that the target said it had stored."""
        return bool(self.journal) and self.status == _CREATED

    @property
    def mixed(self) -> bool:
        """The frontend of one version answered with the backend of another."""
        return bool(self.version and self.frontend) and self.version != self.frontend

    def line(self) -> str:
        """One line of JSON."""
        found = asdict(self)
        for key in ("planned", "sent", "connected", "finished"):
            found[key] = None if found[key] is None else round(found[key], 6)
        return json.dumps(found, separators=(",", ":"))

    @classmethod
    def parse(cls, line: str) -> Request:
        """The request that ``line`` gave."""
        found = json.loads(line)
        return cls(**{**found, "fault": Fault(found["fault"]) if found["fault"] else None})
