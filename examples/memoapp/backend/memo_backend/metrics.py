"""How long answers take, by method, route and status, in Prometheus' text format."""

import time

from prometheus_client import CollectorRegistry, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


class Metrics:
    """The figures of one application."""

    def __init__(self, version: str, colour: str | None) -> None:
        self._registry = CollectorRegistry()
        self._latency = Histogram(
            "memo_http_request_duration_seconds",
            "Time from request to the end of the answer.",
            ("method", "route", "status"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        info = Gauge("memo_build_info", "Always 1.", ("version", "colour"), registry=self._registry)
        info.labels(version, colour or "").set(1)

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answer."""
        self._latency.labels(method, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """All figures."""
        return generate_latest(self._registry)


class Observed:
    """ASGI middleware: counts every answer and adds the headers that say who gave it.

    Unknown paths and methods share one label each, so that nobody can make labels grow without end.
    """

    _METHODS = frozenset({"GET", "HEAD", "POST"})

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: frozenset[str], headers: dict[str, str]) -> None:
        self._app = app
        self._metrics = metrics
        self._routes = routes
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), *self._headers]}
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        finally:
            method = scope["method"] if scope["method"] in self._METHODS else "other"
            route = scope["path"] if scope["path"] in self._routes else "other"
            self._metrics.observe(method, route, status, time.perf_counter() - start)
