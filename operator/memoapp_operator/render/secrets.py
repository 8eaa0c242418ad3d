"""Secrets: those that are minted once, and the connection Secret that is put together from what is known.

Minted: their values are random, so they cannot be rendered. They are created once, from the skeletons here.

=====================  ==============================================================================
``<app>-database``     superuser-password, password, monitor-password; kept with the volume it opens
``<app>-redis``        password, auth.conf (``requirepass <password>``)
``<app>-router-tls``   ca.crt, server.pem (certificate and key), client.crt, client.key
=====================  ==============================================================================
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote

from memoapp_operator.api.v1alpha1.data import DatabaseDeletionPolicy
from memoapp_operator.domain.manifest import SECRET, Manifest

from .context import Context
from .endpoints import CACHE, CACHE_PORT, DATABASE, DATABASE_PORT, ROUTER, host
from .metadata import child

ROUTER_TLS = "router-tls"
CONNECTION = "connection"
STAFF = "router-staff"
STAFF_KEY = "value"


def minted(context: Context) -> tuple[Manifest, ...]:
    """Skeletons, without data, of the Secrets that the spec wants minted."""
    spec = context.app.spec
    found = []
    if spec.database.managed:
        kept = spec.database.deletion_policy is not DatabaseDeletionPolicy.DELETE
        found.append(child(SECRET, context, DATABASE, component=DATABASE, kept=kept))
    if spec.redis and spec.redis.managed:
        # The append-only file can be read without the password: it need not be kept.
        found.append(child(SECRET, context, CACHE, component=CACHE))
    found.append(child(SECRET, context, ROUTER_TLS, component=ROUTER))
    return tuple({**skeleton, "type": "Opaque"} for skeleton in found)


def secrets(context: Context) -> tuple[Manifest, ...]:
    """The connection Secret; nothing as long as a credential that belongs in it is missing."""
    database, cache = context.credentials.database, context.credentials.cache
    if database is None or (context.app.spec.redis and cache is None):
        return ()
    values = _database(context, database)
    if context.app.spec.redis and cache is not None:
        values |= _cache(context, cache)
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return ({**child(SECRET, context, CONNECTION), "type": "Opaque", "data": data},)


def staff(context: Context) -> tuple[Manifest, ...]:
    """What lets staff behind the maintenance page, as the routers read it: a file with one pattern."""
    value = context.credentials.staff
    if context.app.spec.traffic.staff is None or value is None:
        return ()
    data = {STAFF_KEY: b64encode(f"{value}\n".encode()).decode()}
    return ({**child(SECRET, context, STAFF, component=ROUTER), "type": "Opaque", "data": data},)


def _database(context: Context, found: Mapping[str, str]) -> dict[str, str]:
    declared = context.app.spec.database
    managed = declared.managed is not None
    values = {
        "host": host(context, DATABASE) if managed else found["host"],
        "port": str(DATABASE_PORT) if managed else found.get("port") or str(DATABASE_PORT),
        "dbname": declared.name if managed else found.get("dbname") or declared.name,
        "user": declared.user if managed else found["user"],
        "password": found["password"],
    }
    login = f"{_encoded(values['user'])}:{_encoded(values['password'])}"
    address = f"{_bracketed(values['host'])}:{values['port']}"
    return {**values, "uri": f"postgresql://{login}@{address}/{_encoded(values['dbname'])}"}


def _cache(context: Context, found: Mapping[str, str]) -> dict[str, str]:
    managed = context.app.spec.redis is not None and context.app.spec.redis.managed is not None
    address = host(context, CACHE) if managed else found["host"]
    port = str(CACHE_PORT) if managed else found.get("port") or str(CACHE_PORT)
    password = found.get("password", "")
    user = "" if managed else found.get("user", "")
    login = f"{_encoded(user)}:{_encoded(password)}@" if user or password else ""
    return {
        "redis-host": address,
        "redis-port": port,
        "redis-password": password,
        "redis-uri": f"redis://{login}{_bracketed(address)}:{port}/0",
    }


def _encoded(part: str) -> str:
    """Percent-encoded for any part of a URI (RFC 3986: nothing but unreserved characters is left)."""
    return quote(part, safe="")


def _bracketed(address: str) -> str:
    """An IPv6 address in the brackets that a URI wants."""
    return f"[{address}]" if ":" in address else address
