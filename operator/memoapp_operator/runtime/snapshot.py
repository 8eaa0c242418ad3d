"""What one pass works with: the observation for the decision, and the live objects for the act."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoAppStatus
from memoapp_operator.domain import ownership, release
from memoapp_operator.domain.manifest import STATEFUL_SET, Manifest, Ref, kind_of, ref_of
from memoapp_operator.domain.observation import Child, Observation
from memoapp_operator.domain.restarts import TEMPLATE_ANNOTATION
from memoapp_operator.ports import Steering
from memoapp_operator.render.children import minted, render
from memoapp_operator.render.context import NO_RELEASE, Context


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One pass.

    Attributes:
        raw: the MemoApp as read, for the status write.
        live: live children and foreign objects in their place, by reference.
        context: for the builders, by the status as it was read.
        observation: for the decision.
        routers: address and steering of every router pod that runs, ready or not, by its name.
    """

    raw: Manifest
    live: Mapping[Ref, Manifest]
    context: Context
    observation: Observation
    routers: Mapping[str, tuple[str, Steering | None]] = field(default_factory=dict)

    def context_for(self, status: MemoAppStatus) -> Context:
        """The builders' context once ``status`` is committed."""
        stored = self.observation.stored
        colours = {
            colour: stored[name]
            for colour in Colour
            if (name := (status.colours or {}).get(colour.value)) is not None and name in stored
        }
        return replace(
            self.context,
            colours=colours,
            green_weight=release.weight_of_green(status),
            release=status.release.id if status.release else NO_RELEASE,
            rejected=release.rejection_text(status),
            addresses={**(status.addresses or {}), **self.context.addresses},
        )


def digest(manifest: Manifest) -> str:
    """Identity of what would be applied.

    A Service's address does not count: the API server gives it, and pinning it later is no change.
    """
    spec = manifest.get("spec")
    if isinstance(spec, dict) and "clusterIP" in spec:
        manifest = {**manifest, "spec": {key: value for key, value in spec.items() if key != "clusterIP"}}
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stamped(manifest: Manifest) -> Manifest:
    """The manifest with its own digest, so that what it no longer says is seen as well."""
    metadata = manifest["metadata"]
    annotations = {**metadata.get("annotations", {}), ownership.APPLIED_ANNOTATION: digest(manifest)}
    if kind_of(manifest) == STATEFUL_SET:
        annotations[TEMPLATE_ANNOTATION] = digest(manifest["spec"]["template"])
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def wanted(context: Context, live: Mapping[Ref, Manifest]) -> tuple[Manifest, ...]:
    """Every child to be applied: skeletons of minted Secrets where they are there, then all that can be rendered."""
    return (
        *(skeleton for skeleton in minted(context) if ref_of(skeleton) in live),
        *(stamped(manifest) for manifest in render(context)),
    )


def to_mint(context: Context, live: Mapping[Ref, Manifest]) -> tuple[Manifest, ...]:
    """Skeletons of the Secrets that have yet to be minted."""
    return tuple(skeleton for skeleton in minted(context) if ref_of(skeleton) not in live)


def children(context: Context, live: Mapping[Ref, Manifest]) -> tuple[Child, ...]:
    """How every child stands."""
    app = context.app.metadata
    manifests = (*wanted(context, live), *to_mint(context, live))
    return tuple(ownership.assess(item, live.get(ref_of(item)), app.name, app.uid) for item in manifests)
