from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import httpx
import pytest

from tests.faults.hands import Hands
from tests.faults.network import listener
from tests.faults.plans import Plan
from tests.faults.proxy import Proxy, Upstream
from tests.unit.faults.fakeapi import FakeApi

Found = TypeVar("Found")
MAPS = "/api/v1/namespaces/one/configmaps"


@dataclass
class Bench:
    """The proxy between a client and the fake API server."""

    proxy: Proxy
    api: FakeApi
    client: httpx.Client
    done: list[str] = field(default_factory=list)
    killed: threading.Event = field(default_factory=threading.Event)

    def arm(self, plan: Plan) -> None:
        self.proxy.arm(plan)

    def create(self, name: str = "some", plural: str = "configmaps") -> httpx.Response:
        return self.client.post(f"/api/v1/namespaces/one/{plural}", json={"metadata": {"name": name}})

    def list(self) -> str:
        return str(self.client.get(MAPS).json()["items"][0])


def in_a_thread(work: Coroutine[Any, Any, Found]) -> Found:
    """What a coroutine gives, by a loop of its own: the test's own thread has one that a plug-in made, and keeps it."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


@pytest.fixture
def bench() -> Iterator[Bench]:
    done: list[str] = []
    killed = threading.Event()

    def kill(name: str) -> None:
        done.append(f"kill {name}")
        killed.set()

    hands = Hands(
        kill,
        freeze=lambda name: done.append(f"freeze {name}"),
        wake=lambda name: done.append(f"wake {name}"),
        strike=lambda: done.append("strike"),
        jump=lambda seconds: done.append(f"jump {seconds:g}"),
    )
    headers = {"Authorization": "Bearer a1"}
    with FakeApi() as api:
        proxy = Proxy(Upstream(api.url, token="secret"), partial(listener, None), hands)
        with (
            proxy,
            httpx.Client(
                base_url=f"http://127.0.0.1:{proxy.port}", headers=headers, trust_env=False, timeout=5
            ) as client,
        ):
            yield Bench(proxy, api, client, done, killed)
