"""What people are told, in words: the runbook's, or a target's own. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from string import Template

from memoapp_operator.api.v1alpha1.notifications import Event, Target

TITLE, TEXT = 200, 2048
FACTS = ("app", "namespace", "version", "what", "reason", "message", "since", "until", "lasted", "window", "severity")
"""What a template may name, each with a dollar sign."""
WORDS: Mapping[Event, tuple[str, str]] = {
    Event.INCIDENT_ALERT: (
        "INCIDENT ALERT: $app: $what",
        (
            "Severity: P$severity\nApp: $app in $namespace, version $version\nWhat: $what ($reason)\n$message\n"
            "Since: $since\nThe next update comes while it lasts, or as soon as it is resolved."
        ),
    ),
    Event.INCIDENT_UPDATE: (
        "INCIDENT UPDATE: $app: $what",
        (
            "Severity: P$severity\nApp: $app in $namespace, version $version\nStill: $what ($reason)\n$message\n"
            "Since: $since, for $lasted"
        ),
    ),
    Event.INCIDENT_RESOLVED: (
        "INCIDENT RESOLVED: $app: $what",
        "App: $app in $namespace, version $version\nOver: $what\nIt lasted $lasted, from $since until $until.",
    ),
    Event.RELEASE_STARTED: (
        "Release started: $app $version",
        "Version $version of $app in $namespace is being released.",
    ),
    Event.RELEASE_COMPLETED: (
        "Release completed: $app $version",
        "Version $version of $app in $namespace serves all clients, after $lasted.",
    ),
    Event.RELEASE_ROLLED_BACK: (
        "Release rolled back: $app $version",
        "Version $version of $app in $namespace was rolled back: $reason\n$message",
    ),
    Event.RELEASE_REJECTED: (
        "Release rejected: $app $version",
        "Version $version of $app in $namespace never served: $reason\n$message",
    ),
    Event.RELEASE_HELD: (
        "Release held: $app $version",
        (
            "The release of version $version of $app in $namespace waits for a person: approve, abort or retry it.\n"
            "$reason\n$message"
        ),
    ),
    Event.BACKUP_FAILED: (
        "Backup trouble: $app",
        "App: $app in $namespace\nBackups are not well: $reason\n$message\nSince: $since",
    ),
    Event.BACKUP_RECOVERED: ("Backups are well again: $app", "App: $app in $namespace\nIt lasted $lasted."),
    Event.PROOF_MISSING: (
        "Proof missing: $app: $what",
        "App: $app in $namespace\nNo backup is proved by a restore: $reason\n$message\nSince: $since",
    ),
    Event.PROOF_RECOVERED: ("Backups are proved again: $app", "App: $app in $namespace\nIt lasted $lasted."),
    Event.MAINTENANCE_ANNOUNCED: (
        "Maintenance announced: $app, $since",
        "App: $app in $namespace\nMaintenance ($window) from $since until $until.\n$message",
    ),
    Event.MAINTENANCE_STARTED: (
        "Maintenance started: $app",
        "App: $app in $namespace\nMaintenance ($window) has begun, and is over by $until.\n$message",
    ),
    Event.MAINTENANCE_LONGER: (
        "Maintenance takes longer: $app",
        "App: $app in $namespace\nMaintenance ($window) takes longer: until $until.\n$message",
    ),
    Event.MAINTENANCE_COMPLETED: (
        "Maintenance completed: $app",
        "App: $app in $namespace\nMaintenance ($window) is over, after $lasted.",
    ),
    Event.MAINTENANCE_FAILED: (
        "Maintenance failed: $app",
        "App: $app in $namespace\nMaintenance ($window) did not do all of its work.\n$message",
    ),
}


def said(event: Event, target: Target, facts: Mapping[str, str]) -> tuple[str, str]:
    """Title and text; facts that are not known are left empty, lines of nothing left out.

    Args:
        event: what happened.
        target: who is told, perhaps in words of its own.
        facts: what is filled in.
    """
    title, text = WORDS[event]
    own = next((item for item in target.templates or () if item.event is event), None)
    if own is not None:
        title, text = own.title or title, own.text or text
    known = {**dict.fromkeys(FACTS, ""), **facts}
    head = " ".join(Template(title).safe_substitute(known).split())
    lines = [line.rstrip() for line in Template(text).safe_substitute(known).splitlines()]
    return head[:TITLE], "\n".join(line for line in lines if line)[:TEXT]


def lasted(time: timedelta) -> str:
    """``2 h 5 min``, ``7 min``, ``40 s``."""
    total = max(0, int(time.total_seconds()))
    minutes, hours, days = total // 60, total // 3600, total // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{total} s"
