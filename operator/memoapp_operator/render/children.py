"""All children of a MemoApp."""

from __future__ import annotations

from copy import deepcopy

from memoapp_operator.domain.manifest import CHILD_KINDS, Manifest, Ref, kind_of, ref_of

from .cache import cache, cache_config
from .claims import claims
from .context import Context
from .database import database
from .database_scripts import database_config
from .disruption import budgets
from .haproxy import router_config, router_state
from .ingress import ingress
from .network import policies
from .recovery import account
from .revision import revision, stored_revision
from .router import router
from .scale import autoscalers
from .schedule import backups
from .secrets import minted, secrets, staff
from .services import services
from .tiers import deployments

__all__ = ["minted", "refs", "render", "revision", "stored_revision"]


def render(context: Context) -> tuple[Manifest, ...]:
    """Every child that can be rendered with what is known, in the order in which they are applied.

    Children whose inputs are still missing are left out, never rendered half. Minted Secrets are not among them: see
    ``minted``. The same context gives equal manifests.
    """
    ordered = sorted(_built(context), key=lambda manifest: CHILD_KINDS.index(kind_of(manifest)))
    # Copies: parts that the builders share stay theirs, whatever a caller does with what it got.
    return tuple(deepcopy(manifest) for manifest in ordered)


def refs(context: Context) -> frozenset[Ref]:
    """Minted Secrets, and every child that can be rendered with what is known."""
    return frozenset(ref_of(manifest) for manifest in (*minted(context), *_built(context)))


def _built(context: Context) -> tuple[Manifest, ...]:
    return (
        *secrets(context),
        *staff(context),
        *database_config(context),
        *cache_config(context),
        *router_config(context),
        *router_state(context),
        *claims(context),
        *services(context),
        *database(context),
        *cache(context),
        *deployments(context),
        *router(context),
        *budgets(context),
        *policies(context),
        *ingress(context),
        *autoscalers(context),
        *backups(context),
        *account(context),
    )
