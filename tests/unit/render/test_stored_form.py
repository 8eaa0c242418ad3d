"""The form in which the API server stores what people write."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.render.declared import stored
from memoapp_operator.render.quantity import amount, canonical, larger

from tests.unit.render import apps

SUFFIXES = st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi"])
QUANTITIES = st.builds(lambda number, suffix: f"{number}{suffix}", st.integers(0, 10**6), SUFFIXES)


# Each pair was read back from a kube-apiserver 1.36.
@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("1000m", "1"),
        ("1500m", "1500m"),
        (1, "1"),
        ("0.5", "500m"),
        ("0.0001", "1m"),
        ("1024Mi", "1Gi"),
        ("1536Mi", "1536Mi"),
        ("1.5Gi", "1536Mi"),
        ("0.5Ki", "512"),
        ("0.3Mi", "314572800m"),
        ("1000Ki", "1000Ki"),
        ("1024", "1024"),
        ("1000", "1k"),
        ("1000000M", "1T"),
        ("0Gi", "0"),
    ],
)
def test_a_quantity_is_written_as_the_api_server_writes_it(written: int | str, form: str) -> None:
    assert canonical(written) == form


@apps.unhurried
@given(QUANTITIES)
def test_the_form_has_the_same_value_and_stays(written: str) -> None:
    form = canonical(written)
    assert amount(form) == amount(written)
    assert canonical(form) == form


@apps.unhurried
@given(QUANTITIES, QUANTITIES)
def test_the_larger_one_is_at_least_both(one: str, other: str) -> None:
    assert amount(larger(one, other)) == max(amount(one), amount(other))


@pytest.mark.parametrize("text", ["", "1.", ".5", "-1", "1KB", "1 Gi", "ten"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a quantity"):
        canonical(text)


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ({"a": None, "b": False, "c": "", "d": [], "e": 0, "f": {}}, {"e": 0, "f": {}}),
        ({"emptyDir": {"sizeLimit": "2048Mi"}}, {"emptyDir": {"sizeLimit": "2Gi"}}),
        ({"matchLabels": {"team": ""}}, {"matchLabels": {"team": ""}}),
        ({"matchLabels": {}}, {}),
        ({"storageClassName": ""}, {"storageClassName": ""}),
        ({"values": ["", "a"]}, {"values": ["", "a"]}),
        ([{"optional": None}, {"key": "k"}], [{}, {"key": "k"}]),
    ],
)
def test_what_says_nothing_is_left_out(written: Any, form: Any) -> None:
    assert stored(written) == form
