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
