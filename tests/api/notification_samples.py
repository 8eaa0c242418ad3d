"""Targets, and what was told, with every path of their schemas."""

from __future__ import annotations

from typing import Any

_TIME = "2026-11-23T02:00:41Z"

TARGETS: list[dict[str, Any]] = [
    {
        "name": "ops",
        "urlSecretRef": {"name": "memo-chat", "key": "url"},
        "minSeverity": 2,
        "topics": ["Incidents"],
        "quietHours": {"from": "22:00", "to": "06:00", "timeZone": "Europe/Berlin"},
        "escalateAfter": "15m",
        "repeatAfter": "30m",
        "templates": [{"event": "IncidentAlert", "title": "$app is down", "text": "$message"}],
    }
]

NOTIFICATIONS: dict[str, Any] = {
    "troubles": [
        {"key": "Available", "severity": 1, "since": _TIME, "told": [{"target": "ops", "at": _TIME}]},
    ],
    "maintenance": [{"window": "night", "start": _TIME, "until": _TIME, "begun": True, "longer": True}],
    "outbox": [
        {
            "id": "0123456789abcdef",
            "target": "ops",
            "event": "IncidentAlert",
            "key": "Available",
            "severity": 1,
            "title": "INCIDENT ALERT: memo",
            "text": "no pod is ready",
            "at": _TIME,
            "after": _TIME,
            "attempts": 1,
        }
    ],
    "failing": [{"target": "ops", "since": _TIME, "message": "it did not answer"}],
    "dropped": 1,
}

ALERTMANAGER: dict[str, Any] = {
    "url": "http://alertmanager.monitoring:9093",
    "labels": [{"name": "app", "value": "memo"}],
    "bearerSecretRef": {"name": "alerts", "key": "token"},
    "caSecretRef": {"name": "alerts", "key": "ca.crt"},
}

UPKEEP: dict[str, Any] = {
    "timeZone": "Europe/Berlin",
    "check": {"schedule": "0 7 * * *"},
    "prune": {"schedule": "30 3 * * *", "olderThan": "48h"},
}
_TURN = {"schedule": "0 7 * * * Europe/Berlin", "since": _TIME, "next": _TIME, "at": _TIME}
KEPT: dict[str, Any] = {
    "upkeep": {
        "check": {**_TURN, "findings": ["diskPercent: 93 > 90 (percent of the database's volume)"]},
        "prune": {**_TURN, "removed": 3},
    },
    "images": {"database": "docker.io/library/postgres:17.4", "redis": "docker.io/library/redis:8.0.1"},
    "heldImages": [
        {
            "component": "database",
            "image": "docker.io/library/postgres:17.4",
            "refused": "docker.io/library/postgres:17.5",
            "window": "saturday",
        }
    ],
}
"""What the status knows of regular work and of images that were taken back."""
TOLD: dict[str, Any] = {"notifications": TARGETS, "alertmanager": ALERTMANAGER, "upkeep": UPKEEP}
"""Who is told, and what is done regularly."""
