"""Observe: everything that a decision needs, read anew in each pass and put into one value."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import MemoApp, RejectedStatus, ReleasePhase
from memoapp_operator.domain import names, ownership
from memoapp_operator.domain.manifest import (
    CHILD_KINDS,
    CONFIG_MAP,
    DEPLOYMENT,
    ENDPOINT_SLICE,
    EVENT,
    POD,
    REVISION,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Manifest,
    Ref,
    ref_of,
)
from memoapp_operator.domain.observation import Observation, Probe, Trouble, Volume, Workload
from memoapp_operator.domain.orders import ORDERS
from memoapp_operator.domain.references import Reference, connection_name, references
from memoapp_operator.domain.revision import ID_ANNOTATION, Revision, parse
from memoapp_operator.domain.state import rejections_in
from memoapp_operator.domain.troubles import creation_refused, unready_since, workload
from memoapp_operator.ports import Clock, Cluster, Refused, Services, Steering
from memoapp_operator.render.children import revision
from memoapp_operator.render.context import Context, Credentials, Platform
from memoapp_operator.render.haproxy import REJECTED_KEY
from memoapp_operator.render.secrets import secrets
from memoapp_operator.render.tiers import REVISION_ANNOTATION

from . import credentials
from . import references as named
from .snapshot import Built, Settled, Snapshot, children

# A pod that runs but is not ready for longer than this is asked itself what its health path says.
UNREADY_AFTER = 15.0
_LISTED = tuple(kind for kind in (*CHILD_KINDS, REVISION, POD) if kind is not SECRET)
_COLOUR_SERVICES = tuple(f"{colour}-{tier}" for colour in ("blue", "green") for tier in ("backend", "frontend"))


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
        self._platform = platform
        self._clock = clock

    async def observe(self, raw: Manifest, app: MemoApp, refusals: Mapping[Ref, str], settled: Settled) -> Snapshot:
        """One snapshot of the app whose live object is ``raw``."""
        mentions = references(app.metadata.name, app.spec)
        live, pods = await self._read(app, mentions)
        known, lacking = credentials.read(app, live)
        missing = (*named.missing(mentions, live), *lacking)
        context = Context(
            app=app,
            platform=self._platform,
            credentials=known,
            addresses=_addresses(app, live),
            copies=_copies(app, mentions, known, live),
            replicas=_replicas(app, live),
            agent_image=_agent_image(app, live),
            claims=_claims(app, live),
        )
        stored = {item.name: item for item in _stored(live)}
        workloads = await self._workloads(app, live, pods, stored)
        database, cache, routers, volume, reached = await asyncio.gather(
            self._database(app, known, workloads),
            self._cache(app, known, workloads),
            self._routers(app, live, pods),
            self._volume(pods),
            self._reached(app, live, pods, stored),
        )
        seen = Observation(
            app=app,
            now=self._clock.now(),
            declared=None if missing or not _named(app, context) else revision(context),
            stored=stored,
            orders={key: value for key, value in app.metadata.annotations.items() if key in ORDERS},
            reached=reached,
            found=_found(app, live),
            recorded=_recorded(app, live),
            noted=_noted(app, live),
            workloads=workloads,
            missing=missing,
            lost=_lost(app, live),
            mismatch=_mismatch(app, live),
            refusals=refusals,
            addresses=context.addresses,
            database=database,
            cache=cache,
            routers={
                name: steering.weight if steering is not None and steering.confirmed else None
                for name, (_, steering) in routers.items()
                if _is_ready(pods, name)
            },
            volume=volume,
        )
        return await self._with_children(Snapshot(raw, live, context, seen, routers), settled)

    async def _with_children(self, snapshot: Snapshot, settled: Settled) -> Snapshot:
        """The snapshot with every child's standing, by the status as it was read."""
        built = snapshot.built_for(snapshot.context.app.status)
        live = {**snapshot.live, **await self._in_their_place(built, snapshot.live)}
        seen = replace(snapshot.observation, children=children(built, live, settled))
        return replace(snapshot, live=live, observation=seen, built=built)

    async def _read(
        self, app: MemoApp, mentions: Sequence[Reference]
    ) -> tuple[dict[Ref, Manifest], tuple[Manifest, ...]]:
        """Live children by reference (with the Secrets and ConfigMaps that the spec names), and the app's pods."""
        namespace, selector = app.metadata.namespace, _selector(app)
        own = [Ref(SECRET, name) for name in _secret_names(app)]
        by_name = sorted({*own, *(mention.ref for mention in mentions)})
        lists, gets = await asyncio.gather(
            asyncio.gather(*(self._cluster.list(kind, namespace, selector) for kind in _LISTED)),
            asyncio.gather(*(self._cluster.get(ref.kind, namespace, ref.name) for ref in by_name)),
        )
        live = {ref_of(item): item for items in lists[:-1] for item in items if not _of_a_stateful_set(item)}
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
        for name, ref in workload_refs(app).items():
            controller = live.get(ref)
            if controller is None or ownership.standing(controller, app.metadata.name, app.metadata.uid):
                continue
            mine = [pod for pod in pods if _belongs(pod, name)]
            tier = _tier_of(app, name, stored)
            health = await self._health(name, tier, mine) if tier else None
            state = workload(name, controller, mine, health, await self._creation(name, controller, mine))
            if state is not None:
                found[name] = state
        return found

    async def _creation(self, name: str, controller: Manifest, pods: Sequence[Manifest]) -> Trouble | None:
        """Why a StatefulSet has no pod at all. Its Events are read only then; not to be allowed to is no harm."""
        if pods or ref_of(controller).kind is not STATEFUL_SET:
            return None
        try:
            events = await self._cluster.list(EVENT, controller["metadata"]["namespace"], {})
        except Refused:
            return None
        return creation_refused(name, controller, events)

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
        """Health of a colour that is being prepared, asked through its own Services, with only its pods behind them."""
        under_way = app.status.release
        if under_way is None or under_way.phase is not ReleasePhase.PREPARING:
            return {}
        revision_ = stored.get((app.status.colours or {}).get(under_way.colour.value, ""))
        found = {}
        for component, tier in (revision_.tiers if revision_ is not None else {}).items():
            name = f"{under_way.colour}-{component}"
            service = live.get(Ref(SERVICE, names.child(app.metadata.name, name)))
            if service is None or not service["spec"].get("clusterIP"):
                continue
            behind = await self._behind(app, service["metadata"]["name"])
            own = {pod["metadata"]["name"] for pod in pods if _belongs(pod, name) and _of(pod, app, name)}
            code = await self._services.health(service["spec"]["clusterIP"], tier["port"], tier["healthPath"])
            found[name] = bool(behind) and behind <= own and _good(code)
        return found

    async def _behind(self, app: MemoApp, service: str) -> set[str]:
        """Names of the pods that a Service sends to now."""
        slices = await self._cluster.list(
            ENDPOINT_SLICE, app.metadata.namespace, {"kubernetes.io/service-name": service}
        )
        return {
            (endpoint.get("targetRef") or {}).get("name", "")
            for item in slices
            for endpoint in item.get("endpoints") or []
            if (endpoint.get("conditions") or {}).get("ready")
        }

    async def _database(self, app: MemoApp, known: Credentials, workloads: Mapping[str, Workload]) -> Probe | None:
        login = credentials.database_login(app, known)
        if (
            app.spec.suspend
            or login is None
            or (app.spec.database.managed is not None and not _up(workloads.get("database")))
        ):
            return None
        return await self._services.database(login)

    async def _cache(self, app: MemoApp, known: Credentials, workloads: Mapping[str, Workload]) -> Probe | None:
        login = credentials.cache_login(app, known)
        if app.spec.suspend or login is None or app.spec.redis is None:
            return None
        if app.spec.redis.managed is not None and not _up(workloads.get("redis")):
            return None
        return await self._services.cache(login)

    async def _routers(
        self, app: MemoApp, live: Mapping[Ref, Manifest], pods: Sequence[Manifest]
    ) -> dict[str, tuple[str, Steering | None]]:
        """Every router pod that runs: one that is not ready waits for its weights to be confirmed."""
        certificate = credentials.router_certificate(app, live)
        running = [pod for pod in pods if _belongs(pod, "router") and _running(pod)]
        if certificate is None:
            return {}
        told = await asyncio.gather(*(self._services.steering(pod["status"]["podIP"], certificate) for pod in running))
        return {
            pod["metadata"]["name"]: (pod["status"]["podIP"], steering)
            for pod, steering in zip(running, told, strict=True)
        }

    async def _volume(self, pods: Sequence[Manifest]) -> Volume | None:
        for pod in pods:
            if _belongs(pod, "database") and _ready(pod):
                return await self._services.volume(pod["status"]["podIP"])
        return None


def workload_refs(app: MemoApp) -> dict[str, Ref]:
    """The controllers of an app by the names that people call them."""
    name, spec = app.metadata.name, app.spec
    found = {"router": Ref(DEPLOYMENT, names.child(name, "router"))}
    if spec.database.managed is not None:
        found["database"] = Ref(STATEFUL_SET, names.child(name, "database"))
    if spec.redis is not None and spec.redis.managed is not None:
        found["redis"] = Ref(STATEFUL_SET, names.child(name, "redis"))
    for colour in ("blue", "green"):
        for tier in ("backend", "frontend"):
            found[f"{colour}-{tier}"] = Ref(DEPLOYMENT, names.child(name, f"{colour}-{tier}"))
    return found


def _selector(app: MemoApp) -> dict[str, str]:
    return names.labels(app.metadata.name)


def _secret_names(app: MemoApp) -> tuple[str, ...]:
    name = app.metadata.name
    own = (names.child(name, suffix) for suffix in ("database", "redis", "router-tls"))
    return (*own, connection_name(name))


def _belongs(pod: Manifest, name: str) -> bool:
    labels = pod["metadata"].get("labels") or {}
    colour = labels.get(names.COLOUR_LABEL)
    component = labels.get(names.COMPONENT_LABEL, "")
    return name == (f"{colour}-{component}" if colour else component)


def _running(pod: Manifest) -> bool:
    status: dict[str, Any] = pod.get("status") or {}
    leaving = pod["metadata"].get("deletionTimestamp")
    return not leaving and bool(status.get("podIP")) and status.get("phase") == "Running"


def _ready(pod: Manifest) -> bool:
    status: dict[str, Any] = pod.get("status") or {}
    if pod["metadata"].get("deletionTimestamp") or not status.get("podIP"):
        return False
    return any(item["type"] == "Ready" and item["status"] == "True" for item in status.get("conditions") or [])


def _is_ready(pods: Sequence[Manifest], name: str) -> bool:
    return any(pod["metadata"]["name"] == name and _ready(pod) for pod in pods)


def _of(pod: Manifest, app: MemoApp, name: str) -> bool:
    """The pod was made by the colour's own Deployment, not by somebody who gave it the labels."""
    template = (pod["metadata"].get("labels") or {}).get("pod-template-hash", "")
    maker = f"{names.child(app.metadata.name, name)}-{template}"
    owners = pod["metadata"].get("ownerReferences") or []
    return any(owner["kind"] == "ReplicaSet" and owner["name"] == maker for owner in owners)


def _good(code: int | None) -> bool:
    return code is not None and HTTPStatus.OK <= code < HTTPStatus.BAD_REQUEST


def _of_a_stateful_set(item: Manifest) -> bool:
    """StatefulSets keep their own ControllerRevisions, with the labels of their pods."""
    return item["kind"] == REVISION.kind and ID_ANNOTATION not in (item["metadata"].get("annotations") or {})


def _stored(live: Mapping[Ref, Manifest]) -> list[Revision]:
    return [parse(item) for ref, item in live.items() if ref.kind == REVISION]


def _tier_of(app: MemoApp, name: str, stored: Mapping[str, Revision]) -> Mapping[str, Any] | None:
    """The tier behind a workload's name, as its colour's revision has it."""
    colour, _, component = name.partition("-")
    revision_ = stored.get((app.status.colours or {}).get(colour, ""))
    return revision_.tiers.get(component) if revision_ is not None else None


def _replicas(app: MemoApp, live: Mapping[Ref, Manifest]) -> dict[str, int]:
    refs = {name: ref for name, ref in workload_refs(app).items() if "-" in name}
    return {name: live[ref]["spec"]["replicas"] for name, ref in refs.items() if ref in live}


def _copies(
    app: MemoApp, mentions: Sequence[Reference], known: Credentials, live: Mapping[Ref, Manifest]
) -> dict[tuple[str, str], str]:
    """Copies of what people name, and of the connection Secret as it will be."""
    found = named.copy_names(mentions, live)
    rendered = secrets(Context(app=app, platform=Platform("", ""), credentials=known))
    for secret in rendered:
        own = secret["metadata"]["name"]
        found[SECRET.kind, own] = named.copy_name(own, secret["data"])
    return found


def _named(app: MemoApp, context: Context) -> bool:
    """The connection Secret is known, so that the declared revision can be told."""
    return (SECRET.kind, connection_name(app.metadata.name)) in context.copies


def _found(app: MemoApp, live: Mapping[Ref, Manifest]) -> dict[str, str]:
    """The revision that each colour's live Deployments name."""
    found = {}
    for name, ref in workload_refs(app).items():
        noted = (live[ref]["metadata"].get("annotations") or {}).get(REVISION_ANNOTATION) if ref in live else None
        if noted and "-" in name:
            found[name.partition("-")[0]] = noted
    return found


def _recorded(app: MemoApp, live: Mapping[Ref, Manifest]) -> int | None:
    state = live.get(Ref(CONFIG_MAP, names.child(app.metadata.name, "router-state")))
    if state is None:
        return None
    words = (state.get("data") or {}).get("state.map", "").split()
    return next((int(value) for key, value in itertools.pairwise(words) if key == "weight"), None)


def _noted(app: MemoApp, live: Mapping[Ref, Manifest]) -> tuple[RejectedStatus, ...]:
    state = live.get(Ref(CONFIG_MAP, names.child(app.metadata.name, "router-state")))
    return rejections_in((state.get("data") or {}).get(REJECTED_KEY, "")) if state is not None else ()


def _up(state: Workload | None) -> bool:
    return state is not None and state.ready > 0


def _older(since: str, now: datetime, seconds: float) -> bool:
    try:
        return (now - datetime.fromisoformat(since)).total_seconds() > seconds
    except ValueError:
        return False


def _addresses(app: MemoApp, live: Mapping[Ref, Manifest]) -> dict[str, str]:
    """ClusterIPs of the colours' Services: the live ones, else those of the status."""
    found = dict(app.status.addresses or {})
    for suffix in _COLOUR_SERVICES:
        service = live.get(Ref(SERVICE, names.child(app.metadata.name, suffix)))
        address = service["spec"].get("clusterIP") if service is not None else None
        if service is not None and address:
            found[suffix] = address
    return found


def _claims(app: MemoApp, live: Mapping[Ref, Manifest]) -> dict[str, str]:
    found = {}
    for suffix in ("database", "redis"):
        claim = live.get(Ref(VOLUME_CLAIM, names.child(app.metadata.name, suffix)))
        if claim is not None:
            found[suffix] = claim["spec"]["resources"]["requests"]["storage"]
    return found


def _agent_image(app: MemoApp, live: Mapping[Ref, Manifest]) -> str | None:
    running = live.get(Ref(STATEFUL_SET, names.child(app.metadata.name, "database")))
    containers = running["spec"]["template"]["spec"]["containers"] if running is not None else []
    return next((item["image"] for item in containers if item["name"] == "agent"), None)


def _lost(app: MemoApp, live: Mapping[Ref, Manifest]) -> bool:
    if app.spec.database.managed is None:
        return False
    name = names.child(app.metadata.name, "database")
    return Ref(VOLUME_CLAIM, name) in live and not credentials.opens_database(live.get(Ref(SECRET, name)))


def _mismatch(app: MemoApp, live: Mapping[Ref, Manifest]) -> str | None:
    if app.spec.database.managed is None:
        return None
    declared = app.spec.database
    return ownership.kept_mismatch(app.metadata.name, declared.name, declared.user, live)
