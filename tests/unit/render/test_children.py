"""What all children have in common: names, owners, labels, order; and what is left out while inputs are missing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.manifest import CHILD_KINDS, DEPLOYMENT, kind_of
from memoapp_operator.render.children import minted, render
from memoapp_operator.render.context import Context, Credentials

from tests.unit.render import apps

NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True)
SHAPES = st.sampled_from(apps.SHAPES)
each_app = pytest.mark.parametrize("context", apps.EVERY_APP.values(), ids=apps.EVERY_APP)
KEPT = {("PersistentVolumeClaim", "memo-database"), ("Secret", "memo-database")}


@each_app
def test_every_child_is_owned_by_its_app_alone_or_kept(context: Context) -> None:
    owner = {
        "apiVersion": "memoapp.dev/v1alpha1",
        "kind": "MemoApp",
        "name": context.app.metadata.name,
        "uid": apps.UID,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    for child in (*render(context), *minted(context)):
        metadata = child["metadata"]
        if "ownerReferences" not in metadata:
            database = context.app.spec.database
            identity = {"memoapp.dev/database": database.name, "memoapp.dev/user": database.user}
            assert metadata["annotations"] == identity
        else:
            assert metadata["ownerReferences"] == [owner]
            assert "annotations" not in metadata or kind_of(child) == DEPLOYMENT


@each_app
def test_labels_are_the_operators_own(context: Context) -> None:
    for child in (*render(context), *minted(context)):
        labels = child["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "memoapp-operator"
        assert labels["memoapp.dev/app"] == context.app.metadata.name
        assert "app.kubernetes.io/instance" not in labels
        assert child["metadata"]["namespace"] == "prod"


def test_only_data_and_what_opens_it_are_kept() -> None:
    children = (*render(apps.full()), *minted(apps.full()))
    kept = {(each["kind"], each["metadata"]["name"]) for each in children if "ownerReferences" not in each["metadata"]}
    assert kept == KEPT


@apps.unhurried
@given(NAMES, SHAPES)
def test_names_are_unique_and_within_their_limits(name: str, shape: object) -> None:
    context = shape(name)  # type: ignore[operator]
    children = (*render(context), *minted(context))
    named = [(each["kind"], each["metadata"]["name"]) for each in children]
    assert len(named) == len(set(named))
    for kind, found in named:
        assert len(found) <= {"StatefulSet": 52, "Service": 63}.get(kind, 63)
        assert not found.endswith("-")


@apps.unhurried
@given(NAMES)
def test_label_values_are_within_their_limit(name: str) -> None:
    for value in apps.walk(list(render(apps.full(name)))):
        if isinstance(value, dict) and "memoapp.dev/app" in value:
            assert all(len(label) <= 63 for label in value.values())


def test_two_long_names_with_one_beginning_share_no_child() -> None:
    one, other = apps.full("a" * 62 + "b"), apps.full("a" * 62 + "c")
    assert not apps.names_of(one) & apps.names_of(other)


@each_app
def test_children_come_in_the_order_in_which_they_are_applied(context: Context) -> None:
    order = [CHILD_KINDS.index(kind_of(child)) for child in render(context)]
    assert order == sorted(order)


@each_app
def test_rendering_again_gives_the_same_and_shares_nothing(context: Context) -> None:
    first = render(context)
    written = json.dumps(first)
    for value in list(apps.walk(list(first))):
        if isinstance(value, dict | list):
            value.clear()
    assert json.dumps(render(context)) == written


@each_app
def test_children_are_plain_json_and_nothing_is_null(context: Context) -> None:
    kinds = {type(value) for value in apps.walk([*render(context), *minted(context)])}
    assert kinds <= {dict, list, str, int, bool}


def test_a_full_app_has_these_children() -> None:
    tiers = {f"memo-{colour}-{tier}" for colour in Colour for tier in ("backend", "frontend")}
    assert apps.names_of(apps.full()) == {
        "Secret/memo-connection",
        *(f"ConfigMap/memo-{each}" for each in ("database", "redis", "router", "router-state")),
        *(f"PersistentVolumeClaim/memo-{each}" for each in ("database", "redis")),
        *(f"Service/{each}" for each in ("memo", "memo-database", "memo-redis", *tiers)),
        *(f"StatefulSet/memo-{each}" for each in ("database", "redis")),
        *(f"Deployment/{each}" for each in ("memo-router", *tiers)),
        *(f"PodDisruptionBudget/{each}" for each in ("memo-router", *tiers)),
        *(
            f"NetworkPolicy/memo-{each}"
            for each in ("router", "backend", "frontend", "database", "redis", "maintenance")
        ),
    }


def test_an_app_with_external_data_and_single_pods_has_these_children() -> None:
    tiers = {f"memo-{colour}-{tier}" for colour in Colour for tier in ("backend", "frontend")}
    assert apps.names_of(apps.external()) == {
        "Secret/memo-connection",
        *(f"ConfigMap/memo-{each}" for each in ("router", "router-state")),
        *(f"Service/{each}" for each in ("memo", *tiers)),
        *(f"Deployment/{each}" for each in ("memo-router", *tiers)),
        *(f"NetworkPolicy/memo-{each}" for each in ("router", "backend", "frontend", "maintenance")),
    }


def test_without_a_frontend_there_is_nothing_of_it() -> None:
    assert not [name for name in apps.names_of(apps.backend_only()) if "frontend" in name]


def test_nothing_known_but_the_spec_leaves_out_what_needs_more() -> None:
    bare = Context(apps.full().app, apps.PLATFORM)
    found = apps.names_of(bare)
    assert not {name for name in found if name.startswith("Deployment/")}
    assert "Secret/memo-connection" not in found
    assert "ConfigMap/memo-router" not in found
    assert "ConfigMap/memo-router-state" not in found
    assert {"StatefulSet/memo-database", "Service/memo-green-frontend"} <= found


@pytest.mark.parametrize("missing", ["database", "cache"])
def test_the_connection_is_whole_or_left_out(missing: str) -> None:
    context = apps.full()
    credentials = replace(context.credentials, **{missing: None})
    assert "Secret/memo-connection" not in apps.names_of(replace(context, credentials=credentials))


def test_the_router_waits_for_its_certificates() -> None:
    context = apps.full()
    found = apps.names_of(replace(context, credentials=Credentials(apps.DATABASE, apps.CACHE)))
    assert not {"Deployment/memo-router", "ConfigMap/memo-router"} & found


@pytest.mark.parametrize("unknown", ["blue-frontend", "green-frontend"])
def test_the_router_waits_for_the_addresses_of_both_colours(unknown: str) -> None:
    addresses = {key: value for key, value in apps.ADDRESSES.items() if key != unknown}
    found = apps.names_of(replace(apps.full(), addresses=addresses))
    assert not {"Deployment/memo-router", "ConfigMap/memo-router"} & found


def test_a_frontend_waits_for_the_address_of_its_own_colours_backend() -> None:
    addresses = {key: value for key, value in apps.ADDRESSES.items() if key != "green-backend"}
    found = apps.names_of(replace(apps.full(), addresses=addresses))
    assert "Deployment/memo-green-frontend" not in found
    assert {"Deployment/memo-green-backend", "Deployment/memo-blue-frontend"} <= found


def test_a_colour_that_does_not_run_has_no_pods_and_no_budget_but_its_services() -> None:
    found = apps.names_of(replace(apps.full(), colours={Colour.GREEN: apps.full().colours[Colour.GREEN]}))
    blue = {name for name in found if "-blue-" in name}
    assert blue == {"Service/memo-blue-backend", "Service/memo-blue-frontend"}
