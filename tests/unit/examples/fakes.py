"""Stores and caches that tests steer."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from examples.memoapp.backend.memo_backend.ports import Memo, StoreUnavailableError

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class FakeStore:
    """A MemoStore in memory; `away` makes it unavailable."""

    def __init__(self) -> None:
        self.memos: list[Memo] = []
        self.away = False
        self.reads = 0

    async def add(self, text: str, journal: str | None) -> Memo:
        self._must_be_there()
        self.memos.append(Memo(len(self.memos) + 1, text, journal, NOON))
        return self.memos[-1]

    async def newest(self, limit: int) -> Sequence[Memo]:
        self._must_be_there()
        self.reads += 1
        return self.memos[::-1][:limit]

    async def journal_counts(self, prefix: str, limit: int) -> dict[str, int]:
        self._must_be_there()
        found = Counter(memo.journal for memo in self.memos if memo.journal and memo.journal.startswith(prefix))
        return dict(sorted(found.items())[:limit])

    async def answers(self) -> bool:
        return not self.away

    def _must_be_there(self) -> None:
        if self.away:
            raise StoreUnavailableError("gone")


class FakeCache:
    """A MemoCache in memory that never expires."""

    def __init__(self) -> None:
        self.content: bytes | None = None
        self.reads = 0

    async def get(self) -> tuple[bytes | None, int | None]:
        self.reads += 1
        return self.content, self.reads

    async def put(self, content: bytes) -> None:
        self.content = content

    async def forget(self) -> None:
        self.content = None
