"""An API server in memory, with the semantics on which the operator relies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.manifest import (
    EVENT,
    MEMO_APP,
    POD_METRICS,
    SECRET,
    SERVICE,
    Kind,
    Manifest,
    Ref,
)
from memoapp_operator.ports import ClusterError, Conflict, Refused

from . import fields
from .clock import SimClock
from .faults import Faults, Write
from .kinds import is_watched, ref_of, set_defaults
from .objects import copied, no_metrics, unchanged
from .validation import invalid

NAMESPACE = "prod"
OPERATOR = "memoapp-operator"
MINT = "memoapp-operator-mint"
SCALER = "memoapp-operator/scale"
"""What is written through a subresource is owned apart."""
PUTTER = "memoapp-operator/update"
"""So is what was not applied."""
PERSON = "kubectl"

Owned = dict[str, set[fields.Path]]


@dataclass(slots=True)
class _Stored:
    manifest: Manifest
    owned: Owned = field(default_factory=dict)


class SimCluster:
    """The port ``Cluster``, one namespace.

    Attributes:
        born: how often an object of that name was created.
        log: every write request of the operator.
        faults: what goes wrong with them.
        touched: grows with every change that a watch of the operator would tell.
        admit: a webhook that changes what is applied.
        refuse: a webhook that says why something of the operator's is not taken; None where it is.
        expands: the storage class lets volumes grow.
        metrics: what metrics.k8s.io answers; without metrics-server nobody serves it.
        view: what a list answers, given what was asked and what is there: another thing where a cache lags.
        listeners: told of every change: (before, after), None for not there.
        pause: awaited in every call, so that two operators' calls mix.
        writing: the operator's write that takes effect now; None where somebody else changes something.
    """

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._stored: dict[Ref, _Stored] = {}
        self.born: dict[Ref, int] = {}
        self._address = 0
        self.version = 0
        self.touched = 0
        self.log: list[Write] = []
        self.faults = Faults()
        self.admit: Callable[[Manifest], None] = unchanged
        self.refuse: Callable[[Manifest], str | None] = lambda _: None
        self.expands = True
        self.metrics: Callable[[], list[Manifest]] = no_metrics
        self.view: Callable[[str, list[Manifest]], list[Manifest]] = lambda _, found: found
        self.listeners: list[Callable[[Manifest | None, Manifest | None], None]] = []
        self.pause: Callable[[], Awaitable[None]] | None = None
        self.writing: Write | None = None

    def resume(self, other: SimCluster) -> None:
        """Go on from where another one is. Objects that are stored are never changed, so both can hold them."""
        self._stored = {
            ref: _Stored(stored.manifest, {manager: {*paths} for manager, paths in stored.owned.items()})
            for ref, stored in other._stored.items()
        }
        self.born, self._address = {**other.born}, other._address
        self.version, self.touched, self.log = other.version, other.touched, [*other.log]

    # What the operator calls.

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest | None:
        await self._yield()
        assert namespace == NAMESPACE
        return copied(self.find(Ref(kind, name)))

    async def list(self, kind: Kind, namespace: str, labels: Mapping[str, str]) -> list[Manifest]:
        await self._yield()
        assert namespace == NAMESPACE
        assert kind is not SECRET, "the operator may not list Secrets"
        if kind is POD_METRICS:
            return copied(self.metrics())
        found = [item for item in self.all(kind) if labels.items() <= item["metadata"].get("labels", {}).items()]
        return [copied(item) for item in self.view(f"{kind.kind} {dict(labels)}", found)]

    async def create(self, manifest: Manifest) -> Manifest:
        return await self._write("create", ref_of(manifest), MINT, lambda: self._create(copied(manifest), MINT))

    async def apply(self, manifest: Manifest, *, new: bool = False) -> Manifest:
        sent = copied(manifest)
        return await self._write(
            "apply", ref_of(manifest), OPERATOR, lambda: self._apply(sent, OPERATOR, force=not new)
        )

    async def scale(self, ref: Ref, namespace: str, uid: str, replicas: int) -> None:
        assert namespace == NAMESPACE
        await self._write("scale", ref, OPERATOR, lambda: self._scale(ref, uid, replicas))

    async def delete(self, ref: Ref, namespace: str, uid: str) -> None:
        assert namespace == NAMESPACE
        await self._write("delete", ref, OPERATOR, lambda: self._delete(ref, uid))

    async def mark(
        self,
        manifest: Manifest,
        *,
        annotations: Mapping[str, str] | None = None,
        finalizers: Sequence[str] | None = None,
    ) -> Manifest:
        sent = copied(manifest)
        return await self._write("mark", ref_of(manifest), OPERATOR, lambda: self._mark(sent, annotations, finalizers))

    async def replace(self, manifest: Manifest) -> Manifest:
        sent, ref = copied(manifest), ref_of(manifest)
        return await self._write("replace", ref, OPERATOR, lambda: self._replace(self._newest(sent), sent, PUTTER))

    async def replace_status(self, manifest: Manifest) -> Manifest:
        sent = copied(manifest)
        return await self._write("status", ref_of(manifest), OPERATOR, lambda: self._replace_status(sent))

    async def note(self, about: Manifest, note: Note, now: datetime) -> None:
        metadata = {"name": note.key, "namespace": NAMESPACE}
        told = {"reason": note.reason, "message": note.message, "type": "Warning" if note.warning else "Normal"}
        involved = {"kind": about["kind"], "uid": about["metadata"]["uid"]}
        manifest = {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": involved, **told}
        manifest["firstTimestamp"] = manifest["lastTimestamp"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        await self._write("note", ref_of(about), OPERATOR, lambda: self._tell(manifest))

    async def reach(self, ref: Ref, effect: Callable[[], bool]) -> None:
        """A request to a pod itself, counted among the writes and never answered; ``effect`` tells if it changed it."""

        def counted() -> None:
            self.version += effect()

        try:
            await self._write("steer", ref, OPERATOR, counted)
        except ClusterError:
            return

    # What people, controllers and tests do.

    def find(self, ref: Ref) -> Manifest | None:
        """The object itself: to be read, not changed."""
        found = self._stored.get(ref)
        return found.manifest if found else None

    def all(self, *kinds: Kind) -> Iterator[Manifest]:
        """The objects of these kinds, or all; to be read, not changed."""
        for ref, stored in [*self._stored.items()]:
            if not kinds or ref.kind in kinds:
                yield stored.manifest

    def put(self, manifest: Manifest, manager: str = PERSON) -> Manifest:
        """Create, or replace all but the status."""
        sent, stored = copied(manifest), self._stored.get(ref_of(manifest))
        if stored is None:
            return self._create(sent, manager)
        server = {key: value for key, value in stored.manifest["metadata"].items() if key not in fields.METADATA}
        sent["metadata"] = {**sent["metadata"], **server}
        if "status" in stored.manifest:
            sent["status"] = stored.manifest["status"]
        return self._replace(stored, sent, manager)

    def apply_as(self, manager: str, manifest: Manifest) -> Manifest:
        """Server-side apply of somebody else's."""
        return self._apply(copied(manifest), manager, force=True)

    def edit(self, ref: Ref, change: Callable[[Manifest], None], manager: str = PERSON) -> Manifest:
        """Change an object as ``kubectl edit`` does."""
        sent = copied(self._stored[ref].manifest)
        change(sent)
        return self._replace(self._stored[ref], sent, manager)

    def set_status(self, ref: Ref, status: Manifest | None) -> None:
        """What a controller says of its object."""
        stored = self._stored[ref]
        if stored.manifest.get("status") != status:
            before = stored.manifest
            self._keep(stored, before, {**before, "status": status})

    def remove(self, ref: Ref) -> None:
        """Delete, at once."""
        stored = self._stored.pop(ref)
        self._changed(stored.manifest, None)

    def delete_as_a_person(self, ref: Ref) -> None:
        """Delete; what has finalizers waits for them."""
        if not self._stored[ref].manifest["metadata"].get("finalizers"):
            self.remove(ref)
        elif not self._stored[ref].manifest["metadata"].get("deletionTimestamp"):
            self.leave(ref)

    def leave(self, ref: Ref) -> None:
        """Deleted, and held back by a finalizer."""
        self.edit(ref, lambda found: found["metadata"].update(deletionTimestamp=self._clock.stamp()))

    def births(self, ref: Ref) -> int:
        """How often an object of that name was created."""
        return self.born.get(ref, 0)

    def events(self) -> Sequence[Manifest]:
        """What was told about MemoApps, in order."""
        return [event for event in self.all(EVENT) if event["involvedObject"]["kind"] == MEMO_APP.kind]

    # Semantics.

    async def _yield(self) -> None:
        if self.pause is not None:
            await self.pause()

    async def _write(self, verb: str, ref: Ref, manager: str, effect: Callable[[], Any]) -> Any:
        await self._yield()
        write = Write(len(self.log) + 1, verb, ref, manager)
        self.log.append(write)
        before = self.version
        try:
            self.faults.before(write)
            self.writing = write
            try:
                result = copied(effect())
            finally:
                self.writing = None
            write.outcome = "unchanged" if self.version == before else "written"
            self.faults.after(write)
        except BaseException as error:
            if write.outcome == "lost":
                write.outcome = type(error).__name__
            raise
        return result

    def _create(self, manifest: Manifest, manager: str) -> Manifest:
        ref = ref_of(manifest)
        if ref in self._stored:
            raise Conflict(409, "AlreadyExists", f"{ref} already exists")
        self._check(manifest, None)
        self.born[ref] = self.born.get(ref, 0) + 1
        metadata = manifest["metadata"]
        metadata.setdefault("uid", f"{ref.kind.kind}-{ref.name}-{self.born[ref]}".lower())
        metadata["creationTimestamp"] = self._clock.stamp()
        if "spec" in manifest:
            metadata["generation"] = 1
        stored = _Stored({}, {manager: set(fields.leaves(manifest))})
        if ref.kind is SERVICE:
            manifest["spec"].setdefault("clusterIP", self._next_address())
        set_defaults(manifest)
        self._stored[ref] = stored
        return self._keep(stored, None, manifest)

    def _next_address(self) -> str:
        self._address += 1
        return f"10.96.0.{self._address}"

    def _apply(self, manifest: Manifest, manager: str, *, force: bool) -> Manifest:
        ref, wanted_uid = ref_of(manifest), manifest["metadata"].pop("uid", None)
        stored = self._stored.get(ref)
        if wanted_uid is not None and (stored is None or stored.manifest["metadata"]["uid"] != wanted_uid):
            raise Conflict(409, "Conflict", f"{ref} has another uid, or is not there")
        self.admit(manifest)
        if stored is None:
            return self._create(manifest, manager)
        wanted = fields.leaves(manifest)
        present = fields.leaves(stored.manifest)
        for other, paths in stored.owned.items():
            taken = [path for path in wanted if path in paths and present.get(path) != wanted[path]]
            if taken and other != manager and not force:
                raise Conflict(409, "Conflict", f"{ref}: {taken[0]} is owned by {other}")
        return self._merge(stored, manager, wanted, present)

    def _merge(
        self, stored: _Stored, manager: str, wanted: Mapping[fields.Path, Any], present: Mapping[fields.Path, Any]
    ) -> Manifest:
        merged = copied(stored.manifest)
        mine = stored.owned.get(manager, set())
        others = {path for other, paths in stored.owned.items() if other != manager for path in paths}
        fields.drop(merged, mine - wanted.keys() - others)
        for path, value in wanted.items():
            fields.put(merged, path, value)
        set_defaults(merged)
        self._check(merged, stored.manifest)
        taken = {path for path, value in wanted.items() if present.get(path) != value}
        owned: Owned = {name: paths - taken for name, paths in stored.owned.items() if name != manager}
        owned[manager] = set(wanted)
        changed_hands, stored.owned = owned != stored.owned, owned
        if merged == stored.manifest and not changed_hands:
            return stored.manifest
        return self._keep(stored, stored.manifest, merged)

    def _replace(self, stored: _Stored, manifest: Manifest, manager: str) -> Manifest:
        before, after = fields.leaves(stored.manifest), fields.leaves(manifest)
        self._check(manifest, stored.manifest)
        changed = {path for path, value in after.items() if before.get(path) != value}
        for paths in stored.owned.values():
            paths.difference_update(changed, before.keys() - after.keys())
        stored.owned.setdefault(manager, set()).update(changed)
        if manifest == stored.manifest:
            return manifest
        return self._keep(stored, stored.manifest, manifest)

    def _newest(self, manifest: Manifest) -> _Stored:
        """What is stored, if ``manifest`` was read from it."""
        ref, metadata = ref_of(manifest), manifest["metadata"]
        stored = self._stored.get(ref)
        if stored is None:
            raise Refused(404, "NotFound", f"{ref} not found")
        present = stored.manifest["metadata"]
        if (present["uid"], present["resourceVersion"]) != (metadata["uid"], metadata["resourceVersion"]):
            raise Conflict(409, "Conflict", "the object has been modified")
        return stored

    def _replace_status(self, manifest: Manifest) -> Manifest:
        stored = self._newest(manifest)
        self.set_status(ref_of(manifest), manifest["status"])
        return stored.manifest

    def _mark(
        self, manifest: Manifest, annotations: Mapping[str, str] | None, finalizers: Sequence[str] | None
    ) -> Manifest:
        stored = self._newest(manifest)
        sent = copied(stored.manifest)
        if annotations is not None:
            sent["metadata"].setdefault("annotations", {}).update(annotations)
        if finalizers is not None:
            sent["metadata"]["finalizers"] = list(finalizers)
        if finalizers == [] and sent["metadata"].get("deletionTimestamp"):
            self.remove(ref_of(manifest))
            return sent
        return self._replace(stored, sent, OPERATOR)

    def _scale(self, ref: Ref, uid: str, replicas: int) -> None:
        stored = self._stored.get(ref)
        if stored is None:
            raise Refused(404, "NotFound", f"{ref} not found")
        if stored.manifest["metadata"]["uid"] != uid:
            raise Conflict(409, "Conflict", f"{ref} has another uid")
        self.edit(ref, lambda found: found["spec"].update(replicas=replicas), SCALER)

    def _delete(self, ref: Ref, uid: str) -> None:
        stored = self._stored.get(ref)
        if stored is None:
            return
        if stored.manifest["metadata"]["uid"] != uid:
            raise Conflict(409, "Conflict", f"{ref} has another uid")
        self.delete_as_a_person(ref)

    def _tell(self, event: Manifest) -> None:
        if ref_of(event) not in self._stored:
            self._create(event, OPERATOR)

    def _check(self, manifest: Manifest, before: Manifest | None) -> None:
        refused = self.refuse(manifest) if self.writing is not None else None
        reason = refused or invalid(manifest, before, self.all(SERVICE), expands=self.expands)
        if reason:
            name = manifest["metadata"]["name"]
            raise Refused(422, "Invalid", f'{manifest["kind"]} "{name}" is invalid: {reason}')

    def _keep(self, stored: _Stored, before: Manifest | None, after: Manifest) -> Manifest:
        """Store a changed object under a new resourceVersion, and a new generation where its spec changed."""
        self.version += 1
        metadata = {**after["metadata"], "resourceVersion": str(self.version)}
        if before is not None and "generation" in metadata and before.get("spec") != after.get("spec"):
            metadata["generation"] += 1
        stored.manifest = {**after, "metadata": metadata}
        self._changed(before, stored.manifest)
        return stored.manifest

    def _changed(self, before: Manifest | None, after: Manifest | None) -> None:
        about = after or before or {}
        if after is None:
            self.version += 1
        if is_watched(about):
            self.touched += 1
        for listener in self.listeners:
            listener(before, after)
