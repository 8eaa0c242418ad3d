"""What of a MemoApp is saved, when, and where to; and what is known of its backups."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from .base import A_WEEK, CRON_PATTERN, Duration, Image, Spec, Status, Timestamp, rules
from .destination import BackupVolume, Destination, Encryption, Keep
from .drill import DisasterStatus, Drill, DrillStatus, LastProof


class Backup(Spec):
    """Backups of the database and of the app's configuration."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.suspend) || !self.suspend || has(self.schedule)",
                "without a schedule there is none to suspend",
            ),
            (
                (
                    "!has(self.destination.volume) || !has(oldSelf.destination.volume) || "
                    "quantity(self.destination.volume.size).compareTo(quantity(oldSelf.destination.volume.size)) >= 0"
                ),
                "destination.volume can grow but not shrink",
            ),
        )
    )
    schedule: str | None = Field(None, max_length=128, pattern=CRON_PATTERN)
    """When a backup is taken: minute, hour, day of the month, month, day of the week, as in cron. Without it only by
    order and before releases."""
    time_zone: str = Field("Etc/UTC", max_length=63, pattern=r"^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")
    """Time zone of the schedule, and of the days, weeks and months of keep: Europe/Berlin."""
    suspend: bool = False
    """The schedule rests. Orders and releases still take backups."""
    destination: Destination = Destination(volume=BackupVolume())
    """Where backups lie: exactly one of volume and s3."""
    redis: bool = False
    """Redis' data is saved too, of a moment shortly after that of the database."""
    encryption: Encryption | None = None
    """To whom backups are sealed. Without it they are not sealed, and the app's Secrets are not in them."""
    keep: Keep | None = None
    """What is kept. Without it nothing is ever pruned."""
    drill: Drill = Drill()
    """When the newest backup is restored on a server of its own and compared, so that it is known to bring back what it
    was taken of: weekly, if nothing is said."""
    timeout: Duration = Field(
        "6h",
        json_schema_extra=rules(A_WEEK, ("self.matches('[1-9]')", "it must be more than 0")),
    )
    """How long one backup, one drill or one restore may take."""
    client_image: Image | None = None
    """Image of PostgreSQL of the server's major version, for an external database: pg_dump and pg_restore are run of
    it, and the server of a drill. A managed one has its own."""


class LastBackup(Status):
    """The last good backup."""

    name: str = Field(max_length=63)
    """Name of the MemoBackup."""
    taken_at: Timestamp
    """The moment of its snapshot."""


class PruningStatus(Status):
    """What the rules of keep do not keep."""

    rules: str = Field(max_length=128)
    """The rules, in one line: last 7, daily 14, weekly 8, monthly 12."""
    begins: Timestamp
    """From when on they prune. Until then they only say what they would."""
    names: list[Annotated[str, Field(max_length=63)]] | None = Field(None, max_length=64)
    """MemoBackups that would be, or are being, pruned, the oldest first."""


class BackupsStatus(Status):
    """What is known of the app's backups."""

    last: LastBackup | None = None
    """The last good one."""
    last_proved: LastProof | None = None
    """The last one that was restored and found to be like the original."""
    drill: DrillStatus | None = None
    """What is known of drills."""
    disaster: DisasterStatus | None = None
    """What is known of disaster drills."""
    schedule: str | None = Field(None, max_length=192)
    """The schedule that is followed, with its time zone."""
    since: Timestamp | None = None
    """Since when: what was due before was another's to take."""
    next: Timestamp | None = None
    """When the schedule takes the next one."""
    ordered: str | None = Field(None, max_length=63)
    """The MemoBackup that is about to be created."""
    final: str | None = Field(None, max_length=63)
    """The last one, which the deletion of the MemoApp waits for."""
    pruning: PruningStatus | None = None
    """What the rules of keep do not keep."""
    catalogued: str | None = Field(None, max_length=16)
    """The destination whose backups are all known, by digest."""
