"""Secrets of people's own databases and Redis: which keys they hold, and what is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

_PORTS = range(1, 65536)


class IncompleteSecretError(Exception):
    """A Secret that does not tell how to connect; the message names the keys, never a value."""


def database_login(data: Mapping[str, str], *, name: str, user: str) -> dict[str, str]:
    """host, port, user, password, dbname out of a Secret's keys (host, port, user, password, dbname) or its ``uri``.

    Args:
        data: the decoded Secret.
        name: the database where the Secret names none.
        user: the user where the Secret names none.

    Raises:
        IncompleteSecretError: no host or no password.
    """
    found = _parts(data, {"postgres", "postgresql"})
    login = {
        "host": found.get("host", ""),
        "port": found.get("port") or "5432",
        "user": found.get("user") or user,
        "password": found.get("password", ""),
        "dbname": found.get("dbname") or name,
    }
    _complete(login, ("host", "password"))
    return login


def cache_login(data: Mapping[str, str]) -> dict[str, str]:
    """host, port, user and password (both may be empty) out of a Secret's keys or its ``uri``.

    Raises:
        IncompleteSecretError: no host, or another database than 0.
    """
    found = _parts({key: value for key, value in data.items() if key != "dbname"}, {"redis"})
    if found.get("dbname", "0") != "0":
        raise IncompleteSecretError("the key uri names another database than 0")
    login = {
        "host": found.get("host", ""),
        "port": found.get("port") or "6379",
        "user": found.get("user", ""),
        "password": found.get("password", ""),
    }
    _complete(login, ("host",))
    return login


def _complete(login: Mapping[str, str], keys: tuple[str, ...]) -> None:
    missing = [key for key in keys if not login[key]]
    if missing:
        raise IncompleteSecretError(f"neither a key uri nor {' and '.join(missing)}")
    if not _is_port(login["port"]):
        raise IncompleteSecretError("port is not a number from 1 to 65535")


def _is_port(text: str) -> bool:
    return re.fullmatch("[0-9]{1,5}", text) is not None and int(text) in _PORTS


def _parts(data: Mapping[str, str], schemes: set[str]) -> dict[str, str]:
    given = {key: value.strip() for key, value in data.items() if value.strip()}
    uri = given.pop("uri", "")
    if not uri:
        return given
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise IncompleteSecretError("the key uri is not a URI") from None
    if parts.scheme not in schemes:
        raise IncompleteSecretError(
            f"the key uri does not begin with {' or '.join(f'{each}://' for each in sorted(schemes))}"
        )
    if parts.query or parts.fragment:
        # Left out without a word, a parameter such as sslmode would be missed when it is too late.
        raise IncompleteSecretError("the key uri has parameters (after ? or #), which are not handed on")
    told = {
        "host": parts.hostname or "",
        "port": str(port or ""),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "dbname": unquote(parts.path.lstrip("/")),
    }
    return {**given, **{key: value for key, value in told.items() if value}}
