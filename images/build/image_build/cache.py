"""Where archives and the builder's own storage lie, and the lock that keeps two builds apart."""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_KEPT = 2  # archives of one image: the current and the one before


@dataclass(frozen=True, slots=True)
class Cache:
    """The folders below the cache root."""

    root: Path

    @property
    def storage(self) -> Path:
        """Image layers, of this tool alone."""
        return self.root / "storage"

    def archive(self, name: str, key: str) -> Path:
        """The archive of the image `name` with this content key."""
        return self.root / f"{name}-{key}.tar"

    def forget_old(self, name: str, current: Path) -> None:
        """Remove all but the newest archives of one image."""
        stem = len(f"{name}-") + len(current.name.removeprefix(f"{name}-"))
        same = [path for path in self.root.glob(f"{name}-*.tar") if len(path.name) == stem]
        others = sorted((path for path in same if path != current), key=lambda path: path.stat().st_mtime)
        for path in others[: len(others) - _KEPT + 1]:
            path.unlink()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the build lock (another build waits here), without what a killed build left."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._sweep()
            yield

    def _sweep(self) -> None:
        for path in self.root.glob(".*.part"):
            path.unlink()
        for pattern in (".work-*", ".base-*"):
            for path in self.root.glob(pattern):
                shutil.rmtree(path)


def cache_from(environment: Mapping[str, str]) -> Cache:
    """The cache of this user: MEMOAPP_CACHE, else XDG_CACHE_HOME/memoapp, else ~/.cache/memoapp."""
    explicit = environment.get("MEMOAPP_CACHE")
    if explicit:
        return Cache(Path(explicit).expanduser().resolve() / "images")
    home = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Cache(Path(home) / "memoapp" / "images")


def environment() -> Mapping[str, str]:
    """The process' environment (one place, so that tests can pass their own)."""
    return os.environ
