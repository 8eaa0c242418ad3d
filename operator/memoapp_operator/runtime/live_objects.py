"""What live objects tell without being asked: revisions, addresses, sizes, and what is left of a lost status."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp, RejectedStatus
from memoapp_operator.domain import names, ownership, upgrading
from memoapp_operator.domain.manifest import (
    CONFIG_MAP,
    DEPLOYMENT,
    REVISION,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    VOLUME_CLAIM,
    Manifest,
    Ref,
)
from memoapp_operator.domain.observation import Workload
from memoapp_operator.domain.references import Reference, connection_name
from memoapp_operator.domain.revision import ID_ANNOTATION, Revision, parse
from memoapp_operator.domain.state import migrations_in, rejections_in
from memoapp_operator.render.context import Context, Credentials, Platform
from memoapp_operator.render.haproxy import MIGRATED_KEY, REJECTED_KEY, STATE
from memoapp_operator.render.secrets import secrets
from memoapp_operator.render.tiers import REVISION_ANNOTATION

from . import credentials
from . import references as named

FORGOTTEN_AFTER = 10.0
"""Seconds past its time after which a pod that does not go is not waited for."""
_COLOUR_SERVICES = tuple(f"{colour}-{tier}" for colour in ("blue", "green") for tier in ("backend", "frontend"))


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


def of_a_stateful_set(item: Manifest) -> bool:
    """StatefulSets keep their own ControllerRevisions, with the labels of their pods."""
    return item["kind"] == REVISION.kind and ID_ANNOTATION not in (item["metadata"].get("annotations") or {})


def stored(app: MemoApp, live: Mapping[Ref, Manifest]) -> list[Revision]:
    """This very MemoApp's: those of a deleted one of the same name go in a moment."""
    found = [parse(item) for ref in live if ref.kind == REVISION and (item := _own(app, live, ref)) is not None]
    kept = _own(app, live, Ref(CONFIG_MAP, names.child(app.metadata.name, STATE)))
    outcomes = migrations_in(((kept or {}).get("data") or {}).get(MIGRATED_KEY, ""))
    return [replace(item, migration=outcomes.get(item.id, "")) for item in found]


def _own(app: MemoApp, live: Mapping[Ref, Manifest], ref: Ref) -> Manifest | None:
    """The live object, if it is there and belongs to this very MemoApp."""
    item = live.get(ref)
    if item is None or ownership.standing(item, app.metadata.name, app.metadata.uid) is not None:
        return None
    return item


def tier_of(app: MemoApp, name: str, stored: Mapping[str, Revision]) -> Mapping[str, Any] | None:
    """The tier behind a workload's name, as its colour's revision has it."""
    colour, _, component = name.partition("-")
    revision_ = stored.get((app.status.colours or {}).get(colour, ""))
    return revision_.tiers.get(component) if revision_ is not None else None


def replicas(app: MemoApp, live: Mapping[Ref, Manifest]) -> dict[str, int]:
    """Replicas that the live Deployments ask for, by ``blue-backend`` and the like."""
    refs = {name: ref for name, ref in workload_refs(app).items() if "-" in name}
    return {name: live[ref]["spec"]["replicas"] for name, ref in refs.items() if ref in live}


def copies(
    app: MemoApp, mentions: Sequence[Reference], known: Credentials, live: Mapping[Ref, Manifest]
) -> dict[tuple[str, str], str]:
    """Copies of what people name, and of the connection Secret as it will be."""
    found = named.copy_names(app.metadata.name, mentions, live)
    rendered = secrets(Context(app=app, platform=Platform("", ""), credentials=known))
    for secret in rendered:
        own = secret["metadata"]["name"]
        found[SECRET.kind, own] = named.copy_name(app.metadata.name, own, secret["data"])
    return found


def is_named(app: MemoApp, context: Context) -> bool:
    """The connection Secret is known, so that the declared revision can be told."""
    return (SECRET.kind, connection_name(app.metadata.name)) in context.copies


def found(app: MemoApp, live: Mapping[Ref, Manifest]) -> dict[str, str]:
    """The revision that each colour's live Deployments name."""
    found = {}
    for name, ref in workload_refs(app).items():
        deployment = _own(app, live, ref)
        noted = (deployment["metadata"].get("annotations") or {}).get(REVISION_ANNOTATION) if deployment else None
        if noted and "-" in name:
            found[name.partition("-")[0]] = noted
    return found


def recorded(app: MemoApp, live: Mapping[Ref, Manifest]) -> int | None:
    """Green's weight in the routers' ConfigMap; None where there is none."""
    state = _own(app, live, Ref(CONFIG_MAP, names.child(app.metadata.name, "router-state")))
    if state is None:
        return None
    words = (state.get("data") or {}).get("state.map", "").split()
    return next((int(value) for key, value in itertools.pairwise(words) if key == "weight"), None)


def noted(app: MemoApp, live: Mapping[Ref, Manifest]) -> tuple[RejectedStatus, ...]:
    """The rejections in the routers' ConfigMap."""
    state = _own(app, live, Ref(CONFIG_MAP, names.child(app.metadata.name, "router-state")))
    return rejections_in((state.get("data") or {}).get(REJECTED_KEY, "")) if state is not None else ()


def addresses(app: MemoApp, live: Mapping[Ref, Manifest]) -> dict[str, str]:
    """ClusterIPs of the colours' Services: the live ones, else those of the status."""
    found = dict(app.status.addresses or {})
    for suffix in _COLOUR_SERVICES:
        service = live.get(Ref(SERVICE, names.child(app.metadata.name, suffix)))
        address = service["spec"].get("clusterIP") if service is not None else None
        if service is not None and address:
            found[suffix] = address
    return found


def ports(app: MemoApp, live: Mapping[Ref, Manifest]) -> dict[str, int]:
    """Ports of the colours' live Services."""
    services = {suffix: live.get(Ref(SERVICE, names.child(app.metadata.name, suffix))) for suffix in _COLOUR_SERVICES}
    return {suffix: service["spec"]["ports"][0]["port"] for suffix, service in services.items() if service is not None}


def populated(app: MemoApp, pods: Sequence[Manifest], now: datetime) -> frozenset[Colour]:
    """The colours that have a pod of their own, also one that goes.

    Not one that is long past the time it was given to go, and not somebody else's that has its labels.
    """
    here = [pod["metadata"] for pod in pods if not _is_forgotten(pod["metadata"], now)]
    makers = [owner["name"] for metadata in here for owner in metadata.get("ownerReferences") or []]
    ours = {
        colour: tuple(f"{names.child(app.metadata.name, f'{colour}-{tier}')}-" for tier in ("backend", "frontend"))
        for colour in Colour
    }
    return frozenset(colour for colour, prefixes in ours.items() if any(maker.startswith(prefixes) for maker in makers))


def _is_forgotten(metadata: Manifest, now: datetime) -> bool:
    """A pod's deletionTimestamp is the moment at which it should have gone; its node may be gone itself."""
    leaving = metadata.get("deletionTimestamp")
    return leaving is not None and (now - datetime.fromisoformat(leaving)).total_seconds() > FORGOTTEN_AFTER


def claims(app: MemoApp, live: Mapping[Ref, Manifest]) -> dict[str, str]:
    """Sizes of the volume claims, by ``database``, ``redis`` and ``backups``."""
    found = {}
    for suffix in ("database", "redis", "backups"):
        claim = live.get(Ref(VOLUME_CLAIM, names.child(app.metadata.name, suffix)))
        if claim is not None:
            found[suffix] = claim["spec"]["resources"]["requests"]["storage"]
    return found


def images(app: MemoApp, live: Mapping[Ref, Manifest], workloads: Mapping[str, Workload]) -> dict[str, str]:
    """Images of PostgreSQL and Redis of which the pod is, and is ready."""
    found = {}
    for component in upgrading.NAMES:
        controller, state = live.get(upgrading.ref_of(app.metadata.name, component)), workloads.get(component)
        if controller is not None and state is not None and state.settled and state.wanted:
            found[component] = image_of(controller, component)
    return found


def image_of(controller: Manifest, component: str) -> str:
    """The image of PostgreSQL's or Redis' own container in a StatefulSet."""
    containers = controller["spec"]["template"]["spec"]["containers"]
    return str(next(item["image"] for item in containers if item["name"] == component))


def agent_image(app: MemoApp, live: Mapping[Ref, Manifest]) -> str | None:
    """Image of the agent that runs; None where there is none yet."""
    running = live.get(Ref(STATEFUL_SET, names.child(app.metadata.name, "database")))
    containers = running["spec"]["template"]["spec"]["containers"] if running is not None else []
    return next((item["image"] for item in containers if item["name"] == "agent"), None)


def is_lost(app: MemoApp, live: Mapping[Ref, Manifest]) -> bool:
    """The database's volume is there, and the Secret to read it is not."""
    if app.spec.database.managed is None:
        return False
    name = names.child(app.metadata.name, "database")
    return Ref(VOLUME_CLAIM, name) in live and not credentials.opens_database(live.get(Ref(SECRET, name)))


def mismatch(app: MemoApp, live: Mapping[Ref, Manifest]) -> str | None:
    """Why a kept volume or Secret cannot be taken back; None where it can."""
    if app.spec.database.managed is None:
        return None
    declared = app.spec.database
    return ownership.kept_mismatch(app.metadata.name, declared.name, declared.user, live)
