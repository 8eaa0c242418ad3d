"""Revisions in the cluster: stored before the first pod of them starts, kept while somebody needs them, then pruned."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus, ReleasePhase
from memoapp_operator.domain import names, ownership
from memoapp_operator.domain.manifest import AUTOSCALER, CONFIG_MAP, REVISION, SECRET, Manifest, Ref, ref_of
from memoapp_operator.domain.observation import ChildState
from memoapp_operator.domain.revision import Revision, copied_objects, next_number, parse, superfluous
from memoapp_operator.ports import Cluster
from memoapp_operator.render.metadata import name
from memoapp_operator.render.revision import copy_of, stored_revision

from .snapshot import Built, Snapshot


class Revisions:
    """Creates and prunes ControllerRevisions and the immutable copies that they name.

    Args:
        cluster: the API server.
    """

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def store(self, snapshot: Snapshot, built: Built, status: MemoAppStatus) -> bool:
        """Create what a release under way is made of: copies first, then the revision that names them.

        Copies that a colour uses and that somebody deleted come back as long as their originals are what they were.
        """
        declared, stored = snapshot.observation.declared, snapshot.observation.stored
        number = number_to_store(status, declared, stored) if declared is not None else None
        used = [stored[held] for held in (status.colours or {}).values() if held in stored]
        used += [declared] if declared is not None and number is not None else []
        made = await self._store_copies(snapshot, built, {item for each in used for item in copied_objects(each)})
        if declared is None or number is None or made is None:
            return bool(made)
        namespace = built.context.app.metadata.namespace
        while (there := await self._cluster.get(REVISION, namespace, name(built.context, f"r{number}"))) is not None:
            if ownership.owned(there, built.context.app.metadata.uid) and parse(there).id == declared.id:
                return bool(made)  # another process, or a list that lags
            number += 1
        await self._cluster.create(stored_revision(built.context, declared, number))
        return True

    async def _store_copies(self, snapshot: Snapshot, built: Built, used: Collection[tuple[str, str]]) -> int | None:
        """How many were made; None where one of a deleted MemoApp of the same name has yet to go."""
        app, made, leaving = built.context.app.metadata, 0, False
        for copy in copies(built, snapshot.live):
            ref = ref_of(copy)
            if (ref.kind.kind, ref.name) not in used:
                continue
            there = snapshot.live.get(ref) or await self._cluster.get(ref.kind, app.namespace, ref.name)
            if there is None:
                await self._cluster.create(copy)
                made += 1
            else:
                leaving |= ownership.standing(there, app.name, app.uid) is ChildState.LEAVING
        return None if leaving else made

    async def prune_copies(self, snapshot: Snapshot, kept: frozenset[Ref]) -> None:
        """Delete copies of Secrets, which cannot be listed, before the last revision that names them."""
        app = snapshot.context.app.metadata
        for item in snapshot.observation.stored.values():
            if Ref(REVISION, item.name) in kept:
                continue
            for kind, copy in sorted(copied_objects(item)):
                ref = Ref(SECRET, copy)
                live = await self._cluster.get(SECRET, app.namespace, copy) if kind == SECRET.kind else None
                if live is not None and ref not in kept and live.get("immutable") and ownership.owned(live, app.uid):
                    await self._cluster.delete(ref, app.namespace, live["metadata"]["uid"])


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
        yield found | {key: original[key] for key in ("data", "binaryData", "type") if key in original}


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
    lost = {colour for colour, held in (status.colours or {}).items() if held not in observation.stored}
    return frozenset(found | {ref for ref, live in snapshot.live.items() if colour_of(live) in lost})


def is_superseded(live: Manifest, status: MemoAppStatus) -> bool:
    """It goes by itself: a colour's that holds no revision any more, an autoscaler, a revision or a copy."""
    colour = colour_of(live)
    if live["kind"] == AUTOSCALER.kind:
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


def number_to_store(status: MemoAppStatus, declared: Revision, stored: Mapping[str, Revision]) -> int | None:
    """The number under which the declared revision is stored now, or None where that is not to be done.

    A revision that a colour holds and that somebody deleted comes back under its own name.
    """
    if any(item.id == declared.id for item in stored.values()):
        return None
    for held in (status.colours or {}).values():
        if held not in stored and status.active is not None and status.active.revision == declared.id:
            return int(held.rpartition("-r")[2])
    pending = status.release is not None and status.release.phase is ReleasePhase.PENDING
    return next_number(stored.values()) if pending else None
