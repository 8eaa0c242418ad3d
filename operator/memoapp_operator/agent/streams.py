"""Streams of bytes that are counted, digested and changed on their way; little of them is in memory at any time."""

from __future__ import annotations

import hashlib
import io
import os
import threading
from collections.abc import Callable
from typing import BinaryIO

CHUNK = 1 << 20
"""Bytes that are moved at once."""


class Metered(io.RawIOBase):
    """A reader that counts and digests what passes it.

    Attributes:
        size: bytes so far.
    """

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self._digest = hashlib.sha256()
        self.size = 0

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """As a raw stream does: 0 at the end."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._source.read(len(view))
        view[: len(data)] = data
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    @property
    def sha256(self) -> str:
        """64 hex digits over what has passed so far."""
        return self._digest.hexdigest()

    def drain(self) -> None:
        """Read what is left, for its digest."""
        while self.read(CHUNK):
            pass


class Watched(io.RawIOBase):
    """A reader that remembers its own error, which a library in between may turn into one of its own.

    Attributes:
        error: what reading it raised.
    """

    def __init__(self, source: BinaryIO) -> None:
        super().__init__()
        self._source = source
        self.error: BaseException | None = None

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """As a raw stream does: 0 at the end."""
        view = memoryview(buffer)  # type: ignore[arg-type]
        try:
            data = self._source.read(len(view))
        except BaseException as error:
            self.error = error
            raise
        view[: len(data)] = data
        return len(data)


class Piped(io.RawIOBase):
    """What ``work`` writes, as a reader: ``work`` runs in a thread of its own, and no faster than it is read.

    An error of ``work`` is raised where its output would end: a stream that was cut is never taken for a whole one.
    """

    def __init__(self, work: Callable[[BinaryIO], object]) -> None:
        super().__init__()
        reader, writer = os.pipe()
        self._reader = os.fdopen(reader, "rb", buffering=0)
        self._writer = os.fdopen(writer, "wb", buffering=CHUNK)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[BinaryIO], object]) -> None:
        try:
            with self._writer:
                work(self._writer)
        except BaseException as error:  # noqa: BLE001 -- raised again in the reader's thread
            self._error = error

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """As a raw stream does: 0 at the end.

        Raises:
            BaseException: whatever ``work`` raised.
        """
        count = self._reader.readinto(buffer)  # type: ignore[arg-type]
        if not count:
            self._thread.join()
            if self._error is not None:
                raise self._error
        return count or 0

    def close(self) -> None:
        """Let ``work`` end: it finds nobody who reads."""
        if not self.closed:
            self._reader.close()
            self._thread.join()
        super().close()


def buffered(source: io.RawIOBase) -> BinaryIO:
    """The stream, so that ``read(n)`` gives n bytes until its end."""
    return io.BufferedReader(source, CHUNK)


def copy(source: BinaryIO, target: BinaryIO) -> None:
    """All of it."""
    while data := source.read(CHUNK):
        target.write(data)
