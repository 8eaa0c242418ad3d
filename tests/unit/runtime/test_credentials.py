"""Values out of Secrets: whole or not at all, and shown to nobody."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import pytest
from memoapp_operator.domain.manifest import CONFIG_MAP, SECRET, Manifest, Ref
from memoapp_operator.runtime import credentials

from tests.unit.domain.building import UID, memoapp, spec

EXTERNAL = spec(
    database={"external": {"secretRef": {"name": "mine"}}}, redis={"external": {"secretRef": {"name": "mine"}}}
)
PASSWORD = "gehe1m-wort"
MINTED = {
    "memo-database": {"superuser-password": "s", "password": "p", "monitor-password": "m"},
    "memo-redis": {"password": "r", "auth.conf": "requirepass r\n"},
    "memo-router-tls": {"ca.crt": "a", "server.pem": "b", "client.crt": "c", "client.key": PASSWORD},
}


def secret(values: Mapping[str, str], **metadata: Any) -> Manifest:
    data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def live(**changes: Mapping[str, str] | None) -> dict[Ref, Manifest]:
    """Every minted Secret, but as changed; a change of None takes one away."""
    values = {**MINTED, **{name.replace("_", "-"): change for name, change in changes.items()}}
    return {Ref(SECRET, name): secret(held) for name, held in values.items() if held is not None}


def test_what_was_minted_is_read_whole() -> None:
    found, problems = credentials.read(memoapp(), live())
    assert found.database == MINTED["memo-database"]
    assert found.cache == MINTED["memo-redis"]
    assert found.router_digest
    assert problems == ()


@pytest.mark.parametrize("name", MINTED)
@pytest.mark.parametrize("empty", [False, True])
def test_a_minted_secret_that_lacks_a_key_is_as_good_as_none(name: str, empty: bool) -> None:
    for key in MINTED[name]:
        rest = {other: value for other, value in MINTED[name].items() if other != key}
        held = {**rest, key: ""} if empty else rest
        found, problems = credentials.read(memoapp(), live(**{name.replace("-", "_"): held}))
        assert None in (found.database, found.cache, found.router_digest)
        assert problems == ()


def test_what_can_be_made_anew_is_told_apart_from_what_opens_data() -> None:
    halves = {name.replace("-", "_"): {"password": "p"} for name in MINTED}
    damaged = credentials.damaged(memoapp(), live(**halves))
    assert [ref.name for ref in damaged] == ["memo-redis", "memo-router-tls"]
    assert credentials.damaged(memoapp(), live()) == ()
    assert credentials.damaged(memoapp(), {}) == ()


def test_a_database_is_opened_by_all_three_passwords_alone() -> None:
    assert credentials.opens_database(secret(MINTED["memo-database"]))
    assert not credentials.opens_database(secret({"password": "p"}))
    assert not credentials.opens_database(None)


def test_other_certificates_have_another_digest() -> None:
    one, _ = credentials.read(memoapp(), live())
    other, _ = credentials.read(memoapp(), live(memo_router_tls={**MINTED["memo-router-tls"], "ca.crt": "z"}))
    assert one.router_digest != other.router_digest
    assert PASSWORD not in str(one.router_digest)


def test_a_managed_database_is_asked_as_the_monitor_and_redis_by_its_password() -> None:
    app = memoapp()
    found, _ = credentials.read(app, live())
    database, cache = credentials.database_login(app, found), credentials.cache_login(app, found)
    assert database is not None
    assert cache is not None
    assert (database.host, database.port, database.user) == ("memo-database.prod.svc", 5432, "memoapp_monitor")
    assert (database.password, database.dbname) == ("m", "memo_app")
    assert (cache.host, cache.port, cache.user, cache.password) == ("memo-redis.prod.svc", 6379, "", "r")


def test_external_services_are_asked_as_their_secret_says() -> None:
    app = memoapp(EXTERNAL)
    mine = {Ref(SECRET, "mine"): secret({"host": "db.example", "port": "6432", "user": "u", "password": PASSWORD})}
    found, problems = credentials.read(app, mine)
    database, cache = credentials.database_login(app, found), credentials.cache_login(app, found)
    assert problems == ()
    assert database is not None
    assert cache is not None
    assert (database.host, database.port, database.user, database.dbname) == ("db.example", 6432, "u", "memo_app")
    assert (cache.host, cache.port, cache.user) == ("db.example", 6432, "u")


def test_what_an_external_secret_lacks_is_a_part_of_a_sentence_without_values() -> None:
    found, problems = credentials.read(memoapp(EXTERNAL), {Ref(SECRET, "mine"): secret({"password": PASSWORD})})
    assert (found.database, found.cache) == (None, None)
    assert len(problems) == 2
    assert all(item.startswith("Secret/mine (") for item in problems)
    assert PASSWORD not in str(problems)


def test_an_external_secret_that_is_not_there_is_no_problem_of_its_own() -> None:
    found, problems = credentials.read(memoapp(EXTERNAL), {})
    assert (found.database, found.cache, problems) == (None, None, ())
    assert credentials.database_login(memoapp(EXTERNAL), found) is None
    assert credentials.cache_login(memoapp(EXTERNAL), found) is None


def test_an_app_without_redis_has_no_login_for_one() -> None:
    app = memoapp(spec(redis=None))
    found, _ = credentials.read(app, live())
    assert found.cache is None
    assert credentials.cache_login(app, found) is None


def test_the_routers_certificate_is_whole_or_none() -> None:
    found = credentials.router_certificate(memoapp(), live())
    assert found is not None
    assert (found.authority, found.certificate, found.key) == ("a", "c", PASSWORD)
    assert credentials.router_certificate(memoapp(), live(memo_router_tls={"ca.crt": "a"})) is None


def test_values_are_text_whatever_they_were() -> None:
    binary = {"apiVersion": "v1", "kind": "Secret", "data": {"password": b64encode(b"\xff\xfe").decode()}}
    assert credentials.decoded(binary) == {"password": "\ufffd\ufffd"}
    assert credentials.decoded({"apiVersion": "v1", "kind": CONFIG_MAP.kind, "data": {"a": "b"}}) == {"a": "b"}
    assert credentials.decoded({"apiVersion": "v1", "kind": "Secret", "data": None}) == {}
    assert credentials.decoded(None) == {}


def connection(host: str, uid: str = UID) -> dict[Ref, Manifest]:
    owner = {"apiVersion": "memoapp.dev/v1alpha1", "kind": "MemoApp", "name": "memo", "uid": uid, "controller": True}
    values = {"redis-host": host, "redis-password": "known"}
    return {Ref(SECRET, "memo-connection"): secret(values, name="memo-connection", ownerReferences=[owner])}


def test_the_password_that_running_pods_know_is_that_of_our_own_connection_to_our_own_redis() -> None:
    app, host = memoapp(), "memo-redis.prod.svc"
    assert credentials.connected_cache_password(app, connection(host)) == "known"
    assert credentials.connected_cache_password(app, connection("redis.example")) is None
    assert credentials.connected_cache_password(app, connection(host, uid="another")) is None
    assert credentials.connected_cache_password(app, {}) is None
