"""Kopf itself, run by the handlers against an API server: events become keys, and nothing is ever written."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import kopf
import pytest
from memoapp_operator import handlers
from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import CONFIG_MAP, DEPLOYMENT, MEMO_APP, SECRET, Kind, Manifest
from memoapp_operator.runtime.queue import Key

from tests.wiring.apiserver import PATIENCE, ApiServer, Asked, News

NAMESPACE = "prod"
SELECTOR = f"{names.MANAGED_BY_LABEL}={names.MANAGED_BY}"
STOPPED_WITHIN = 4.0
"""Seconds that the watches may take to end: kopf waits 5 for tasks that hang."""


class Keys:
    """Stands for the queue: notes down what is put into it."""

    def __init__(self) -> None:
        self.seen: list[Key] = []
        self._news = News()

    def __call__(self, key: Key) -> None:
        self.seen.append(key)
        self._news.tell()

    async def until(self, name: str, times: int = 1) -> None:
        """Wait until the key of ``name`` has been put ``times`` times."""
        await self._news.until(lambda: self.seen.count(Key(NAMESPACE, name)) >= times)


def manifest(kind: Kind, name: str, labels: dict[str, str] | None = None, namespace: str = NAMESPACE) -> Manifest:
    meta = {"name": name, "namespace": namespace, "uid": f"{kind.plural}-{namespace}-{name}", "labels": labels or {}}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": meta}


def child(kind: Kind, app: str, namespace: str = NAMESPACE) -> Manifest:
    return manifest(kind, f"{app}-child", names.labels(app), namespace)


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiServer]:
    """The only server that can be logged in to, even where the tests run in a pod."""
    async with ApiServer() as found:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [{"name": "here", "cluster": {"server": found.url}}],
            "users": [{"name": "me", "user": {"token": "made-up"}}],
        }
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config), encoding="utf-8")
        monkeypatch.setenv("KUBECONFIG", str(path))
        monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: None)
        yield found


@asynccontextmanager
async def watching(*namespaces: str, stopped_within: float = PATIENCE) -> AsyncIterator[Keys]:
    """The watches, stopped in the end."""
    keys, stop = Keys(), asyncio.Event()
    task = asyncio.create_task(handlers.watch(keys, namespaces, stop))
    try:
        yield keys
    finally:
        stop.set()
        async with asyncio.timeout(stopped_within):
            await task


async def all_watched(server: ApiServer) -> None:
    wanted = {MEMO_APP, *handlers.WATCHED}
    await server.news.until(lambda: {asked.kind for asked in server.open_watches} == wanted)


def read(server: ApiServer) -> list[Asked]:
    """Lists and watches, without discovery."""
    return [asked for asked in server.asked if asked.kind is not None]


async def test_memoapps_that_are_there_already_become_keys(server: ApiServer) -> None:
    server.put(manifest(MEMO_APP, "one"))
    server.put(manifest(MEMO_APP, "two"))
    async with watching() as keys:
        await keys.until("one")
        await keys.until("two")
    assert sorted(keys.seen) == [Key(NAMESPACE, "one"), Key(NAMESPACE, "two")]


async def test_a_memoapp_becomes_a_key_when_added_changed_and_deleted(server: ApiServer) -> None:
    app = manifest(MEMO_APP, "memo")
    async with watching() as keys:
        await all_watched(server)
        server.put(app)
        await keys.until("memo", times=1)
        server.put(app)
        await keys.until("memo", times=2)
        server.remove(app)
        await keys.until("memo", times=3)
    assert keys.seen == [Key(NAMESPACE, "memo")] * 3


async def test_children_that_are_there_already_become_keys_of_their_apps(server: ApiServer) -> None:
    apps = [f"of-{kind.plural}" for kind in handlers.WATCHED]
    for kind, app in zip(handlers.WATCHED, apps, strict=True):
        server.put(child(kind, app))
    async with watching() as keys:
        for app in apps:
            await keys.until(app)
    assert sorted(keys.seen) == sorted(Key(NAMESPACE, app) for app in apps)


async def test_a_child_of_any_kind_becomes_its_apps_key_when_added_changed_and_deleted(server: ApiServer) -> None:
    children = {f"of-{kind.plural}": child(kind, f"of-{kind.plural}") for kind in handlers.WATCHED}
    async with watching() as keys:
        await all_watched(server)
        for times, change in enumerate((server.put, server.put, server.remove), start=1):
            for found in children.values():
                change(found)
            for app in children:
                await keys.until(app, times)
    assert sorted(keys.seen) == sorted([Key(NAMESPACE, app) for app in children] * 3)


async def test_a_child_without_the_label_of_an_app_becomes_no_key(server: ApiServer) -> None:
    stray = manifest(CONFIG_MAP, "stray", {names.MANAGED_BY_LABEL: names.MANAGED_BY})
    server.put(stray)
    async with watching() as keys:
        await all_watched(server)
        server.put(stray)
        # What is sent after it in the same stream has come through, twice.
        for times in (1, 2):
            server.put(child(CONFIG_MAP, "memo"))
            await keys.until("memo", times)
        server.remove(stray)
        server.remove(child(CONFIG_MAP, "memo"))
        await keys.until("memo", times=3)
    assert set(keys.seen) == {Key(NAMESPACE, "memo")}


async def test_equal_names_in_two_namespaces_are_two_keys(server: ApiServer) -> None:
    server.put(manifest(MEMO_APP, "memo"))
    server.put(child(DEPLOYMENT, "memo", "elsewhere"))
    async with watching() as keys:
        await keys.until("memo")
        await all_watched(server)
        server.put(child(CONFIG_MAP, "last"))
        await keys.until("last")
    assert set(keys.seen) == {Key(NAMESPACE, "memo"), Key("elsewhere", "memo"), Key(NAMESPACE, "last")}


async def test_nothing_is_written(server: ApiServer) -> None:
    """Each object's second key comes only when all that follows its first is over: kopf takes them in turn."""
    leaving = manifest(MEMO_APP, "leaving")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    leaving["metadata"]["finalizers"] = ["example.org/somebody-elses"]
    objects = {"memo": manifest(MEMO_APP, "memo"), "leaving": leaving}
    objects |= {f"of-{kind.plural}": child(kind, f"of-{kind.plural}") for kind in handlers.WATCHED}
    for found in objects.values():
        server.put(found)
    async with watching() as keys:
        await all_watched(server)
        for times in (1, 2, 3):
            for app in objects:
                await keys.until(app, times)
            for found in objects.values():
                server.put(found)
    assert {asked.method for asked in server.asked} == {"GET"}


@pytest.mark.parametrize("namespaces", [(), (NAMESPACE,)], ids=["cluster-wide", "one namespace"])
async def test_only_our_own_children_are_asked_for_and_no_secret(
    server: ApiServer, namespaces: tuple[str, ...]
) -> None:
    server.put(child(SECRET, "memo"))
    async with watching(*namespaces) as keys:
        await all_watched(server)
    assert not keys.seen
    assert not [asked for asked in server.asked if SECRET.plural in asked.path]
    for watch in (False, True):
        selectors = {asked.kind: asked.query.get("labelSelector") for asked in read(server) if asked.is_watch is watch}
        assert selectors == {MEMO_APP: None} | dict.fromkeys(handlers.WATCHED, SELECTOR)


@pytest.mark.parametrize("namespaces", [(), (NAMESPACE,), (NAMESPACE, "test")], ids=["cluster-wide", "one", "two"])
async def test_only_the_namespaces_given_are_asked_for(server: ApiServer, namespaces: tuple[str, ...]) -> None:
    wanted = {(kind, space) for kind in (MEMO_APP, *handlers.WATCHED) for space in namespaces or (None,)}
    async with watching(*namespaces):
        await server.news.until(lambda: {(asked.kind, asked.namespace) for asked in server.open_watches} == wanted)
    for watch in (False, True):
        asked = [(asked.kind, asked.namespace) for asked in read(server) if asked.is_watch is watch]
        assert sorted(asked, key=str) == sorted(wanted, key=str)


async def test_a_stop_ends_the_watches(server: ApiServer) -> None:
    server.put(manifest(MEMO_APP, "memo"))
    async with watching(stopped_within=STOPPED_WITHIN) as keys:
        await keys.until("memo")
        await all_watched(server)
    await server.news.until(lambda: not server.open_watches)
    server.put(child(CONFIG_MAP, "late"))
    assert keys.seen == [Key(NAMESPACE, "memo")]


async def test_a_stop_before_the_first_list_ends_the_watches_too(server: ApiServer) -> None:
    async with watching(stopped_within=STOPPED_WITHIN) as keys:
        await server.news.until(lambda: bool(server.asked))
    assert not keys.seen
