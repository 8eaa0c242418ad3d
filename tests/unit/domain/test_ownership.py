"""Whose a live object is: nothing of somebody else's is ever changed, adopted or deleted."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import SECRET, VOLUME_CLAIM, Ref
from memoapp_operator.domain.observation import ChildState
from memoapp_operator.domain.ownership import assess, kept_mismatch, standing

from tests.unit.domain.building import UID

APP = "memo"
LABELS = names.labels(APP)
OTHER = "00000000-0000-4000-8000-000000000000"
IDENTITY = {"memoapp.dev/database": "memo_app", "memoapp.dev/user": "memo_user"}


def owner(uid: str = UID, kind: str = "MemoApp", name: str = APP, *, controller: bool = True) -> dict[str, Any]:
    return {"apiVersion": "memoapp.dev/v1alpha1", "kind": kind, "name": name, "uid": uid, "controller": controller}


def live(*owners: dict[str, Any], labels: dict[str, str] | None = None, **metadata: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"name": "memo-router", "uid": "live-uid", **metadata}
    if labels is not None:
        found["labels"] = labels
    if owners:
        found["ownerReferences"] = list(owners)
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": found, "spec": {"replicas": 2}}


GOING = {"deletionTimestamp": "2026-03-01T12:00:00Z"}
STANDINGS = {
    "owned by this app": (live(owner()), None),
    "owned, its labels taken away": (live(owner(), labels={}), None),
    "owned, and somebody else claims it too": (live(owner(), owner(OTHER, controller=False)), None),
    "labelled without an owner (kept data)": (live(labels=LABELS), None),
    "labelled, owned but not controlled by another": (
        live(owner(OTHER, "Other", controller=False), labels=LABELS),
        None,
    ),
    "ours and being deleted": (live(owner(), **GOING), ChildState.LEAVING),
    "kept and being deleted": (live(labels=LABELS, **GOING), ChildState.LEAVING),
    "owned by a deleted app of that name": (live(owner(OTHER), labels=LABELS), ChildState.LEAVING),
    "nobody's, without labels": (live(), ChildState.FOREIGN),
    "labelled for another app": (live(labels=names.labels("other")), ChildState.FOREIGN),
    "with our app's label but not managed by us": (live(labels={names.APP_LABEL: APP}), ChildState.FOREIGN),
    "managed by us but of no app": (live(labels={names.MANAGED_BY_LABEL: names.MANAGED_BY}), ChildState.FOREIGN),
    "labelled as ours but controlled by another kind": (
        live(owner(OTHER, "Rollout"), labels=LABELS),
        ChildState.FOREIGN,
    ),
    "owned by a MemoApp of another name": (live(owner(OTHER, name="other"), labels=LABELS), ChildState.FOREIGN),
    "foreign and being deleted": (live(**GOING), ChildState.FOREIGN),
}


@pytest.mark.parametrize(("manifest", "expected"), STANDINGS.values(), ids=STANDINGS)
def test_whose_it_is(manifest: dict[str, Any], expected: ChildState | None) -> None:
    assert standing(manifest, APP, UID) is expected


WANTED = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "memo-router", "namespace": "prod"},
    "spec": {"replicas": 2},
}


def test_a_child_that_is_not_there_is_missing() -> None:
    assert assess(WANTED, None, APP, UID).state is ChildState.MISSING


def test_a_child_of_ours_is_current_or_differs() -> None:
    same = live(owner(), namespace="prod")
    assert assess(WANTED, same, APP, UID).state is ChildState.CURRENT
    changed = assess(WANTED, {**same, "spec": {"replicas": 1}}, APP, UID)
    assert (changed.state, changed.uid) == (ChildState.DIFFERS, "live-uid")


def test_a_foreign_object_is_foreign_even_where_it_holds_what_is_wanted() -> None:
    assert assess(WANTED, live(namespace="prod"), APP, UID).state is ChildState.FOREIGN


def kept(annotations: dict[str, str], app: str = APP) -> dict[str, Any]:
    return {"metadata": {"name": "memo-database", "labels": names.labels(app), "annotations": annotations}}


def mismatch(manifest: dict[str, Any]) -> str | None:
    return kept_mismatch(APP, "memo_app", "memo_user", {Ref(VOLUME_CLAIM, "memo-database"): manifest})


@pytest.mark.parametrize(
    "manifest",
    [
        kept(IDENTITY),
        kept({}),
        kept({**IDENTITY, "memoapp.dev/database": "else"}, app="other"),
        {"metadata": {"name": "memo-database"}},
    ],
    ids=["same database and user", "nothing noted", "of another app", "without labels"],
)
def test_data_that_is_ours_or_says_nothing_is_taken_back(manifest: dict[str, Any]) -> None:
    assert mismatch(manifest) is None


@pytest.mark.parametrize(
    ("annotations", "told"),
    [
        ({**IDENTITY, "memoapp.dev/database": "else"}, "database else of user memo_user"),
        ({**IDENTITY, "memoapp.dev/user": "else"}, "database memo_app of user else"),
        ({"memoapp.dev/database": "memo_app"}, "database memo_app"),
    ],
)
def test_data_of_another_database_or_user_is_told(annotations: dict[str, str], told: str) -> None:
    found = mismatch(kept(annotations))
    assert found is not None
    assert "PersistentVolumeClaim/memo-database" in found
    assert told in found
    assert "it is left alone" in found


def test_of_several_mismatches_always_the_same_is_told() -> None:
    wrong = kept({**IDENTITY, "memoapp.dev/user": "else"})
    pairs = [(Ref(VOLUME_CLAIM, "memo-database"), wrong), (Ref(SECRET, "memo-database"), wrong)]
    found = {kept_mismatch(APP, "memo_app", "memo_user", dict(order)) for order in (pairs, pairs[::-1])}
    assert len(found) == 1
