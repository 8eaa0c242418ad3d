"""Sealing with age (https://age-encryption.org/v1): to recipients whose keys lie elsewhere, and to one of this process.

The key of that last one is made in memory and forgotten with the process: it reads back what was just written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyrage
from pyrage import ssh, x25519

from .streams import Piped, Watched, buffered

SUFFIX = ".age"
_SSH = ("ssh-ed25519 ", "ssh-rsa ")


class SealError(ValueError):
    """A recipient or an identity is none, or does not open what it should; the message holds no key."""


@dataclass(frozen=True)
class Seal:
    """To whom is sealed.

    Attributes:
        recipients: as people gave them.
    """

    recipients: tuple[str, ...]
    _parsed: tuple[object, ...]
    _own: x25519.Identity

    @classmethod
    def to(cls, recipients: Iterable[str]) -> Seal:
        """Seal to these, and to a key that this process alone has.

        Raises:
            SealError: one is no recipient.
        """
        given = tuple(recipients)
        own = x25519.Identity.generate()
        return cls(given, (*(_recipient(number, text) for number, text in enumerate(given, 1)), own.to_public()), own)

    def seal(self, source: BinaryIO) -> Piped:
        """The stream, sealed."""
        return Piped(lambda target: _driven(pyrage.encrypt_io, source, target, list(self._parsed)))

    def open(self, source: BinaryIO) -> Piped:
        """What this process sealed, opened again."""
        return opened(source, [self._own])


def opened(source: BinaryIO, identities: Sequence[object]) -> Piped:
    """A sealed stream, opened. Reading it raises SealError where none of the identities does, or it was altered."""
    return Piped(lambda target: _driven(pyrage.decrypt_io, source, target, list(identities)))


def _driven(
    work: Callable[[BinaryIO, BinaryIO, list[object]], None], source: BinaryIO, target: BinaryIO, keys: list[object]
) -> None:
    """Errors of the source are its own; all others say that it could not be sealed or opened."""
    watched = Watched(source)
    try:
        work(buffered(watched), target, keys)
    except (pyrage.DecryptError, pyrage.EncryptError, OSError) as error:
        if watched.error is not None:
            raise watched.error from None
        raise SealError(f"it cannot be sealed or opened: {error}") from None


def recipients_in(text: str) -> tuple[str, ...]:
    """The recipients of a file as `age -R` takes it: one a line, empty lines and comments left out."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def seal_of(recipients: Path) -> Seal:
    """To whom the recipients in a file can open it.

    Raises:
        SealError: there is none in it, or one is none.
    """
    found = recipients_in(recipients.read_text(encoding="utf-8"))
    if not found:
        raise SealError("the file of recipients names none")
    return Seal.to(found)


def identities_in(text: str) -> list[object]:
    """The identities of a file as `age -i` takes it.

    Raises:
        SealError: there is none in it, or one is none.
    """
    if text.lstrip().startswith("-----BEGIN"):
        try:
            return [ssh.Identity.from_buffer(text.encode())]
        except pyrage.IdentityError:
            raise SealError("the SSH key is none that age can use") from None
    found: list[object] = []
    for number, line in enumerate(recipients_in(text), 1):
        try:
            found.append(x25519.Identity.from_str(line))
        except pyrage.IdentityError:
            raise SealError(f"identity {number} is none (AGE-SECRET-KEY-1...)") from None
    if not found:
        raise SealError("there is no identity in it")
    return found


def _recipient(number: int, text: str) -> object:
    try:
        return ssh.Recipient.from_str(text) if text.startswith(_SSH) else x25519.Recipient.from_str(text)
    except pyrage.RecipientError:
        raise SealError(f"recipient {number} is none (age1..., ssh-ed25519 ..., ssh-rsa ...)") from None
