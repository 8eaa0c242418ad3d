"""Take a backup: dump, counts and configuration of one moment, stored, read back, and only then called one."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from .facts import Snapshot, snapshot
from .manifest import NAME, App, Database, Kind, Manifest, Part
from .sealing import SUFFIX, Seal
from .stores import Store, Stored, StoreError
from .streams import Metered, buffered
from .verify import NotVerifiedError, check, manifest_of

_OBJECTS = {Kind.DATABASE: "database.dump", Kind.CONFIG: "config.yaml", Kind.REDIS: "redis.rdb"}
NAMES = (NAME, *(name + suffix for name in _OBJECTS.values() for suffix in ("", SUFFIX)), "hidden", "proved")
"""Every object of a backup, in the order in which they are removed."""


class Tools(Protocol):
    """The database's own tools, as ``neighbour.Neighbour`` has them."""

    def dump(self, snapshot: str) -> AbstractContextManager[BinaryIO]:
        """The archive of a snapshot."""
        ...

    def listed(self, archive: BinaryIO) -> int:
        """How many entries an archive has."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """The database.

    Attributes:
        conninfo: as libpq takes it, without a password.
        password: of its user.
        lock_timeout: how long one waits for a table that somebody changes.
    """

    conninfo: str
    password: str | None = field(default=None, repr=False)
    lock_timeout: str = "60s"


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be taken.

    Attributes:
        name: of the backup; no other of the app has it.
        app: whose it is.
        reason: why, as in a MemoBackup.
        config: the MemoApp and its ConfigMaps as a YAML stream, and its Secrets where it is sealed.
        taken_at: the moment of the data (RFC 3339, UTC), where it is an older one than that of the snapshot.
    """

    name: str
    app: App
    reason: str
    config: bytes = field(default=b"", repr=False)
    taken_at: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """A backup that was taken and read back.

    Attributes:
        folder: where it lies, with a slash at its end.
        manifest: its own.
        entries: of the archive.
    """

    folder: str
    manifest: Manifest
    entries: int

    @property
    def size(self) -> int:
        """Bytes of all parts, as they are stored."""
        return sum(part.size for part in self.manifest.parts)


def folder_of(app: App, name: str, taken_at: str) -> str:
    """``namespace/app/2026/11/name/``: listable by date."""
    return f"{app.namespace}/{app.name}/{taken_at[:4]}/{taken_at[5:7]}/{name}/"


def already(store: Store, app: App, name: str) -> str | None:
    """The folder of a finished backup of this name; what an earlier try left of one that it did not finish is removed.

    A pod that was killed cannot clean up after itself. Only while the data's Lease is held: no other one is at work.
    """
    found = [item.key for item in store.list(f"{app.namespace}/{app.name}/") if _is_of(item.key, name)]
    finished = next((key for key in found if key.endswith(f"/{NAME}")), None)
    if finished is not None:
        return finished.removesuffix(NAME)
    for key in found:
        store.delete(key)
    return None


def _is_of(key: str, name: str) -> bool:
    """An object of a backup of this name, and of nobody else."""
    folder, _, part = key.rpartition("/")
    return folder.endswith(f"/{name}") and part in NAMES


Cache = Callable[[], AbstractContextManager[BinaryIO]]
"""Gives Redis' data."""


def take(
    order: Order, source: Source, store: Store, tools: Tools, seal: Seal | None, cache: Cache | None = None
) -> Taken:
    """Take it. What was stored of one that fails is removed again, as far as that can be done.

    Raises:
        FactsError: the database cannot be read.
        NeighbourError: its tools failed.
        StoreError: the destination said no.
        SealError: it could not be sealed.
        NotVerifiedError: what was read back is not what was written.
        CacheError: Redis does not give its data.
    """
    with snapshot(source.conninfo, source.password, source.lock_timeout) as moment:
        taken_at = order.taken_at or moment.taken_at
        folder = folder_of(order.app, order.name, taken_at)
        with _undone(store) as target:
            database, archive = _dumped(moment, target, folder, tools, seal)
            config = _stored(target, folder, _named(Kind.CONFIG, seal), Kind.CONFIG, io.BytesIO(order.config), seal)
            manifest = Manifest(
                name=order.name,
                app=order.app,
                reason=order.reason,
                taken_at=taken_at,
                recipients=seal.recipients if seal is not None else (),
                secrets=seal is not None and bool(order.config),
                database=database,
                parts=(archive, config, *_cached(target, folder, cache, seal)),
            )
            return Taken(folder, manifest, _finished(target, folder, manifest, tools, seal))


def _cached(store: Store, folder: str, cache: Cache | None, seal: Seal | None) -> tuple[Part, ...]:
    if cache is None:
        return ()
    with cache() as file:
        return (_stored(store, folder, _named(Kind.REDIS, seal), Kind.REDIS, file, seal),)


def _dumped(moment: Snapshot, store: Store, folder: str, tools: Tools, seal: Seal | None) -> tuple[Database, Part]:
    """The archive, stored, while the same snapshot is counted beside it."""
    with ThreadPoolExecutor(1) as pool:
        counted: Future[Database] | None = None
        with tools.dump(moment.id) as archive:
            # The dump has the snapshot by now: its first bytes are there.
            counted = pool.submit(moment.database)
            part = _stored(store, folder, _named(Kind.DATABASE, seal), Kind.DATABASE, archive, seal)
        return counted.result(), part


def _finished(store: Store, folder: str, manifest: Manifest, tools: Tools, seal: Seal | None) -> int:
    """Read everything back; the manifest comes last, and is read back too. How many entries the archive has."""
    found = [check(store, folder, part, seal.open if seal else None, tools.listed) for part in manifest.parts]
    store.put(folder + NAME, io.BytesIO(manifest.dump()))
    if manifest_of(store, folder) != manifest:
        raise NotVerifiedError("the manifest that is read back is another one")
    return found[0] or 0


def _stored(store: Store, folder: str, name: str, kind: Kind, source: BinaryIO, seal: Seal | None) -> Part:
    plain = stored = Metered(source)
    if seal is None:
        store.put(folder + name, buffered(plain))
    else:
        with seal.seal(buffered(plain)) as sealed:
            stored = Metered(buffered(sealed))
            store.put(folder + name, buffered(stored))
    return Part(
        object=name,
        kind=kind,
        size=stored.size,
        sha256=stored.sha256,
        sealed=seal is not None,
        plain_size=plain.size,
        plain_sha256=plain.sha256,
    )


def _named(kind: Kind, seal: Seal | None) -> str:
    return _OBJECTS[kind] + (SUFFIX if seal is not None else "")


class _Remembering:
    """A store that knows what was stored through it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.keys: list[str] = []

    def put(self, key: str, source: BinaryIO) -> None:
        self._store.put(key, source)
        self.keys.append(key)

    def get(self, key: str) -> AbstractContextManager[BinaryIO]:
        return self._store.get(key)

    def list(self, prefix: str) -> Iterator[Stored]:
        return self._store.list(prefix)

    def delete(self, key: str) -> None:
        self._store.delete(key)


@contextmanager
def _undone(store: Store) -> Iterator[Store]:
    """What was stored of a backup that failed goes again, and nothing else: another one may lie beside it."""
    remembering = _Remembering(store)
    try:
        yield remembering
    except BaseException:
        for key in reversed(remembering.keys):
            with suppress(StoreError):
                store.delete(key)
        raise
