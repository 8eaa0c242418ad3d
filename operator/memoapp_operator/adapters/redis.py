"""Redis, asked for no more than AUTH and PING: two commands of its protocol, in place of a client library of 6 MiB.

Source: https://redis.io/docs/latest/develop/reference/protocol-spec/
"""

from __future__ import annotations

import asyncio

from memoapp_operator.domain.observation import Probe
from memoapp_operator.ports import Login

_REFUSALS = ("-WRONGPASS", "-NOAUTH", "-NOPERM", "-ERR invalid password", "-ERR AUTH", "-ERR Client sent AUTH")


async def ask(login: Login, limit: float) -> Probe:
    """AUTH where there is a password, then PING; an answer or a refusal within ``limit`` seconds."""
    try:
        async with asyncio.timeout(limit):
            answer = await _converse(login)
    except (OSError, TimeoutError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        # ValueError: a host that no resolver takes.
        return Probe(healthy=False, reason="NotReachable", message="Redis gives no answer")
    if answer == "+PONG":
        return Probe(healthy=True, reason="Answering")
    if answer.startswith(_REFUSALS):
        return Probe(healthy=False, reason="AuthenticationFailed", message="Redis refuses the password")
    if answer.startswith("-LOADING"):
        return Probe(healthy=False, reason="Loading", message="Redis is loading its data")
    return Probe(healthy=False, reason="NotReachable", message="Redis gives another answer than PONG")


async def _converse(login: Login) -> str:
    """The last answer: that to PING, or the first error."""
    reader, writer = await asyncio.open_connection(login.host, login.port)
    try:
        for words in _commands(login):
            writer.write(encoded(words))
            await writer.drain()
            answer = (await reader.readuntil(b"\r\n")).decode(errors="replace").rstrip()
            if answer.startswith("-"):
                return answer
        return answer
    finally:
        writer.close()


def _commands(login: Login) -> list[tuple[str, ...]]:
    credentials = tuple(word for word in (login.user, login.password) if word)
    return [*([("AUTH", *credentials)] if login.password else []), ("PING",)]


def encoded(words: tuple[str, ...]) -> bytes:
    """A command as an array of bulk strings."""
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = word.encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    return b"".join(parts)
