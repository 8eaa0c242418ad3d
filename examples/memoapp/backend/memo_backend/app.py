"""The HTTP interface."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .faults import Faulty
from .metrics import Metrics, Observed
from .ports import Memo, MemoCache, MemoStore, StoreUnavailableError
from .settings import Fault, Settings
from .validation import BODY_LIMIT, LIST_LIMIT, BadRequestError, parse_limit, parse_memo, parse_prefix

_JOURNAL_LIMIT = 100_000

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


def make_app(
    settings: Settings,
    store: MemoStore,
    cache: MemoCache,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    lifespan: Lifespan | None = None,
) -> Starlette:
    """The application on a store and a cache, whatever they are."""
    metrics = Metrics(settings.version, settings.colour)
    api = Api(settings, store, cache, metrics, now)
    routes = [
        Route("/api/health", api.health),
        Route("/api/version", api.version),
        Route("/api/memos", api.memos, methods=["GET"]),
        Route("/api/memos", api.add_memo, methods=["POST"]),
        Route("/api/journal", api.journal),
        Route("/metrics", api.figures),
    ]
    headers = {"X-Memo-Version": settings.version, "Cache-Control": "no-store"}
    if settings.colour:
        headers["X-Memo-Colour"] = settings.colour
    paths = frozenset(route.path for route in routes)
    return Starlette(
        routes=routes,
        middleware=[
            Middleware(Observed, metrics=metrics, routes=paths, headers=headers),
            Middleware(Faulty, fault=settings.fault, amount=settings.amount),
        ],
        exception_handlers={
            BadRequestError: _bad_request,
            StoreUnavailableError: _store_unavailable,
            HTTPException: _http_error,
        },
        lifespan=lifespan,
    )


@dataclass(frozen=True, slots=True)
class Api:
    """The endpoints."""

    settings: Settings
    store: MemoStore
    cache: MemoCache
    metrics: Metrics
    now: Callable[[], datetime]

    async def health(self, _: Request) -> Response:
        """200 or 503, by a real query."""
        database = await self.store.answers()
        healthy = database and self.settings.fault is not Fault.NEVER_HEALTHY
        document = {
            "status": "healthy" if healthy else "unhealthy",
            "timestamp": self.now().isoformat(timespec="milliseconds"),
            "database": database,
        }
        return JSONResponse(document, 200 if healthy else 503)

    async def version(self, _: Request) -> Response:
        """Which version this is, and which colour it was told to be."""
        return JSONResponse({"version": self.settings.version, "colour": self.settings.colour})

    async def memos(self, request: Request) -> Response:
        """The newest memos, from the cache where it has them."""
        limit = parse_limit(request.query_params.get("limit"))
        content, reads = await self.cache.get()
        if content is None:
            content = json.dumps([_document(memo) for memo in await self.store.newest(LIST_LIMIT)]).encode()
            await self.cache.put(content)
        found: list[Any] = json.loads(content)
        return JSONResponse({"memos": found[:limit], "reads": reads})

    async def add_memo(self, request: Request) -> Response:
        """Write a memo."""
        new = parse_memo(await _body(request.stream()))
        memo = await self.store.add(new.text, new.journal)
        await self.cache.forget()
        return JSONResponse(_document(memo), 201)

    async def journal(self, request: Request) -> Response:
        """Which journal ids are stored, and how often: shows lost and doubled writes."""
        prefix = parse_prefix(request.query_params.get("prefix"))
        counts = await self.store.journal_counts(prefix, _JOURNAL_LIMIT)
        total = sum(counts.values())
        return JSONResponse({"prefix": prefix, "rows": total, "distinct": len(counts), "counts": counts})

    async def figures(self, _: Request) -> Response:
        """Prometheus' figures."""
        return Response(self.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _document(memo: Memo) -> dict[str, object]:
    created = memo.created_at.astimezone(UTC).isoformat(timespec="milliseconds")
    return {"id": memo.id, "text": memo.text, "journal": memo.journal, "createdAt": created}


async def _body(stream: AsyncIterator[bytes]) -> bytes:
    """The body, unless it is too long: the rest is then not read."""
    parts: list[bytes] = []
    size = 0
    async for part in stream:
        size += len(part)
        if size > BODY_LIMIT:
            raise HTTPException(413, f"the body is longer than {BODY_LIMIT} bytes")
        parts.append(part)
    return b"".join(parts)


def _error(status: int, message: str, headers: Sequence[tuple[str, str]] = ()) -> Response:
    return JSONResponse({"error": message}, status, headers=dict(headers))


async def _bad_request(_: Request, error: Exception) -> Response:
    return _error(400, str(error))


async def _store_unavailable(_: Request, __: Exception) -> Response:
    return _error(503, "the database is not available", [("Retry-After", "1")])


async def _http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else "internal error"
    return _error(status, detail)
