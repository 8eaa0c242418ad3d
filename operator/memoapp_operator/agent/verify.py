"""Is a backup what its manifest says? Read back from where it lies, every byte of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from .manifest import LARGEST, NAME, Kind, Manifest, ManifestError, Part, parse
from .sealing import SealError
from .stores import Store, StoreError, Trouble
from .streams import Metered, Piped, buffered

Open = Callable[[BinaryIO], Piped]
Listed = Callable[[BinaryIO], int]


class NotVerifiedError(RuntimeError):
    """It is not what its manifest says; the message says in what, in one line."""


class NotOpenedError(NotVerifiedError):
    """Its bytes are what was stored, and the identities do not open them."""


def manifest_of(store: Store, folder: str) -> Manifest:
    """The manifest of the backup in a folder (``a/b/``).

    Raises:
        NotVerifiedError: there is none, or it was altered.
        StoreError: the destination does not answer.
    """
    try:
        with store.get(folder + NAME) as file:
            data = file.read(LARGEST + 1)
    except StoreError as error:
        if error.trouble is Trouble.NOT_FOUND:
            raise NotVerifiedError("it has no manifest: it was never finished") from None
        raise
    if len(data) > LARGEST:
        raise NotVerifiedError("the manifest is too large to be one")
    try:
        return parse(data)
    except ManifestError as error:
        raise NotVerifiedError(str(error)) from None


def check(store: Store, folder: str, part: Part, open_: Open | None, listed: Listed | None) -> int | None:
    """Read one part back and compare it.

    Args:
        store: the destination.
        folder: of the backup, with a slash at its end.
        part: as the manifest has it.
        open_: opens what is sealed; None: no key is here, so the sealed bytes alone are compared.
        listed: counts the entries of an archive, and reads all of it; None: the archive is not looked into.

    Returns:
        How many entries the archive has; None where it was not looked into.

    Raises:
        NotVerifiedError: it is not what the manifest says.
        NotOpenedError: it is, and what ``open_`` gives is no key to it.
        StoreError: the destination does not answer.
    """
    try:
        with store.get(folder + part.object) as file:
            return _compare(Metered(file), part, open_, listed)
    except StoreError as error:
        if error.trouble is Trouble.NOT_FOUND:
            raise NotVerifiedError(f"{part.object} is missing") from None
        raise


def _compare(stored: Metered, part: Part, open_: Open | None, listed: Listed | None) -> int | None:
    entries = None
    if part.sealed and open_ is None:
        stored.drain()
    else:
        plain = stored if not part.sealed or open_ is None else Metered(buffered(open_(buffered(stored))))
        try:
            with buffered(plain) as source:
                if listed is not None and part.kind is Kind.DATABASE:
                    entries = listed(source)
                _read(source)
        except SealError as error:
            # What was altered does not open; its digest says so more plainly.
            stored.drain()
            _same(part.object, stored, part.size, part.sha256)
            raise NotOpenedError(f"{part.object}: {error}") from None
        if plain is not stored:
            _same(f"{part.object}, opened,", plain, part.plain_size, part.plain_sha256)
    _same(part.object, stored, part.size, part.sha256)
    return entries


@contextmanager
def archive(store: Store, folder: str, part: Part, open_: Open | None) -> Iterator[BinaryIO]:
    """One part as it was before it was sealed, to be read to its end: where other bytes come, that is an error.

    Raises:
        NotVerifiedError: at the end of the context: what was read is not what the manifest says.
        StoreError: the destination does not answer.
    """
    with store.get(folder + part.object) as file:
        plain = Metered(buffered(open_(file)) if part.sealed and open_ is not None else file)
        yield buffered(plain)
        plain.drain()
        _same(part.object, plain, part.plain_size, part.plain_sha256)


def _read(source: BinaryIO) -> None:
    while source.read(1 << 20):
        pass


def _same(what: str, read: Metered, size: int, sha256: str) -> None:
    if read.size != size:
        raise NotVerifiedError(f"{what} has {read.size:,} bytes instead of {size:,}")
    if read.sha256 != sha256:
        raise NotVerifiedError(f"{what} was altered: its SHA-256 does not hold")
