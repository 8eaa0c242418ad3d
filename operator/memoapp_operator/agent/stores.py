"""Where backups lie: folders of objects, on a volume or in an S3 bucket.

An object is there with all of its bytes or not at all. Keys are relative to the destination, with slashes.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Protocol

from .streams import copy

PART = ".part-"
"""In the name of a file that is being written."""


class Trouble(StrEnum):
    """Why a store does not do what it is asked for."""

    FULL = "DestinationFull"
    FORBIDDEN = "DestinationForbidden"
    UNREACHABLE = "DestinationUnreachable"
    NOT_FOUND = "NotFound"
    EXISTS = "AlreadyExists"
    FAILED = "DestinationFailed"


class StoreError(RuntimeError):
    """A store said no.

    Attributes:
        trouble: why.
    """

    def __init__(self, trouble: Trouble, message: str) -> None:
        super().__init__(message)
        self.trouble = trouble


@dataclass(frozen=True, slots=True)
class Stored:
    """One object.

    Attributes:
        key: relative to the destination.
        size: bytes.
    """

    key: str
    size: int


class Store(Protocol):
    """What backups need of a destination. Everything may raise StoreError."""

    def put(self, key: str, source: BinaryIO) -> None:
        """Store all of the stream; an object of that name that is there already is an error (EXISTS)."""
        ...

    def get(self, key: str) -> AbstractContextManager[BinaryIO]:
        """The bytes of an object."""
        ...

    def list(self, prefix: str) -> Iterator[Stored]:
        """Every object below a folder (``a/b/``), or below all (empty), in order of their keys."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        ...


class Volume:
    """A folder of a file system.

    Args:
        root: the folder; it is there.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put(self, key: str, source: BinaryIO) -> None:
        """Written beside, brought to the disk, and only then given its name."""
        path = self._path(key)
        part = path.with_name(f"{PART}{path.name}-{secrets.token_hex(4)}")
        try:
            with _troubles(key):
                path.parent.mkdir(parents=True, exist_ok=True)
            with _troubles(key), part.open("xb") as file:
                copy(source, file)
                file.flush()
                os.fsync(file.fileno())
            with _troubles(key):
                # A link, unlike a new name, does not take the place of one that is there.
                os.link(part, path)
                _sync(path.parent)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)

    @contextmanager
    def get(self, key: str) -> Iterator[BinaryIO]:
        """The file."""
        with _troubles(key):
            file = self._path(key).open("rb")
        with file:
            yield file

    def list(self, prefix: str) -> Iterator[Stored]:
        """Files below it, without those that are being written."""
        folder = self._path(prefix) if prefix else self._root
        with _troubles(prefix):
            found = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(PART))
        for path in found:
            yield Stored(path.relative_to(self._root).as_posix(), path.stat().st_size)

    def delete(self, key: str) -> None:
        """The file, and folders that are empty without it."""
        path = self._path(key)
        with _troubles(key):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            for folder in path.relative_to(self._root).parents:
                (self._root / folder).rmdir()

    def _path(self, key: str) -> Path:
        path = self._root / key
        if not path.resolve().is_relative_to(self._root.resolve()):
            raise StoreError(Trouble.FORBIDDEN, f"{key} is outside of the destination")
        return path


_TROUBLES = {
    errno.ENOSPC: Trouble.FULL,
    errno.EDQUOT: Trouble.FULL,
    errno.EACCES: Trouble.FORBIDDEN,
    errno.EPERM: Trouble.FORBIDDEN,
    errno.EROFS: Trouble.FORBIDDEN,
    errno.ENOENT: Trouble.NOT_FOUND,
    errno.EEXIST: Trouble.EXISTS,
    errno.ENOTCONN: Trouble.UNREACHABLE,
    errno.ESTALE: Trouble.UNREACHABLE,
}


@contextmanager
def _troubles(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        trouble = _TROUBLES.get(error.errno or 0, Trouble.FAILED)
        raise StoreError(trouble, f"{key}: {error.strerror or type(error).__name__}") from error


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
