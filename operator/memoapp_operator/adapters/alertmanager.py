"""Alertmanager's API, version 2: one silence of an owner, or none.

Source: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import aiohttp

from memoapp_operator.ports import PrometheusSource, Silence

TIMEOUT = 5.0
"""Seconds for one request."""
_OVER = "expired"


class AlertmanagerSilencer:
    """Silences alerts."""

    async def silence(self, source: PrometheusSource, owner: str, wanted: Silence | None) -> str:
        """Empty once it is so, else why it is not; no token is told."""
        headers = {"Authorization": f"Bearer {source.bearer}"} if source.bearer is not None else {}
        try:
            tls = ssl.create_default_context(cadata=source.authority)
        except (ssl.SSLError, ValueError):
            return "the authority in caSecretRef cannot be read"
        try:
            connector = aiohttp.TCPConnector(force_close=True, ssl=tls)
            limit = aiohttp.ClientTimeout(total=TIMEOUT)
            async with aiohttp.ClientSession(connector=connector, timeout=limit, headers=headers) as session:
                await _bring(session, f"{source.url.rstrip('/')}/api/v2", owner, wanted)
        except TimeoutError:
            return f"no answer in {TIMEOUT:g}s"
        except aiohttp.ClientResponseError as error:
            return f"it answered {error.status}"
        except (aiohttp.ClientError, OSError, ValueError, KeyError, TypeError) as error:
            # ValueError: also a token that no header can hold; its text may contain it.
            return f"not reached: {type(error).__name__}"
        return ""


async def _bring(session: aiohttp.ClientSession, base: str, owner: str, wanted: Silence | None) -> None:
    """One that is there as it should be is left; others of the owner go."""
    mine = [
        item
        for item in await _answer(session, "GET", f"{base}/silences")
        if item["createdBy"] == owner and item["status"]["state"] != _OVER
    ]
    right = next((item for item in mine if wanted is not None and _is_so(item, wanted)), None)
    if wanted is not None and right is None:
        await _answer(session, "POST", f"{base}/silences", _body(owner, wanted))
    for item in mine:
        if item is not right:
            await _answer(session, "DELETE", f"{base}/silence/{quote(item['id'], safe='')}")


async def _answer(session: aiohttp.ClientSession, method: str, url: str, body: Any = None) -> Any:
    async with session.request(method, url, json=body, allow_redirects=False) as answer:
        if answer.status != HTTPStatus.OK:
            raise aiohttp.ClientResponseError(answer.request_info, (), status=answer.status)
        return await answer.json(content_type=None) if method == "GET" else None


def _matchers(wanted: Silence) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = [
        {"name": name, "value": value, "isRegex": False, "isEqual": True} for name, value in wanted.labels
    ]
    return [*found, {"name": "severity", "value": "critical", "isRegex": False, "isEqual": False}]


def _body(owner: str, wanted: Silence) -> Mapping[str, Any]:
    return {
        "matchers": _matchers(wanted),
        "startsAt": datetime.now(UTC).isoformat(),
        "endsAt": wanted.until.astimezone(UTC).isoformat(),
        "createdBy": owner,
        "comment": wanted.comment,
    }


def _is_so(item: Mapping[str, Any], wanted: Silence) -> bool:
    known = sorted((each["name"], each["value"], each.get("isEqual", True)) for each in item["matchers"])
    same = known == sorted((each["name"], each["value"], each["isEqual"]) for each in _matchers(wanted))
    return same and abs((datetime.fromisoformat(item["endsAt"]) - wanted.until).total_seconds()) < 1
