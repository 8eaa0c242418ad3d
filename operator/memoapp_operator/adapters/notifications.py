"""Messages to people: Apprise, which knows some hundred services. It is loaded once somebody is to be told."""

from __future__ import annotations

import asyncio
import logging

SCHEMES = frozenset(
    {
        "discord",
        "form",
        "forms",
        "gchat",
        "gotify",
        "gotifys",
        "json",
        "jsons",
        "mailto",
        "mailtos",
        "matrix",
        "matrixs",
        "mmost",
        "mmosts",
        "ntfy",
        "ntfys",
        "opsgenie",
        "pagerduty",
        "pover",
        "rocket",
        "rockets",
        "signal",
        "signals",
        "slack",
        "splunk",
        "tgram",
        "victorops",
        "wxteams",
        "workflows",
        "xml",
        "xmls",
        "zulip",
    }
)
"""Kinds of targets: those that are reached over a network. Apprise also knows some of the machine that it runs on."""
TIMEOUT = 20.0
"""Seconds for one message, its connection included."""


class AppriseNotifier:
    """Sends a message by a URL of Apprise."""

    async def send(self, url: str, title: str, text: str) -> str:
        """Empty once the target took it, else why it did not; never the URL, which holds a secret."""
        scheme = url.partition("://")[0].strip().lower()
        if "://" not in url or scheme not in SCHEMES:
            return f"no such kind of target: one of {', '.join(sorted(SCHEMES))} is needed before ://"
        try:
            async with asyncio.timeout(TIMEOUT):
                return await asyncio.to_thread(_sent, url, title, text)
        except TimeoutError:
            return f"it did not answer within {TIMEOUT:g} s"


def _sent(url: str, title: str, text: str) -> str:
    from apprise import Apprise, AppriseAsset, NotifyFormat, PersistentStoreMode  # noqa: PLC0415 -- 40 MiB

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # what it logs may name a URL
    asset = AppriseAsset(storage_mode=PersistentStoreMode.MEMORY, app_id="MemoApp", app_desc="MemoApp operator")
    target = Apprise(asset=asset)
    if not target.add(url):
        return "the URL in its Secret cannot be read"
    return "" if target.notify(body=text, title=title, body_format=NotifyFormat.TEXT) else "it did not take the message"
