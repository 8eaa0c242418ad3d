"""Redis' data as a stream: what a replica is sent at its start, an RDB file.

As redis-cli's ``--rdb`` asks: ``REPLCONF rdb-only 1``, ``SYNC``; then come empty lines while Redis prepares, then
``$<length>`` or ``$EOF:<40 bytes that end it>``, then the file.
Source: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/
"""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

from .streams import CHUNK, buffered

_PATIENCE = 120.0
"""Seconds without a byte, after which Redis is given up: it sends an empty line every few seconds while it prepares."""
_MARK = 40
_MAGIC = b"REDIS"
_DEFAULT_PORT = 6379


class CacheError(RuntimeError):
    """Redis does not give its data; the message says why, and never how one logs in."""


@contextmanager
def rdb(uri: str) -> Iterator[BinaryIO]:
    """The RDB file of the Redis at ``redis://user:password@host:port``.

    Raises:
        CacheError: it is not reached, refuses, or ends too early: then what was read is no file.
    """
    parts = urlsplit(uri)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or _DEFAULT_PORT), _PATIENCE) as connection:
            connection.settimeout(_PATIENCE)
            with connection.makefile("rwb", buffering=CHUNK) as both:
                stream = cast("BinaryIO", both)
                _log_in(stream, unquote(parts.username or ""), unquote(parts.password or ""))
                _ask(stream, "REPLCONF", "rdb-only", "1", needed=False)
                with buffered(_File(stream, _announced(stream))) as file:
                    if file.peek(len(_MAGIC))[: len(_MAGIC)] != _MAGIC:  # type: ignore[attr-defined]
                        raise CacheError("what Redis sends is no RDB file")
                    yield file
    except OSError as error:
        raise CacheError(f"Redis does not answer: {error.strerror or type(error).__name__}") from None


def _log_in(stream: BinaryIO, user: str, password: str) -> None:
    if password:
        _ask(stream, "AUTH", *([user] if user else []), password)


def _ask(stream: BinaryIO, *words: str, needed: bool = True) -> None:
    _send(stream, *words)
    answer = stream.readline()
    if needed and not answer.startswith(b"+"):
        # Its first word: what follows might repeat what was sent.
        raise CacheError(f"Redis refuses {words[0]}: {answer.decode(errors='replace').split(' ')[0].strip()}")


def _send(stream: BinaryIO, *words: str) -> None:
    stream.write(b"*%d\r\n" % len(words))
    for word in words:
        data = word.encode()
        stream.write(b"$%d\r\n%b\r\n" % (len(data), data))
    stream.flush()


def _announced(stream: BinaryIO) -> int | bytes:
    """How long the file is, or what ends it."""
    _send(stream, "SYNC")
    while (line := stream.readline()) == b"\n":
        pass
    text = line.strip()
    if text.startswith(b"$EOF:") and len(text) == len(b"$EOF:") + _MARK:
        return text.removeprefix(b"$EOF:")
    if text.startswith(b"$") and text[1:].isdigit():
        return int(text[1:])
    raise CacheError(f"Redis refuses SYNC: {text.decode(errors='replace').split(' ')[0] or 'no answer'}")


class _File(io.RawIOBase):
    """The file alone: as many bytes as were announced, or all until the mark."""

    def __init__(self, stream: BinaryIO, announced: int | bytes) -> None:
        super().__init__()
        self._stream = stream
        self._left = announced if isinstance(announced, int) else None
        self._mark = announced if isinstance(announced, bytes) else b""
        self._held = b""
        self._ended = False

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """As a raw stream does: 0 at the end.

        Raises:
            CacheError: the connection ended before the file did.
        """
        view = memoryview(buffer)  # type: ignore[arg-type]
        data = self._counted(len(view)) if self._left is not None else self._marked(len(view))
        view[: len(data)] = data
        return len(data)

    def _counted(self, most: int) -> bytes:
        if not self._left:
            return b""
        data: bytes = self._stream.read1(min(most, self._left))  # type: ignore[attr-defined]
        if not data:
            raise CacheError("Redis ended the connection in the middle of its data")
        self._left -= len(data)
        return data

    def _marked(self, most: int) -> bytes:
        """Never the last bytes that came, as long as they may be a part of the mark."""
        while not self._ended and len(self._held) <= _MARK:
            data: bytes = self._stream.read1(CHUNK)  # type: ignore[attr-defined]
            if not data:
                raise CacheError("Redis ended the connection in the middle of its data")
            self._held += data
            at = self._held.find(self._mark)
            if at >= 0:
                self._held, self._ended = self._held[:at], True
        kept = 0 if self._ended else _MARK
        ready = self._held[: max(0, len(self._held) - kept)][:most]
        self._held = self._held[len(ready) :]
        return ready
