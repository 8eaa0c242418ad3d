"""Revisions and copies: made before the first pod that needs them, of what will be, and not of what goes."""

from __future__ import annotations

from dataclasses import replace

from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus
from memoapp_operator.domain.manifest import REVISION, SECRET, Manifest, Ref, ref_of
from memoapp_operator.domain.revision import ID_ANNOTATION, parse
from memoapp_operator.runtime.revisions import Revisions

from tests.unit.runtime.stored import Stored, pending


def copies(cluster: Stored) -> dict[str, Manifest]:
    return {ref.name: item for ref, item in cluster.objects.items() if ref.kind is SECRET}


async def test_copies_come_first_and_then_the_revision_that_names_them() -> None:
    cluster = Stored()
    assert await Revisions(cluster).store(*pending())
    assert [ref.kind for ref in cluster.objects] == [SECRET, REVISION]
    assert all(item["immutable"] for item in copies(cluster).values())


async def test_a_copy_holds_what_its_name_says_also_where_the_original_is_yet_to_be_changed() -> None:
    """A password that was changed: what is live is older than the name of the copy."""
    snapshot, built, status = pending()
    (connection,) = (item for item in built.rendered if item["metadata"]["name"] == "memo-connection")
    old = {**connection, "data": {**connection["data"], "password": "b2xk"}}
    cluster = Stored()
    assert await Revisions(cluster).store(replace(snapshot, live={ref_of(old): old}), built, status)
    assert [item["data"] for item in copies(cluster).values()] == [connection["data"]]


async def test_what_is_stored_already_is_not_stored_again_though_no_list_told_it() -> None:
    cluster = Stored()
    await Revisions(cluster).store(*pending())
    assert not await Revisions(cluster).store(*pending())
    assert [ref.name for ref in cluster.objects if ref.kind is REVISION] == ["memo-r1"]


async def test_another_revision_of_that_number_is_left_and_the_next_number_taken() -> None:
    cluster = Stored()
    await Revisions(cluster).store(*pending())
    (stored,) = (item for ref, item in cluster.objects.items() if ref.kind is REVISION)
    stored["metadata"]["annotations"][ID_ANNOTATION] = "another"
    assert await Revisions(cluster).store(*pending())
    assert [ref.name for ref in cluster.objects if ref.kind is REVISION] == ["memo-r1", "memo-r2"]


async def test_a_copy_that_goes_with_a_deleted_app_of_the_name_is_waited_for() -> None:
    snapshot, built, status = pending()
    cluster = Stored()
    await Revisions(cluster).store(snapshot, built, status)
    (copy,) = copies(cluster).values()
    owner = {**copy["metadata"]["ownerReferences"][0], "uid": "of-the-deleted-one"}
    leaving = {**copy, "metadata": {**copy["metadata"], "ownerReferences": [owner]}}
    cluster = Stored({ref_of(copy): leaving})
    assert not await Revisions(cluster).store(snapshot, built, status)
    assert [*cluster.objects] == [ref_of(copy)], "no revision names a copy that is gone in a moment"


async def test_a_copy_that_somebody_deleted_while_a_colour_uses_it_comes_back() -> None:
    snapshot, built, status = pending()
    cluster = Stored()
    await Revisions(cluster).store(snapshot, built, status)
    (stored,) = (item for ref, item in cluster.objects.items() if ref.kind is REVISION)
    ((name, copy),) = copies(cluster).items()
    seen = replace(snapshot.observation, stored={stored["metadata"]["name"]: parse(stored)})
    snapshot = replace(snapshot, observation=seen)
    serving = MemoAppStatus(release=status.release, colours={"blue": stored["metadata"]["name"]})
    assert not await Revisions(cluster).store(snapshot, built, serving)
    del cluster.objects[Ref(SECRET, name)]
    assert await Revisions(cluster).store(snapshot, built, serving)
    assert cluster.objects[Ref(SECRET, name)] == copy
