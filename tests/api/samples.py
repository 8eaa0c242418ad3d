"""MemoApps that between them set every field of the schema, and the least that is accepted."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.kube import Object

from .data_samples import BACKUPS, CONDITIONS, RESTORES, S3
from .notification_samples import KEPT, NOTIFICATIONS, TOLD
from .window_samples import LEAST as LEAST_WINDOW
from .window_samples import WINDOWS

MEMO_APP = "memoapp.dev/v1alpha1/MemoApp"

_RESOURCES: Object = {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": 2, "memory": "1.5Gi"}}

_ENVIRONMENT: list[Object] = [
    {"name": "PLAIN", "value": "text"},
    {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token", "optional": True}}},
    {"name": "CONFIG", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a.b", "optional": False}}},
    {"name": "FIELD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
]

_TIER: Object = {
    "image": "registry.example/memo:1.4.0",
    "replicas": 3,
    "autoscaling": {"minReplicas": 1, "maxReplicas": 100, "cpuPercent": 70},
    "port": 8080,
    "healthPath": "/healthz",
    "command": ["/bin/app"],
    "args": ["--verbose"],
    "env": _ENVIRONMENT,
    "envFrom": [
        {"prefix": "A_", "secretRef": {"name": "keys", "optional": True}},
        {"configMapRef": {"name": "settings", "optional": True}},
    ],
    "resources": _RESOURCES,
    "securityContext": {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000},
    "serviceAccountName": "memo",
    "nodeSelector": {"disk": "ssd"},
    "affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "tolerations": [{"key": "spot", "operator": "Exists"}],
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway"}],
    "volumes": [{"name": "scratch", "emptyDir": {}}],
    "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
}

_STORAGE: Object = {"size": "20Gi", "storageClassName": "fast"}

MANAGED: Object = {
    "version": "1.4.0",
    "frontend": {**_TIER, "backendHost": "backend"},
    "backend": _TIER,
    "database": {
        "managed": {
            "image": "docker.io/library/postgres:17",
            "storage": _STORAGE,
            "resources": _RESOURCES,
            "parameters": {"max_connections": "200", "pg_stat_statements.track": "all"},
            "restoreFrom": {
                "destination": {"s3": S3},
                "app": {"namespace": "prod", "name": "memo"},
                "backup": "memo-20261122-020000",
                "identitySecretRef": {"name": "vault", "key": "identity"},
            },
        },
        "name": "memo_app",
        "user": "memo_user",
    },
    "redis": {
        "managed": {"image": "docker.io/library/redis:8", "storage": _STORAGE, "resources": _RESOURCES},
        "deletionPolicy": "Delete",
    },
    "traffic": {
        "replicas": 3,
        "image": "docker.io/library/haproxy:3.2",
        "ingress": {"host": "memo.example", "className": "public", "tlsSecretName": "memo-tls"},
        "staff": {"header": "X-Staff", "secretRef": {"name": "memo-staff", "key": "value"}},
        "resources": _RESOURCES,
    },
    "maintenance": {"until": "2026-11-29T02:00:00+01:00", "message": "The database moves."},
    **TOLD,
    "release": {
        "steps": [{"weight": 50, "hold": "2m"}],
        "soak": "5m",
        "approval": "Manual",
        "onFailure": "Hold",
        "probes": {"paths": ["/", "/api/memos"]},
        "keepOld": "1h30m",
        "deadline": "10m",
        "migration": {
            "command": ["/bin/migrate"],
            "args": ["--up"],
            "resources": _RESOURCES,
            "timeout": "20m",
            "reversible": False,
        },
        "tests": [
            {
                "name": "smoke",
                "image": "registry.example/memo-tests:1.4.0",
                "command": ["/bin/test"],
                "args": ["$(MEMOAPP_URL)"],
                "env": _ENVIRONMENT,
                "resources": _RESOURCES,
                "securityContext": {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000},
                "timeout": "5m",
                "when": "AfterSwitch",
            }
        ],
    },
    "gates": {
        "errors": {"clientErrorPercent": "2.5", "serverErrorPercent": "0", "abortServerErrorPercent": "100"},
        "responseTime": {"frontend": "2s", "backend": "500ms", "slowPercent": "1"},
        "pods": {"restarts": 1},
        "database": {
            "connectionsPercent": 70,
            "replicationLag": "500ms",
            "deadlocks": 1,
            "lockWait": "10s",
            "transactionAge": "1m",
            "slowQuery": "200ms",
        },
        "resources": {"cpuPercent": 90, "memoryPercent": 95, "diskPercent": 80},
        "prometheus": {
            "url": "https://prometheus.example:9090/monitoring",
            "caSecretRef": {"name": "prometheus", "key": "ca.crt"},
            "bearerSecretRef": {"name": "prometheus", "key": "token"},
            "queries": [
                {"name": "queue", "query": "memo_queue_length", "max": "100.5", "dryRun": True},
                {"name": "users", "query": "memo_users", "min": "-1"},
            ],
        },
        "interval": "30s",
        "failureLimit": 2,
        "errorLimit": 4,
        "minRequests": 50,
        "dryRun": ["clientErrorPercent"],
    },
    "paused": True,
    "suspend": True,
    "imagePullSecrets": [{"name": "registry"}],
}

EXTERNAL: Object = {
    "version": "1.4.0",
    "backend": {"image": "registry.example/memo-backend:1.4.0"},
    "database": {"external": {"secretRef": {"name": "postgres"}}},
    "redis": {"external": {"secretRef": {"name": "redis"}}},
    "release": {"backup": "Required"},
    "backup": {"destination": {"s3": S3}, "clientImage": "registry.example/postgres:16"},
}

BACKED: Object = {
    "version": "1.4.0",
    "backend": {"image": "registry.example/memo-backend:1.4.0"},
    "database": {
        "managed": {
            "restoreFrom": {
                "destination": {"volume": {"size": "20Gi", "storageClassName": "slow", "claimName": "mine"}},
            },
        },
        "deletionPolicy": "BackupThenDelete",
    },
    "release": {
        "backup": "Required",
        "backupMaxAge": "30m",
        "migration": {"atStart": True},
        "onFailure": "RestoreBackup",
        "dataLoss": "Accept",
    },
    "backup": {
        "schedule": "0 2 * * *",
        "timeZone": "Europe/Berlin",
        "suspend": True,
        "destination": {"volume": {"size": "20Gi", "storageClassName": "slow", "claimName": "mine"}},
        "redis": False,
        "encryption": {
            "recipientsSecretRef": {"name": "vault", "key": "recipients"},
            "identitySecretRef": {"name": "vault", "key": "identity"},
        },
        "drill": {
            "schedule": "0 4 * * 0",
            "suspend": False,
            "checks": [{"name": "has-memos", "query": "SELECT count(*) > 0 FROM memos"}],
            "backend": True,
            "disaster": {"schedule": "0 5 1 * *", "timeout": "1h"},
            "storage": {"size": "15Gi", "storageClassName": "slow"},
            "resources": {"requests": {"cpu": "100m", "memory": 1}, "limits": {"memory": "1Gi"}},
        },
        "keep": {"last": 7, "daily": 14, "weekly": 8, "monthly": 12, "announce": "1h"},
        "timeout": "2h",
    },
}

LEAST: Object = {
    "version": "1.4.0",
    "backend": {"image": "registry.example/memo-backend:1.4.0"},
    "database": {"managed": {}},
}

_TIME = "2026-11-23T12:00:00Z"

STATUS: Object = {
    "observedGeneration": 1,
    "conditions": CONDITIONS,
    "active": {"colour": "blue", "version": "1.4.0", "revision": "r1", "since": _TIME},
    "traffic": {"blue": 100, "green": 0},
    "release": {
        "id": "r1",
        "version": "1.4.0",
        "colour": "blue",
        "phase": "Completed",
        "startedAt": _TIME,
        "deadline": _TIME,
        "approved": True,
        "bypassed": "2026-11-23T02:00:41Z",
        "restart": "memo-fresh-1a2b3c",
        "weight": 50,
        "passed": 10,
        "since": _TIME,
        "shiftingSince": _TIME,
        "restore": {"name": "memo-r5-back", "made": True, "done": True},
        "gates": [
            {
                "name": "serverErrorPercent",
                "verdict": "Fail",
                "message": "serverErrorPercent 0.5 > 0.1 on green (blue 0.0), 1,204 requests",
                "value": "0.50",
                "limit": "0.1",
                "other": "0.0",
                "requests": 1204,
                "failed": 1,
                "errors": 2,
                "dryRun": True,
            }
        ],
        "skipped": ["cpuPercent", "replicationLag"],
        "migration": {
            "job": "memo-r5-migrate-0f3a1",
            "attempt": 2,
            "outcome": "Failed",
            "message": "memo-r5-migrate-0f3a1: exit code 1",
            "log": "column body does not exist",
            "startedAt": _TIME,
            "finishedAt": _TIME,
            "schemaBefore": "a" * 64,
            "schemaAfter": "b" * 64,
        },
        "irreversible": True,
        "tests": [
            {
                "name": "smoke",
                "job": "memo-r5-test-smoke-0f3a1",
                "outcome": "Failed",
                "message": "memo-r5-test-smoke-0f3a1: exit code 1",
                "log": "GET / answered 500",
                "startedAt": _TIME,
                "finishedAt": _TIME,
            }
        ],
        "compared": [
            {"name": "api", "requests": 1204, "clientErrors": 3, "serverErrors": 1, "slow": [20, 9, 4, 1, 0, 0]}
        ],
        "instead": "r3",
        "replicas": {"backend": 4},
        "finishedAt": _TIME,
        "backup": "memo-r5-pre",
        "reason": "RolledBackByHand",
        "message": "rolled back by order",
    },
    "colours": {"blue": "memo-r1", "green": "memo-r2"},
    "rejected": [
        {"id": "r2", "reason": "DeadlineExceeded", "message": "not ready for 10m", "retryAt": _TIME, "attempts": 2}
    ],
    "history": [
        {
            "id": "r2",
            "version": "1.5.0",
            "result": "RolledBack",
            "reason": "GateFailed",
            "message": "abortServerErrorPercent 7.2 > 5 on green (blue 0.0), 1,204 requests",
            "startedAt": _TIME,
            "finishedAt": _TIME,
            "backup": "memo-r2-pre",
            "bypassed": _TIME,
            "restart": "memo-fresh-1a2b3c",
        }
    ],
    "orders": {
        "backup": "6",
        "approve": "4",
        "abort": "5",
        "retry": "1",
        "rollback": "2",
        "restart": "3",
        "plan": "7",
        "bypass": "8",
        "restarts": ["5f70bf18a086007016e948b04aed3b82"],
    },
    **KEPT,
    "backups": {
        "last": {"name": "memo-20261123-020000", "takenAt": _TIME},
        "schedule": "0 2 * * * Europe/Berlin",
        "since": _TIME,
        "next": _TIME,
        "ordered": "memo-20261123-120000",
        "final": "memo-final",
        "pruning": {
            "rules": "last 7, daily 14, weekly 8, monthly 12, in Europe/Berlin",
            "begins": _TIME,
            "names": ["memo-20251123-020000"],
        },
        "catalogued": "50d43b31fef083e0",
        "lastProved": {"name": "memo-20261122-020000", "takenAt": _TIME, "provedAt": _TIME},
        "drill": {
            "schedule": "0 4 * * 0 Europe/Berlin",
            "since": _TIME,
            "next": _TIME,
            "ordered": "memo-drill-20261122-040000",
            "backup": "memo-20261122-020000",
        },
        "disaster": {
            "schedule": "0 5 1 * * Europe/Berlin",
            "since": _TIME,
            "next": _TIME,
            "ordered": "memo-disaster-20261201-050000",
            "last": {"name": "memo-disaster-20261101-050000", "at": _TIME, "reason": "Recovered", "seconds": 94},
        },
    },
    "recovery": {
        "restore": "memo-recovery",
        "result": "Restored",
        "folder": "prod/memo/2026/11/memo-20261122-020000/",
        "takenAt": _TIME,
        "finishedAt": _TIME,
    },
    "maintenance": {
        "until": _TIME,
        "since": _TIME,
        "message": "The database moves.",
        "holders": [{"name": "restore/undo-1", "until": _TIME}],
    },
    "plan": ["version 1.5.0 would take over"],
    "notifications": NOTIFICATIONS,
    "silence": {"until": _TIME, "message": "it answered 500"},
    "addresses": {"blue-backend": "10.96.0.10"},
    "display": {"release": "Completed", "traffic": "blue 100"},
}

SAMPLES = tuple({"spec": spec, "status": STATUS} for spec in (MANAGED, BACKED, EXTERNAL))
SPECS = {"managed": MANAGED, "external": EXTERNAL, "backed": BACKED}


def memo_app(name: str, namespace: str, spec: Object | None, status: Object | None = None) -> Object:
    """A MemoApp of its own: a test may change it."""
    app: Object = {
        "apiVersion": "memoapp.dev/v1alpha1",
        "kind": "MemoApp",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
        **({} if status is None else {"status": status}),
    }
    copy: Object = json.loads(json.dumps(app))
    return copy


@dataclass(frozen=True, slots=True)
class Sampled:
    """A kind with samples that between them have every path of its schema.

    Attributes:
        kind: as ``kubectl`` knows it.
        samples: spec and status.
        least: a spec that is accepted.
    """

    kind: str
    samples: tuple[Object, ...]
    least: Object

    def made(self, name: str, namespace: str, spec: Object | None) -> Object:
        """An object of its own: a test may change it."""
        version, _, kind = self.kind.rpartition("/")
        found: Object = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}
        copy: Object = json.loads(json.dumps({**found, "spec": spec}))
        return copy


SAMPLED = {
    "memoapps": Sampled(MEMO_APP, SAMPLES, LEAST),
    "memobackups": Sampled("memoapp.dev/v1alpha1/MemoBackup", BACKUPS, {"appRef": {"name": "memo"}}),
    "memorestores": Sampled(
        "memoapp.dev/v1alpha1/MemoRestore", RESTORES, {"appRef": {"name": "memo"}, "source": {"backup": "one"}}
    ),
    "maintenancewindows": Sampled("memoapp.dev/v1alpha1/MaintenanceWindow", WINDOWS, LEAST_WINDOW),
}
