"""When a live object already holds what would be applied: an apply that changes nothing would still be a write."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.domain.diff import differences, quantity

SUFFIXES = ["", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]
KEYS = st.text("abcxyz", min_size=1, max_size=3)
LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.text("ab", max_size=3)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)
OBJECTS = st.dictionaries(KEYS, JSON, max_size=4)


def limits(value: Any) -> dict[str, Any]:
    return {"resources": {"limits": {"memory": value}}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1000m"),
        ("0.5", "500m"),
        ("1024Mi", "1Gi"),
        ("1k", "1000"),
        ("1G", "1000M"),
        ("0", "0Gi"),
        (1, "1"),
        ("1.5Gi", "1536Mi"),
    ],
)
def test_the_same_quantity_in_other_words_is_no_difference(one: str, other: str) -> None:
    assert differences(limits(one), limits(other)) == ()
    assert differences(limits(other), limits(one)) == ()


@pytest.mark.parametrize(("one", "other"), [("1", "1m"), ("1G", "1Gi"), ("1Mi", "1Gi"), ("100m", "0.11")])
def test_another_quantity_is_a_difference(one: str, other: str) -> None:
    assert differences(limits(one), limits(other)) == (".resources.limits.memory",)


@pytest.mark.parametrize("text", ["", ".", "abc", "1Q", "1.2.3", "Gi", "--1", "1 Gi", "NaN", "Infinity", "1e3"])
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert quantity(text) is None


@given(st.integers(0, 10**9), st.sampled_from(SUFFIXES))
def test_every_suffix_is_a_factor(number: int, suffix: str) -> None:
    one = quantity(f"1{suffix}")
    assert one is not None
    assert quantity(f"{number}{suffix}") == number * one


@given(st.integers(1, 10**6), st.sampled_from([("", "m"), ("k", ""), ("M", "k"), ("G", "M"), ("T", "G"), ("E", "P")]))
def test_a_decimal_suffix_is_a_thousand_of_the_next(number: int, pair: tuple[str, str]) -> None:
    large, small = pair
    assert quantity(f"{number}{large}") == quantity(f"{number * 1000}{small}")


@given(st.integers(1, 10**6), st.sampled_from([("Ki", ""), ("Mi", "Ki"), ("Gi", "Mi"), ("Ti", "Gi"), ("Ei", "Pi")]))
def test_a_binary_suffix_is_1024_of_the_next(number: int, pair: tuple[str, str]) -> None:
    large, small = pair
    assert quantity(f"{number}{large}") == quantity(f"{number * 1024}{small}")


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_none(text: str) -> None:
    found = quantity(text)
    assert found is None or isinstance(found, Decimal)


def test_quantities_count_as_such_only_where_the_api_has_them() -> None:
    assert differences({"data": {"limit": "1000m"}}, {"data": {"limit": "1"}}) == (".data.limit",)
    assert differences({"emptyDir": {"sizeLimit": "1024Mi"}}, {"emptyDir": {"sizeLimit": "1Gi"}}) == ()
    assert differences({"requests": {"storage": "1024Mi"}}, {"requests": {"storage": "1Gi"}}) == ()


@given(OBJECTS)
def test_an_object_does_not_differ_from_itself(manifest: dict[str, Any]) -> None:
    assert differences(manifest, deepcopy(manifest)) == ()


@given(OBJECTS, st.dictionaries(st.text("nmop", min_size=1, max_size=3), JSON, max_size=3))
def test_fields_that_only_the_live_object_has_are_somebody_elses(
    manifest: dict[str, Any], more: dict[str, Any]
) -> None:
    assert differences(manifest, {**manifest, **more}) == ()


@given(OBJECTS, st.data())
def test_a_field_that_the_live_object_lacks_is_named(manifest: dict[str, Any], data: st.DataObject) -> None:
    said = [key for key, value in manifest.items() if value not in ({}, [], None)]
    if said:
        gone = data.draw(st.sampled_from(said))
        live = {key: value for key, value in manifest.items() if key != gone}
        assert differences(manifest, live) == (f".{gone}",)


@given(OBJECTS, OBJECTS)
def test_comparing_changes_neither_side(wanted: dict[str, Any], live: dict[str, Any]) -> None:
    before = deepcopy((wanted, live))
    differences(wanted, live)
    assert (wanted, live) == before


@pytest.mark.parametrize("nothing", [{}, [], None])
def test_what_says_nothing_need_not_be_there(nothing: object) -> None:
    assert differences({"spec": {"volumes": nothing}}, {"spec": {}}) == ()


@pytest.mark.parametrize("something", [False, 0, ""])
def test_a_falsy_value_says_something(something: object) -> None:
    assert differences({"spec": {"x": something}}, {"spec": {}}) == (".spec.x",)


def containers(*items: tuple[str, str]) -> dict[str, Any]:
    return {"containers": [{"name": name, "image": image} for name, image in items]}


def test_items_with_a_name_are_compared_by_it_in_any_order() -> None:
    wanted = containers(("app", "a:1"), ("agent", "b:1"))
    assert differences(wanted, containers(("agent", "b:1"), ("app", "a:1"))) == ()


def test_a_sidecar_that_somebody_else_put_in_is_no_difference() -> None:
    assert differences(containers(("app", "a:1")), containers(("mesh", "m:1"), ("app", "a:1"))) == ()


def test_an_item_that_changed_or_went_is_named() -> None:
    assert differences(containers(("app", "a:2")), containers(("app", "a:1"))) == (".containers[app].image",)
    assert differences(containers(("app", "a:1")), containers(("other", "a:1"))) == (".containers[app]",)
    assert differences(containers(("app", "a:1")), {"containers": []}) == (".containers[app]",)


def test_items_without_a_name_are_compared_by_position_and_length() -> None:
    assert differences({"args": ["a", "b"]}, {"args": ["a", "b"]}) == ()
    assert differences({"args": ["a", "b"]}, {"args": ["b", "a"]}) == (".args[0]", ".args[1]")
    assert differences({"args": ["a"]}, {"args": ["a", "b"]}) == (".args",)
    assert differences({"args": []}, {"args": ["b"]}) == (".args",)


def test_our_owner_is_found_among_others() -> None:
    ours, other = {"uid": "1", "controller": True}, {"uid": "2"}
    assert (
        differences({"metadata": {"ownerReferences": [ours]}}, {"metadata": {"ownerReferences": [other, ours]}}) == ()
    )
    assert differences({"metadata": {"ownerReferences": [ours]}}, {"metadata": {"ownerReferences": [other]}}) == (
        ".metadata.ownerReferences[1]",
    )


@pytest.mark.parametrize("live", [None, "text", 3, []])
def test_another_type_is_one_difference(live: object) -> None:
    assert differences({"spec": {"template": {"a": 1}}}, {"spec": {"template": live}}) == (".spec.template",)


def test_every_difference_is_told() -> None:
    wanted = {"spec": {"replicas": 2, "template": {"a": 1}}, "data": {"x": "1"}}
    assert differences(wanted, {"spec": {"replicas": 1, "template": {}}, "data": {"x": "1"}}) == (
        ".spec.replicas",
        ".spec.template.a",
    )
