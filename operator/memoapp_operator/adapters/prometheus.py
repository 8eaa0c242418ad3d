"""Prometheus' HTTP API: one query, one answer, whatever happens on the way."""

from __future__ import annotations

import ssl

import aiohttp

from memoapp_operator.domain.queries import Answer, parse
from memoapp_operator.ports import PrometheusSource

TIMEOUT = 5.0
"""Seconds for one query."""
MOST = 1 << 20
"""Bytes of an answer that are read: a gate is a number, or a few."""


async def ask(source: PrometheusSource, query: str, timeout: float = TIMEOUT) -> Answer:  # noqa: ASYNC109 -- of aiohttp
    """The answer to an instant query. No error is raised, and none tells the token.

    Redirects are not followed: the token is for the address that was declared.
    """
    url = f"{source.url.rstrip('/')}/api/v1/query"
    headers = {"Authorization": f"Bearer {source.bearer}"} if source.bearer is not None else {}
    limit = aiohttp.ClientTimeout(total=timeout)
    try:
        tls = ssl.create_default_context(cadata=source.authority)
    except (ssl.SSLError, ValueError):
        return Answer(None, "the authority in caSecretRef cannot be read")
    try:
        connector = aiohttp.TCPConnector(force_close=True, ssl=tls)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=limit) as session,
            session.post(url, data={"query": query}, headers=headers, allow_redirects=False) as answer,
        ):
            body = await answer.content.read(MOST + 1)
            while len(body) <= MOST and (more := await answer.content.read(MOST + 1)):
                body += more
            if len(body) > MOST:
                return Answer(None, f"its answer is longer than {MOST} bytes")
            return parse(answer.status, body)
    except TimeoutError:
        return Answer(None, f"no answer in {timeout:g}s")
    except aiohttp.ClientConnectorCertificateError:  # an SSLError too
        return Answer(None, "its certificate is not of the authority that is trusted")
    except aiohttp.ClientConnectorError as error:
        return Answer(None, f"not reached: {error.os_error.strerror or type(error).__name__}")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # ValueError: also a token that no header can hold; its text may contain it.
        return Answer(None, f"not reached: {type(error).__name__}")
