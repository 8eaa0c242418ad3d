"""What a health probe hears is what answers now, not what answered first."""

from __future__ import annotations

from aiohttp import web
from memoapp_operator.adapters.services import LiveServices

from tests.faults.network import listener
from tests.unit.faults.conftest import in_a_thread


def test_every_probe_has_a_connection_of_its_own() -> None:
    assert in_a_thread(two_probes()) == [404, 200]


async def two_probes() -> list[int | None]:
    peers: list[object] = []

    async def answer(request: web.BaseRequest) -> web.Response:
        """404 for ever on the first connection: it ended somewhere else. 200 on any other."""
        if request.transport not in peers:
            peers.append(request.transport)
        return web.Response(status=404 if request.transport is peers[0] else 200)

    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    listening = listener(None)
    port = listening.getsockname()[1]
    await web.SockSite(runner, listening).start()
    services = LiveServices()
    try:
        return [await services.health("127.0.0.1", port, "/health") for _ in range(2)]
    finally:
        await services.close()
        await runner.cleanup()
