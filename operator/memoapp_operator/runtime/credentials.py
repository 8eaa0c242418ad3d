"""Values out of Secrets, for the builders and the probes. They go nowhere else."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from collections.abc import Mapping
from urllib.parse import quote

from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.domain import external, names, ownership
from memoapp_operator.domain.manifest import SECRET, Manifest, Ref
from memoapp_operator.domain.references import connection_name
from memoapp_operator.ports import ClientCertificate, Login
from memoapp_operator.render.context import Credentials

SUPERUSER = "postgres"
"""The role, and the database that is there on every server."""
MONITOR = "memoapp_monitor"
_DATABASE_KEYS = ("superuser-password", "password", "monitor-password")
_CACHE_KEYS = ("password", "auth.conf")
_STAFF_VALUE = re.compile(r"[!-\"$-~][!-~]{15,255}")
"""No `#` at its beginning: the router would take it for a comment."""
ROUTER_KEYS = ("ca.crt", "server.pem", "client.crt", "client.key")


def decoded(secret: Manifest | None) -> dict[str, str]:
    """The values of a Secret or ConfigMap as text; empty where there is none."""
    if secret is None:
        return {}
    data: dict[str, str] = secret.get("data") or {}
    if secret["kind"] != SECRET.kind:
        return data
    return {key: b64decode(value).decode(errors="replace") for key, value in data.items()}


def _own(app: MemoApp, suffix: str, live: Mapping[Ref, Manifest]) -> dict[str, str]:
    return decoded(live.get(Ref(SECRET, names.child(app.metadata.name, suffix))))


def _complete(values: dict[str, str], keys: tuple[str, ...]) -> dict[str, str] | None:
    return {key: values[key] for key in keys} if all(values.get(key) for key in keys) else None


def opens_database(secret: Manifest | None) -> bool:
    """True where a managed database's Secret is there with all that it must hold."""
    return _complete(decoded(secret), _DATABASE_KEYS) is not None


def damaged(app: MemoApp, live: Mapping[Ref, Manifest]) -> tuple[Ref, ...]:
    """Minted Secrets that lack a value and can be made anew: nothing is lost with them."""
    pairs = (("redis", _CACHE_KEYS), ("router-tls", ROUTER_KEYS))
    refs = ((Ref(SECRET, names.child(app.metadata.name, suffix)), keys) for suffix, keys in pairs)
    return tuple(ref for ref, keys in refs if ref in live and _complete(decoded(live[ref]), keys) is None)


def read(app: MemoApp, live: Mapping[Ref, Manifest]) -> tuple[Credentials, tuple[str, ...]]:
    """Everything that the builders need, and what an external Secret lacks (as sentence parts)."""
    problems: list[str] = []
    database = _database(app, live, problems)
    cache = _cache(app, live, problems)
    tls = _complete(_own(app, "router-tls", live), ROUTER_KEYS)
    digest = hashlib.sha256("\n".join(tls.values()).encode()).hexdigest()[:16] if tls else None
    staff = _staff(app, live, problems)
    return Credentials(database=database, cache=cache, router_digest=digest, staff=staff), tuple(problems)


def _database(app: MemoApp, live: Mapping[Ref, Manifest], problems: list[str]) -> dict[str, str] | None:
    declared = app.spec.database
    if declared.external is None:
        return _complete(_own(app, "database", live), _DATABASE_KEYS)
    ref = Ref(SECRET, declared.external.secret_ref.name)
    if ref not in live:
        return None
    try:
        return external.database_login(decoded(live[ref]), name=declared.name, user=declared.user)
    except external.IncompleteSecretError as error:
        problems.append(f"{ref} ({error})")
        return None


def _cache(app: MemoApp, live: Mapping[Ref, Manifest], problems: list[str]) -> dict[str, str] | None:
    declared = app.spec.redis
    if declared is None:
        return None
    if declared.external is None:
        return _complete(_own(app, "redis", live), _CACHE_KEYS)
    ref = Ref(SECRET, declared.external.secret_ref.name)
    if ref not in live:
        return None
    try:
        return external.cache_login(decoded(live[ref]))
    except external.IncompleteSecretError as error:
        problems.append(f"{ref} ({error})")
        return None


def _staff(app: MemoApp, live: Mapping[Ref, Manifest], problems: list[str]) -> str | None:
    """What lets staff behind the maintenance page."""
    declared = app.spec.traffic.staff
    if declared is None:
        return None
    ref, key = Ref(SECRET, declared.secret_ref.name), declared.secret_ref.key
    value = decoded(live.get(ref)).get(key)
    if value is None:
        problems.append(f"{ref} (has no key {key})" if ref in live else str(ref))
        return None
    if _STAFF_VALUE.fullmatch(value.rstrip("\r\n")) is None:
        problems.append(f"{ref} (its key {key} is not one line of 16 to 256 visible characters)")
        return None
    return value.rstrip("\r\n")


def values(found: Credentials) -> tuple[str, ...]:
    """What must not appear in any text: passwords, the longest first."""
    known = [*(found.database or {}).items(), *(found.cache or {}).items(), ("staff-password", found.staff or "")]
    secret = {value for key, value in known if key.endswith("password") and value}
    return tuple(sorted({*secret, *(quote(value, safe="") for value in secret)}, key=lambda each: (-len(each), each)))


def connected_cache_password(app: MemoApp, live: Mapping[Ref, Manifest]) -> str | None:
    """The password by which running pods know the managed Redis; None where no connection Secret of ours tells."""
    secret = live.get(Ref(SECRET, connection_name(app.metadata.name)))
    if secret is None or ownership.standing(secret, app.metadata.name, app.metadata.uid) is not None:
        return None
    values = decoded(secret)
    return values.get("redis-password") if values.get("redis-host") == _host(app, "redis") else None


def _host(app: MemoApp, suffix: str) -> str:
    return f"{names.child(app.metadata.name, suffix)}.{app.metadata.namespace}.svc"


def database_login(app: MemoApp, found: Credentials) -> Login | None:
    """How the operator asks the database: as the monitor role of a managed one, as its user of an external one."""
    values = found.database
    if values is None:
        return None
    if app.spec.database.managed is not None:
        host, password = _host(app, "database"), values["monitor-password"]
        return Login(host, 5432, MONITOR, password, app.spec.database.name)
    return Login(values["host"], int(values["port"]), values["user"], values["password"], values["dbname"])


def owner_login(app: MemoApp, found: Credentials) -> tuple[Login, str] | None:
    """How the database as a whole is changed, from another one of the same server; and what the live one is called."""
    values = found.database
    if values is None:
        return None
    if app.spec.database.managed is not None:
        password = values["superuser-password"]
        return Login(_host(app, "database"), 5432, SUPERUSER, password, SUPERUSER), app.spec.database.name
    login = Login(values["host"], int(values["port"]), values["user"], values["password"], SUPERUSER)
    return login, values["dbname"]


def cache_login(app: MemoApp, found: Credentials) -> Login | None:
    """How the operator asks Redis."""
    values = found.cache
    if values is None or app.spec.redis is None:
        return None
    if app.spec.redis.managed is not None:
        return Login(_host(app, "redis"), 6379, "", values["password"])
    return Login(values["host"], int(values["port"]), values["user"], values["password"])


def router_certificate(app: MemoApp, live: Mapping[Ref, Manifest]) -> ClientCertificate | None:
    """The operator's certificate for the routers' runtime API."""
    values = _complete(_own(app, "router-tls", live), ROUTER_KEYS)
    if values is None:
        return None
    return ClientCertificate(values["ca.crt"], values["client.crt"], values["client.key"])
