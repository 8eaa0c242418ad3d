"""A cluster that holds revisions and copies, for tests of what is stored and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoAppStatus, ReleasePhase, ReleaseStatus
from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.manifest import Kind, Manifest, Ref, ref_of
from memoapp_operator.domain.observation import Observation
from memoapp_operator.render.children import revision
from memoapp_operator.runtime.references import copy_name
from memoapp_operator.runtime.snapshot import Built, Snapshot, build

from tests.unit.render import apps

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@dataclass
class Stored:
    """The port ``Cluster`` as far as revisions use it."""

    objects: dict[Ref, Manifest] = field(default_factory=dict)
    refused: Exception | None = None
    asked: int = 0

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:  # noqa: ARG002 -- the port's
        return self.objects.get(Ref(kind, name))

    async def create(self, manifest: Manifest) -> Manifest:
        self.asked += 1
        if self.refused is not None:
            raise self.refused
        assert ref_of(manifest) not in self.objects
        self.objects[ref_of(manifest)] = manifest
        return manifest

    async def delete(self, ref: Ref, namespace: str, uid: str) -> None:  # noqa: ARG002 -- the port's
        del self.objects[ref]

    async def apply(self, manifest: Manifest, *, new: bool = False) -> Manifest:
        raise NotImplementedError

    async def scale(self, ref: Ref, namespace: str, uid: str, replicas: int) -> None:
        raise NotImplementedError

    async def list(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        raise NotImplementedError

    async def replace_status(self, manifest: Manifest) -> Manifest:
        raise NotImplementedError

    async def note(self, about: Manifest, note: Note, now: datetime) -> None:
        raise NotImplementedError


def pending(live: Mapping[Ref, Manifest] | None = None) -> tuple[Snapshot, Built, MemoAppStatus]:
    """A release of a full app that is about to be stored, with a copy of the connection Secret as it will be."""
    context = replace(apps.full(), colours={}, copies={})
    (connection,) = (item for item in build(context).rendered if item["metadata"]["name"] == "memo-connection")
    copy = copy_name("memo", "memo-connection", connection["data"])
    context = replace(context, copies={("Secret", "memo-connection"): copy})
    declared = revision(context)
    release = ReleaseStatus(
        id=declared.id,
        version=declared.version,
        colour=Colour.BLUE,
        phase=ReleasePhase.PENDING,
        started_at="2026-03-01T12:00:00Z",
    )
    seen = Observation(app=context.app, now=NOW, declared=declared)
    return Snapshot({}, live or {}, context, seen), build(context), MemoAppStatus(release=release)
