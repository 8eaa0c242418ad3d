"""The manifest of a backup: what it is made of, and what the database held; explained in docs/backup-format.md.

It is written last and under its own digest: a backup without one, or with one that does not hold, is none.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

FORMAT: Final = "memoapp.dev/backup/v1"
NAME = "manifest.json"
LARGEST = 64 * 2**20
"""Bytes: a manifest that is larger is none of ours."""
_SHA256 = r"^[0-9a-f]{64}$"


class ManifestError(ValueError):
    """It is no manifest, or was altered; the message says why in one line."""


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


class Kind(StrEnum):
    """What a part holds."""

    DATABASE = "Database"
    """An archive of `pg_dump --format=custom`."""
    CONFIG = "Config"
    """The MemoApp, its Secrets and its ConfigMaps, as a YAML stream."""
    REDIS = "Redis"
    """An RDB file."""


class Part(_Part):
    """One object of a backup.

    Attributes:
        object: its name in the backup's folder.
        kind: what it holds.
        size: bytes, as they are stored.
        sha256: of the bytes as they are stored.
        sealed: it is an age file.
        plain_size: bytes, once it is opened.
        plain_sha256: of the bytes, once it is opened.
    """

    object: str = Field(pattern=r"^[a-z][a-z0-9.-]{0,62}$")
    kind: Kind
    size: int = Field(ge=0)
    sha256: str = Field(pattern=_SHA256)
    sealed: bool
    plain_size: int = Field(ge=0)
    plain_sha256: str = Field(pattern=_SHA256)


class App(_Part):
    """The MemoApp that was saved."""

    name: str
    namespace: str
    uid: str
    version: str


class Table(_Part):
    """A table; the digest is the same in whatever order its rows are read.

    Attributes:
        rows: how many.
        digest: sum of the first 64 bits, signed, of the SHA-256 of each row as text; a decimal number.
    """

    schema_name: str
    name: str
    rows: int = Field(ge=0)
    digest: str = Field(pattern=r"^-?[0-9]+$")


class Sequence(_Part):
    """A sequence. Sequences are in no snapshot: a restored one may be further."""

    schema_name: str
    name: str
    value: int
    called: bool


class LargeObjects(_Part):
    """All large objects together, digested as tables are, page by page."""

    count: int = Field(ge=0)
    digest: str = Field(pattern=r"^-?[0-9]+$")


class Database(_Part):
    """What the database held in the snapshot.

    Attributes:
        version: of the server, as `SHOW server_version` gives it.
        schema_digest: SHA-256 over the definitions of everything that is no row, with owners and rights.
        large_objects: None where the rights to read them were missing.
        bytes: what it took on the server's disk, indexes and all; None in backups that were taken before it was noted.
    """

    version: str
    name: str
    owner: str
    encoding: str
    collate: str
    ctype: str
    extensions: tuple[str, ...]
    tables: tuple[Table, ...]
    sequences: tuple[Sequence, ...]
    large_objects: LargeObjects | None
    schema_digest: str = Field(pattern=_SHA256)
    bytes: int | None = Field(None, ge=0)

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)

    @property
    def digest(self) -> str:
        """One SHA-256 over everything that a restore must bring back alike."""
        found = self.model_dump(mode="json", by_alias=True, exclude={"version", "sequences", "bytes"})
        return hashlib.sha256(canonical(found)).hexdigest()


class Manifest(_Part):
    """All of it.

    Attributes:
        taken_at: the moment of the snapshot by the database's clock, RFC 3339 in UTC.
        reason: why it was taken, as in a MemoBackup.
        recipients: age recipients that can open it; empty where nothing is sealed.
        secrets: whether the saved configuration has the Secrets.
    """

    format: Literal["memoapp.dev/backup/v1"] = FORMAT
    name: str
    app: App
    reason: str
    taken_at: str
    recipients: tuple[str, ...] = ()
    secrets: bool = False
    database: Database
    parts: tuple[Part, ...]

    def dump(self) -> bytes:
        """The bytes of ``manifest.json``, its own digest among them."""
        content = self._content()
        return json.dumps({**content, "digest": digest_of(content)}, indent=1, ensure_ascii=False).encode() + b"\n"

    @property
    def digest(self) -> str:
        """What stands in it as its own digest."""
        return digest_of(self._content())

    def _content(self) -> dict[str, Any]:
        """As it is stored: a manifest without the bytes was stored without a word of them."""
        left_out = {"database": {"bytes"}} if self.database.bytes is None else None
        return self.model_dump(mode="json", by_alias=True, exclude=left_out)


def canonical(content: Any) -> bytes:
    """JSON with sorted keys and without spaces, as UTF-8."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(content: dict[str, Any]) -> str:
    """SHA-256 of a manifest without its own digest, as 64 hex digits."""
    return hashlib.sha256(canonical({key: value for key, value in content.items() if key != "digest"})).hexdigest()


def parse(data: bytes) -> Manifest:
    """The manifest in these bytes.

    Raises:
        ManifestError: it is none, or its digest does not hold.
    """
    try:
        content = json.loads(data)
    except ValueError:
        raise ManifestError("the manifest is no JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ManifestError(f"the manifest is not of the format {FORMAT}")
    told = content.pop("digest", None)
    if told != digest_of(content):
        raise ManifestError("the manifest was altered: its digest does not hold")
    try:
        return Manifest.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ManifestError(f"the manifest is not as it should be: {where}: {first['msg']}") from None
