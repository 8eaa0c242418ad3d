"""What the application needs from the outside, and the values that travel between."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class StoreUnavailableError(Exception):
    """The database cannot answer now; a later call may work."""


@dataclass(frozen=True, slots=True)
class Memo:
    """One memo as it is stored."""

    id: int
    text: str
    journal: str | None
    created_at: datetime


class MemoStore(Protocol):
    """Where memos live. Every method may raise StoreUnavailableError."""

    async def add(self, text: str, journal: str | None) -> Memo:
        """Write a memo. The same journal id twice makes two rows, on purpose."""
        ...

    async def newest(self, limit: int) -> Sequence[Memo]:
        """The last `limit` memos, newest first."""
        ...

    async def journal_counts(self, prefix: str, limit: int) -> dict[str, int]:
        """Journal id -> number of rows, of at most `limit` ids that begin with `prefix`."""
        ...

    async def answers(self) -> bool:
        """Whether a query comes back within a second; never raises."""
        ...


class MemoCache(Protocol):
    """A short-lived copy of the newest memos and a count of reads. Its loss is never an error."""

    async def get(self) -> tuple[bytes | None, int | None]:
        """Count a read; give the cached list, and the count, where they can be had."""
        ...

    async def put(self, content: bytes) -> None:
        """Keep the list for a moment."""
        ...

    async def forget(self) -> None:
        """Drop the list, after a write."""
        ...
