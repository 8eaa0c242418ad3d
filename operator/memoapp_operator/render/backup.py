"""Backups: the pods that take, check and remove them, the schedule, and what its pods may do.

Nothing of a backup is written to the node's disk but named pipes and a list of contents: data streams from the database
to the destination. Secrets come as files and variables, and in no argument.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from memoapp_operator.api.v1alpha1.backup import Backup
from memoapp_operator.api.v1alpha1.destination import Destination
from memoapp_operator.api.v1alpha1.memoapp import MemoApp
from memoapp_operator.domain import names
from memoapp_operator.domain.durations import seconds
from memoapp_operator.domain.manifest import CONFIG_MAP, JOB, MEMO_BACKUP, SECRET, Manifest
from memoapp_operator.domain.references import connection_name, references

from . import agent_pod
from .agent_pod import COMPONENT, Part
from .context import Context
from .endpoints import CACHE, DATABASE
from .metadata import name
from .pod import config_volume, mount, our_resources, restricted, spec

BACKUP_LABEL = "memoapp.dev/backup"
"""Of a Job and its pod: the MemoBackup that they are at work for."""
SAVED = "saved"
"""Suffix of the ConfigMap that holds the MemoApp for its backups, and the key in it is ``app.json``."""
LEASE = "data"
"""Suffix of the Lease by which backups, migrations and restores keep apart."""
_APP, _CONFIG = "/app", "/config"
_SHORT = 1800
"""Seconds for which a Job may run that only looks at a destination, or removes something there."""
_KEPT = 3600
"""Seconds for which a Job that is done stays, with its log."""
_TRIES = 2
"""How often the schedule's Job tries again in the same hour."""


class Task(StrEnum):
    """What an agent does; also the suffix of its Job."""

    TAKE = "take"
    VERIFY = "verify"
    HIDE = "hide"
    REMOVE = "remove"
    CATALOGUE = "catalogue"


@dataclass(frozen=True, slots=True)
class Order:
    """One thing that an agent is to do for a MemoBackup.

    Attributes:
        task: what.
        backup: the MemoBackup: its name and uid are used.
        destination: where.
        folder: that of the backup, where it exists.
        reason: why it is taken.
    """

    task: Task
    backup: Manifest
    destination: Destination
    folder: str = ""
    reason: str = ""


def job(context: Context, order: Order) -> Manifest:
    """The Job of a MemoBackup. It is created, never applied, and goes with its MemoBackup."""
    metadata = order.backup["metadata"]
    owner = {
        "apiVersion": MEMO_BACKUP.api_version,
        "kind": MEMO_BACKUP.kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    labels = {**names.labels(context.app.metadata.name, COMPONENT), BACKUP_LABEL: metadata["name"]}
    values = {
        "MEMOAPP_BACKUP_NAME": metadata["name"],
        "MEMOAPP_BACKUP_REASON": order.reason,
        "MEMOAPP_FOLDER": order.folder,
        "MEMOAPP_ORDERED_AT": metadata.get("creationTimestamp", ""),
    }
    takes = order.task is Task.TAKE
    declared = context.app.spec.backup
    limit = seconds(declared.timeout) if takes and declared is not None else _SHORT
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": {
            "name": job_name(metadata["name"], order.task),
            "namespace": metadata["namespace"],
            "labels": labels,
            "ownerReferences": [owner],
        },
        "spec": {
            **_job(context, order.task, order.destination, values, labels, limit),
            "backoffLimit": 0 if takes else _TRIES,
            "ttlSecondsAfterFinished": _KEPT,
        },
    }


def job_name(backup: str, task: Task) -> str:
    """The name of the Job that does this for a MemoBackup."""
    return names.child(backup, task.value)


def catalogue_job(context: Context, destination: Destination, digest: str) -> Manifest:
    """The Job that makes records of the backups in a destination which the cluster does not know."""
    app = context.app.metadata
    labels = names.labels(app.name, COMPONENT)
    return {
        "apiVersion": JOB.api_version,
        "kind": JOB.kind,
        "metadata": {
            "name": catalogue_name(app.name, digest),
            "namespace": app.namespace,
            "labels": labels,
            "ownerReferences": [context.owner],
        },
        "spec": {
            **_job(context, Task.CATALOGUE, destination, {}, labels, _SHORT),
            "backoffLimit": _TRIES,
            "ttlSecondsAfterFinished": _KEPT,
        },
    }


def catalogue_name(app: str, digest: str) -> str:
    """The name of the Job that looks through a destination."""
    return names.child(app, f"{Task.CATALOGUE.value}-{digest[:8]}")


def scheduled(context: Context, declared: Backup) -> Manifest:
    """The spec of the CronJob's Jobs: each takes a backup by itself, whether or not an operator runs."""
    labels = names.labels(context.app.metadata.name, COMPONENT)
    values = {"MEMOAPP_BACKUP_REASON": "Scheduled", "MEMOAPP_BACKUP_PREFIX": prefix(context.app.metadata.name)}
    limit = seconds(declared.timeout)
    return {
        **_job(context, Task.TAKE, declared.destination, values, labels, limit, scheduled=True),
        "backoffLimit": _TRIES,
    }


def prefix(app: str) -> str:
    """What the names of an app's scheduled backups begin with; ``-20261123-020000`` follows."""
    stamp = "0" * 15
    return names.child(app, stamp, limit=63).removesuffix(f"-{stamp}")


def _job(
    context: Context,
    task: Task,
    destination: Destination,
    values: dict[str, str],
    labels: dict[str, str],
    limit: int,
    *,
    scheduled: bool = False,
) -> Manifest:
    """A pod that was evicted, or lost its node, is no failure; one whose settings are wrong needs no second try."""
    pod = _pod(context, task, destination, values, scheduled=scheduled)
    return {
        "podReplacementPolicy": "Failed",
        "activeDeadlineSeconds": limit,
        "podFailurePolicy": {
            "rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {"action": "FailJob", "onExitCodes": {"containerName": "agent", "operator": "In", "values": [2]}},
            ]
        },
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }


def _pod(
    context: Context, task: Task, destination: Destination, values: dict[str, str], *, scheduled: bool
) -> Manifest:
    tells = task in {Task.TAKE, Task.CATALOGUE}
    parts = [agent_pod.work(), agent_pod.where(context, destination)]
    if task is Task.TAKE:
        parts += [_saved(context), agent_pod.sealed(context)]
    image = agent_pod.client(context) if task in {Task.TAKE, Task.VERIFY} else None
    variables = {"MEMOAPP_APP_NAME": context.app.metadata.name, "MEMOAPP_TOOLS": "true" if image else "", **values}
    for part in parts:
        variables |= part.values
    agent: Manifest = {
        "name": "agent",
        "image": context.platform.operator_image,
        "command": ["python3", "-m", "memoapp_operator.agent", task.value],
        "env": [
            *({"name": key, "value": value} for key, value in variables.items() if value),
            *(agent_pod.login(context) if task is Task.TAKE else []),
            *(_redis(context) if task is Task.TAKE else []),
            *agent_pod.keys(destination),
            *(_own_name() if scheduled else []),
        ],
        # Data streams: what it needs does not grow with the database.
        "resources": our_resources("100m", "96Mi", "256Mi"),
        "securityContext": restricted(read_only=True),
        "volumeMounts": [each for part in parts for each in part.mounts],
    }
    found: Manifest = {
        **spec(context, agent_pod.USER, token=tells),
        "restartPolicy": "Never",
        "containers": [agent],
        "volumes": [each for part in parts for each in part.volumes],
    }
    if tells:
        found["serviceAccountName"] = name(context, COMPONENT)
    if image is not None:
        found["initContainers"] = [agent_pod.tools(image, agent_pod.login(context) if task is Task.TAKE else [])]
    return found


def _saved(context: Context) -> Part:
    """The MemoApp, its ConfigMaps and, where they are sealed, its Secrets. Those that are not there are left out."""
    app, declared = context.app, context.app.spec.backup
    mentions = {item.ref for item in references(app.metadata.name, app.spec)}
    found = sorted((ref.kind.plural, ref.name) for ref in mentions if ref.kind is CONFIG_MAP)
    if declared is not None and declared.encryption is not None:
        own = [DATABASE] if app.spec.database.managed is not None else []
        own += [CACHE] if app.spec.redis is not None and app.spec.redis.managed is not None else []
        foreign = {ref.name for ref in mentions if ref.kind is SECRET} | _around(app)
        found += [(SECRET.plural, item) for item in sorted({*foreign, *(name(context, each) for each in own)})]
    mounts = [mount("app", _APP, read_only=True)]
    volumes = [config_volume("app", name(context, SAVED))]
    for number, (plural, item) in enumerate(found):
        mounts.append(mount(f"saved-{number}", f"{_CONFIG}/{plural}/{item}", read_only=True))
        source = (
            {"secret": {"secretName": item, "optional": True, "defaultMode": 0o440}}
            if plural == SECRET.plural
            else {"configMap": {"name": item, "optional": True, "defaultMode": 0o444}}
        )
        volumes.append({"name": f"saved-{number}", **source})
    values = {"MEMOAPP_APP": f"{_APP}/app.json", "MEMOAPP_CONFIG": _CONFIG, "MEMOAPP_LEASE": name(context, LEASE)}
    return Part(values, mounts, volumes)


def _around(app: MemoApp) -> set[str]:
    """Secrets that no pod of the app names, and without which it would not come back as it was."""
    found = {each.name for each in app.spec.image_pull_secrets or ()}
    ingress, asked, staff = app.spec.traffic.ingress, app.spec.gates.prometheus, app.spec.traffic.staff
    found |= {target.url_secret_ref.name for target in app.spec.notifications or ()}
    if staff is not None:
        found.add(staff.secret_ref.name)
    if ingress is not None and ingress.tls_secret_name is not None:
        found.add(ingress.tls_secret_name)
    servers = [each for each in (asked, app.spec.alertmanager) if each is not None]
    refs = [ref for each in servers for ref in (each.ca_secret_ref, each.bearer_secret_ref)]
    return found | {ref.name for ref in refs if ref is not None}


def _redis(context: Context) -> list[Manifest]:
    declared = context.app.spec.backup
    if declared is None or not declared.redis:
        return []
    source = {"name": connection_name(context.app.metadata.name), "key": "redis-uri"}
    return [{"name": "MEMOAPP_REDIS_URI", "valueFrom": {"secretKeyRef": source}}]


def _own_name() -> list[Manifest]:
    """The Job's name holds the minute for which it was made, and so gives the backup its name."""
    field = {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.labels['batch.kubernetes.io/job-name']"}}
    return [{"name": "MEMOAPP_JOB", "valueFrom": field}]
