"""What every pod has in common: it meets the restricted pod security standard and holds no API token unasked.

Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
"""

from __future__ import annotations

from memoapp_operator.domain.manifest import Manifest

from .context import Context
from .metadata import selector

# Seconds that a pod goes on serving after it was told to stop: the time that every node's kube-proxy and every
# open client takes to learn that it is gone. Tried with switches and restarts under load.
DRAIN_SECONDS = 5
PRE_STOP_SLEEP: Manifest = {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}}

ROLLOUT: Manifest = {
    "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
    "progressDeadlineSeconds": 300,
    "revisionHistoryLimit": 2,
}
"""How every Deployment changes its pods: one more first, never one less."""


def spec(context: Context, user: Manifest, *, token: bool = False) -> Manifest:
    """The pod's own fields, without containers and volumes.

    Args:
        context: the app.
        user: runAsUser, runAsGroup, fsGroup and the like, as far as they are known.
        token: whether a token of the service account is mounted.
    """
    found: Manifest = {
        # Variables of all Services of the namespace would collide with the app's own (``BACKEND_PORT``).
        "enableServiceLinks": False,
        "automountServiceAccountToken": token,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **user},
    }
    if context.app.spec.image_pull_secrets:
        found["imagePullSecrets"] = [{"name": each.name} for each in context.app.spec.image_pull_secrets]
    return found


def restricted(*, read_only: bool) -> Manifest:
    """The security context of a container; ``read_only`` where the image is known to write to volumes alone."""
    found: Manifest = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    if read_only:
        found["readOnlyRootFilesystem"] = True
    return found


def spread(context: Context, component: str) -> Manifest:
    """Pods of one template on different nodes, if there are any to choose from."""
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector(context, component)},
        # One colour must not push the other's pods together: only pods of the same template count.
        "matchLabelKeys": ["pod-template-hash"],
    }


def our_resources(cpu: str, memory: str, limit: str) -> Manifest:
    """Resources of a container of ours: memory has a limit, the processor has none (it would only throttle)."""
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"memory": limit}}


def secret_volume(volume: str, secret: str, *keys: str) -> Manifest:
    """Only the named keys of a Secret, readable by the pod's user and group alone (0440)."""
    return {
        "name": volume,
        "secret": {
            "secretName": secret,
            "defaultMode": 0o440,
            "items": [{"key": key, "path": key} for key in keys],
        },
    }


def config_volume(volume: str, config_map: str, *, mode: int = 0o444) -> Manifest:
    """All keys of a ConfigMap as files."""
    return {"name": volume, "configMap": {"name": config_map, "defaultMode": mode}}


def empty_volume(volume: str) -> Manifest:
    """A folder that lives as long as its pod."""
    return {"name": volume, "emptyDir": {}}


def mount(volume: str, path: str, *, read_only: bool = False) -> Manifest:
    """A volume's mount. ``readOnly: false`` would not be stored, so it is left out."""
    found: Manifest = {"name": volume, "mountPath": path}
    if read_only:
        found["readOnly"] = True
    return found
