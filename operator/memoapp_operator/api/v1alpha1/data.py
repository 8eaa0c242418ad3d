"""PostgreSQL and Redis: run by the operator (managed) or elsewhere (external)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from .base import IDENTIFIER_PATTERN, Image, LocalReference, ObjectName, Quantity, Resources, Spec, rules
from .recovery import RestoreFrom


class DeletionPolicy(StrEnum):
    """What becomes of a volume, and of the credential to read it, when the MemoApp is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


class DatabaseDeletionPolicy(StrEnum):
    """What becomes of the database's volume, and of the credential to read it, when the MemoApp is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"
    BACKUP_THEN_DELETE = "BackupThenDelete"


_STORAGE_RULES = rules(
    (
        (
            "has(self.storageClassName) == has(oldSelf.storageClassName) && "
            "(!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)"
        ),
        "storageClassName is immutable",
    ),
    (
        "quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0",
        "a volume can grow but not shrink",
    ),
    ("quantity(self.size).isGreaterThan(quantity('0'))", "size must be more than 0"),
)


class DatabaseStorage(Spec):
    """The volume of PostgreSQL."""

    model_config = ConfigDict(json_schema_extra=_STORAGE_RULES)
    size: Quantity = "10Gi"
    """Size of the volume. It can grow but not shrink."""
    storage_class_name: ObjectName | None = None
    """StorageClass of the volume, the cluster's default if left out. It is fixed once the MemoApp exists."""


class CacheStorage(Spec):
    """The volume of Redis' append-only file."""

    model_config = ConfigDict(json_schema_extra=_STORAGE_RULES)
    size: Quantity = "1Gi"
    """Size of the volume. It can grow but not shrink."""
    storage_class_name: ObjectName | None = None
    """StorageClass of the volume, the cluster's default if left out. It is fixed once the MemoApp exists."""


# Settings on which the operator's own work rests.
RESERVED_PARAMETERS = (
    "config_file",
    "data_directory",
    "hba_file",
    "ident_file",
    "listen_addresses",
    "port",
    "shared_preload_libraries",
    "unix_socket_directories",
)


class ManagedDatabase(Spec):
    """A PostgreSQL (15 to 18) that the operator runs: one replica on a volume of its own."""

    image: Image = "docker.io/library/postgres:17"
    """Image of PostgreSQL 15 to 18, with the contract of the official one."""
    storage: DatabaseStorage = DatabaseStorage()
    """The volume of PostgreSQL."""
    resources: Resources | None = None
    """Requests and limits of PostgreSQL's container."""
    parameters: dict[str, Annotated[str, Field(max_length=1024)]] | None = Field(
        None,
        max_length=100,
        json_schema_extra=rules(
            (
                "self.all(k, k.size() <= 63 && k.matches('^[a-z_][a-z0-9_]*([.][a-z_][a-z0-9_]*)?$'))",
                "parameters must be named as in postgresql.conf",
            ),
            (
                f"!self.exists(k, k in {list(RESERVED_PARAMETERS)!r})",
                "these parameters are the operator's: " + ", ".join(RESERVED_PARAMETERS),
            ),
        ),
    )
    """Settings as in postgresql.conf, by name in lower case, values as strings."""
    restore_from: RestoreFrom | None = None
    """A backup that an empty database takes its data from before anything serves; the Secrets and ConfigMaps that were
    saved with it and are not there come back too. Of a database that holds data nothing is touched."""


class ExternalDatabase(Spec):
    """A PostgreSQL elsewhere. The Secret holds host, port, user and password, or one key uri."""

    secret_ref: LocalReference
    """Secret with the keys host, port, user and password, or the one key uri."""


class Database(Spec):
    """The application's database: exactly one of managed and external."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.managed) != has(self.external)", "exactly one of managed and external must be set"),
            (
                "has(self.managed) == has(oldSelf.managed)",
                "managed cannot become external, nor external managed",
            ),
            ("self.name == oldSelf.name", "name is immutable"),
            ("self.user == oldSelf.user", "user is immutable"),
            (
                "!(self.user in ['postgres', 'memoapp_monitor']) && !self.user.startsWith('pg_')",
                (
                    "user cannot be one of the operator's own roles (postgres, memoapp_monitor), "
                    "nor begin with pg_, which PostgreSQL keeps for itself"
                ),
            ),
            (
                "!(self.name in ['postgres', 'template0', 'template1'])",
                "name cannot be one of PostgreSQL's own databases",
            ),
        )
    )
    managed: ManagedDatabase | None = None
    """A PostgreSQL that the operator runs."""
    external: ExternalDatabase | None = None
    """A PostgreSQL that somebody else runs."""
    name: str = Field("memo_app", min_length=1, max_length=63, pattern=IDENTIFIER_PATTERN)
    """Name of the database. It is fixed once the MemoApp exists."""
    user: str = Field("memo_user", min_length=1, max_length=63, pattern=IDENTIFIER_PATTERN)
    """Role that owns the database and that the application uses. It is fixed once the MemoApp exists."""
    deletion_policy: DatabaseDeletionPolicy = DatabaseDeletionPolicy.RETAIN
    """What becomes of the volume, and of the credential to read it, when the MemoApp is deleted. BackupThenDelete holds
    the MemoApp until a last backup is verified."""


class ManagedCache(Spec):
    """A Redis that the operator runs: one replica, append-only file on a volume of its own."""

    image: Image = "docker.io/library/redis:8"
    """Image of Redis, with the contract of the official one."""
    storage: CacheStorage = CacheStorage()
    """The volume of Redis' append-only file."""
    resources: Resources | None = None
    """Requests and limits of Redis' container."""


class ExternalCache(Spec):
    """A Redis elsewhere. The Secret holds host, port and password, or one key uri."""

    secret_ref: LocalReference
    """Secret with the keys host, port and password, or the one key uri."""


class Cache(Spec):
    """The application's Redis: exactly one of managed and external."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("has(self.managed) != has(self.external)", "exactly one of managed and external must be set"),
            (
                "has(self.managed) == has(oldSelf.managed)",
                "managed cannot become external, nor external managed",
            ),
        )
    )
    managed: ManagedCache | None = None
    """A Redis that the operator runs."""
    external: ExternalCache | None = None
    """A Redis that somebody else runs."""
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
    """What becomes of the volume, and of the credential to read it, when the MemoApp is deleted."""
