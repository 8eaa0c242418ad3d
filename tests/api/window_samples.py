"""MaintenanceWindows that between them have every path of their schema."""

from __future__ import annotations

from typing import Any

_TIME = "2026-11-28T22:00:00Z"
_STATUS: dict[str, Any] = {
    "observedGeneration": 1,
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Scheduled",
            "message": "",
            "lastTransitionTime": _TIME,
            "observedGeneration": 1,
        }
    ],
    "phase": "Scheduled",
    "nextStart": _TIME,
    "ends": "2026-11-29T01:00:00Z",
    "apps": ["memo"],
    "runs": [
        {
            "app": "memo",
            "phase": "Completed",
            "window": _TIME,
            "ends": "2026-11-29T01:00:00Z",
            "queuedAt": _TIME,
            "startedAt": _TIME,
            "finishedAt": _TIME,
            "pageUntil": _TIME,
            "steps": [
                {
                    "name": "save",
                    "state": "Succeeded",
                    "startedAt": _TIME,
                    "finishedAt": _TIME,
                    "object": "MemoBackup/memo-save-1a2b3c",
                    "before": "docker.io/library/postgres:17.4",
                    "after": "docker.io/library/postgres:17.5",
                    "message": "18Mi were read back",
                }
            ],
            "message": "save: it failed",
        }
    ],
    "display": {"apps": "memo", "next": "2026-11-28 23:00 +0100", "ends": "2026-11-29 02:00 +0100"},
}

WINDOWS: tuple[dict[str, Any], ...] = (
    {
        "spec": {
            "apps": {"names": ["memo"]},
            "policy": "Allow",
            "work": ["Releases", "Restarts"],
            "schedule": "0 23 * * 6",
            "duration": "3h",
            "timeZone": "Europe/Berlin",
            "exceptDates": ["2026-12-26"],
            "lastStart": "1h",
            "watch": "5m",
            "tests": False,
            "overrun": "Undo",
            "announceBefore": "24h",
            "tasks": [
                {"name": "save", "backup": {}, "timeout": "1h", "onFailure": "Stop"},
                {"name": "prove", "restoreDrill": {}},
                {"name": "database", "updateDatabaseImage": {}},
                {"name": "redis", "updateRedisImage": {}},
                {"name": "jobs", "pruneObjects": {"olderThan": "48h"}},
                {"name": "fresh", "restartPods": {}},
                {"name": "tidy", "vacuumAnalyze": {"lockTimeout": "10s"}},
                {"name": "indexes", "reindex": {"lockTimeout": "10s"}},
                {
                    "name": "clean",
                    "job": {
                        "image": "registry.example/clean:1",
                        "command": ["clean"],
                        "undo": ["clean", "--back"],
                        "args": ["--all"],
                        "env": [
                            {"name": "PLAIN", "value": "1"},
                            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b", "optional": True}}},
                            {
                                "name": "TEXT",
                                "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b", "optional": True}},
                            },
                            {
                                "name": "FIELD",
                                "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
                            },
                        ],
                        "resources": {"requests": {"cpu": 1, "memory": "1Gi"}, "limits": {"cpu": 1, "memory": "1Gi"}},
                        "securityContext": {"runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000},
                    },
                },
            ],
        },
        "status": _STATUS,
    },
    {
        "spec": {
            "apps": {"names": ["memo"]},
            "policy": "Allow",
            "schedule": "0 23 * * 6",
            "duration": "3h",
            "page": True,
            "message": "The disks are changed.",
            "tasks": [{"name": "save", "backup": {}}],
        },
        "status": _STATUS,
    },
    {
        "spec": {
            "apps": {
                "selector": {
                    "matchLabels": {"tier": "gold"},
                    "matchExpressions": [{"key": "stage", "operator": "In", "values": ["prod"]}],
                }
            },
            "policy": "Deny",
            "start": "2026-12-20T00:00:00+01:00",
            "duration": "360h",
            "underWay": "Return",
        },
        "status": _STATUS,
    },
)
"""Between them they have every path of the schema of a MaintenanceWindow."""
LEAST: dict[str, Any] = {"apps": {"names": ["memo"]}, "policy": "Deny", "schedule": "0 23 * * 6", "duration": "3h"}
