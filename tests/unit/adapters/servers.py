"""Small servers that speak as much of a protocol as one question needs."""

from __future__ import annotations

import asyncio
import itertools
import os
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
_numbers = itertools.count(os.getpid() * 7919)


def own_address() -> str:
    """A loopback address for one test alone: some ports are fixed, and tests run side by side."""
    number = next(_numbers) % (250 * 250 * 250)
    return f"127.{1 + number % 250}.{1 + number // 250 % 250}.{1 + number // 62500}"


@asynccontextmanager
async def listening(
    talk: Talk, address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """A server that talks; gives its port."""
    open_ones: set[asyncio.StreamWriter] = set()

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_ones.add(writer)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                await talk(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(session, address, port, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in open_ones:
            writer.close()
        await server.wait_closed()


async def says_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Takes everything and answers nothing."""
    while await reader.read(1000):
        pass


def redis(password: str = "", user: str = "", answer: bytes = b"+PONG\r\n") -> Talk:
    """Redis: AUTH and PING, by its own protocol."""
    wanted = [word for word in (user, password) if word]

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        known = not password
        while words := await _command(reader):
            if words[0] == "AUTH":
                known = words[1:] == wanted
                writer.write(b"+OK\r\n" if known else b"-WRONGPASS invalid username-password pair\r\n")
            else:
                writer.write(answer if known else b"-NOAUTH Authentication required.\r\n")
            await writer.drain()

    return talk


async def _command(reader: asyncio.StreamReader) -> list[str]:
    head = await reader.readline()
    if not head:
        return []
    words = []
    for _ in range(int(head[1:])):
        size = int((await reader.readline())[1:])
        words.append((await reader.readexactly(size + 2))[:-2].decode())
    return words


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _error(code: str, text: str) -> bytes:
    return _message(
        b"E",
        b"".join(
            f"{key}{value}".encode() + b"\0"
            for key, value in (("S", "FATAL"), ("V", "FATAL"), ("C", code), ("M", text))
        )
        + b"\0",
    )


def postgres(
    password: str,
    *,
    recovering: bool = False,
    error: tuple[str, str] | None = None,
    query_error: tuple[str, str] | None = None,
) -> Talk:
    """PostgreSQL: asks for the password in clear, and answers one query with one boolean.

    Args:
        password: the right one.
        recovering: the answer.
        error: SQLSTATE and text in place of an authentication.
        query_error: SQLSTATE and text in place of the answer.
    """
    ready = _message(b"Z", b"I")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _startup(reader, writer)
        if error is not None:
            writer.write(_error(*error))
            return
        writer.write(_message(b"R", struct.pack("!I", 3)))
        if await _body(reader) != password.encode() + b"\0":
            writer.write(_error("28P01", 'password authentication failed for user "memoapp_monitor"'))
            return
        writer.write(_message(b"R", struct.pack("!I", 0)) + _parameters() + ready)
        await _body(reader)
        writer.write(_error(*query_error) if query_error else _row(b"t" if recovering else b"f"))
        writer.write(ready)
        await _body(reader)

    return talk


async def _startup(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The start of a session; encryption is asked for first, and refused."""
    while True:
        (size,) = struct.unpack("!I", await reader.readexactly(4))
        body = await reader.readexactly(size - 4)
        if struct.unpack("!I", body[:4])[0] == 196608:
            return
        writer.write(b"N")


async def _body(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(5)
    return await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)


def _parameters() -> bytes:
    pairs = (("server_version", "17.0"), ("client_encoding", "UTF8"), ("standard_conforming_strings", "on"))
    return b"".join(_message(b"S", f"{key}\0{value}\0".encode()) for key, value in pairs)


def _row(value: bytes) -> bytes:
    description = struct.pack("!H", 1) + b"pg_is_in_recovery\0" + struct.pack("!IHIHIH", 0, 0, 16, 1, 0xFFFFFFFF, 0)
    data = struct.pack("!HI", 1, len(value)) + value
    return _message(b"T", description) + _message(b"D", data) + _message(b"C", b"SELECT 1\0")


def router(listing: str) -> Talk:
    """HAProxy's runtime API: one command, one answer, and the connection is closed."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = (await reader.readline()).decode().strip()
        known = command == "show map /etc/memoapp/state/state.map; show map /etc/memoapp/state/release.map"
        writer.write(listing.encode() if known else b"Unknown command.\n")
        await writer.drain()

    return talk
