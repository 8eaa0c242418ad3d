"""PostgreSQL and Redis: run by the operator (managed) or elsewhere (external)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from .base import IDENTIFIER_PATTERN, Image, LocalReference, ObjectName, Quantity, Resources, Spec, rules


class DeletionPolicy(StrEnum):
    """What becomes of a volume, and of the credential to read it, when the MemoApp is deleted."""

    RETAIN = "Retain"
    DELETE = "Delete"


_STORAGE_CLASS_IS_FIXED = (
    "has(self.storageClassName) == has(oldSelf.storageClassName) && "
    "(!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
    "storageClassName is immutable",
)
_SIZE_GROWS = (
    "quantity(self.size).compareTo(quantity(oldSelf.size)) >= 0",
    "a volume can grow but not shrink",
)


class DatabaseStorage(Spec):
    """The volume of PostgreSQL."""

    model_config = ConfigDict(json_schema_extra=rules(_STORAGE_CLASS_IS_FIXED, _SIZE_GROWS))
    size: Quantity = "10Gi"
    storage_class_name: ObjectName | None = None


class CacheStorage(Spec):
    """The volume of Redis' append-only file."""

    model_config = ConfigDict(json_schema_extra=rules(_STORAGE_CLASS_IS_FIXED, _SIZE_GROWS))
    size: Quantity = "1Gi"
    storage_class_name: ObjectName | None = None


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
    storage: DatabaseStorage = DatabaseStorage()
    resources: Resources | None = None
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


class ExternalDatabase(Spec):
    """A PostgreSQL elsewhere. The Secret holds host, port, user and password, or one key uri."""

    secret_ref: LocalReference


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
                "!(self.user in ['postgres', 'memoapp_monitor'])",
                "user cannot be one of the operator's own roles (postgres, memoapp_monitor)",
            ),
            (
                "!(self.name in ['postgres', 'template0', 'template1'])",
                "name cannot be one of PostgreSQL's own databases",
            ),
        )
    )
    managed: ManagedDatabase | None = None
    external: ExternalDatabase | None = None
    name: str = Field("memo_app", min_length=1, max_length=63, pattern=IDENTIFIER_PATTERN)
    user: str = Field("memo_user", min_length=1, max_length=63, pattern=IDENTIFIER_PATTERN)
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN


class ManagedCache(Spec):
    """A Redis that the operator runs: one replica, append-only file on a volume of its own."""

    image: Image = "docker.io/library/redis:8"
    storage: CacheStorage = CacheStorage()
    resources: Resources | None = None


class ExternalCache(Spec):
    """A Redis elsewhere. The Secret holds host, port and password, or one key uri."""

    secret_ref: LocalReference


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
    external: ExternalCache | None = None
    deletion_policy: DeletionPolicy = DeletionPolicy.RETAIN
