"""The contents of what people name: what is missing, and when another content is another revision."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.domain.manifest import CONFIG_MAP, SECRET, Manifest, Ref
from memoapp_operator.domain.references import Reference
from memoapp_operator.runtime.references import copy_name, copy_names, missing

MAIL = Ref(SECRET, "mail")
TEXTS = Ref(CONFIG_MAP, "texts")
CONTENTS = st.dictionaries(st.sampled_from("abc"), st.text("xy", max_size=2), max_size=3)


def holding(data: dict[str, str], **more: Any) -> Manifest:
    return {"metadata": {"name": "x", "resourceVersion": "1"}, "data": data, **more}


def test_nothing_is_missing_where_everything_is_there() -> None:
    mentions = [Reference(MAIL, "backend", "token"), Reference(TEXTS, "frontend")]
    assert missing(mentions, {MAIL: holding({"token": "eA=="}), TEXTS: holding({})}) == ()


def test_missing_objects_and_keys_are_named_once_and_sorted() -> None:
    mentions = [
        Reference(TEXTS, "frontend"),
        Reference(TEXTS, "backend"),
        Reference(MAIL, "backend", "token"),
        Reference(MAIL, "backend", "user"),
    ]
    assert missing(mentions, {MAIL: holding({"user": "eA=="})}) == ("ConfigMap/texts", "key token of Secret/mail")


@pytest.mark.parametrize("live", [{}, {MAIL: holding({})}])
def test_what_is_optional_is_never_missing(live: dict[Ref, Manifest]) -> None:
    assert missing([Reference(MAIL, "backend", "token", optional=True)], live) == ()


def test_a_key_may_hold_binary_data() -> None:
    live = {TEXTS: {"metadata": {"name": "texts"}, "binaryData": {"logo": "AAAA"}}}
    assert missing([Reference(TEXTS, "backend", "logo")], live) == ()


def test_an_object_without_any_data_lacks_every_key() -> None:
    live = {MAIL: {"metadata": {"name": "mail"}, "data": None}}
    assert missing([Reference(MAIL, "backend", "token")], live) == ("key token of Secret/mail",)


def copied(content: dict[str, str] | None, **more: Any) -> dict[tuple[str, str], str]:
    live = {} if content is None else {MAIL: holding(content, **more)}
    return copy_names("memo", [Reference(MAIL, "backend")], live)


@given(CONTENTS, CONTENTS)
def test_another_content_is_another_copy_and_the_same_is_the_same(one: dict[str, str], other: dict[str, str]) -> None:
    assert (copied(one) == copied(other)) is (one == other)


def test_what_is_not_content_makes_no_new_copy() -> None:
    before = copied({"token": "eA=="})
    labelled = {"name": "mail", "labels": {"a": "b"}, "resourceVersion": "2"}
    assert copied({"token": "eA=="}, metadata=labelled) == before


def test_an_optional_secret_that_is_not_there_has_no_copy_and_gets_one_once_it_is() -> None:
    assert copied(None) == {}
    assert set(copied({})) == {("Secret", "mail")}


def test_a_copy_is_named_by_its_original_and_its_content() -> None:
    (name,) = copied({"token": "eA=="}).values()
    assert re.fullmatch(r"mail-[0-9a-f]{8}", name)


def test_a_copys_name_is_one_that_the_api_takes_however_long_the_original_is() -> None:
    assert len(copy_name("memo", "x" * 253, {})) == 253


def test_an_object_that_two_tiers_name_has_one_copy() -> None:
    mentions = [Reference(MAIL, "backend"), Reference(MAIL, "frontend"), Reference(TEXTS, "backend")]
    live = {MAIL: holding({"a": "1"}), TEXTS: holding({"a": "1"})}
    found = copy_names("memo", mentions, live)
    assert set(found) == {("Secret", "mail"), ("ConfigMap", "texts")}
    assert copy_names("memo", mentions[::-1], live) == found


def test_two_apps_never_share_a_copy() -> None:
    """It goes with the app that owns it."""
    live = {MAIL: holding({"a": "1"})}
    one, other = (copy_names(app, [Reference(MAIL, "backend")], live) for app in ("memo", "shop"))
    assert set(one.values()).isdisjoint(other.values())


def test_a_copys_name_shows_nothing_of_the_content() -> None:
    secret = b64encode(b"geheim").decode()
    assert secret not in str(copied({"token": secret}))
