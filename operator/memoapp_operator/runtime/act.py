"""Act: bring the children to what the committed status and the spec say. Only what differs is written."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp, MemoAppStatus, ReleasePhase
from memoapp_operator.domain import names, ownership
from memoapp_operator.domain.diff import differences
from memoapp_operator.domain.manifest import CONFIG_MAP, REVISION, SECRET, VOLUME_CLAIM, Manifest, Ref, ref_of
from memoapp_operator.domain.observation import Child, ChildState
from memoapp_operator.domain.revision import (
    Revision,
    copied_objects,
    next_number,
    superfluous,
)
from memoapp_operator.ports import Clock, Cluster, Mint, Refused, Services, Steering
from memoapp_operator.render.children import minted, render
from memoapp_operator.render.context import Context, Credentials
from memoapp_operator.render.revision import copy_of, stored_revision

from .credentials import damaged, router_certificate
from .snapshot import Snapshot, digest, to_mint, wanted

logger = logging.getLogger(__name__)

REFUSED_AGAIN = timedelta(seconds=60)
"""What the API server refused is asked again after this long, or at once when it changed."""
RENEW_BEFORE = timedelta(days=30)
NOT_AFTER_ANNOTATION = "memoapp.dev/not-after"
_ROUTER_NAMES = ("router",)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the API server would not take."""

    message: str
    digest: str
    at: datetime


@dataclass(slots=True)
class Memory:
    """What one process remembers of one app; nothing is lost with it.

    Attributes:
        refusals: by child.
        settled: children that the server stores in another form than they were sent in: digest of what was sent and
            the paths that differ. Sending them again would change nothing.
    """

    refusals: dict[Ref, Refusal] = field(default_factory=dict)
    settled: dict[Ref, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def messages(self) -> dict[Ref, str]:
        """The refusals as texts."""
        return {ref: refusal.message for ref, refusal in self.refusals.items()}


class Actor:
    """Writes children.

    Args:
        cluster: the API server.
        services: the routers.
        mint: where new secrets come from.
        clock: the time.
    """

    def __init__(self, cluster: Cluster, services: Services, mint: Mint, clock: Clock) -> None:
        self._cluster = cluster
        self._services = services
        self._mint = mint
        self._clock = clock

    async def act(self, snapshot: Snapshot, status: MemoAppStatus, memory: Memory) -> bool:
        """Do what is left to do; True where something was written.

        Raises:
            ClusterError: the pass ends here and is tried again; everything done so far stays.
        """
        context = snapshot.context_for(status)
        app = context.app
        changed = False
        restarts = (status.orders.restarts if status.orders else None) or ()
        for skeleton in to_mint(context, snapshot.live):
            if not self._would_lose(skeleton, snapshot):
                await self._cluster.create(await self._filled(skeleton, app))
                changed = True
        for manifest in wanted(context, snapshot.live):
            live = snapshot.live.get(ref_of(manifest))
            child = ownership.assess(manifest, live, app.metadata.name, app.metadata.uid)
            changed |= await self._bring(manifest, child, live, memory, restarts)
        changed |= await self._store(snapshot, status)
        changed |= await self._steer(snapshot, context)
        await self._prune_copies(snapshot, status)
        for ref, live in self._superfluous(context, snapshot, status).items():
            await self._cluster.delete(ref, app.metadata.namespace, live["metadata"]["uid"])
            changed = True
        return changed

    async def _store(self, snapshot: Snapshot, status: MemoAppStatus) -> bool:
        """Create what a release under way is made of: copies first, then the revision that names them."""
        declared, stored = snapshot.observation.declared, snapshot.observation.stored
        number = number_to_store(status, declared, stored) if declared is not None else None
        if declared is None or number is None:
            return False
        context = snapshot.context_for(status)
        namespace = context.app.metadata.namespace
        for copy in copies(context, snapshot.live):
            if await self._cluster.get(ref_of(copy).kind, namespace, copy["metadata"]["name"]) is None:
                await self._cluster.create(copy)
        await self._cluster.create(stored_revision(context, declared, number))
        return True

    async def _prune_copies(self, snapshot: Snapshot, status: MemoAppStatus) -> None:
        """Delete copies of Secrets, which cannot be listed, before the last revision that names them."""
        used, app = _used(snapshot, status), snapshot.context.app.metadata
        for item in snapshot.observation.stored.values():
            if Ref(REVISION, item.name) in used:
                continue
            for kind, name in sorted(copied_objects(item)):
                ref = Ref(SECRET, name)
                live = await self._cluster.get(SECRET, app.namespace, name) if kind == SECRET.kind else None
                if live is not None and ref not in used and live.get("immutable") and _owned(live, app.uid):
                    await self._cluster.delete(ref, app.namespace, live["metadata"]["uid"])

    async def _steer(self, snapshot: Snapshot, context: Context) -> bool:
        """Set the weights in every router that does not have them; they are read back in the next pass."""
        certificate = router_certificate(context.app, snapshot.live)
        if certificate is None:
            return False
        goal = Steering(context.green_weight, context.release)
        wrong = [address for address, told in snapshot.routers.values() if told is not None and told != goal]
        await asyncio.gather(*(self._services.steer(address, certificate, goal) for address in wrong))
        return bool(wrong)

    @staticmethod
    def _would_lose(skeleton: Manifest, snapshot: Snapshot) -> bool:
        """A new password would not open data that is there."""
        name = skeleton["metadata"]["name"]
        is_database = name == names.child(snapshot.context.app.metadata.name, "database")
        return is_database and Ref(VOLUME_CLAIM, name) in snapshot.live

    async def _filled(self, skeleton: Manifest, app: MemoApp) -> Manifest:
        """The Secret with new values. What may be given up or taken back later is not owned at its creation."""
        name, metadata = skeleton["metadata"]["name"], dict(skeleton["metadata"])
        if name == names.child(app.metadata.name, "router-tls"):
            values = dict(await self._mint.router_certificates(_ROUTER_NAMES, self._clock.now()))
            metadata["annotations"] = {**metadata.get("annotations", {}), NOT_AFTER_ANNOTATION: values.pop("notAfter")}
        elif name == names.child(app.metadata.name, "database"):
            values = {key: self._mint.password() for key in ("superuser-password", "password", "monitor-password")}
            metadata.pop("ownerReferences", None)
        else:
            password = self._mint.password()
            values = {"password": password, "auth.conf": f"requirepass {password}\n"}
        data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
        return {**skeleton, "metadata": metadata, "data": data}

    async def _bring(
        self, manifest: Manifest, child: Child, live: Manifest | None, memory: Memory, restarts: Collection[str]
    ) -> bool:
        ordered = child.state is ChildState.WAITING and child.detail in restarts
        if child.state not in {ChildState.MISSING, ChildState.DIFFERS} and not ordered:
            memory.refusals.pop(child.ref, None)
            return False
        identity = digest(manifest)
        if live is not None and memory.settled.get(child.ref) == (identity, differences(manifest, live)):
            return False
        refusal = memory.refusals.get(child.ref)
        if refusal and refusal.digest == identity and self._clock.now() < refusal.at + REFUSED_AGAIN:
            return False
        return await self._apply(manifest, child, identity, memory)

    async def _apply(self, manifest: Manifest, child: Child, identity: str, memory: Memory) -> bool:
        body = manifest
        if child.uid is not None:
            body = {**manifest, "metadata": {**manifest["metadata"], "uid": child.uid}}
        try:
            stored = await self._cluster.apply(body, new=child.state is ChildState.MISSING)
        except Refused as error:
            logger.warning("%s is refused: %s", child.ref, error.message)
            memory.refusals[child.ref] = Refusal(_stable(error.message), identity, self._clock.now())
            return False
        memory.refusals.pop(child.ref, None)
        left = differences(manifest, stored)
        if left:
            logger.warning("the API server stores %s in another form: %s", child.ref, ", ".join(left))
            memory.settled[child.ref] = (identity, left)
        logger.info("applied %s", child.ref)
        return True

    def _superfluous(self, context: Context, snapshot: Snapshot, status: MemoAppStatus) -> dict[Ref, Manifest]:
        """What is ours by owner reference and goes: not in the spec any more, or a minted Secret to be made anew."""
        declared = declared_refs(context) | _used(snapshot, status)
        uid = context.app.metadata.uid
        found = {
            ref: live
            for ref, live in snapshot.live.items()
            if ref not in declared and _owned(live, uid) and not live["metadata"].get("deletionTimestamp")
        }
        tls = Ref(SECRET, names.child(context.app.metadata.name, "router-tls"))
        anew = [ref for ref in (tls,) if ref in snapshot.live and self._ends_soon(snapshot.live[ref])]
        for ref in (*anew, *damaged(context.app, snapshot.live)):
            if _owned(snapshot.live[ref], uid):
                found[ref] = snapshot.live[ref]
        return found

    def _ends_soon(self, secret: Manifest) -> bool:
        noted = (secret["metadata"].get("annotations") or {}).get(NOT_AFTER_ANNOTATION)
        return noted is not None and datetime.fromisoformat(noted) - self._clock.now() < RENEW_BEFORE


def copies(context: Context, live: Mapping[Ref, Manifest]) -> Iterator[Manifest]:
    """The immutable copies that the declared revision's pods refer to."""
    rendered = {ref_of(item): item for item in render(context)}
    for (kind, name), copy in sorted(context.copies.items()):
        ref = _copied(kind, name)
        original = live.get(ref) or rendered.get(ref)
        if original is None:
            continue
        found = copy_of(context, ref.kind, copy)
        yield found | {key: original[key] for key in ("data", "binaryData", "type") if key in original}


def _used(snapshot: Snapshot, status: MemoAppStatus) -> set[Ref]:
    """What is not rendered and stays all the same: revisions with their copies, and what a lost status may need."""
    observation = snapshot.observation
    names_used = {*(status.colours or {}).values(), *observation.found.values()}
    ids = {item.id for item in (status.release, status.rejected) if item is not None}
    names_used |= {item.name for item in observation.stored.values() if item.id in ids}
    gone = {item.name for item in superfluous(observation.stored.values(), names_used)}
    kept = [item for item in observation.stored.values() if item.name not in gone]
    found = {Ref(REVISION, item.name) for item in kept}
    found |= {_copied(kind, name) for (kind, _), name in snapshot.context.copies.items()}
    lost = {colour for colour, name in (status.colours or {}).items() if name not in observation.stored}
    found |= {ref for ref, live in snapshot.live.items() if _colour(live) in lost}
    for item in kept:
        found |= {_copied(kind, name) for kind, name in copied_objects(item)}
    if status.release is None:
        found |= set(snapshot.live)
    return found


def _copied(kind: str, name: str) -> Ref:
    return Ref(SECRET if kind == SECRET.kind else CONFIG_MAP, name)


def _colour(live: Manifest) -> str | None:
    found: str | None = (live["metadata"].get("labels") or {}).get(names.COLOUR_LABEL)
    return found


def number_to_store(status: MemoAppStatus, declared: Revision, stored: Mapping[str, Revision]) -> int | None:
    """The number under which the declared revision is stored now, or None where that is not to be done.

    A revision that a colour holds and that somebody deleted comes back under its own name.
    """
    if any(item.id == declared.id for item in stored.values()):
        return None
    for name in (status.colours or {}).values():
        if name not in stored and status.active is not None and status.active.revision == declared.id:
            return int(name.rpartition("-r")[2])
    pending = status.release is not None and status.release.phase is ReleasePhase.PENDING
    return next_number(stored.values()) if pending else None


def declared_refs(context: Context) -> set[Ref]:
    """Every child that the spec can have, whether or not it can be rendered by now."""
    credentials = Credentials(
        database=dict.fromkeys(("host", "port", "user", "password", "dbname", "monitor-password"), "0"),
        cache=dict.fromkeys(("host", "port", "user", "password"), "0"),
        router_digest="0",
    )
    addresses = {f"{colour}-{tier}": "192.0.2.1" for colour in Colour for tier in ("backend", "frontend")}
    full = replace(context, credentials=credentials, addresses=addresses)
    return {ref_of(manifest) for manifest in (*minted(full), *render(full))}


def _owned(live: Mapping[str, object], uid: str) -> bool:
    metadata = live["metadata"]
    owners = metadata.get("ownerReferences") if isinstance(metadata, dict) else None
    return any(owner.get("controller") and owner.get("uid") == uid for owner in owners or [])


def _stable(message: str) -> str:
    """The first 300 characters: a refusal may list a whole object."""
    return message if len(message) <= 300 else f"{message[:297]}..."  # noqa: PLR2004 -- said above
