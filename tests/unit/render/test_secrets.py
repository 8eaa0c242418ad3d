"""Credentials: where they are, and that they are nowhere else."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.render.children import minted, render
from memoapp_operator.render.context import Context, Credentials

from tests.unit.render import apps

each_app = pytest.mark.parametrize("context", apps.EVERY_APP.values(), ids=apps.EVERY_APP)
PASSWORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
SECRET_KEYS = ("password", "superuser-password", "monitor-password")


def connection(context: Context) -> dict[str, str]:
    (secret,) = apps.of_kind(context, "Secret")
    return {key: b64decode(value).decode() for key, value in secret["data"].items()}


def with_passwords(context: Context, **passwords: str) -> Context:
    database = {**(context.credentials.database or {}), "password": passwords["database"]}
    cache = {**(context.credentials.cache or {}), "password": passwords["cache"]}
    return replace(context, credentials=Credentials(database, cache, "certificates-1"))


@each_app
def test_no_value_of_a_secret_stands_anywhere_but_in_a_secret(context: Context) -> None:
    known = (context.credentials.database or {}, context.credentials.cache or {})
    values = {held[key] for held in known for key in SECRET_KEYS if key in held}
    assert values
    for child in (*render(context), *minted(context)):
        open_parts = {key: value for key, value in child.items() if (child["kind"], key) != ("Secret", "data")}
        assert not [value for value in values if value in json.dumps(open_parts)]


@each_app
def test_no_variable_or_argument_holds_a_password(context: Context) -> None:
    for pod in apps.pods(context).values():
        for container in pod["containers"]:
            named = [each for each in container.get("env", []) if "PASSWORD" in each["name"] and "value" in each]
            assert all(each["name"].endswith("_FILE") for each in named)
            told = json.dumps([container.get("command"), container.get("args")])
            assert "password" not in told.lower()


def test_what_credentials_hold_is_never_printed() -> None:
    shown = repr(apps.full())
    assert not [value for value in (*apps.DATABASE.values(), *apps.CACHE.values()) if value in shown]


def test_the_connection_of_managed_data() -> None:
    assert connection(apps.full()) == {
        "host": "memo-database.prod.svc",
        "port": "5432",
        "dbname": "notes",
        "user": "order",
        "password": apps.DATABASE["password"],
        "uri": "postgresql://order:p%40ss%3Aw%2Frd%3F@memo-database.prod.svc:5432/notes",
        "redis-host": "memo-redis.prod.svc",
        "redis-port": "6379",
        "redis-password": apps.CACHE["password"],
        "redis-uri": "redis://:c%40che%2Fgeheim@memo-redis.prod.svc:6379/0",
    }


def test_the_connection_of_external_data() -> None:
    found = connection(apps.external())
    assert found["uri"] == "postgresql://someone:an0ther%2Fgeheim@postgres.example:6432/elsewhere"
    assert found["redis-uri"] == "redis://:ext%3Acache%2Fgeheim@redis.example:6380/0"


@pytest.mark.parametrize(
    ("held", "uri"),
    [
        ({"host": "r", "password": ""}, "redis://r:6379/0"),
        ({"host": "r", "port": "1", "user": "u", "password": "p"}, "redis://u:p@r:1/0"),
        ({"host": "fd00::7", "password": "p"}, "redis://:p@[fd00::7]:6379/0"),
    ],
)
def test_an_external_redis_may_have_no_password_a_user_or_an_ipv6_address(held: dict[str, str], uri: str) -> None:
    context = apps.external()
    credentials = Credentials(apps.EXTERNAL_DATABASE, held, "certificates-1")
    assert connection(replace(context, credentials=credentials))["redis-uri"] == uri


def test_an_external_database_may_leave_out_what_the_spec_says() -> None:
    held = {"host": "postgres.example", "user": "someone", "password": "p"}
    credentials = Credentials(held, apps.EXTERNAL_CACHE, "certificates-1")
    found = connection(replace(apps.external(), credentials=credentials))
    assert found["uri"] == "postgresql://someone:p@postgres.example:5432/memo_app"


def test_without_redis_the_connection_says_nothing_of_it() -> None:
    assert set(connection(apps.backend_only())) == {"host", "port", "dbname", "user", "password", "uri"}


@apps.unhurried
@given(database=PASSWORDS, cache=PASSWORDS)
def test_any_password_survives_its_uri(database: str, cache: str) -> None:
    found = connection(with_passwords(apps.full(), database=database, cache=cache))
    assert unquote(urlsplit(found["uri"]).password or "") == database
    assert unquote(urlsplit(found["redis-uri"]).password or "") == cache
    assert urlsplit(found["uri"]).hostname == "memo-database.prod.svc"


def test_secrets_are_minted_for_what_the_operator_runs() -> None:
    def names(context: Context) -> list[str]:
        return [each["metadata"]["name"] for each in minted(context)]

    assert names(apps.full()) == ["memo-database", "memo-redis", "memo-router-tls"]
    assert names(apps.backend_only()) == ["memo-database", "memo-router-tls"]
    assert names(apps.external()) == ["memo-router-tls"]
    assert all(set(each) == {"apiVersion", "kind", "metadata", "type"} for each in minted(apps.full()))


def test_the_databases_password_is_kept_exactly_as_long_as_its_volume() -> None:
    for policy in ("Retain", "Delete"):
        context = apps.with_spec(apps.full(), "database.deletionPolicy", policy)
        secret, claim = minted(context)[0], apps.find(context, "PersistentVolumeClaim", "memo-database")
        kept = policy == "Retain"
        assert ("ownerReferences" not in secret["metadata"]) is kept
        assert ("ownerReferences" not in claim["metadata"]) is kept


def test_the_router_never_holds_the_key_of_its_client() -> None:
    volumes = apps.pods(apps.full())["memo-router"]["volumes"]
    (tls,) = [volume["secret"] for volume in volumes if "secret" in volume]
    assert [item["key"] for item in tls["items"]] == ["ca.crt", "server.pem"]
