"""Just enough of an API server to be discovered, listed and watched; it notes down all that it is asked."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web
from memoapp_operator.domain.manifest import EVENT, MEMO_APP, SECRET, Kind, Manifest, kind_of
from memoapp_operator.handlers import WATCHED

NAMESPACE = Kind("", "v1", "Namespace", "namespaces")
DEFINITION = Kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions")
SERVED = (MEMO_APP, *WATCHED, SECRET, EVENT, NAMESPACE, DEFINITION)
VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
COLLECTION = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)(?:/namespaces/(?P<namespace>[^/]+))?/(?P<plural>[^/]+)"
)
PATIENCE = 60.0
"""Seconds until a test gives up waiting for what should happen at once."""


class News:
    """Wakes those who wait whenever something has happened."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Have everybody who waits look again."""
        self._event.set()
        self._event = asyncio.Event()

    async def until(self, holds: Callable[[], bool], within: float | None = PATIENCE) -> None:
        """Wait until ``holds``; TimeoutError where it does not ``within`` these seconds."""
        async with asyncio.timeout(within):
            while not holds():
                await self._event.wait()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]

    @property
    def kind(self) -> Kind | None:
        """The kind that is listed or watched; None where it is discovery, or one object by its name."""
        found = COLLECTION.fullmatch(self.path)
        if found is None:
            return None
        wanted = (found["group"] or "", found["version"], found["plural"])
        return next((kind for kind in SERVED if (kind.group, kind.version, kind.plural) == wanted), None)

    @property
    def namespace(self) -> str | None:
        """The namespace that is listed or watched; None for the whole cluster."""
        found = COLLECTION.fullmatch(self.path)
        return found["namespace"] if found else None

    @property
    def is_watch(self) -> bool:
        """Whether a stream of events is wanted, and not a list."""
        return self.query.get("watch") == "true"

    def selects(self, manifest: Manifest) -> bool:
        """Whether an object is of the kind, in the namespace and has the labels that are asked for."""
        meta = manifest["metadata"]
        wanted = [part.split("=", 1) for part in self.query.get("labelSelector", "").split(",") if part]
        return (
            kind_of(manifest) == self.kind
            and self.namespace in {None, meta["namespace"]}
            and all(meta.get("labels", {}).get(name) == value for name, value in wanted)
        )


class ApiServer:
    """Serves the objects it is given; a resource version is the number of changes so far."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.open_watches: list[Asked] = []
        self.news = News()
        self._objects: dict[tuple[Kind, str, str], Manifest] = {}
        self._changes: list[dict[str, Any]] = []
        self._discovery = _discovery()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where the server listens."""
        host, port = self._runner.addresses[0]
        return f"http://{host}:{port}"

    def put(self, manifest: Manifest) -> None:
        """Add an object, or change it."""
        key = _key(manifest)
        self._change("MODIFIED" if key in self._objects else "ADDED", manifest)
        self._objects[key] = self._changes[-1]["object"]

    def remove(self, manifest: Manifest) -> None:
        """Delete an object."""
        del self._objects[_key(manifest)]
        self._change("DELETED", manifest)

    def _change(self, what: str, manifest: Manifest) -> None:
        version = str(len(self._changes) + 1)
        stored = {**manifest, "metadata": {**manifest["metadata"], "resourceVersion": version}}
        self._changes.append({"type": what, "object": stored})
        self.news.tell()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(request.method, request.path, dict(request.query))
        self.asked.append(asked)
        self.news.tell()
        if asked.method != "GET":
            return _refusal(405, "MethodNotAllowed")
        if asked.path in self._discovery:
            return web.json_response(self._discovery[asked.path])
        if asked.kind is None:
            return _refusal(404, "NotFound")
        return await self._watch(request, asked) if asked.is_watch else self._list(asked.kind, asked)

    def _list(self, kind: Kind, asked: Asked) -> web.Response:
        return web.json_response(
            {
                "apiVersion": kind.api_version,
                "kind": f"{kind.kind}List",
                "metadata": {"resourceVersion": str(len(self._changes))},
                "items": [found for found in self._objects.values() if asked.selects(found)],
            }
        )

    async def _watch(self, request: web.Request, asked: Asked) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        sent = int(asked.query["resourceVersion"])
        self.open_watches.append(asked)
        self.news.tell()
        try:
            while True:
                change = await self._change_after(sent)
                sent += 1
                if asked.selects(change["object"]):
                    await response.write(json.dumps(change).encode() + b"\n")
        finally:
            self.open_watches.remove(asked)
            self.news.tell()

    async def _change_after(self, sent: int) -> dict[str, Any]:
        await self.news.until(lambda: len(self._changes) > sent, within=None)
        return self._changes[sent]


def _key(manifest: Manifest) -> tuple[Kind, str, str]:
    return kind_of(manifest), manifest["metadata"]["namespace"], manifest["metadata"]["name"]


def _refusal(code: int, reason: str) -> web.Response:
    body = {"apiVersion": "v1", "kind": "Status", "status": "Failure", "reason": reason, "message": reason}
    return web.json_response({**body, "code": code}, status=code)


def _discovery() -> dict[str, Manifest]:
    """The answers by path, as ``kubectl get --raw`` shows them, without what nobody reads."""
    groups = sorted({(kind.group, kind.version) for kind in SERVED if kind.group})
    found: dict[str, Manifest] = {
        "/version": {"major": "1", "minor": "33", "gitVersion": "v1.33.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {
            "kind": "APIGroupList",
            "groups": [
                {
                    "name": group,
                    "versions": [{"groupVersion": f"{group}/{version}", "version": version}],
                    "preferredVersion": {"groupVersion": f"{group}/{version}", "version": version},
                }
                for group, version in groups
            ],
        },
    }
    for kind in SERVED:
        path = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
        listed = found.setdefault(path, {"kind": "APIResourceList", "groupVersion": kind.api_version, "resources": []})
        listed["resources"].append(
            {
                "name": kind.plural,
                "singularName": kind.kind.lower(),
                "kind": kind.kind,
                "namespaced": kind not in {NAMESPACE, DEFINITION},
                "verbs": VERBS,
            }
        )
        if kind is MEMO_APP:
            status = {"name": f"{kind.plural}/status", "singularName": "", "kind": kind.kind, "namespaced": True}
            listed["resources"].append({**status, "verbs": ["get", "patch", "update"]})
    return found
