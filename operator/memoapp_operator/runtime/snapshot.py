"""What one pass works with: the observation for the decision, and the live objects for the act."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoAppStatus, ReleasePhase
from memoapp_operator.domain import names, ownership
from memoapp_operator.domain.colours import tiers
from memoapp_operator.domain.diff import differences
from memoapp_operator.domain.maintenance import end_of, message_of
from memoapp_operator.domain.manifest import DEPLOYMENT, DISRUPTION_BUDGET, STATEFUL_SET, Manifest, Ref, kind_of, ref_of
from memoapp_operator.domain.migrating import noted
from memoapp_operator.domain.observation import Child, ChildState, Observation
from memoapp_operator.domain.phases import is_over
from memoapp_operator.domain.restarts import TEMPLATE_ANNOTATION
from memoapp_operator.domain.revision import Revision
from memoapp_operator.domain.state import State, held_revision, migration_text, rejection_text, weight_of_green
from memoapp_operator.domain.upgrading import effective
from memoapp_operator.ports import Steering
from memoapp_operator.render.children import minted, refs, render
from memoapp_operator.render.context import NO_RELEASE, Context, Credentials
from memoapp_operator.render.scale import scales


@dataclass(frozen=True, slots=True)
class Built:
    """What the builders say for one context: asked once, for it is most of the work of a pass.

    Attributes:
        context: what they were asked with.
        minted: skeletons of the Secrets to be minted.
        rendered: every child that can be rendered by now.
        scales: pods of every Deployment of the colours that run.
        declared: every child that spec and colours can have, whether or not it can be rendered by now.
        possible: those, and what a colour that runs no pods yet will have.
    """

    context: Context
    minted: tuple[Manifest, ...]
    rendered: tuple[Manifest, ...]
    scales: Mapping[Ref, int]
    declared: frozenset[Ref]
    possible: frozenset[Ref]

    def wanted(self, live: Mapping[Ref, Manifest]) -> tuple[Manifest, ...]:
        """Every child to be applied: skeletons of minted Secrets where they are there, then all that is rendered."""
        return (*(skeleton for skeleton in self.minted if ref_of(skeleton) in live), *self.rendered)

    def to_mint(self, live: Mapping[Ref, Manifest]) -> tuple[Manifest, ...]:
        """Skeletons of the Secrets that have yet to be minted."""
        return tuple(skeleton for skeleton in self.minted if ref_of(skeleton) not in live)


def build(context: Context) -> Built:
    """Ask the builders; the manifests carry their digests."""
    skeletons = tuple(stamped(skeleton) for skeleton in minted(context))
    rendered = tuple(stamped(manifest) for manifest in render(context))
    declared = declared_refs(context)
    return Built(context, skeletons, rendered, scales(context), declared, declared | coloured_refs(context))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One pass.

    Attributes:
        raw: the MemoApp as read, for the status write.
        live: live children and foreign objects in their place, by reference.
        context: for the builders, by the status as it was read.
        observation: for the decision.
        routers: address and steering of every router pod that runs, ready or not, by its name.
        built: by the status as it was read.
    """

    raw: Manifest
    live: Mapping[Ref, Manifest]
    context: Context
    observation: Observation
    routers: Mapping[str, tuple[str, Steering | None]] = field(default_factory=dict)
    built: Built | None = None

    def built_for(self, status: MemoAppStatus) -> Built:
        """What the builders say once ``status`` is committed: the same as before, where it changes nothing for them."""
        context = self.context_for(status)
        return self.built if self.built is not None and self.built.context == context else build(context)

    def context_for(self, status: MemoAppStatus) -> Context:
        """The builders' context once ``status`` is committed."""
        state, stored = State.of(status), self.observation.stored
        held = {colour: held_revision(state, stored, colour) for colour in Colour if colour.value in state.colours}
        return replace(
            self.context,
            app=effective(self.context.app, status),
            colours={colour: revision for colour, revision in held.items() if revision is not None},
            lost=frozenset(colour for colour, revision in held.items() if revision is None),
            serving=status.active.colour if status.active else None,
            floors=_floors(status),
            green_weight=weight_of_green(status),
            release=status.release.id if status.release else NO_RELEASE,
            rejected=rejection_text(status.rejected or ()),
            page_until=end_of(status.maintenance),
            page_message=message_of(status.maintenance),
            migrates=_migrates(status),
            migrated=migration_text(_migrated(stored, status)),
            addresses={**(status.addresses or {}), **self.context.addresses},
        )


def digest(manifest: Manifest) -> str:
    """Identity of what would be applied.

    A Service's address does not count: the API server gives it, and pinning it later is no change. Nor do a
    Deployment's pods: how many there are is somebody else's to say.
    """
    spec = manifest.get("spec")
    if isinstance(spec, dict):
        given = {"clusterIP"} | ({"replicas"} if manifest.get("kind") == DEPLOYMENT.kind else set())
        manifest = {**manifest, "spec": {key: value for key, value in spec.items() if key not in given}}
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stamped(manifest: Manifest) -> Manifest:
    """The manifest with its own digest, so that what it no longer says is seen as well."""
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), ownership.APPLIED_ANNOTATION: digest(manifest)}
    if kind_of(manifest) == STATEFUL_SET:
        annotations[TEMPLATE_ANNOTATION] = digest(manifest["spec"]["template"])
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


Settled = Mapping[Ref, tuple[str, tuple[str, ...]]]
"""Children that the server stores in another form than they were sent in: digest of what was sent, and the paths that
differ. Sending them again would change nothing."""


def children(built: Built, live: Mapping[Ref, Manifest], settled: Settled) -> tuple[Child, ...]:
    """How every child stands; also one that cannot be rendered yet, if what has its name is not ours or goes."""
    app = built.context.app.metadata
    manifests = (*built.wanted(live), *built.to_mint(live))
    found = [_standing(item, live.get(ref_of(item)), built, settled) for item in manifests]
    hidden = built.possible - {child.ref for child in found}
    standings = {ref: ownership.standing(live[ref], app.name, app.uid) for ref in sorted(hidden) if ref in live}
    in_the_way = [Child(ref, state, live[ref]["metadata"]["uid"]) for ref, state in standings.items() if state]
    return (*found, *in_the_way)


def _floors(status: MemoAppStatus) -> dict[str, int]:
    release = status.release
    return dict(release.replicas or {}) if release is not None and not is_over(release.phase) else {}


def _migrates(status: MemoAppStatus) -> bool:
    """A migration was begun, and its end was not seen."""
    release = status.release
    told = release.migration if release is not None else None
    return release is not None and release.phase is ReleasePhase.MIGRATING and told is not None


def _migrated(stored: Mapping[str, Revision], status: MemoAppStatus) -> dict[str, str]:
    """What became of the migrations of the revisions that are stored."""
    found = {item.id: item.migration for item in stored.values()}
    release, outcome = status.release, noted(status.release)
    return found | ({release.id: outcome} if release is not None and outcome is not None else {})


def _standing(manifest: Manifest, live: Manifest | None, built: Built, settled: Settled) -> Child:
    app = built.context.app.metadata
    child = ownership.assess(manifest, live, app.name, app.uid)
    if child.state is ChildState.CURRENT and live is not None and not is_scaled(built, child.ref, live):
        return Child(child.ref, ChildState.DIFFERS, child.uid)
    if child.state is ChildState.DIFFERS and live is not None and is_settled(manifest, live, settled):
        return Child(child.ref, ChildState.CURRENT, child.uid)
    return child


def is_scaled(built: Built, ref: Ref, live: Manifest) -> bool:
    """A Deployment has as many pods as it should; True of anything else."""
    wanted = built.scales.get(ref)
    return wanted is None or live["spec"].get("replicas", 1) == wanted


def is_settled(manifest: Manifest, live: Manifest, settled: Settled) -> bool:
    """The difference is one that the server made, and would make again."""
    return settled.get(ref_of(manifest)) == (digest(manifest), differences(manifest, live))


def declared_refs(context: Context) -> frozenset[Ref]:
    """Every child that spec and colours can have, whether or not it can be rendered by now."""
    credentials = Credentials(
        database=dict.fromkeys(("host", "port", "user", "password", "dbname", "monitor-password"), "0"),
        cache=dict.fromkeys(("host", "port", "user", "password"), "0"),
        router_digest="0",
        staff="0",
    )
    addresses = {f"{colour}-{tier}": "192.0.2.1" for colour in Colour for tier in ("backend", "frontend")}
    full = replace(context, credentials=credentials, addresses=addresses)
    return refs(full)


def coloured_refs(context: Context) -> frozenset[Ref]:
    """What the pods of either colour will come with, by the spec."""
    app = context.app
    suffixes = [f"{colour}-{tier}" for colour in Colour for tier in tiers(app)]
    kinds = (DEPLOYMENT, DISRUPTION_BUDGET)
    return frozenset(Ref(kind, names.child(app.metadata.name, suffix)) for kind in kinds for suffix in suffixes)
