"""Which backups lie in a destination."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from .manifest import NAME
from .stores import Store, StoreError, Trouble

HIDDEN = "hidden"
"""In a backup's folder: its record was deleted by hand, and none is made again."""
PROVED = "proved"
"""In a backup's folder: it was restored and found to be like the original. The cluster may be gone by the time that
this is wanted to be known."""
_DEPTH = 5
"""Slashes in ``namespace/app/2026/11/name/``."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A backup that has its manifest, by its folder; and what else lies there."""

    folder: str
    hidden: bool
    proved: bool


def finished(store: Store, prefix: str) -> Iterator[Finished]:
    """Finished backups below ``prefix``, the oldest first, by year and month.

    What somebody else put there is left out: it is in no folder of ours, or has no manifest.
    """
    found: dict[str, set[str]] = {}
    for item in store.list(prefix):
        folder, _, name = item.key.rpartition("/")
        if f"{folder}/".count("/") == _DEPTH:
            found.setdefault(f"{folder}/", set()).add(name)
    for folder, held in sorted(found.items()):
        if NAME in held:
            yield Finished(folder, HIDDEN in held, PROVED in held)


def unknown(store: Store, prefix: str) -> Iterator[str]:
    """Folders below ``prefix`` that hold a finished backup and are not hidden, the oldest first."""
    yield from (item.folder for item in finished(store, prefix) if not item.hidden)


def mark_proved(store: Store, folder: str) -> str:
    """Mark a backup that was restored and found to be like the original; why that could not be done, or nothing."""
    try:
        store.put(folder + PROVED, io.BytesIO(b"proved\n"))
    except StoreError as error:
        return "" if error.trouble is Trouble.EXISTS else f"it could not be marked as proved: {error}"
    return ""
