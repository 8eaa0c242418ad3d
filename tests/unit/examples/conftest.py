"""An application on fakes, and a client that talks to it without a network."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from examples.memoapp.backend.memo_backend.app import make_app
from examples.memoapp.backend.memo_backend.cache import NoCache
from examples.memoapp.backend.memo_backend.ports import MemoCache
from examples.memoapp.backend.memo_backend.settings import settings_from

from .fakes import NOON, FakeStore

Connect = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def connect(store: FakeStore) -> Connect:
    """Called with a cache and variables of the environment: a client of an application so configured."""

    @asynccontextmanager
    async def opened(cache: MemoCache | None = None, **environment: str) -> AsyncIterator[httpx.AsyncClient]:
        settings = settings_from({"DATABASE_URL": "postgresql://h/d", "MEMO_VERSION": "1.2.3", **environment})
        app = make_app(settings, store, cache or NoCache(), now=lambda: NOON)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://memo") as client:
            yield client

    return opened
