"""What an app's backups need in its namespace: a schedule, a volume, a Lease, and an account with narrow rights."""

from __future__ import annotations

import json

from memoapp_operator.api.v1alpha1.destination import BackupVolume
from memoapp_operator.domain.manifest import (
    CONFIG_MAP,
    CRON_JOB,
    LEASE,
    MEMO_APP,
    MEMO_BACKUP,
    ROLE,
    ROLE_BINDING,
    SERVICE_ACCOUNT,
    VOLUME_CLAIM,
    Manifest,
)

from . import agent_pod, backup
from .context import Context
from .metadata import child, name
from .quantity import canonical, larger

_LATE = 3600
"""Seconds after its time until which a run is still begun."""


def backups(context: Context) -> tuple[Manifest, ...]:
    """Nothing where no backups are declared."""
    declared = context.app.spec.backup
    if declared is None:
        return ()
    found = [_saved(context), *_account(context), _lease(context)]
    volume = declared.destination.volume
    if volume is not None and volume.claim_name is None:
        found.append(_claim(context, volume))
    if declared.schedule is not None:
        found.append(_cron_job(context))
    return tuple(found)


def _saved(context: Context) -> Manifest:
    """The MemoApp as it is declared: the agent has no right to read it."""
    app = context.app
    content = {
        "apiVersion": MEMO_APP.api_version,
        "kind": MEMO_APP.kind,
        "metadata": {"name": app.metadata.name, "namespace": app.metadata.namespace, "uid": app.metadata.uid},
        "spec": app.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    return {**child(CONFIG_MAP, context, backup.SAVED, component=agent_pod.COMPONENT), "data": {"app.json": text}}


def _account(context: Context) -> tuple[Manifest, ...]:
    """An account that may record backups and hold the data's Lease, and nothing else."""
    component = agent_pod.COMPONENT
    account = {
        **child(SERVICE_ACCOUNT, context, component, component=component),
        "automountServiceAccountToken": False,
    }
    role = {
        **child(ROLE, context, component, component=component),
        "rules": [
            {"apiGroups": [MEMO_BACKUP.group], "resources": [MEMO_BACKUP.plural], "verbs": ["create"]},
            {"apiGroups": [MEMO_BACKUP.group], "resources": [f"{MEMO_BACKUP.plural}/status"], "verbs": ["patch"]},
            {
                "apiGroups": [LEASE.group],
                "resources": [LEASE.plural],
                "resourceNames": [name(context, backup.LEASE)],
                "verbs": ["get", "update"],
            },
        ],
    }
    own = name(context, component)
    binding = {
        **child(ROLE_BINDING, context, component, component=component),
        "roleRef": {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": own},
        "subjects": [{"kind": SERVICE_ACCOUNT.kind, "name": own, "namespace": context.app.metadata.namespace}],
    }
    return account, role, binding


def _lease(context: Context) -> Manifest:
    """Whoever works on the data holds it; the operator only sees to it that it is there."""
    return child(LEASE, context, backup.LEASE, component=agent_pod.COMPONENT)


def _claim(context: Context, volume: BackupVolume) -> Manifest:
    """It outlives the MemoApp, whatever becomes of the database."""
    present = context.claims.get(agent_pod.CLAIM)
    size = larger(volume.size, present) if present else canonical(volume.size)
    spec: Manifest = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    if volume.storage_class_name:
        spec["storageClassName"] = volume.storage_class_name
    return {**child(VOLUME_CLAIM, context, agent_pod.CLAIM, component=agent_pod.CLAIM, kept=True), "spec": spec}


def _cron_job(context: Context) -> Manifest:
    declared = context.app.spec.backup
    assert declared is not None  # noqa: S101 -- asked for only where it is
    found = child(CRON_JOB, context, agent_pod.COMPONENT, component=agent_pod.COMPONENT)
    return {
        **found,
        "spec": {
            "schedule": declared.schedule,
            "timeZone": declared.time_zone,
            # While all is suspended, there is no database to ask.
            "suspend": declared.suspend or context.app.spec.suspend,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": _LATE,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {
                "metadata": {"labels": found["metadata"]["labels"]},
                "spec": backup.scheduled(context, declared),
            },
        },
    }
