"""A revision is stored once, however old the list is by which it seems not to be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoAppStatus, ReleasePhase, ReleaseStatus
from memoapp_operator.domain.manifest import Kind, Manifest, Ref, ref_of
from memoapp_operator.domain.observation import Observation
from memoapp_operator.domain.revision import Revision
from memoapp_operator.render.context import Context
from memoapp_operator.render.revision import revision, stored_revision
from memoapp_operator.runtime.revisions import Revisions
from memoapp_operator.runtime.snapshot import Snapshot

from tests.unit.render import apps

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@dataclass
class Store:
    """The part of the port ``Cluster`` that storing uses."""

    there: dict[Ref, Manifest] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:  # noqa: ARG002 -- the port's
        return self.there.get(Ref(kind, name))

    async def create(self, manifest: Manifest) -> Manifest:
        self.there[ref_of(manifest)] = manifest
        self.made.append(manifest["metadata"]["name"])
        return manifest


def context() -> Context:
    return replace(apps.full(), colours={}, copies={})


def snapshot(found: Context, declared: Revision) -> Snapshot:
    """By the lists nothing is stored."""
    return Snapshot({}, {}, found, Observation(app=found.app, now=NOW, declared=declared))


def pending(declared: Revision) -> MemoAppStatus:
    release = ReleaseStatus(
        id=declared.id, version=declared.version, colour=Colour.BLUE, phase=ReleasePhase.PENDING, started_at="now"
    )
    return MemoAppStatus(release=release)


async def stored(cluster: Store) -> bool:
    found = context()
    declared, status = revision(found), pending(revision(found))
    seen = snapshot(found, declared)
    return await Revisions(cluster).store(seen, seen.built_for(status), status)  # type: ignore[arg-type]


async def test_a_revision_is_stored_under_the_next_number() -> None:
    cluster = Store()
    assert await stored(cluster)
    assert cluster.made == ["memo-r1"]


async def test_one_that_an_old_list_does_not_show_is_not_stored_again() -> None:
    cluster = Store()
    await stored(cluster)
    assert not await stored(cluster)
    assert cluster.made == ["memo-r1"]


@pytest.mark.parametrize("foreign", [True, False])
async def test_another_ones_number_is_left_to_it(foreign: bool) -> None:
    found = context()
    other = stored_revision(found, replace(revision(found), id="another" if not foreign else revision(found).id), 1)
    if foreign:
        other["metadata"]["ownerReferences"] = []
    cluster = Store({ref_of(other): other})
    assert await stored(cluster)
    assert cluster.made == ["memo-r2"]
