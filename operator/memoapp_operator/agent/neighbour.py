"""The container beside the agent: it runs in the database's own image, and so has tools of the right version.

They talk through named pipes in a folder that both have: an order a line in ``orders``; ``archive`` takes what it
dumps or takes in; ``ended`` its exit code. What it says goes to the file ``said``, a list of contents to ``listing``,
parts of an archive as SQL to ``script``.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from .streams import CHUNK

SCRIPT = r"""
set -u
cd "$1"
for pipe in orders archive ended; do [ -p "$pipe" ] || mkfifo -m 666 "$pipe"; done
while read -r order argument < orders; do
  code=0
  case "$order" in
    dump)
      pg_dump --format=custom --no-password --lock-wait-timeout="${LOCK_WAIT_TIMEOUT:-60s}" \
        --snapshot="$argument" > archive 2> said || code=$?
      ;;
    list) pg_restore --list < archive > listing 2> said || code=$? ;;
    restore)
      pg_restore --exit-on-error --no-password --dbname="$argument" < archive > said 2>&1 || code=$?
      ;;
    script)
      # Where psql knows it: it obeys no command of a script, whatever it takes for one.
      guard=
      if psql --help=commands 2> said | grep -q '[\]restrict'; then
        guard="\restrict $(tr -d - < /proc/sys/kernel/random/uuid)"
      fi
      { [ -z "$guard" ] || printf '%s\n' "$guard"; cat archive; } | psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 \
        --no-password --username="${argument% *}" --dbname="${argument#* }" > /dev/null 2> said || code=$?
      ;;
    sequences | definitions)
      if [ "$order" = sequences ]; then
        grep -E "^[0-9]+; [0-9]+ [0-9]+ SEQUENCE SET " listing > wanted || :
      else
        grep -v -E "^[0-9]+; [0-9]+ [0-9]+ (TABLE DATA|BLOBS|SEQUENCE SET) " listing > wanted || :
      fi
      pg_restore --use-list=wanted --file=script < archive > said 2>&1 || code=$?
      ;;
    end) exit 0 ;;
  esac
  echo "$code" > ended
done
"""
"""POSIX shell; its argument is the folder. libpq's variables say which database."""
_SAID = 500
_LEFT = 10.0
"""Seconds."""


class NeighbourError(RuntimeError):
    """The tools of the database's image failed, or are not there; the message says why in one line."""


class Readable(Protocol):
    """What is poured into a pipe."""

    def read(self, size: int, /) -> bytes:
        """Some bytes; none at the end."""
        ...


class Lines:
    """Lines that are made one after another, as something to read from."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines

    def read(self, size: int, /) -> bytes:
        """As many lines as make up that size, or a line more; none at the end."""
        found = bytearray()
        for line in self._lines:
            found += line
            if len(found) >= size:
                break
        return bytes(found)


class Neighbour:
    """The agent's end of the pipes.

    Args:
        folder: that both containers have.
        patience: seconds for the container to come up, to take an order, and to say how it ended.
    """

    def __init__(self, folder: Path, patience: float = 120.0) -> None:
        self._folder = folder
        self._patience = patience

    @contextmanager
    def dump(self, snapshot: str) -> Iterator[BinaryIO]:
        """The archive of a snapshot, as a stream.

        Raises:
            NeighbourError: at the end of the context, where the dump failed: what was read is no archive then.
        """
        self._order(f"dump {snapshot}")
        with self._left(), _reader(self._folder / "archive", self._patience) as archive:
            yield archive
        self._ended("pg_dump")

    def listed(self, archive: BinaryIO) -> int:
        """How many entries the archive has, by `pg_restore --list`; all of the stream is read.

        Raises:
            NeighbourError: it is no archive.
        """
        self._take("list", "pg_restore --list", archive)
        lines = (self._folder / "listing").read_text(encoding="utf-8", errors="replace").splitlines()
        return sum(not line.startswith(";") and bool(line.strip()) for line in lines)

    def restore(self, archive: BinaryIO, database: str) -> None:
        """Restore an archive into an empty database, and stop at the first error; all of the stream is read.

        Raises:
            NeighbourError: it was not restored; the message has the end of what `pg_restore` said.
        """
        self._take(f"restore {database}", "pg_restore", archive)

    def script(self, lines: Iterator[bytes], user: str, database: str) -> None:
        """Run plain SQL, and stop at the first error.

        Raises:
            NeighbourError: at the first statement that the server does not take.
        """
        self._take(f"script {user} {database}", "psql", Lines(lines))

    def sequences(self, archive: BinaryIO) -> str:
        """The SQL that sets the archive's sequences; after ``listed`` of the same archive.

        Raises:
            NeighbourError: it is no archive.
        """
        self._take("sequences", "pg_restore --use-list", archive)
        return self._script()

    def definitions(self, archive: BinaryIO) -> str:
        """The SQL of everything in the archive that is no row; after ``listed`` of the same archive.

        Raises:
            NeighbourError: it is no archive.
        """
        self._take("definitions", "pg_restore --use-list", archive)
        return self._script()

    def end(self) -> None:
        """Let the container end; one that is gone is no error."""
        try:
            self._order("end", patience=1.0)
        except NeighbourError:
            return

    def _take(self, order: str, what: str, archive: Readable) -> None:
        self._order(order)
        with self._left(), _writer(self._folder / "archive", self._patience) as target:
            _pour(archive, target)
        self._ended(what)

    def _script(self) -> str:
        return (self._folder / "script").read_text(encoding="utf-8", errors="surrogateescape")

    def _order(self, text: str, patience: float | None = None) -> None:
        with _writer(self._folder / "orders", self._patience if patience is None else patience) as orders:
            orders.write(f"{text}\n".encode())

    @contextmanager
    def _left(self) -> Iterator[None]:
        """Work that is given up: the container still says how it ended, and takes no order before somebody heard it."""
        try:
            yield
        except BaseException:
            with suppress(NeighbourError):
                self._code(min(self._patience, _LEFT))
            raise

    def _code(self, patience: float) -> str:
        with _reader(self._folder / "ended", patience) as ended:
            return ended.read().decode().strip()

    def _ended(self, what: str) -> None:
        code = self._code(self._patience)
        if code != "0":
            said = " ".join((self._folder / "said").read_text(encoding="utf-8", errors="replace").split())[-_SAID:]
            raise NeighbourError(f"{what} ended with {code or 'no code'}: {said}")


@contextmanager
def _reader(pipe: Path, patience: float) -> Iterator[BinaryIO]:
    """The pipe, once somebody has written to it."""
    deadline = time.monotonic() + patience
    while not pipe.is_fifo():
        _wait(pipe, deadline)
    descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb", buffering=CHUNK) as file:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise NeighbourError(f"the container of the database's image says nothing ({pipe.name})")
        os.set_blocking(descriptor, True)
        yield file


@contextmanager
def _writer(pipe: Path, patience: float) -> Iterator[BinaryIO]:
    """The pipe, once somebody reads it."""
    deadline = time.monotonic() + patience
    while True:
        try:
            descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:  # nobody reads, or it is not there yet
            _wait(pipe, deadline)
    os.set_blocking(descriptor, True)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        yield file


def _wait(pipe: Path, deadline: float) -> None:
    if time.monotonic() > deadline:
        raise NeighbourError(f"the container of the database's image does not come up ({pipe.name})")
    time.sleep(0.05)


def _pour(source: Readable, target: BinaryIO) -> None:
    """All of the source; the reader may have seen enough before."""
    wanted = True
    while data := source.read(CHUNK):
        view = memoryview(data)
        while wanted and view:
            try:
                view = view[target.write(view) :]
            except BrokenPipeError:
                wanted = False
