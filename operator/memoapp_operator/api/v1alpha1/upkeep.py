"""Regular work on an app, by schedule, and what came of it last."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .base import A_WEEK, CRON_PATTERN, Duration, Spec, Status, Timestamp, rules


class Check(Spec):
    """The app is looked over: what its conditions say, the gates of database and resources, and pods that ended."""

    schedule: str = Field("0 7 * * *", max_length=128, pattern=CRON_PATTERN)
    """When, as in cron: at seven, if nothing is said. After a check that found something, once an hour as well."""


class Prune(Spec):
    """Jobs of releases and of maintenance tasks that are over go. Revisions that nobody needs any more go anyway."""

    schedule: str = Field("30 3 * * *", max_length=128, pattern=CRON_PATTERN)
    """When, as in cron: at half past three, if nothing is said."""
    older_than: Duration = Field(
        "24h", json_schema_extra=rules(A_WEEK, ("self.matches('[1-9]')", "it must be more than 0"))
    )
    """How long Jobs have been over then."""


class Upkeep(Spec):
    """Regular work. The proof by restore and the disaster drill have their schedules in spec.backup.drill."""

    time_zone: str = Field("Etc/UTC", max_length=63, pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")
    """Time zone of the schedules: Europe/Berlin."""
    check: Check | None = None
    """The app is looked over each day."""
    prune: Prune | None = None
    """Jobs that are over go each day."""


class TurnStatus(Status):
    """Where a schedule stands."""

    schedule: str = Field(max_length=256)
    """The schedule, with its time zone, that is followed."""
    since: Timestamp
    """After when the next time comes."""
    next: Timestamp | None = None
    """When that is."""
    at: Timestamp | None = None
    """When it was done last."""


class CheckStatus(TurnStatus):
    """The checks."""

    findings: list[Annotated[str, Field(max_length=512)]] | None = Field(None, max_length=32)
    """What the last one found; nothing, where all is well."""


class PruneStatus(TurnStatus):
    """The pruning. Jobs that had been over for long enough the last time go."""

    removed: int | None = Field(None, ge=0)
    """How many that were."""


class UpkeepStatus(Status):
    """Regular work."""

    check: CheckStatus | None = None
    """The checks."""
    prune: PruneStatus | None = None
    """The pruning."""
