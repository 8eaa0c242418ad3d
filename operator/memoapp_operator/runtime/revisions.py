"""Revisions in the cluster: stored before the first pod of them starts, kept while somebody needs them, then pruned."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoAppStatus, ReleasePhase
from memoapp_operator.domain import names, ownership
from memoapp_operator.domain.manifest import AUTOSCALER, CONFIG_MAP, INGRESS, REVISION, SECRET, Manifest, Ref, ref_of
from memoapp_operator.domain.observation import ChildState
from memoapp_operator.domain.phases import is_over
from memoapp_operator.domain.revision import Revision, copied_objects, next_number, number_in, parse, superfluous
from memoapp_operator.domain.state import State, held_revision
from memoapp_operator.ports import Cluster, Refused
from memoapp_operator.render.metadata import name
from memoapp_operator.render.revision import copy_of, stored_revision

from .refusals import Refusal, Refusals, is_refused, remember
from .snapshot import Built, Snapshot, digest


class Revisions:
    """Creates and prunes ControllerRevisions and the immutable copies that they name.

    Args:
        cluster: the API server.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def store(
        self, snapshot: Snapshot, built: Built, status: MemoAppStatus, refusals: Refusals, now: datetime
    ) -> bool:
        """Create what a release under way is made of: copies first, then the revision that names them.

        Copies that a colour uses and that somebody deleted come back as long as their originals are what they were.
        """
        declared, number = snapshot.observation.declared, _number(snapshot, status)
        made = await self._store_copies(snapshot, built, _copies_in_use(snapshot, status), refusals, now)
        if declared is None or number is None or made is None:
            return bool(made)
        namespace = built.context.app.metadata.namespace
        while (there := await self._cluster.get(REVISION, namespace, name(built.context, f"r{number}"))) is not None:
            if ownership.owned(there, built.context.app.metadata.uid) and parse(there).id == declared.id:
                return bool(made)  # another process, or a list that lags
            number += 1
        return await self._create(stored_revision(built.context, declared, number), refusals, now) or bool(made)

    @staticmethod
    def wanted(snapshot: Snapshot, status: MemoAppStatus) -> frozenset[Ref]:
        """What ``store`` would create, was it not there: the copies and, while it is to be stored, the revision."""
        number, app = _number(snapshot, status), snapshot.context
        revision = {Ref(REVISION, name(app, f"r{number}"))} if number is not None else set()
        return frozenset({_copied(kind, copy) for kind, copy in _copies_in_use(snapshot, status)} | revision)

    async def _create(self, manifest: Manifest, refusals: Refusals, now: datetime) -> bool:
        """Create, unless that is refused."""
        ref, identity = ref_of(manifest), digest(manifest)
        if is_refused(refusals, ref, identity, now):
            return False
        try:
            await self._cluster.create(manifest)
        except Refused as error:
            remember(refusals, error, ref, identity, now)
            return False
        refusals.pop(ref, None)
        return True

    async def _store_copies(
        self, snapshot: Snapshot, built: Built, used: Collection[tuple[str, str]], refusals: Refusals, now: datetime
    ) -> int | None:
        """How many were made; None where one is not to be had.

        One of a deleted MemoApp of the same name has yet to go, one is somebody else's, or the API server refuses it.
        """
        app, made, lacking = built.context.app.metadata, 0, False
        for copy in copies(built, snapshot.live):
            ref = ref_of(copy)
            if (ref.kind.kind, ref.name) not in used:
                continue
            there = snapshot.live.get(ref) or await self._cluster.get(ref.kind, app.namespace, ref.name)
            if there is None:
                created = await self._create(copy, refusals, now)
                made, lacking = made + created, lacking or not created
                continue
            standing = ownership.standing(there, app.name, app.uid)
            lacking |= standing is not None
            if standing is ChildState.FOREIGN:
                refusals[ref] = Refusal("an object of this name is there and is not ours", "", now)
            else:
                refusals.pop(ref, None)
        return None if lacking else made

    async def prune_copies(self, snapshot: Snapshot, kept: frozenset[Ref], refusals: Refusals, now: datetime) -> None:
        """Delete copies of Secrets, which cannot be listed, before the last revision that names them."""
        app = snapshot.context.app.metadata
        for item in snapshot.observation.stored.values():
            if Ref(REVISION, item.name) in kept:
                continue
            for kind, copy in sorted(copied_objects(item)):
                ref = Ref(SECRET, copy)
                live = await self._cluster.get(SECRET, app.namespace, copy) if kind == SECRET.kind else None
                if live is not None and ref not in kept and live.get("immutable") and ownership.owned(live, app.uid):
                    await self._delete(ref, live, refusals, now)

    async def _delete(self, ref: Ref, live: Manifest, refusals: Refusals, now: datetime) -> None:
        try:
            await self._cluster.delete(ref, live["metadata"]["namespace"], live["metadata"]["uid"])
        except Refused as error:
            remember(refusals, error, ref, "deletion", now)
            return
        refusals.pop(ref, None)


def _number(snapshot: Snapshot, status: MemoAppStatus) -> int | None:
    seen = snapshot.observation
    return number_to_store(status, seen.declared, seen.stored, seen.found) if seen.declared is not None else None


def _copies_in_use(snapshot: Snapshot, status: MemoAppStatus) -> set[tuple[str, str]]:
    """(kind, name) of what the colours refer to, and the revision that is about to be stored."""
    seen = snapshot.observation
    used = [seen.stored[held] for held in (status.colours or {}).values() if held in seen.stored]
    used += [seen.declared] if seen.declared is not None and _number(snapshot, status) is not None else []
    return {item for each in used for item in copied_objects(each)}


def copies(built: Built, live: Mapping[Ref, Manifest]) -> Iterator[Manifest]:
    """The immutable copies that the declared revision's pods refer to."""
    rendered = {ref_of(item): item for item in built.rendered}
    for (kind, named), copy in sorted(built.context.copies.items()):
        ref = _copied(kind, named)
        # The connection Secret as it will be: what is live may be older than the name of its copy.
        original = rendered.get(ref) or live.get(ref)
        if original is None:
            continue
        found = copy_of(built.context, ref.kind, copy)
        # Without its type: some are checked, or filled, by the API server (a service account's token).
        yield found | {key: original[key] for key in ("data", "binaryData") if key in original}


def kept(snapshot: Snapshot, status: MemoAppStatus) -> frozenset[Ref]:
    """What is not rendered and stays all the same: revisions with their copies, and what a lost status may need."""
    if status.release is None:
        return frozenset(snapshot.live)
    observation = snapshot.observation
    used = {*(status.colours or {}).values(), *observation.found.values()}
    ids = {status.release.id, *(item.id for item in status.rejected or ())}
    used |= {item.name for item in observation.stored.values() if item.id in ids}
    gone = {item.name for item in superfluous(observation.stored.values(), used)}
    stored = [item for item in observation.stored.values() if item.name not in gone]
    found = {Ref(REVISION, item.name) for item in stored}
    found |= {_copied(kind, copy) for (kind, _), copy in snapshot.context.copies.items()}
    found |= {_copied(kind, copy) for item in stored for kind, copy in copied_objects(item)}
    state = State.of(status)
    lost = {colour for colour in state.colours if held_revision(state, observation.stored, Colour(colour)) is None}
    return frozenset(found | {ref for ref, live in snapshot.live.items() if colour_of(live) in lost})


def is_superseded(live: Manifest, status: MemoAppStatus) -> bool:
    """It goes by itself: a colour's that holds no revision any more, an autoscaler, an Ingress, a revision, a copy."""
    colour = colour_of(live)
    if live["kind"] in {AUTOSCALER.kind, INGRESS.kind}:
        return True
    if colour is not None:
        return colour not in (status.colours or {})
    return bool(live["kind"] == REVISION.kind or live.get("immutable"))


def colour_of(live: Manifest) -> str | None:
    """The colour whose pods an object belongs to."""
    found: str | None = (live["metadata"].get("labels") or {}).get(names.COLOUR_LABEL)
    return found


def _copied(kind: str, copy: str) -> Ref:
    return Ref(SECRET if kind == SECRET.kind else CONFIG_MAP, copy)


def number_to_store(
    status: MemoAppStatus, declared: Revision, stored: Mapping[str, Revision], found: Mapping[str, str]
) -> int | None:
    """The number under which the declared revision is stored now, or None where that is not to be done.

    The very revision that a colour holds and that somebody deleted comes back under its own name.

    Args:
        status: as committed.
        declared: what the spec declares.
        stored: by name.
        found: the revision that each colour's live Deployments name.
    """
    if any(item.id == declared.id for item in stored.values()):
        return None
    held, active, release = status.colours or {}, status.active, status.release
    if active is not None and active.revision == declared.id and held.get(active.colour.value, "") not in stored:
        return number_in(held.get(active.colour.value, ""))
    if release is None:
        return None
    under_way = not is_over(release.phase) and release.id == declared.id
    if under_way and release.colour.value in held and held[release.colour.value] not in stored:
        return number_in(held[release.colour.value])
    pending = release.phase is ReleasePhase.PENDING and release.id == declared.id
    return next_number(stored.values(), [*held.values(), *found.values()]) if pending else None
