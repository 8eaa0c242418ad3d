"""What PostgreSQL and Redis have in common: a StatefulSet of one replica on a claim of the operator's."""

from __future__ import annotations

from memoapp_operator.domain import names
from memoapp_operator.domain.manifest import Manifest

from .context import Context
from .metadata import name, selector

# Asked every second, so that a start is seen at once; half an hour is room for the recovery after a crash.
STARTUP_PROBE: Manifest = {"periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 1800}


def stateful_spec(context: Context, component: str, pod: Manifest) -> Manifest:
    """The spec of ``<app>-<component>``, whose Service and claim have the same name."""
    return {
        # A migration that runs is not left without its database.
        "replicas": 0 if context.app.spec.suspend and not context.migrates else 1,
        "serviceName": name(context, component),
        # OrderedReady never replaces a pod that did not get ready, not even by a mended image.
        # Source: https://github.com/kubernetes/kubernetes/issues/67250
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "selector": {"matchLabels": selector(context, component)},
        "template": {
            "metadata": {"labels": names.labels(context.app.metadata.name, component)},
            "spec": pod,
        },
    }
