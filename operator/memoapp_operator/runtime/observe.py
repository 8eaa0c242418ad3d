"""Observe: everything that a decision needs, read anew in each pass and put into one value."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp, ReleasePhase
from memoapp_operator.domain import names, ownership, recovery
from memoapp_operator.domain.conditions import READY, is_true
from memoapp_operator.domain.manifest import (
    CHILD_KINDS,
    ENDPOINT_SLICE,
    EVENT,
    JOB,
    POD,
    REVISION,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    UNWATCHED,
    Kind,
    Manifest,
    Ref,
    ref_of,
)
from memoapp_operator.domain.observation import EndedJob, KnownRun, Observation, Trouble, Workload
from memoapp_operator.domain.orders import NONCE, ORDERS
from memoapp_operator.domain.references import Reference, connection_name, references
from memoapp_operator.domain.revision import Revision
from memoapp_operator.domain.running import ENDED
from memoapp_operator.domain.troubles import creation_refused, unready_since, workload
from memoapp_operator.ports import Clock, Cluster, Refused, Services, Steering
from memoapp_operator.render.children import revision
from memoapp_operator.render.context import Context, Credentials, Platform
from memoapp_operator.render.secrets import STAFF

from . import backups, credentials, endpoints, live_objects, pruning, release_jobs, window_pass
from . import references as named
from .answers import Answered, Answers
from .pods import belongs, is_ready
from .snapshot import Built, Settled, Snapshot, children

# A pod that runs but is not ready for longer than this is asked itself what its health path says.
UNREADY_AFTER = 15.0
_SAVING = UNWATCHED - {SECRET}
"""Kinds of which only an app with backups has any. What it leaves behind goes with it; its schedule ends at once."""
_LISTED = tuple(kind for kind in (*CHILD_KINDS, REVISION, POD) if kind is not SECRET)


class Observer:
    """Reads one MemoApp's surroundings.

    Args:
        cluster: the API server.
        services: the running parts of apps.
        platform: the operator itself.
        clock: the time.
    """

    def __init__(self, cluster: Cluster, services: Services, platform: Platform, clock: Clock) -> None:
        self._cluster = cluster
        self._services = services
        self._answers = Answers(services)
        self._platform = platform
        self._clock = clock

    async def observe(self, raw: Manifest, app: MemoApp, refusals: Mapping[Ref, str], settled: Settled) -> Snapshot:
        """One snapshot of the app whose live object is ``raw``."""
        mentions = references(app.metadata.name, app.spec)
        live, pods = await self._read(app, mentions)
        known, lacking = credentials.read(app, live)
        missing = (*named.missing(mentions, live), *lacking)
        context = self._context(app, mentions, known, live)
        stored = {item.name: item for item in live_objects.stored(app, live)}
        workloads = await self._workloads(app, live, pods, stored)
        jobs = await self._jobs(app)
        told, reached, saved, (windows, runs) = await asyncio.gather(
            self._answers.ask(app, known, live, pods, workloads),
            self._reached(app, live, pods, stored),
            backups.look(self._cluster, app, jobs, pods),
            window_pass.concerning(self._cluster, app),
        )
        context = replace(context, offers=recovery.offers(app, saved))
        found_jobs = release_jobs.seen(jobs, pods, credentials.values(known), await self._why(app, jobs, pods))
        steered = _steered(told, pods)
        seen = Observation(
            app=app,
            now=self._clock.now(),
            declared=None if missing or not live_objects.is_named(app, context) else revision(context),
            stored=stored,
            orders={key: value[:NONCE] for key, value in app.metadata.annotations.items() if key in ORDERS},
            reached=reached,
            populated=live_objects.populated(app, pods, self._clock.now()),
            found=live_objects.found(app, live),
            recorded=live_objects.recorded(app, live),
            noted=live_objects.noted(app, live),
            workloads=workloads,
            missing=missing,
            lost=live_objects.is_lost(app, live),
            mismatch=live_objects.mismatch(app, live),
            refusals=refusals,
            addresses=context.addresses,
            database=told.database,
            cache=told.cache,
            routers={name: told_.weight if told_ is not None else None for name, told_ in steered.items()},
            pages={name: told_.until if told_ is not None else None for name, told_ in steered.items()},
            volume=told.volume,
            backups=saved,
            jobs=found_jobs,
            holder=release_jobs.holder(app, live, self._clock.now()),
            windows=windows,
            runs=runs,
            ended=_ended(app, jobs, runs),
            definitions=await self._answers.definitions(app, known, told, saved, found_jobs),
        )
        return await self._with_children(Snapshot(raw, live, context, seen, told.routers), settled)

    def _context(
        self, app: MemoApp, mentions: Sequence[Reference], known: Credentials, live: Mapping[Ref, Manifest]
    ) -> Context:
        """What the builders need to know but for what is committed."""
        return Context(
            app=app,
            platform=self._platform,
            credentials=known,
            addresses=live_objects.addresses(app, live),
            copies=live_objects.copies(app, mentions, known, live),
            replicas=live_objects.replicas(app, live),
            ports=live_objects.ports(app, live),
            agent_image=live_objects.agent_image(app, live),
            claims=live_objects.claims(app, live),
        )

    async def _with_children(self, snapshot: Snapshot, settled: Settled) -> Snapshot:
        """The snapshot with every child's standing, by the status as it was read."""
        built = snapshot.built_for(snapshot.context.app.status)
        live = {**snapshot.live, **await self._in_their_place(built, snapshot.live)}
        images = live_objects.images(snapshot.context.app, live, snapshot.observation.workloads)
        seen = replace(snapshot.observation, children=children(built, live, settled), images=images)
        return replace(snapshot, live=live, observation=seen, built=built)

    async def _read(
        self, app: MemoApp, mentions: Sequence[Reference]
    ) -> tuple[dict[Ref, Manifest], tuple[Manifest, ...]]:
        """Live children by reference (with the Secrets and ConfigMaps that the spec names), and the app's pods."""
        namespace, selector = app.metadata.namespace, _selector(app)
        own = [Ref(SECRET, name) for name in _secret_names(app)]
        by_name = sorted({*own, *(mention.ref for mention in mentions)})
        lists, gets = await asyncio.gather(
            asyncio.gather(*(self._cluster.list(kind, namespace, selector) for kind in _kinds(app))),
            asyncio.gather(*(self._cluster.get(ref.kind, namespace, ref.name) for ref in by_name)),
        )
        live = {
            ref_of(item): item for items in lists[:-1] for item in items if not live_objects.of_a_stateful_set(item)
        }
        live |= {ref: item for ref, item in zip(by_name, gets, strict=True) if item is not None}
        return live, tuple(lists[-1])

    async def _in_their_place(self, built: Built, live: Mapping[Ref, Manifest]) -> dict[Ref, Manifest]:
        """Objects without our labels that have the name of a child which is not there.

        Before anything serves, of every child that there can be: a creation that would stop half-way does not begin.
        """
        app = built.context.app
        refs = sorted(built.possible) if app.status.active is None else map(ref_of, built.rendered)
        absent = [ref for ref in refs if ref not in live and ref.kind is not SECRET]
        namespace = app.metadata.namespace
        found = await asyncio.gather(*(self._cluster.get(ref.kind, namespace, ref.name) for ref in absent))
        return {ref: item for ref, item in zip(absent, found, strict=True) if item is not None}

    async def _workloads(
        self,
        app: MemoApp,
        live: Mapping[Ref, Manifest],
        pods: Sequence[Manifest],
        stored: Mapping[str, Revision],
    ) -> dict[str, Workload]:
        found = {}
        for name, ref in live_objects.workload_refs(app).items():
            controller = live.get(ref)
            if controller is None or ownership.standing(controller, app.metadata.name, app.metadata.uid):
                continue
            mine = [pod for pod in pods if belongs(pod, name)]
            tier = live_objects.tier_of(app, name, stored)
            health = await self._health(name, tier, mine) if tier else None
            state = workload(name, controller, mine, health, await self._creation(app, name, controller, mine))
            if state is not None:
                found[name] = state
        return found

    async def _creation(
        self, app: MemoApp, name: str, controller: Manifest, pods: Sequence[Manifest]
    ) -> Trouble | None:
        """Why a StatefulSet has no pod at all. Its Events are read only then; not to be allowed to is no harm."""
        if pods or ref_of(controller).kind is not STATEFUL_SET:
            return None
        return creation_refused(name, controller, await self._events(app))

    async def _why(self, app: MemoApp, jobs: Sequence[Manifest], pods: Sequence[Manifest]) -> list[Manifest]:
        """The Events, where a Job of a release gets no pod: only they tell why."""
        return await self._events(app) if release_jobs.lack_pods(jobs, pods) else []

    async def _events(self, app: MemoApp) -> list[Manifest]:
        """All Events of the namespace; none where they may not be read."""
        try:
            return await self._cluster.list(EVENT, app.metadata.namespace, {})
        except Refused:
            return []

    async def _health(self, name: str, tier: Mapping[str, Any], pods: Sequence[Manifest]) -> Trouble | None:
        """What a pod that runs without being ready answers on its health path."""
        for pod in pods:
            since = unready_since(pod)
            address = pod["status"].get("podIP")
            if since is None or not address or not _older(since, self._clock.now(), UNREADY_AFTER):
                continue
            code = await self._services.health(address, tier["port"], tier["healthPath"])
            if not _good(code):
                said = f"answered {code}" if code is not None else "gave no answer"
                return Trouble("HealthNotReached", f"{name}: {tier['healthPath']} {said}", stalls=False)
        return None

    async def _reached(
        self,
        app: MemoApp,
        live: Mapping[Ref, Manifest],
        pods: Sequence[Manifest],
        stored: Mapping[str, Revision],
    ) -> dict[str, bool]:
        """Health of a colour through its own Services, with only its pods behind them; asked where it decides.

        Of a colour that is being prepared or waits for approval; else, as long as the app is not Ready, of the one
        that serves: the nodes know a ready pod a moment later than the API server does. Until then they send to what
        the colour had before, as long as it still serves on its way out: it must be gone, or its answer would be taken
        for the new pod's.
        """
        colour = _asked(app)
        if colour is None:
            return {}
        revision_ = stored.get((app.status.colours or {}).get(colour.value, ""))
        found = {}
        for component, tier in (revision_.tiers if revision_ is not None else {}).items():
            name = f"{colour}-{component}"
            service = live.get(Ref(SERVICE, names.child(app.metadata.name, name)))
            if service is None or not service["spec"].get("clusterIP"):
                continue
            behind = await self._behind(app, service["metadata"]["name"])
            own = {pod["metadata"]["name"] for pod in pods if belongs(pod, name) and _of(pod, app, name)}
            own -= {pod["metadata"]["name"] for pod in pods if pod["metadata"].get("deletionTimestamp")}
            code = await self._services.health(service["spec"]["clusterIP"], tier["port"], tier["healthPath"])
            found[name] = bool(behind) and behind <= own and _good(code)
        return found

    async def _behind(self, app: MemoApp, service: str) -> set[str]:
        """Names of the pods that may answer for a Service now."""
        labels = {endpoints.SERVICE_LABEL: service}
        return endpoints.answering(await self._cluster.list(ENDPOINT_SLICE, app.metadata.namespace, labels))

    async def _jobs(self, app: MemoApp) -> list[Manifest]:
        """All Jobs of the app, where it can have some."""
        prunes = app.spec.upkeep is not None and app.spec.upkeep.prune is not None
        if app.spec.backup is None and not prunes and not release_jobs.concern(app):
            return []
        return await self._cluster.list(JOB, app.metadata.namespace, _selector(app))


def _ended(app: MemoApp, jobs: Sequence[Manifest], runs: Sequence[KnownRun]) -> tuple[EndedJob, ...]:
    return tuple(pruning.ended(app, jobs, {run.window for run in runs if run.phase not in ENDED}))


def _kinds(app: MemoApp) -> tuple[Kind, ...]:
    """What is listed in a pass; pods come last."""
    saves = app.spec.backup is not None or app.status.backups is not None
    saves = saves or app.status.recovery is not None or recovery.declared(app) is not None
    return tuple(kind for kind in _LISTED if saves or kind not in _SAVING)


_ASKED = frozenset({ReleasePhase.PREPARING, ReleasePhase.TESTING, ReleasePhase.APPROVING})


def _asked(app: MemoApp) -> Colour | None:
    release, active = app.status.release, app.status.active
    if release is not None and release.phase in _ASKED:
        return release.colour
    return active.colour if active is not None and not is_true(app.status.conditions, READY) else None


def _selector(app: MemoApp) -> dict[str, str]:
    return names.labels(app.metadata.name)


def _secret_names(app: MemoApp) -> tuple[str, ...]:
    name = app.metadata.name
    own = (names.child(name, suffix) for suffix in ("database", "redis", "router-tls", STAFF))
    staff = app.spec.traffic.staff
    return (*own, connection_name(name), *([staff.secret_ref.name] if staff is not None else []))


def _is_ready(pods: Sequence[Manifest], name: str) -> bool:
    return any(pod["metadata"]["name"] == name and is_ready(pod) for pod in pods)


def _steered(told: Answered, pods: Sequence[Manifest]) -> dict[str, Steering | None]:
    """How each router that has clients steers them; None where it does not tell, or waits to be confirmed."""
    confirmed = {
        name: steering if steering is not None and steering.confirmed else None
        for name, (_, steering) in told.routers.items()
    }
    return {name: found for name, found in confirmed.items() if found is not None or _is_ready(pods, name)}


def _of(pod: Manifest, app: MemoApp, name: str) -> bool:
    """The pod was made by the colour's own Deployment, not by somebody who gave it the labels."""
    template = (pod["metadata"].get("labels") or {}).get("pod-template-hash", "")
    maker = f"{names.child(app.metadata.name, name)}-{template}"
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner["kind"] == "ReplicaSet" and owner["name"] == maker for owner in owners)


def _good(code: int | None) -> bool:
    return code is not None and HTTPStatus.OK <= code < HTTPStatus.BAD_REQUEST


def _older(since: str, now: datetime, seconds: float) -> bool:
    try:
        return (now - datetime.fromisoformat(since)).total_seconds() > seconds
    except ValueError:
        return False
