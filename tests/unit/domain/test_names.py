"""Names of children: within the limits of their kinds, DNS labels, and never two the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from memoapp_operator.domain import names

LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
APPS = st.from_regex(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
SUFFIXES = [
    "database",
    "redis",
    "router",
    "router-state",
    "router-tls",
    "connection",
    "blue-backend",
    "blue-frontend",
    "green-backend",
    "green-frontend",
]


@given(APPS, st.sampled_from(SUFFIXES))
def test_a_name_is_a_dns_label_within_the_limit_of_a_stateful_set(app: str, suffix: str) -> None:
    found = names.child(app, suffix)
    assert LABEL.fullmatch(found)
    assert len(found) <= names.STATEFUL_SET_LIMIT
    assert found.endswith(f"-{suffix}")


@given(APPS, st.sampled_from(SUFFIXES), st.integers(40, 63))
def test_another_limit_is_kept_as_well(app: str, suffix: str, limit: int) -> None:
    assert len(names.child(app, suffix, limit=limit)) <= limit


@given(APPS)
def test_the_children_of_an_app_have_names_of_their_own(app: str) -> None:
    assert len({names.child(app, suffix) for suffix in SUFFIXES}) == len(SUFFIXES)


@given(APPS, APPS, st.sampled_from(SUFFIXES))
def test_two_apps_never_share_a_child_of_one_kind(one: str, other: str, suffix: str) -> None:
    assume(one != other)
    assert names.child(one, suffix) != names.child(other, suffix)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_long_names_with_one_beginning_stay_apart(suffix: str) -> None:
    beginning = "a" * 62
    assert names.child(f"{beginning}b", suffix) != names.child(f"{beginning}c", suffix)


def test_a_short_name_is_left_as_it_is() -> None:
    assert names.child("memo", "database") == "memo-database"


def test_the_cut_leaves_no_dash_before_the_hash() -> None:
    app = "a" * 27 + "-" * 30 + "z"
    assert "--" not in names.child(app, "green-frontend")


def test_labels_say_whose_a_child_is() -> None:
    assert names.labels("memo") == {"app.kubernetes.io/managed-by": "memoapp-operator", "memoapp.dev/app": "memo"}
    assert names.labels("memo", "backend", "blue") == {
        "app.kubernetes.io/managed-by": "memoapp-operator",
        "memoapp.dev/app": "memo",
        "app.kubernetes.io/component": "backend",
        "memoapp.dev/colour": "blue",
    }
