"""Where backups lie, and to whom they are sealed."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from .base import A_WEEK, Duration, ObjectName, Quantity, Spec, rules
from .gates import SecretKey

_ONE = rules(("has(self.volume) != has(self.s3)", "exactly one of volume and s3 is needed"))


class BackupVolume(Spec):
    """A volume of the cluster's own."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("quantity(self.size).isGreaterThan(quantity('0'))", "size must be more than 0"),
        )
    )
    size: Quantity = "20Gi"
    """Size of the claim <app>-backups. It grows and never shrinks."""
    storage_class_name: ObjectName | None = None
    """StorageClass of the claim. Without it the cluster's default class serves."""
    claim_name: ObjectName | None = None
    """A claim that is there already, instead of one of the operator's."""


class S3(Spec):
    """A bucket of S3, or of whatever speaks its protocol."""

    endpoint: str = Field(max_length=512, pattern=r"^https?://[^\s/?#@]+$")
    """Address of the store, without a path: https://s3.example:9000."""
    bucket: str = Field(min_length=3, max_length=63, pattern=r"^[a-z0-9][-.a-z0-9]*[a-z0-9]$")
    """Name of the bucket; it is there."""
    prefix: str = Field("", max_length=512, pattern=r"^([A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*)?$")
    """Before every key, without slashes around it."""
    region: str = Field("us-east-1", min_length=1, max_length=63, pattern=r"^[A-Za-z0-9-]+$")
    """Region, as the store wants it."""
    path_style: bool = True
    """The bucket stands in the path, and not in the host's name."""
    credentials_secret_ref: ObjectName
    """Secret with the keys access-key and secret-key."""
    ca_secret_ref: SecretKey | None = None
    """The authority (PEM) of the store's certificate. Without it the web's authorities count."""


class Destination(Spec):
    """Where backups lie: exactly one of volume and s3."""

    model_config = ConfigDict(json_schema_extra=_ONE)
    volume: BackupVolume | None = None
    """A volume of the cluster's own. It outlives the MemoApp, whatever its deletion policy says."""
    s3: S3 | None = None
    """A bucket."""


class Encryption(Spec):
    """Sealing with age."""

    recipients_secret_ref: SecretKey
    """Recipients, one a line (age1..., ssh-ed25519 ..., ssh-rsa ...)."""
    identity_secret_ref: SecretKey | None = None
    """An identity of one of them (AGE-SECRET-KEY-1..., or an SSH key), for drills and restores alone. Without it a
    sealed backup can be taken and checked, and neither proved nor restored here."""


Count = Annotated[int, Field(ge=0, le=1000)]


class Keep(Spec):
    """How many backups each rule keeps; what none keeps is pruned.

    Never the newest good one, nor one that a person ordered, nor one that a release refers to.
    """

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("self.last + self.daily + self.weekly + self.monthly > 0", "one rule must keep something")
        )
    )
    last: Count = 7
    """The newest so many."""
    daily: Count = 14
    """The newest of each of the last so many days that have one."""
    weekly: Count = 8
    """The newest of each of the last so many weeks (from Monday) that have one."""
    monthly: Count = 12
    """The newest of each of the last so many months that have one."""
    announce: Duration = Field("24h", json_schema_extra=rules(A_WEEK))
    """How long rules that are new, or were changed, only say in the status what they would prune."""
