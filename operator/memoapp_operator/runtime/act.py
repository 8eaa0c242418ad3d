"""Act: bring the children to what the committed status and the spec say. Only what differs is written."""

from __future__ import annotations

import asyncio
import logging
from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus
from memoapp_operator.domain import names, ownership, release, upkeep
from memoapp_operator.domain.diff import differences
from memoapp_operator.domain.manifest import CONFIG_MAP, SECRET, VOLUME_CLAIM, Manifest, Ref, ref_of
from memoapp_operator.domain.observation import Child, ChildState
from memoapp_operator.domain.phases import is_over
from memoapp_operator.ports import Clock, Cluster, Mint, Refused, Services, Steering, Unavailable
from memoapp_operator.render.haproxy import STATE

from . import pruning
from .backups import BackupActs
from .credentials import connected_cache_password, damaged, router_certificate
from .meter import Window
from .refusals import Refusals, is_refused, remember
from .release_jobs import ReleaseJobs
from .revisions import Revisions, is_superseded, kept
from .snapshot import Built, Snapshot, digest, is_scaled, is_settled

logger = logging.getLogger(__name__)

RENEW_BEFORE = timedelta(days=30)
MUTE_AFTER = timedelta(seconds=60)
"""A router that starts, or a node that is busy, is silent for less."""
NOT_AFTER_ANNOTATION = "memoapp.dev/not-after"
_ROUTER_NAMES = ("router",)


@dataclass(slots=True)
class Memory:
    """What one process remembers of one app; nothing is lost with it.

    Attributes:
        refusals: by child.
        unscaled: refusals of a Deployment's pods to be as many as they should, by Deployment.
        settled: children that the server stores in another form than they were sent in: digest of what was sent and
            the paths that differ. Sending them again would change nothing.
        silent: ready routers that did not tell how they steer, by name: since when.
        window: what was gathered for the gates of the release under way.
    """

    refusals: Refusals = field(default_factory=dict)
    unscaled: Refusals = field(default_factory=dict)
    settled: dict[Ref, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    silent: dict[str, datetime] = field(default_factory=dict)
    window: Window = field(default_factory=Window)

    def mute(self, routers: Mapping[str, int | None], now: datetime) -> tuple[str, ...]:
        """The routers that have not told for ``MUTE_AFTER`` how they steer; those that do are forgotten."""
        silent = [name for name, weight in routers.items() if weight is None]
        self.silent = {name: self.silent.get(name, now) for name in silent}
        return tuple(sorted(name for name, since in self.silent.items() if now - since >= MUTE_AFTER))

    def messages(self) -> dict[Ref, str]:
        """The refusals as texts."""
        return {ref: refusal.message for ref, refusal in (self.unscaled | self.refusals).items()}


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
        self._revisions = Revisions(cluster)
        self._backups = BackupActs(cluster)
        self._jobs = ReleaseJobs(cluster)
        self._mint = mint
        self._clock = clock

    async def act(self, snapshot: Snapshot, status: MemoAppStatus, memory: Memory) -> bool:
        """Do what is left to do; True where something was written.

        Raises:
            ClusterError: the pass ends here and is tried again; everything done so far stays.
        """
        built = snapshot.built_for(status)
        app = built.context.app
        restarts = (status.orders.restarts if status.orders else None) or ()
        weights = Ref(CONFIG_MAP, names.child(app.metadata.name, STATE))
        changed = await self._lead(built, snapshot, weights, memory)
        for skeleton in built.to_mint(snapshot.live):
            if self._would_lose(skeleton, snapshot):
                continue
            if not await self._create(skeleton, snapshot, memory):
                return changed
            changed = True
        failed: Unavailable | None = None
        for manifest in built.wanted(snapshot.live):
            if ref_of(manifest) == weights:
                continue
            try:
                changed |= await self._child(manifest, built, snapshot, memory, restarts)
            except Unavailable as error:
                if not error.code:
                    raise  # nobody answers: the others would wait in vain, each for its seconds
                failed = failed or error
        changed |= await self._rest(built, snapshot, status, memory)
        changed |= await self._jobs.act(snapshot, built, status, memory.refusals, self._clock.now())
        changed |= await self._backups.act(snapshot, status, self._clock.now())
        over = upkeep.to_prune(app.model_copy(update={"status": status}), snapshot.observation.ended)
        changed |= await pruning.prune(self._cluster, app.metadata.namespace, over)
        if failed is not None:
            raise failed
        return changed

    async def _child(
        self, manifest: Manifest, built: Built, snapshot: Snapshot, memory: Memory, restarts: Collection[str]
    ) -> bool:
        """Bring one child to what it should be."""
        app, live = built.context.app.metadata, snapshot.live.get(ref_of(manifest))
        child = ownership.assess(manifest, live, app.name, app.uid)
        stored = await self._bring(manifest, child, live, memory, restarts)
        scaled = await self._scale(built, child, stored or live, memory)
        return stored is not None or scaled

    async def _rest(self, built: Built, snapshot: Snapshot, status: MemoAppStatus, memory: Memory) -> bool:
        """Store what a release is made of, and take away what is of no use any more."""
        now, stays = self._clock.now(), kept(snapshot, status)
        wanted = built.possible | snapshot.live.keys() | self._revisions.wanted(snapshot, status)
        wanted |= self._jobs.wanted(status)
        for ref in memory.refusals.keys() - wanted:
            del memory.refusals[ref]  # what is neither wanted nor there is no trouble
        await self._revisions.prune_copies(snapshot, stays, memory.refusals, now)
        changed = await self._revisions.store(snapshot, built, status, memory.refusals, now)
        for ref, live in self._superfluous(built, snapshot, status, stays).items():
            try:
                await self._cluster.delete(ref, built.context.app.metadata.namespace, live["metadata"]["uid"])
            except Refused as error:
                remember(memory.refusals, error, ref, "deletion", now)
                continue
            memory.refusals.pop(ref, None)
            changed = True
        return changed

    async def _lead(self, built: Built, snapshot: Snapshot, weights: Ref, memory: Memory) -> bool:
        """Where the clients go comes first: a child that cannot be written must not hold up a way back."""
        manifest = next((item for item in built.rendered if ref_of(item) == weights), None)
        if manifest is None:
            return False
        app, live = built.context.app.metadata, snapshot.live.get(weights)
        child = ownership.assess(manifest, live, app.name, app.uid)
        stored = await self._bring(manifest, child, live, memory, ())
        return await self._steer(snapshot, built) or stored is not None

    async def _scale(self, built: Built, child: Child, stored: Manifest | None, memory: Memory) -> bool:
        """Give a Deployment of ours its pods."""
        if stored is None or child.state in {ChildState.FOREIGN, ChildState.LEAVING}:
            return False
        if is_scaled(built, child.ref, stored):
            memory.unscaled.pop(child.ref, None)
            return False
        metadata, wanted = stored["metadata"], built.scales[child.ref]
        if is_refused(memory.unscaled, child.ref, str(wanted), self._clock.now()):
            return False
        try:
            await self._cluster.scale(child.ref, metadata["namespace"], metadata["uid"], wanted)
        except Refused as error:
            remember(memory.unscaled, error, child.ref, str(wanted), self._clock.now())
            return False
        return True

    async def _steer(self, snapshot: Snapshot, built: Built) -> bool:
        """Set the weights in every router that does not have them; they are read back in the next pass."""
        certificate = router_certificate(built.context.app, snapshot.live)
        if certificate is None:
            return False
        goal = Steering(
            built.context.green_weight,
            built.context.release,
            until=built.context.page_until,
            message=built.context.page_message,
        )
        wrong = [address for address, told in snapshot.routers.values() if told is not None and told != goal]
        await asyncio.gather(*(self._services.steer(address, certificate, goal) for address in wrong))
        return bool(wrong)

    async def _create(self, skeleton: Manifest, snapshot: Snapshot, memory: Memory) -> bool:
        """Mint one Secret; False where it is refused: nothing may be built on one that is not there."""
        ref, identity = ref_of(skeleton), digest(skeleton)
        if is_refused(memory.refusals, ref, identity, self._clock.now()):
            return False
        try:
            await self._cluster.create(await self._filled(skeleton, snapshot))
        except Refused as error:
            remember(memory.refusals, error, ref, identity, self._clock.now())
            return False
        memory.refusals.pop(ref, None)
        return True

    @staticmethod
    def _would_lose(skeleton: Manifest, snapshot: Snapshot) -> bool:
        """A new password would not open data that is there."""
        name = skeleton["metadata"]["name"]
        is_database = name == names.child(snapshot.context.app.metadata.name, "database")
        return is_database and Ref(VOLUME_CLAIM, name) in snapshot.live

    async def _filled(self, skeleton: Manifest, snapshot: Snapshot) -> Manifest:
        """The Secret with new values. What may be given up or taken back later is not owned at its creation."""
        app, name, metadata = snapshot.context.app, skeleton["metadata"]["name"], dict(skeleton["metadata"])
        if name == names.child(app.metadata.name, "router-tls"):
            values = dict(await self._mint.router_certificates(_ROUTER_NAMES, self._clock.now()))
            metadata["annotations"] = {**metadata.get("annotations", {}), NOT_AFTER_ANNOTATION: values.pop("notAfter")}
        elif name == names.child(app.metadata.name, "database"):
            values = {key: self._mint.password() for key in ("superuser-password", "password", "monitor-password")}
            metadata.pop("ownerReferences", None)
        else:
            # Redis and the pods that use it took theirs at their start: one that was lost comes back as it was.
            password = connected_cache_password(app, snapshot.live) or self._mint.password()
            values = {"password": password, "auth.conf": f"requirepass {password}\n"}
        data = {key: b64encode(value.encode()).decode() for key, value in values.items()}
        return {**skeleton, "metadata": metadata, "data": data}

    async def _bring(
        self, manifest: Manifest, child: Child, live: Manifest | None, memory: Memory, restarts: Collection[str]
    ) -> Manifest | None:
        """The child as it is stored once it was written; None where there was nothing to write, or it was refused."""
        ordered = child.state is ChildState.WAITING and child.detail in restarts
        if child.state not in {ChildState.MISSING, ChildState.DIFFERS} and not ordered:
            memory.refusals.pop(child.ref, None)
            return None
        identity = digest(manifest)
        if live is not None and is_settled(manifest, live, memory.settled):
            return None
        if is_refused(memory.refusals, child.ref, identity, self._clock.now()):
            return None
        return await self._apply(manifest, child, identity, memory)

    async def _apply(self, manifest: Manifest, child: Child, identity: str, memory: Memory) -> Manifest | None:
        body = manifest
        if child.uid is not None:
            body = {**manifest, "metadata": {**manifest["metadata"], "uid": child.uid}}
        try:
            stored = await self._cluster.apply(body, new=child.state is ChildState.MISSING)
        except Refused as error:
            remember(memory.refusals, error, child.ref, identity, self._clock.now())
            return None
        memory.refusals.pop(child.ref, None)
        left = differences(manifest, stored)
        if left:
            logger.warning("the API server stores %s in another form: %s", child.ref, ", ".join(left))
            memory.settled[child.ref] = (identity, left)
        logger.info("applied %s", child.ref)
        return stored

    def _superfluous(
        self, built: Built, snapshot: Snapshot, status: MemoAppStatus, stays: frozenset[Ref]
    ) -> dict[Ref, Manifest]:
        """What is ours by owner reference and goes: of no use any more, or a minted Secret to be made anew.

        Certificates are renewed between two releases: until all routers have new ones, some cannot be steered. Parts
        that left the spec go once the release without them serves alone: until then routers and pods use them.
        """
        app = built.context.app
        tls = Ref(SECRET, names.child(app.metadata.name, "router-tls"))
        renewable = {tls} if status.release is None or is_over(status.release.phase) else set()
        refs = {ref for ref in renewable if ref in snapshot.live and self._ends_soon(snapshot.live[ref])}
        refs.update(damaged(app, snapshot.live))
        alone = release.serves_alone(snapshot.observation, status)
        unused = snapshot.live.keys() - built.declared - stays
        refs.update(ref for ref in unused if alone or is_superseded(snapshot.live[ref], status))
        mine = {
            ref: snapshot.live[ref] for ref in sorted(refs) if ownership.owned(snapshot.live[ref], app.metadata.uid)
        }
        return {ref: live for ref, live in mine.items() if not live["metadata"].get("deletionTimestamp")}

    def _ends_soon(self, secret: Manifest) -> bool:
        noted = (secret["metadata"].get("annotations") or {}).get(NOT_AFTER_ANNOTATION)
        return noted is not None and datetime.fromisoformat(noted) - self._clock.now() < RENEW_BEFORE
