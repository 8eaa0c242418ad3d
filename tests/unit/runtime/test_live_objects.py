"""What a lost status is rebuilt from is this very MemoApp's own: not what a deleted one of the same name left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import CONFIG_MAP, DEPLOYMENT, REVISION, Kind, Manifest, Ref, ref_of
from memoapp_operator.domain.revision import ID_ANNOTATION
from memoapp_operator.render.tiers import REVISION_ANNOTATION
from memoapp_operator.runtime import live_objects

from tests.unit.render import apps

APP = apps.full().app
OWN = {"apiVersion": "memoapp.dev/v1alpha1", "kind": "MemoApp", "name": "memo", "uid": APP.metadata.uid}
OWNERS = {
    "its own": ([{**OWN, "controller": True}], True),
    "an orphan": ([], True),
    "of a deleted one of the name": ([{**OWN, "uid": "another", "controller": True}], False),
}


def child(kind: Kind, name: str, annotations: dict[str, str], **body: Any) -> Manifest:
    metadata = {"name": name, "namespace": "prod", "labels": names.labels("memo"), "annotations": annotations}
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **body}


@pytest.mark.parametrize(("owners", "counts"), OWNERS.values(), ids=OWNERS)
def test_only_what_stays_counts(owners: list[Manifest], counts: bool) -> None:
    data = {"state.map": "weight 100\nconfirmed 0\n", "release.map": "release x\n", "rejected": "abc Held why\n"}
    objects = [
        child(DEPLOYMENT, "memo-green-backend", {REVISION_ANNOTATION: "memo-r2"}, spec={"replicas": 2}),
        child(REVISION, "memo-r2", {ID_ANNOTATION: "abc"}, revision=2, data={"version": "1", "tiers": {}}),
        child(CONFIG_MAP, "memo-router-state", {}, data=data),
    ]
    live: dict[Ref, Manifest] = {}
    for item in objects:
        item["metadata"]["ownerReferences"] = owners
        live[ref_of(item)] = item
    assert live_objects.found(APP, live) == ({"green": "memo-r2"} if counts else {})
    assert [item.id for item in live_objects.stored(APP, live)] == (["abc"] if counts else [])
    assert live_objects.recorded(APP, live) == (100 if counts else None)
    assert [item.id for item in live_objects.noted(APP, live)] == (["abc"] if counts else [])


def pod(maker: str, deleted: str | None = None) -> Manifest:
    metadata: Manifest = {"name": "x", "labels": {"memoapp.dev/colour": "green"}}
    if maker:
        metadata["ownerReferences"] = [{"kind": "ReplicaSet", "name": maker, "controller": True}]
    return {"metadata": {**metadata, "deletionTimestamp": deleted} if deleted else metadata}


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (pod("memo-green-backend-7f9c"), True),
        (pod("memo-green-frontend-7f9c", "2026-03-01T12:00:20Z"), True),
        (pod("memo-green-backend-7f9c", "2026-03-01T11:59:00Z"), False),
        (pod(""), False),
        (pod("other-green-backend-7f9c"), False),
    ],
    ids=["one of its own", "one that goes", "one that its node forgot", "one that wears the labels", "another app's"],
)
def test_a_colour_is_populated_by_its_own_pods_until_they_are_gone(found: Manifest, counts: bool) -> None:
    now = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
    assert live_objects.populated(APP, [found], now) == (frozenset({Colour.GREEN}) if counts else frozenset())
