"""The contents of what people name: what is missing, and when another content is another revision."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.domain.manifest import CONFIG_MAP, SECRET, Manifest, Ref
from memoapp_operator.domain.references import Reference
from memoapp_operator.runtime.references import digests, missing

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


def digest(content: dict[str, str] | None, **more: Any) -> dict[str, str]:
    live = {} if content is None else {MAIL: holding(content, **more)}
    return digests([Reference(MAIL, "backend")], live)


@given(CONTENTS, CONTENTS)
def test_another_content_is_another_digest_and_the_same_is_the_same(one: dict[str, str], other: dict[str, str]) -> None:
    assert (digest(one) == digest(other)) is (one == other)


def test_what_is_not_content_makes_no_new_revision() -> None:
    before = digest({"token": "eA=="})
    labelled = {"name": "mail", "labels": {"a": "b"}, "resourceVersion": "2"}
    assert digest({"token": "eA=="}, metadata=labelled) == before


def test_an_optional_secret_that_appears_is_another_revision() -> None:
    assert digest(None) != digest({})


def test_each_tier_has_a_digest_of_what_it_names_alone() -> None:
    mentions = [Reference(MAIL, "backend"), Reference(TEXTS, "frontend")]
    live = {MAIL: holding({"a": "1"}), TEXTS: holding({"b": "1"})}
    before = digests(mentions, live)
    after = digests(mentions, {**live, TEXTS: holding({"b": "2"})})
    assert set(before) == {"backend", "frontend"}
    assert before["backend"] == after["backend"]
    assert before["frontend"] != after["frontend"]


def test_a_tier_that_names_nothing_has_none() -> None:
    assert digests([], {}) == {}


def test_the_order_of_mentions_does_not_count() -> None:
    mentions = [Reference(MAIL, "backend"), Reference(TEXTS, "backend")]
    live = {MAIL: holding({"a": "1"}), TEXTS: holding({"b": "1"})}
    assert digests(mentions, live) == digests(mentions[::-1], live)


def test_a_digest_shows_nothing_of_the_content() -> None:
    secret = b64encode(b"geheim").decode()
    assert secret not in str(digest({"token": secret}))
