"""Who is told of what, and what was said so far."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from .base import A_WEEK, Duration, Spec, Status, Timestamp, list_map, rules
from .gates import SecretKey

# Times of day on a clock with 24 hours.
CLOCK_PATTERN = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
_SOME_TIME = rules(A_WEEK, ("self.matches('[1-9]')", "it must be more than 0"))


class Topic(StrEnum):
    """What a message is about."""

    INCIDENTS = "Incidents"
    RELEASES = "Releases"
    BACKUPS = "Backups"
    MAINTENANCE = "Maintenance"


class Event(StrEnum):
    """What happened."""

    INCIDENT_ALERT = "IncidentAlert"
    INCIDENT_UPDATE = "IncidentUpdate"
    INCIDENT_RESOLVED = "IncidentResolved"
    RELEASE_STARTED = "ReleaseStarted"
    RELEASE_COMPLETED = "ReleaseCompleted"
    RELEASE_ROLLED_BACK = "ReleaseRolledBack"
    RELEASE_REJECTED = "ReleaseRejected"
    RELEASE_HELD = "ReleaseHeld"
    BACKUP_FAILED = "BackupFailed"
    BACKUP_RECOVERED = "BackupRecovered"
    PROOF_MISSING = "ProofMissing"
    PROOF_RECOVERED = "ProofRecovered"
    MAINTENANCE_ANNOUNCED = "MaintenanceAnnounced"
    MAINTENANCE_STARTED = "MaintenanceStarted"
    MAINTENANCE_LONGER = "MaintenanceLonger"
    MAINTENANCE_COMPLETED = "MaintenanceCompleted"
    MAINTENANCE_FAILED = "MaintenanceFailed"


class QuietHours(Spec):
    """Times of day at which only what is gravest is told."""

    model_config = ConfigDict(
        json_schema_extra=rules(("self.from != self.to", "from and to must differ: a whole day is no pause"))
    )
    from_: str = Field(alias="from", max_length=5, pattern=CLOCK_PATTERN)
    """When they begin: 22:00."""
    to: str = Field(max_length=5, pattern=CLOCK_PATTERN)
    """When they end: 06:00, of the next day where that is earlier."""
    time_zone: str | None = Field(None, max_length=63, pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")
    """Their time zone; Etc/UTC if left out."""


class Template(Spec):
    """Words of your own for one event."""

    event: Event
    """The event."""
    title: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    """The title. $app, $namespace, $version, $what, $reason, $message, $since, $until, $lasted and $window are filled
    in."""
    text: str | None = Field(None, min_length=1, max_length=2048)
    """The text, likewise."""


class Target(Spec):
    """Somebody who is told."""

    name: str = Field(min_length=1, max_length=30, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    """What the target is called."""
    url_secret_ref: SecretKey
    """Where to: a URL of Apprise (mailtos://, slack://, workflows:// for Teams, json:// and more) in a Secret."""
    min_severity: int | None = Field(None, ge=1, le=4)
    """The least grave that is told: 1 visitors are not served; 2 something is broken, or a release went back; 3
    something needs to be looked at; 4 everything. 4 if left out."""
    topics: list[Topic] | None = Field(None, min_length=1, max_length=4)
    """What is told; all of it if left out."""
    quiet_hours: QuietHours | None = None
    """When only severity 1 is told; the rest comes afterwards, as far as it still is so."""
    escalate_after: Duration | None = Field(None, json_schema_extra=_SOME_TIME)
    """This target is told of what lasts, and only once it has lasted for so long."""
    repeat_after: Duration | None = Field(None, json_schema_extra=_SOME_TIME)
    """How often what lasts is told again; 30m if left out."""
    templates: list[Template] | None = Field(None, max_length=17)
    """Words of your own; of two for one event the first."""


class TroubleStatus(Status):
    """Something that lasts, and that people were told of."""

    key: str = Field(max_length=63)
    """What it is: the condition."""
    severity: int = Field(ge=1, le=4)
    """How grave it is."""
    since: Timestamp
    """Since when."""
    told: list[ToldStatus] = Field(default_factory=list, max_length=8, json_schema_extra=list_map("target"))
    """Who was told, and when last."""


class ToldStatus(Status):
    """Who was told of it."""

    target: str = Field(max_length=30)
    """The target."""
    at: Timestamp
    """When last."""


class MessageStatus(Status):
    """A message that is on its way."""

    id: str = Field(max_length=63)
    """Identifies it."""
    target: str = Field(max_length=30)
    """To whom."""
    event: Event
    """What happened."""
    key: str | None = Field(None, max_length=63)
    """What it is about, where that lasts."""
    severity: int = Field(ge=1, le=4)
    """How grave it is."""
    title: str = Field(max_length=200)
    """Its title."""
    text: str = Field(max_length=2048)
    """Its text."""
    at: Timestamp
    """When it happened."""
    after: Timestamp | None = None
    """It is not sent before."""
    attempts: int | None = Field(None, ge=1)
    """How often it was tried in vain."""


class FailingStatus(Status):
    """A target that cannot be reached."""

    target: str = Field(max_length=30)
    """The target."""
    since: Timestamp
    """Since when."""
    message: Annotated[str, Field(max_length=512)]
    """Why."""


class SeenRunStatus(Status):
    """A maintenance that was announced or has begun."""

    window: str = Field(max_length=128)
    """The window, or `spec` for spec.maintenance."""
    start: Timestamp
    """When it begins, or began."""
    until: Timestamp | None = None
    """When it is to be over."""
    begun: bool | None = None
    """It was told that it began."""
    longer: bool | None = None
    """It was told that it takes longer."""


class NotificationsStatus(Status):
    """What people were told, and what is on its way."""

    troubles: list[TroubleStatus] | None = Field(None, max_length=16, json_schema_extra=list_map("key"))
    """What lasts, and was told."""
    maintenance: list[SeenRunStatus] | None = Field(None, max_length=32, json_schema_extra=list_map("window"))
    """Maintenance that was told of."""
    outbox: list[MessageStatus] | None = Field(None, max_length=64, json_schema_extra=list_map("id"))
    """Messages on their way."""
    failing: list[FailingStatus] | None = Field(None, max_length=8, json_schema_extra=list_map("target"))
    """Targets that cannot be reached."""
    dropped: int | None = Field(None, ge=0)
    """Messages that were given up: after a day, or because there were too many."""


TroubleStatus.model_rebuild()
