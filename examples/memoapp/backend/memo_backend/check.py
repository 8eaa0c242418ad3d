"""A test of a release: the API at an address, asked as a client would."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

_TIMEOUT = 10.0  # seconds
_CREATED, _OK = 201, 200


class CheckError(Exception):
    """The API does not do what it should; the message is one line."""


def check(url: str) -> Iterator[str]:
    """Ask for health, write a memo, read it back; a line for each that is well.

    Raises:
        CheckError: one is not.
    """
    health = _ask(f"{url}/api/health", _OK)
    if health.get("status") != "healthy":
        raise CheckError(f"GET /api/health says {health.get('status')}")
    yield "it is healthy"
    written = _ask(f"{url}/api/memos", _CREATED, {"text": "written by a test of a release"})
    yield f"memo {written.get('id')} is written"
    read = _ask(f"{url}/api/memos?limit=200", _OK)
    if written.get("id") not in [memo["id"] for memo in read.get("memos", [])]:
        raise CheckError(f"memo {written.get('id')} was written and is not read back")
    yield "it is read back"


def _ask(url: str, wanted: int, body: dict[str, str] | None = None) -> dict[str, Any]:
    if not url.startswith(("http://", "https://")):
        raise CheckError(f"{url} is no address of a web server")
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})  # noqa: S310
    what = f"{request.get_method()} {request.selector}"
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 -- checked above
            if answer.status != wanted:
                raise CheckError(f"{what} answered {answer.status}")
            found: dict[str, Any] = json.loads(answer.read())
            return found
    except urllib.error.HTTPError as error:
        raise CheckError(f"{what} answered {error.code}") from None
    except (OSError, ValueError) as error:
        raise CheckError(f"{what}: {error}") from None
