"""The running parts of an app, asked directly: PostgreSQL, Redis, health paths, the agent and the router."""

from __future__ import annotations

import asyncio
import re
import ssl
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import aiohttp

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.counters import CLASSES, COUNTERS, INDICES, Counters, Key
from memoapp_operator.domain.observation import Probe, Volume
from memoapp_operator.domain.queries import Answer
from memoapp_operator.domain.usage import DatabaseReading
from memoapp_operator.ports import ClientCertificate, LeaseLostError, Login, PrometheusSource, Steering
from memoapp_operator.render import page

from . import databases, postgres, prometheus, redis

TIMEOUT = 3.0
"""Seconds for one question: a probe that hangs must not hold a pass."""
AGENT_PORT = 9188
ROUTER_ADMIN_PORT = 9999
ROUTER_NAME = "router"
"""The name in the router's certificate: its pods are reached by address."""
_STATE_MAP = "/etc/memoapp/state/state.map"
_RELEASE_MAP = "/etc/memoapp/state/release.map"


class LiveServices:
    """The port ``Services`` over the network.

    Args:
        remaining: seconds until the lease ends; no router is told anything once they are gone.
    """

    def __init__(self, remaining: Callable[[], float] = lambda: TIMEOUT) -> None:
        self._remaining = remaining
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close what is open."""
        if self._session is not None:
            await self._session.close()

    async def database(self, login: Login) -> Probe:
        """One connection, one query."""
        return await postgres.probe(login)

    async def statistics(self, login: Login, user: str, slow: int) -> DatabaseReading:
        """One connection, three queries."""
        return await postgres.statistics(login, user, slow)

    async def statement(self, login: Login, query: str) -> str:
        """One connection, one query."""
        return await postgres.statement(login, query)

    async def definitions(self, login: Login) -> str | None:
        """One connection, one query."""
        return await postgres.definitions(login)

    async def databases(self, login: Login) -> Mapping[str, bool] | None:
        """One connection, one query."""
        return await databases.names(login)

    async def swap(self, login: Login, live: str, fresh: str, kept: str) -> None:
        """One connection; both renames are one transaction."""
        await databases.swap(login, live, fresh, kept, self._still_leads)

    async def open(self, login: Login, name: str) -> None:
        """One connection, one statement."""
        await databases.open_(login, name)

    async def drop(self, login: Login, name: str) -> None:
        """One connection, one statement."""
        await databases.drop(login, name, self._still_leads)

    async def cache(self, login: Login) -> Probe:
        """AUTH, then PING."""
        return await redis.ask(login, TIMEOUT)

    async def health(self, address: str, port: int, path: str) -> int | None:
        """Status code of one GET."""
        try:
            async with self._http().get(_url(address, port, path), allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None

    async def volume(self, address: str) -> Volume | None:
        """What the agent says of its volume."""
        try:
            async with self._http().get(_url(address, AGENT_PORT, "/volume")) as answer:
                told = await answer.json()
                return Volume(told["sizeBytes"], told["usedBytes"], told["availableBytes"])
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError):
            return None

    async def steering(self, address: str, certificate: ClientCertificate) -> Steering | None:
        """The router's maps, by its runtime API."""
        text = await self._runtime(address, certificate, f"show map {_STATE_MAP}; show map {_RELEASE_MAP}")
        return steering_in(text) if text is not None else None

    async def counters(self, address: str, certificate: ClientCertificate) -> Mapping[Key, Counters] | None:
        """The router's table, by its runtime API."""
        text = await self._runtime(address, certificate, f"show table {COUNTERS}")
        return counters_in(text) if text is not None else None

    async def query(self, source: PrometheusSource, text: str) -> Answer:
        """One instant query."""
        return await prometheus.ask(source, text)

    async def steer(self, address: str, certificate: ClientCertificate, wanted: Steering) -> None:
        """Set the maps: the release first, which fixes the buckets, then the weight, then the confirmation."""
        await self._runtime(
            address,
            certificate,
            f"set map {_RELEASE_MAP} release {wanted.release}; "
            + "".join(f"set map {_RELEASE_MAP} {key} {text}; " for key, text in page.texts(wanted.message).items())
            + f"set map {_STATE_MAP} weight {wanted.weight}; "
            f"set map {_STATE_MAP} maintenance {wanted.until}; "
            f"set map {_STATE_MAP} confirmed {int(wanted.confirmed)}",
            self._still_leads,
        )

    def _still_leads(self) -> None:
        if self._remaining() <= 0:
            raise LeaseLostError

    async def _runtime(
        self, address: str, certificate: ClientCertificate, command: str, allowed: Callable[[], None] = lambda: None
    ) -> str | None:
        try:
            async with asyncio.timeout(TIMEOUT):
                return await _runtime_command(address, certificate, command, allowed)
        except (OSError, TimeoutError, ValueError, TypeError):
            # Also what the ssl module makes of a damaged certificate.
            return None

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A connection a question: a kept one stays with what answered first, whatever the Service sends to by now.
            connector = aiohttp.TCPConnector(force_close=True)
            timeout = aiohttp.ClientTimeout(total=TIMEOUT)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout)
        return self._session


def steering_in(listing: str) -> Steering | None:
    """What a listing of ``show map`` tells: lines of ``<pointer> <key> <value>``."""
    found: dict[str, str] = {}
    for line in listing.splitlines():
        match line.split():
            case [_, key, value]:
                found[key] = value
            case _:
                continue
    weight = found.get("weight", "")
    if not (weight.isascii() and weight.isdecimal()) or "release" not in found:
        return None
    until = found.get("maintenance", "0")
    ends = int(until) if until.isascii() and until.isdecimal() else 0
    return Steering(int(weight), found["release"], found.get("confirmed") == "1", ends, page.message_in(found))


_GPC = re.compile(r"(?<!\S)gpc([0-9]+)=([0-9]+)(?!\S)", re.ASCII)
_KEYS = {f"{colour}-{class_}": (colour, class_) for colour in Colour for class_ in CLASSES}


def counters_in(listing: str) -> Mapping[Key, Counters] | None:
    """What a listing of ``show table`` tells; None where it is none, or was cut off.

    Half a reading would look like a router that began anew. After ``# table: measure, ...`` come lines of
    ``<pointer>: key=blue-api use=0 exp=... shard=0 gpc0=12 gpc1=0 ...``.
    """
    if not listing.lstrip().startswith(f"# table: {COUNTERS},") or not listing.endswith("\n"):
        return None
    found = {}
    for line in listing.splitlines():
        key = next((word[4:] for word in line.split() if word.startswith("key=")), "")
        told = {int(index): int(value) for index, value in _GPC.findall(line)}
        if key in _KEYS:
            if told.keys() != set(range(len(INDICES))):
                return None
            requests, client, server, *slow = (told[index] for index in range(len(INDICES)))
            found[_KEYS[key]] = Counters(requests, client, server, tuple(slow))
    return found


async def _runtime_command(
    address: str, certificate: ClientCertificate, command: str, allowed: Callable[[], None]
) -> str:
    """The router's answer; ``allowed`` raises where nothing may be sent, and is asked at the last moment."""
    reader, writer = await asyncio.open_connection(
        address, ROUTER_ADMIN_PORT, ssl=_tls(certificate), server_hostname=ROUTER_NAME
    )
    try:
        allowed()
        writer.write(f"{command}\n".encode())
        await writer.drain()
        return (await reader.read()).decode()
    finally:
        writer.close()


def _tls(certificate: ClientCertificate) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cadata=certificate.authority)
    # The ssl module loads keys from files alone: a private file on the pod's memory-backed /tmp, gone at once.
    with tempfile.NamedTemporaryFile(mode="w", suffix=".pem") as file:
        file.write(certificate.certificate + certificate.key)
        file.flush()
        context.load_cert_chain(Path(file.name))
    return context


def _url(address: str, port: int, path: str) -> str:
    host = f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}{path}"
