"""Restore a backup into an empty database, and compare what came of it with what the backup says it held.

The backup is read three times: to see that it is what was stored, to restore it, and, of its beginning, to learn what
it sets sequences to. What is restored has the digest of what was checked.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, Protocol

from .comparing import Restored, differences
from .facts import FactsError, Snapshot, snapshot
from .manifest import Kind, Manifest, Part
from .manifest import Sequence as Position
from .neighbour import NeighbourError
from .sealing import opened
from .stores import Store
from .verify import NotOpenedError, NotVerifiedError, Open, archive, check, manifest_of

_SET = re.compile(r"^SELECT pg_catalog\.setval\('((?:[^']|'')+)', (-?\d+), (true|false)\);$", re.MULTILINE)
_SERVER_GONE = (
    "server closed the connection",
    "could not connect",
    "connection to server",
    "No space left on device",
    "out of memory",
    "could not extend file",
    "the database system is",
    "terminating connection",
)
"""In what `pg_restore` says where the server, and not the backup, is at fault."""


_NO_RIGHT = ("permission denied", "must be owner", "must be superuser", "must be able to SET ROLE", "must be member")


class IdentityError(RuntimeError):
    """The backup is sealed, and no key that is here opens it; the message holds no key."""


class WrongAppError(RuntimeError):
    """It is a backup of another app."""


class ServerError(RuntimeError):
    """The server that it is restored on failed: nothing is said about the backup."""


class RightsError(RuntimeError):
    """The user may not restore what is in it: nothing is said about the backup."""


class NotRestoredError(RuntimeError):
    """The server took it not: the backup does not bring back what it was taken of."""


class Tools(Protocol):
    """The database's own tools, as ``neighbour.Neighbour`` has them."""

    def listed(self, archive: BinaryIO) -> int:
        """How many entries an archive has."""
        ...

    def restore(self, archive: BinaryIO, database: str) -> None:
        """Restore it."""
        ...

    def sequences(self, archive: BinaryIO) -> str:
        """SQL that sets its sequences."""
        ...

    def definitions(self, archive: BinaryIO) -> str:
        """SQL of what is no row."""
        ...


@dataclass(frozen=True)
class Backup:
    """A backup that was read back.

    Attributes:
        store: where it lies.
        folder: its folder, with a slash at its end.
        manifest: its own.
        identities: keys that open it.
    """

    store: Store
    folder: str
    manifest: Manifest
    identities: tuple[object, ...] = field(default=(), repr=False)

    @classmethod
    def verified(
        cls, store: Store, folder: str, identities: Sequence[object], tools: Tools, app: tuple[str, str] | None = None
    ) -> Backup:
        """Read it back, every byte of it.

        Args:
            store: where it lies.
            folder: its folder, with a slash at its end.
            identities: keys; none where there is none.
            tools: list the archive.
            app: namespace and name of the app that it must be of; None: of any.

        Raises:
            NotVerifiedError: it is not what was stored.
            IdentityError: it is sealed to others.
            WrongAppError: it is of another app.
            StoreError: the destination does not answer.
        """
        manifest = manifest_of(store, folder)
        if app is not None and (manifest.app.namespace, manifest.app.name) != app:
            said = f"{manifest.app.namespace}/{manifest.app.name}"
            raise WrongAppError(f"{folder} is a backup of {said}, and not of {app[0]}/{app[1]}")
        if manifest.recipients and not identities:
            raise IdentityError("it is sealed, and there is no identity that could open it")
        found = cls(store, folder, manifest, tuple(identities))
        try:
            for part in manifest.parts:
                _checked(found, part, tools)
        except NotOpenedError:
            to = ", ".join(item[:20] for item in manifest.recipients[:4])
            raise IdentityError(f"the identity does not open it: it is sealed to {to}...") from None
        return found

    @property
    def open(self) -> Open:
        """Opens what is sealed."""
        return partial(opened, identities=self.identities)

    @property
    def dump(self) -> Part:
        """The part that holds the database."""
        return next(part for part in self.manifest.parts if part.kind is Kind.DATABASE)

    def archive(self) -> AbstractContextManager[BinaryIO]:
        """The archive of the database."""
        return archive(self.store, self.folder, self.dump, self.open)

    def beginning(self) -> AbstractContextManager[BinaryIO]:
        """The archive, of which only the first bytes are wanted."""
        return _beginning(self)


def _checked(backup: Backup, part: Part, tools: Tools) -> None:
    try:
        check(backup.store, backup.folder, part, backup.open, tools.listed)
    except NeighbourError as error:
        # What was altered cannot be listed; its digest says so more plainly.
        check(backup.store, backup.folder, part, backup.open, None)
        raise NotVerifiedError(f"{part.object} is what was stored, and no archive: {error}") from None


@contextmanager
def _beginning(backup: Backup) -> Iterator[BinaryIO]:
    part = backup.dump
    with backup.store.get(backup.folder + part.object) as file:
        if not part.sealed:
            yield file
            return
        with backup.open(file) as plain:
            yield plain  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a restore.

    Attributes:
        restored: what the database holds now.
        differences: from what the backup says; empty where there are none.
        seconds: how long restoring and comparing took.
    """

    restored: Restored
    differences: tuple[str, ...]
    seconds: dict[str, float]


def restore(backup: Backup, tools: Tools, database: str, conninfo: str, password: str | None = None) -> Outcome:
    """Restore it into a database that is there and empty, and compare.

    Args:
        backup: that was verified.
        tools: the database's own.
        database: its name on the server of ``tools``.
        conninfo: how it is read, as libpq takes it, without a password.
        password: of that user.

    Raises:
        NotRestoredError: the archive was not taken.
        RightsError: the user may not do it.
        ServerError: the server failed.
        NotVerifiedError: other bytes came than those that were checked.
        StoreError: the destination does not answer.
    """
    seconds: dict[str, float] = {}
    with _timed(seconds, "restore"):
        try:
            with backup.archive() as source:
                tools.restore(source, database)
        except NeighbourError as error:
            raise classified(error) from None
    with _timed(seconds, "compare"):
        with backup.beginning() as source:
            script = tools.sequences(source)
        try:
            with snapshot(conninfo, password) as moment:
                found = Restored(moment.database(), archived(moment, script), moment.behind())
        except FactsError as error:
            raise ServerError(str(error)) from None
    return Outcome(found, differences(backup.manifest.database, found), seconds)


def archived(moment: Snapshot, script: str) -> tuple[Position, ...]:
    """What the SQL of an archive sets sequences to, by the names that they have in the database."""
    found = []
    for text, value, called in _SET.findall(script):
        name = moment.named(text.replace("''", "'"))
        if name is not None:
            found.append(Position(schema_name=name[0], name=name[1], value=int(value), called=called == "true"))
    return tuple(found)


def classified(error: NeighbourError) -> Exception:
    """Who is at fault where the tools failed: the rights, the server, or the backup."""
    text = str(error)
    if any(words in text for words in _NO_RIGHT):
        return RightsError(text)
    server = any(words in text for words in _SERVER_GONE)
    return ServerError(text) if server or "says nothing" in text else NotRestoredError(text)


@contextmanager
def _timed(seconds: dict[str, float], what: str) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        seconds[what] = round(time.monotonic() - began, 1)
