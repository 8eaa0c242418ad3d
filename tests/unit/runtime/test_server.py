"""/livez, /readyz and /metrics, as a kubelet and Prometheus ask for them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from memoapp_operator.runtime.metrics import Metrics
from memoapp_operator.runtime.server import STUCK_AFTER, Health, application, serve

from tests.unit.runtime.test_metrics import MEMO, status

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def client(health: Health, metrics: Metrics) -> AsyncIterator[Client]:
    async with TestClient(TestServer(application(health, metrics))) as found:
        yield found


async def asked(client: Client, path: str) -> tuple[int, str]:
    async with client.get(path) as answer:
        return answer.status, await answer.text()


async def test_a_new_process_is_alive_and_not_yet_ready(client: Client) -> None:
    assert await asked(client, "/livez") == (200, "ok")
    assert await asked(client, "/readyz") == (503, "not connected")


async def test_a_follower_that_reached_the_api_server_is_ready(client: Client, health: Health) -> None:
    health.connected = True
    assert await asked(client, "/readyz") == (200, "ok")


async def test_a_pass_that_never_ends_gets_the_process_restarted(client: Client, health: Health) -> None:
    health.oldest_pass = lambda: STUCK_AFTER - 1
    assert (await asked(client, "/livez"))[0] == 200
    health.oldest_pass = lambda: STUCK_AFTER + 1
    assert await asked(client, "/livez") == (503, "a pass takes longer than 300s")


async def test_watches_that_ended_get_the_process_restarted(client: Client, health: Health) -> None:
    health.watching = lambda: False
    assert await asked(client, "/livez") == (503, "the watches have ended")


async def test_metrics_are_in_the_exposition_format(client: Client, metrics: Metrics) -> None:
    metrics.observed(MEMO, status(ready=True), None)
    async with client.get("/metrics") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert 'memoapp_condition{name="memo",namespace="prod",type="Ready"} 1.0' in await answer.text()


@pytest.mark.parametrize("path", ["/", "/healthz", "/debug/pprof"])
async def test_nothing_else_is_served(client: Client, path: str) -> None:
    assert (await asked(client, path))[0] == 404


async def test_serving_listens_on_a_port_until_it_is_cleaned_up(health: Health, metrics: Metrics) -> None:
    runner = await serve(health, metrics, 0)
    (port,) = [address[1] for address in runner.addresses if address[0] == "0.0.0.0"]  # noqa: S104 -- read, not bound
    async with ClientSession(f"http://127.0.0.1:{port}") as session:
        try:
            async with session.get("/livez") as answer:
                assert answer.status == 200
        finally:
            await runner.cleanup()
        with pytest.raises(OSError, match=str(port)):
            await session.get("/livez")
