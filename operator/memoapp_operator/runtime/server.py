"""/livez, /readyz and /metrics, out of the same loop that does the work."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from .metrics import Metrics

STUCK_AFTER = 300.0
"""Seconds: every call within a pass has a limit of ten; a pass this old does not come back."""


class Health:
    """What the probes answer from.

    Attributes:
        connected: the API server answered once; a follower is ready too, or a rolling update would wait for ever.
        oldest_pass: seconds that the longest pass under way has taken.
        watching: False where the watches have ended.
    """

    def __init__(self) -> None:
        self.connected = False
        self.oldest_pass: Callable[[], float] = lambda: 0.0
        self.watching: Callable[[], bool] = lambda: True

    def problem(self) -> str | None:
        """Why the process should be restarted, or None."""
        if self.oldest_pass() > STUCK_AFTER:
            return f"a pass takes longer than {STUCK_AFTER:g}s"
        return None if self.watching() else "the watches have ended"


def application(health: Health, metrics: Metrics) -> web.Application:
    """The web application."""

    async def live(_: web.Request) -> web.Response:
        problem = health.problem()
        return web.Response(text=problem or "ok", status=503 if problem else 200)

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="ok" if health.connected else "not connected", status=200 if health.connected else 503)

    async def show(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    app = web.Application()
    app.add_routes([web.get("/livez", live), web.get("/readyz", ready), web.get("/metrics", show)])
    return app


async def serve(health: Health, metrics: Metrics, port: int) -> web.AppRunner:
    """Listen on all addresses; the caller cleans the runner up."""
    runner = web.AppRunner(application(health, metrics), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    return runner
