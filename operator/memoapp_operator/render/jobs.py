"""Jobs of a release: its migration and its tests. Created, never applied, and each with one pod.

The end of a pod's log becomes its termination message where it fails: the operator needs no right to read logs.
Source: https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy

from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.api.v1alpha1.release import Migration, Suite, When
from memoapp_operator.domain import names
from memoapp_operator.domain.durations import seconds
from memoapp_operator.domain.jobs import REVISION_LABEL, Purpose
from memoapp_operator.domain.manifest import JOB, Manifest
from memoapp_operator.domain.revision import Revision
from memoapp_operator.domain.testing import timeout

from . import pod
from .context import Context
from .declared import stored
from .endpoints import BACKEND, FRONTEND, SERVICE_PORT, coloured, host
from .metadata import name
from .quantity import resources

START_ROOM = 300
"""Seconds in which a pod may wait for a node and its image, beside the time for which it may run."""
_REQUESTS: Manifest = {"requests": {"cpu": "50m", "memory": "64Mi"}}
_TMP_VOLUME, _TMP_PATH = "memoapp-tmp", "/tmp"  # noqa: S108 - a volume of its own
_OF_A_SERVER = ("readinessProbe", "lifecycle", "ports", "command", "args")


def migration(context: Context, declared: Migration, revision: Revision, job: str) -> Manifest:
    """The Job that migrates for a revision: its backend's pod, with another command and nothing of a server."""
    spec: Manifest = deepcopy(revision.tiers[BACKEND]["template"]["spec"])
    spec.pop("topologySpreadConstraints", None)
    container = {key: value for key, value in spec["containers"][0].items() if key not in _OF_A_SERVER}
    container |= {"name": Purpose.MIGRATION.value, "command": declared.command}
    if declared.args:
        container["args"] = declared.args
    if declared.resources is not None:
        container["resources"] = resources(declared.resources, _REQUESTS)
    spec["containers"] = [container]
    return _job(context, Purpose.MIGRATION, revision, job, spec, seconds(declared.timeout))


def test(context: Context, suite: Suite, revision: Revision, colour: Colour, job: str) -> Manifest:
    """The Job of one test of a revision that stands in ``colour``."""
    token = stored(suite.security_context) or {}
    declared: list[Manifest] = stored(suite.env or [])
    taken = {variable["name"] for variable in declared}
    told = _variables(context, suite, revision, colour)
    container: Manifest = {
        "name": Purpose.TEST.value,
        "image": suite.image or revision.tiers[BACKEND]["template"]["spec"]["containers"][0]["image"],
        "command": suite.command,
        "args": suite.args,
        # First, so that the test's own can name them: $(MEMOAPP_URL).
        "env": [*({"name": key, "value": value} for key, value in told.items() if key not in taken), *declared],
        "resources": resources(suite.resources, _REQUESTS),
        "securityContext": pod.restricted(read_only=False),
        "volumeMounts": [pod.mount(_TMP_VOLUME, _TMP_PATH)],
    }
    spec = {
        **pod.spec(context, token),
        "containers": [{key: value for key, value in container.items() if value}],
        "volumes": [pod.empty_volume(_TMP_VOLUME)],
    }
    found = _job(context, Purpose.TEST, revision, job, spec, seconds(timeout(suite)))
    # A test whose pod was evicted has said nothing about the version: it runs again.
    rule = {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    found["spec"]["podFailurePolicy"] = {"rules": [rule]}
    return found


def _variables(context: Context, suite: Suite, revision: Revision, colour: Colour) -> Mapping[str, str]:
    ways = {
        tier: f"http://{host(context, coloured(colour, tier))}:{held['port']}" for tier, held in revision.tiers.items()
    }
    whole = f"http://{name(context, None)}.{context.app.metadata.namespace}.svc:{SERVICE_PORT}"
    after = suite.when is When.AFTER_SWITCH
    found = {
        "MEMOAPP_URL": whole if after else ways[revision.entry],
        "MEMOAPP_BACKEND_URL": ways[BACKEND],
        "MEMOAPP_VERSION": revision.version,
        "MEMOAPP_COLOUR": colour.value,
    }
    return found | ({"MEMOAPP_FRONTEND_URL": ways[FRONTEND]} if FRONTEND in ways else {})


def _job(context: Context, purpose: Purpose, revision: Revision, job: str, spec: Manifest, limit: int) -> Manifest:
    app = context.app.metadata
    labels = {**names.labels(app.name, purpose.value), REVISION_LABEL: revision.id}
    spec["containers"][0]["terminationMessagePolicy"] = "FallbackToLogsOnError"
    # The pod's own limit keeps it, with its log; the Job's takes it away, and is for a pod that never starts.
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": {"name": job, "namespace": app.namespace, "labels": labels, "ownerReferences": [context.owner]},
        "spec": {
            "backoffLimit": 0,
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": limit + START_ROOM,
            "template": {
                "metadata": {"labels": labels},
                "spec": {**spec, "restartPolicy": "Never", "activeDeadlineSeconds": limit},
            },
        },
    }
