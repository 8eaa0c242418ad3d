"""Which backups lie in a destination."""

from __future__ import annotations

from collections.abc import Iterator

from .manifest import NAME
from .stores import Store

HIDDEN = "hidden"
"""In a backup's folder: its record was deleted by hand, and none is made again."""
_DEPTH = 5
"""Slashes in ``namespace/app/2026/11/name/``."""


def unknown(store: Store, prefix: str) -> Iterator[str]:
    """Folders below ``prefix`` that hold a finished backup and are not hidden, the oldest first.

    What somebody else put there is left out: it is in no folder of ours, or has no manifest.
    """
    finished, hidden = [], set()
    for item in store.list(prefix):
        folder, _, name = item.key.rpartition("/")
        if name == HIDDEN:
            hidden.add(f"{folder}/")
        if name == NAME and f"{folder}/".count("/") == _DEPTH:
            finished.append(f"{folder}/")
    yield from (folder for folder in finished if folder not in hidden)
