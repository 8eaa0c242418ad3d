"""Secrets of people's own databases and Redis: what they may hold, and what is said where they lack something."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.domain.external import IncompleteSecretError, cache_login, database_login

SECRET_VALUE = "gehe1m-wert"
KEYS = {"host": "db.example", "port": "6432", "user": "someone", "password": SECRET_VALUE, "dbname": "elsewhere"}
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)


def database(**data: str) -> dict[str, str]:
    return database_login(data, name="memo_app", user="memo_user")


def test_every_key_of_its_own_is_taken() -> None:
    assert database(**KEYS) == KEYS


def test_what_a_secret_leaves_open_comes_from_the_spec_and_the_usual_port() -> None:
    assert database(host="db.example", password="p") == {
        "host": "db.example",
        "port": "5432",
        "user": "memo_user",
        "password": "p",
        "dbname": "memo_app",
    }


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_uri_says_it_all(scheme: str) -> None:
    assert database(uri=f"{scheme}://someone:{SECRET_VALUE}@db.example:6432/elsewhere") == KEYS


def test_a_uri_wins_over_keys_and_keys_fill_what_it_leaves_open() -> None:
    found = database(uri="postgresql://db.example/elsewhere", host="other", password="p", port="6432")
    assert (found["host"], found["password"], found["port"]) == ("db.example", "p", "6432")


@given(user=TEXTS, password=TEXTS, dbname=TEXTS)
def test_a_percent_encoded_uri_gives_back_what_was_encoded(user: str, password: str, dbname: str) -> None:
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    found = database(uri=f"postgresql://{login}@db.example/{quote(dbname, safe='')}")
    assert (found["user"], found["password"], found["dbname"]) == (user, password, dbname)


@pytest.mark.parametrize("text", ["p@ss", "p:ss", "p%ss", "p#ss", "p?ss", "p/ss", "p ss", "pässwort", "a+b"])
def test_signs_that_mean_something_in_a_uri_survive(text: str) -> None:
    assert database(uri=f"postgresql://u:{quote(text, safe='')}@h/d")["password"] == text
    assert database(host="h", password=text)["password"] == text


def test_an_ipv6_address_loses_its_brackets() -> None:
    found = database(uri="postgresql://u:p@[2001:db8::1]:6432/d")
    assert (found["host"], found["port"]) == ("2001:db8::1", "6432")


def test_values_may_end_with_a_newline_as_files_do() -> None:
    assert database(host="db.example\n", password="p\n", port="6432\n")["port"] == "6432"
    assert database(uri="postgresql://u:p@db.example/d\n")["host"] == "db.example"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "host and password"),
        ({"host": "db.example"}, "password"),
        ({"password": SECRET_VALUE}, "host"),
        ({"host": "  ", "password": SECRET_VALUE}, "host"),
        ({"uri": "postgresql://db.example/d"}, "password"),
        ({"uri": f"postgresql://someone:{SECRET_VALUE}@/d"}, "host"),
        ({"uri": f"mysql://someone:{SECRET_VALUE}@db.example/d"}, "postgres:// or postgresql://"),
        ({"uri": f"someone:{SECRET_VALUE}@db.example"}, "does not begin with"),
        ({"uri": f"postgresql://someone:{SECRET_VALUE}@[db.example/d"}, "not a URI"),
        ({"uri": f"postgresql://someone:{SECRET_VALUE}@db.example:port/d"}, "not a URI"),
        ({"uri": f"postgresql://someone:{SECRET_VALUE}@db.example:70000/d"}, "not a URI"),
        ({"uri": f"postgresql://someone:{SECRET_VALUE}@db.example/d?sslmode=require"}, "parameters"),
        ({"uri": f"postgresql://someone:12?{SECRET_VALUE}@db.example/d"}, "parameters"),
        ({"uri": f"postgresql://someone:12#{SECRET_VALUE}@db.example/d"}, "parameters"),
        ({**KEYS, "port": SECRET_VALUE}, "port"),
        ({**KEYS, "port": "²"}, "port"),
        ({**KEYS, "port": "0"}, "port"),
        ({**KEYS, "port": "65536"}, "port"),
        ({**KEYS, "port": "-1"}, "port"),
        ({**KEYS, "port": "9" * 5000}, "port"),
    ],
)
def test_what_a_secret_lacks_is_named_and_no_value_with_it(data: dict[str, str], told: str) -> None:
    with pytest.raises(IncompleteSecretError) as caught:
        database(**data)
    assert told in str(caught.value)
    assert SECRET_VALUE not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@given(st.dictionaries(st.sampled_from(["uri", "host", "port", "user", "password", "dbname"]), st.text(max_size=30)))
def test_any_secret_gives_a_login_that_can_be_tried_or_says_why_not(data: dict[str, str]) -> None:
    try:
        found = database(**data)
    except IncompleteSecretError:
        return
    assert found["host"]
    assert found["password"]
    assert 0 < int(found["port"]) < 65536


def test_redis_needs_a_host_alone() -> None:
    assert cache_login({"host": "redis.example"}) == {
        "host": "redis.example",
        "port": "6379",
        "user": "",
        "password": "",
    }


def test_redis_by_its_uri() -> None:
    found = cache_login({"uri": f"redis://someone:{SECRET_VALUE}@redis.example:6380/0"})
    assert found == {"host": "redis.example", "port": "6380", "user": "someone", "password": SECRET_VALUE}
    assert cache_login({"uri": "redis://:p%40ss@redis.example"})["password"] == "p@ss"


def test_one_secret_may_tell_of_database_and_redis() -> None:
    assert cache_login(KEYS)["host"] == "db.example"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "host"),
        ({"uri": f"rediss://:{SECRET_VALUE}@redis.example"}, "redis://"),
        ({"uri": f"redis://:{SECRET_VALUE}@redis.example/1"}, "another database"),
        ({"uri": f"redis://:12/{SECRET_VALUE}@redis.example"}, "another database"),
        ({"uri": f"redis://:{SECRET_VALUE}@redis.example?db=1"}, "parameters"),
        ({"host": "h", "port": SECRET_VALUE}, "port"),
    ],
)
def test_what_a_redis_secret_lacks_is_named(data: dict[str, str], told: str) -> None:
    with pytest.raises(IncompleteSecretError) as caught:
        cache_login(data)
    assert told in str(caught.value)
    assert SECRET_VALUE not in str(caught.value)
