"""Revisions and copies: made before the first pod that needs them, of what will be, and not of what goes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from memoapp_operator.api.v1alpha1.memoapp import ActiveStatus, Colour, MemoAppStatus, ReleasePhase, ReleaseStatus
from memoapp_operator.domain.manifest import REVISION, SECRET, Manifest, Ref, ref_of
from memoapp_operator.domain.revision import ID_ANNOTATION, parse
from memoapp_operator.ports import Refused
from memoapp_operator.runtime.refusals import Refusal, Refusals
from memoapp_operator.runtime.revisions import Revisions, kept, number_to_store
from memoapp_operator.runtime.snapshot import Built, Snapshot

from tests.unit.domain.building import revision
from tests.unit.runtime.stored import Stored, pending

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


async def stored(cluster: Stored, snapshot: Snapshot, built: Built, status: MemoAppStatus) -> bool:
    """Whether anything was made; what was refused is not asked for."""
    refusals: Refusals = {}
    made = await Revisions(cluster).store(snapshot, built, status, refusals, NOW)
    assert refusals == {}
    return made


def copies(cluster: Stored) -> dict[str, Manifest]:
    return {ref.name: item for ref, item in cluster.objects.items() if ref.kind is SECRET}


async def test_copies_come_first_and_then_the_revision_that_names_them() -> None:
    cluster = Stored()
    assert await stored(cluster, *pending())
    assert [ref.kind for ref in cluster.objects] == [SECRET, REVISION]
    assert all(item["immutable"] for item in copies(cluster).values())


async def test_a_copy_holds_what_its_name_says_also_where_the_original_is_yet_to_be_changed() -> None:
    """A password that was changed: what is live is older than the name of the copy."""
    snapshot, built, status = pending()
    (connection,) = (item for item in built.rendered if item["metadata"]["name"] == "memo-connection")
    old = {**connection, "data": {**connection["data"], "password": "b2xk"}}
    cluster = Stored()
    assert await stored(cluster, replace(snapshot, live={ref_of(old): old}), built, status)
    assert [item["data"] for item in copies(cluster).values()] == [connection["data"]]


async def test_what_is_stored_already_is_not_stored_again_though_no_list_told_it() -> None:
    cluster = Stored()
    await stored(cluster, *pending())
    assert not await stored(cluster, *pending())
    assert [ref.name for ref in cluster.objects if ref.kind is REVISION] == ["memo-r1"]


async def test_another_revision_of_that_number_is_left_and_the_next_number_taken() -> None:
    cluster = Stored()
    await stored(cluster, *pending())
    (found,) = (item for ref, item in cluster.objects.items() if ref.kind is REVISION)
    found["metadata"]["annotations"][ID_ANNOTATION] = "another"
    assert await stored(cluster, *pending())
    assert [ref.name for ref in cluster.objects if ref.kind is REVISION] == ["memo-r1", "memo-r2"]


async def test_a_copy_that_goes_with_a_deleted_app_of_the_name_is_waited_for() -> None:
    snapshot, built, status = pending()
    cluster = Stored()
    await stored(cluster, snapshot, built, status)
    (copy,) = copies(cluster).values()
    owner = {**copy["metadata"]["ownerReferences"][0], "uid": "of-the-deleted-one"}
    leaving = {**copy, "metadata": {**copy["metadata"], "ownerReferences": [owner]}}
    cluster = Stored({ref_of(copy): leaving})
    assert not await stored(cluster, snapshot, built, status)
    assert [*cluster.objects] == [ref_of(copy)], "no revision names a copy that is gone in a moment"


async def test_a_copy_that_somebody_deleted_while_a_colour_uses_it_comes_back() -> None:
    snapshot, built, status = pending()
    cluster = Stored()
    await stored(cluster, snapshot, built, status)
    (found,) = (item for ref, item in cluster.objects.items() if ref.kind is REVISION)
    ((name, copy),) = copies(cluster).items()
    seen = replace(snapshot.observation, stored={found["metadata"]["name"]: parse(found)})
    snapshot = replace(snapshot, observation=seen)
    serving = MemoAppStatus(release=status.release, colours={"blue": found["metadata"]["name"]})
    assert not await stored(cluster, snapshot, built, serving)
    del cluster.objects[Ref(SECRET, name)]
    assert await stored(cluster, snapshot, built, serving)
    assert cluster.objects[Ref(SECRET, name)] == copy


async def test_a_copys_name_that_is_somebody_elses_is_told_and_no_revision_is_built_on_it() -> None:
    snapshot, built, status = pending()
    cluster = Stored()
    await stored(cluster, snapshot, built, status)
    ((name, copy),) = copies(cluster).items()
    foreign = {**copy, "metadata": {**copy["metadata"], "labels": {}, "ownerReferences": []}}
    cluster, refusals = Stored({Ref(SECRET, name): foreign}), dict[Ref, Refusal]()
    assert not await Revisions(cluster).store(snapshot, built, status, refusals, NOW)
    assert [*cluster.objects] == [Ref(SECRET, name)]
    assert [refusal.message for refusal in refusals.values()] == ["an object of this name is there and is not ours"]


async def test_a_revision_that_is_refused_is_told_and_not_asked_again_at_once() -> None:
    snapshot, built, status = pending()
    cluster, refusals = Stored(refused=Refused(403, "Forbidden", "no")), dict[Ref, Refusal]()
    for _ in range(2):
        assert not await Revisions(cluster).store(snapshot, built, status, refusals, NOW)
    assert cluster.asked == 1
    assert len(refusals) == 1
    assert set(refusals) <= Revisions.wanted(snapshot, status)


def held(colour: Colour, name: str, phase: ReleasePhase, id_: str = "rev-2") -> MemoAppStatus:
    """Blue serves rev-1 by ``memo-r1``; a release of rev-2 is in that phase, in that colour."""
    release = ReleaseStatus(id=id_, version="2", colour=colour, phase=phase, started_at="2026-03-01T12:00:00Z")
    active = ActiveStatus(colour=Colour.BLUE, version="1", revision="rev-1", since="2026-03-01T12:00:00Z")
    return MemoAppStatus(active=active, release=release, colours={"blue": "memo-r1", colour.value: name})


def test_only_the_very_revision_that_a_colour_holds_comes_back_under_its_name() -> None:
    one, two, three = revision(1, "1"), revision(2, "2"), revision(3, "3")
    status = held(Colour.GREEN, "memo-r2", ReleasePhase.PREPARING)
    assert number_to_store(status, one, {}, {}) == 1
    assert number_to_store(status, two, {one.name: one}, {}) == 2
    assert number_to_store(status, three, {}, {}) is None
    assert number_to_store(status, one, {one.name: one}, {}) is None


def test_a_deleted_number_is_not_given_to_another_revision() -> None:
    """Blue serves memo-r1, which somebody deleted: a new revision must not be stored as what blue is made from."""
    three = revision(3, "3")
    status = held(Colour.GREEN, "memo-r2", ReleasePhase.PENDING, three.id)
    status = status.model_copy(update={"colours": {"blue": "memo-r1"}})
    assert number_to_store(status, three, {}, {}) == 2
    assert number_to_store(status, three, {}, {"green": "memo-r7"}) == 8


async def test_what_the_pods_of_a_stored_revision_refer_to_is_kept() -> None:
    """Also once the original says something else: those pods must be able to start again."""
    snapshot, built, status = pending()
    cluster = Stored()
    await stored(cluster, snapshot, built, status)
    (found,) = (item for ref, item in cluster.objects.items() if ref.kind is REVISION)
    (name,) = copies(cluster)
    seen = replace(snapshot.observation, stored={found["metadata"]["name"]: parse(found)})
    later = replace(snapshot, observation=seen, context=replace(snapshot.context, copies={}))
    serving = MemoAppStatus(release=status.release, colours={"blue": found["metadata"]["name"]})
    assert {Ref(SECRET, name), Ref(REVISION, found["metadata"]["name"])} <= kept(later, serving)
