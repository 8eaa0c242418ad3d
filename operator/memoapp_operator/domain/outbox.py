"""Messages on their way: what was taken, what is tried again, and what is sent next. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from memoapp_operator.api.v1alpha1.notifications import (
    Event,
    FailingStatus,
    MessageStatus,
    NotificationsStatus,
    QuietHours,
    Target,
    Topic,
)

from . import words
from .conditions import timestamp
from .cron import zone
from .observation import Observation
from .windows import on_the_clock

KEPT = timedelta(hours=24)
"""What could not be sent for so long is of no use any more."""
MOST = 64
FIRST, LONGEST = timedelta(seconds=15), timedelta(hours=1)
"""Until the next try; doubled with each."""
_UTC = "Etc/UTC"


@dataclass(frozen=True, slots=True)
class Said:
    """Something that people are to be told.

    Attributes:
        event: what happened.
        topic: what it is about.
        severity: 1 to 4.
        facts: what its words name.
        key: what it is about, where that lasts.
        target: the only one who is told; None: all who want such things.
    """

    event: Event
    topic: Topic
    severity: int
    facts: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    target: str | None = None


def delivered(
    seen: Observation, before: NotificationsStatus, targets: Iterable[Target]
) -> tuple[list[MessageStatus], list[FailingStatus], int]:
    """What is left of the outbox, who cannot be reached, and how many messages were given up."""
    names = {target.name for target in targets}
    failing = {item.target: item for item in before.failing or () if item.target in names}
    left: list[MessageStatus] = []
    dropped = 0
    for item in before.outbox or ():
        outcome = seen.sent.get(item.id)
        if item.target not in names:
            continue
        if outcome == "":
            failing.pop(item.target, None)
            continue
        if seen.now - datetime.fromisoformat(item.at) >= KEPT:
            dropped += 1
            continue
        if outcome is None:
            left.append(item)
            continue
        attempts = (item.attempts or 0) + 1
        wait = min(FIRST * 2 ** min(attempts - 1, 10), LONGEST)
        left.append(item.model_copy(update={"attempts": attempts, "after": timestamp(seen.now + wait)}))
        old = failing.get(item.target)
        since = old.since if old is not None else timestamp(seen.now)
        failing[item.target] = FailingStatus(target=item.target, since=since, message=outcome[:512])
    return left, [failing[name] for name in sorted(failing)], dropped


def filled(
    seen: Observation, box: Iterable[MessageStatus], fresh: Iterable[tuple[Target, Said]]
) -> tuple[list[MessageStatus], int]:
    """The outbox with what is new, and how many did not fit: the oldest of the least grave ones go."""
    found = [*box, *(_message(seen, target, item) for target, item in fresh)]
    known: dict[str, MessageStatus] = {}
    for item in found:
        known.setdefault(item.id, item)
    kept = [*known.values()]
    over = max(0, len(kept) - MOST)
    gone = {item.id for item in sorted(kept, key=lambda item: (-item.severity, item.at))[:over]}
    return [item for item in kept if item.id not in gone], over


def _message(seen: Observation, target: Target, item: Said) -> MessageStatus:
    app, active = seen.app.metadata, seen.app.status.active
    facts = {
        "app": app.name,
        "namespace": app.namespace,
        "version": active.version if active is not None else "",
        "severity": str(item.severity),
        **item.facts,
    }
    title, text = words.said(item.event, target, facts)
    now = timestamp(seen.now)
    parts = (target.name, item.event.value, item.key or "", title, now)
    quiet = quiet_until(target.quiet_hours, seen.now) if item.severity > 1 else None
    return MessageStatus(
        id=hashlib.sha256("\x00".join(parts).encode()).hexdigest()[:16],
        target=target.name,
        event=item.event,
        key=item.key,
        severity=item.severity,
        title=title,
        text=text,
        at=now,
        after=timestamp(quiet) if quiet is not None else None,
    )


def quiet_until(hours: QuietHours | None, now: datetime) -> datetime | None:
    """When the quiet hours end that are now; None where none are. In a zone that nobody knows they are those of UTC."""
    if hours is None:
        return None
    name = hours.time_zone or _UTC
    where = zone(name)
    name = name if where is not None else _UTC
    local = now.astimezone(where or UTC).replace(tzinfo=None)
    clock = f"{local:%H:%M}"
    within = hours.from_ <= clock < hours.to if hours.from_ < hours.to else clock >= hours.from_ or clock < hours.to
    if not within:
        return None
    hour, minute = (int(part) for part in hours.to.split(":"))
    end = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return on_the_clock(end if end > local else end + timedelta(days=1), name)


def due(status: NotificationsStatus | None, now: datetime) -> tuple[MessageStatus, ...]:
    """What is to be sent now: of each target the gravest that waits, the oldest first. One at a time."""
    found: dict[str, MessageStatus] = {}
    ready = [item for item in (status.outbox if status is not None else None) or () if _is_due(item, now)]
    for item in sorted(ready, key=lambda item: (item.severity, item.at, item.id)):
        found.setdefault(item.target, item)
    return tuple(found.values())


def _is_due(item: MessageStatus, now: datetime) -> bool:
    return item.after is None or datetime.fromisoformat(item.after) <= now


def until_due(status: NotificationsStatus | None, now: datetime) -> float | None:
    """Seconds until something is to be sent; None where nothing waits."""
    waiting = (status.outbox if status is not None else None) or ()
    moments = [datetime.fromisoformat(item.after) for item in waiting if item.after is not None]
    left = [(moment - now).total_seconds() for moment in moments if moment > now]
    return max(0.1, min(left)) if left else None
