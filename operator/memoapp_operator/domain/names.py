"""Names and labels of the children of a MemoApp, all of them derived from its name."""

from __future__ import annotations

import hashlib

MANAGED_BY = "memoapp-operator"
MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
COMPONENT_LABEL = "app.kubernetes.io/component"
APP_LABEL = "memoapp.dev/app"
COLOUR_LABEL = "memoapp.dev/colour"

# A StatefulSet's name becomes a label together with an 11-character hash (kubernetes/kubernetes#64023).
STATEFUL_SET_LIMIT = 52
# Services are DNS-1035 labels; pods of Deployments cut their own names.
LABEL_LIMIT = 63


def child(app: str, suffix: str, *, limit: int = STATEFUL_SET_LIMIT) -> str:
    """The name of the child ``suffix`` of ``app``, cut with a hash where it would exceed ``limit`` characters.

    The hash keeps two long names with one beginning apart: ``<cut app>-<8 hex>-<suffix>``.
    """
    plain = f"{app}-{suffix}"
    if len(plain) <= limit:
        return plain
    digest = hashlib.sha256(app.encode()).hexdigest()[:8]
    return f"{app[: limit - len(suffix) - 10].rstrip('-')}-{digest}-{suffix}"


def labels(app: str, component: str | None = None, colour: str | None = None) -> dict[str, str]:
    """The labels of a child; never one that was copied from the MemoApp (GitOps tools would claim the child)."""
    found = {MANAGED_BY_LABEL: MANAGED_BY, APP_LABEL: app}
    if component:
        found[COMPONENT_LABEL] = component
    if colour:
        found[COLOUR_LABEL] = colour
    return found
