"""Who is told what: from one committed status to the next. Pure.

What is told once (a release went back) is put into the outbox with the very status that says so; what lasts (the app
does not serve) is looked at in each pass. A message leaves the outbox once its target has taken it: killed between the
two, the process that follows sends it once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus, ReleasePhase
from memoapp_operator.api.v1alpha1.notifications import (
    Event,
    MessageStatus,
    NotificationsStatus,
    Target,
    ToldStatus,
    Topic,
    TroubleStatus,
)

from . import conditions, outbox, upkeep, words
from .conditions import timestamp
from .durations import seconds
from .maintained import changes
from .observation import Observation
from .outbox import Said

PATIENCE = timedelta(minutes=1)
"""What is over sooner is told to nobody."""
REPEAT = "30m"
_DAILY = "24h"
_QUIET = frozenset({"Maintenance", "Suspended", "NotYetServing", "Starting", "NotReachedYet"})
_OUTCOMES = frozenset({ReleasePhase.ROLLED_BACK, ReleasePhase.REJECTED, ReleasePhase.HELD})


@dataclass(frozen=True, slots=True)
class Kind:
    """What a condition that is not as it should be is to people.

    Attributes:
        severity: 1 to 4.
        topic: what it is about.
        what: for people.
        bad: the status of the condition that is trouble.
        begins: the event as it begins.
        again: while it lasts.
        ends: as it is over.
    """

    severity: int
    topic: Topic
    what: str
    bad: str = "False"
    begins: Event = Event.INCIDENT_ALERT
    again: Event = Event.INCIDENT_UPDATE
    ends: Event = Event.INCIDENT_RESOLVED


def _backups(severity: int, what: str, begins: Event, ends: Event) -> Kind:
    return Kind(severity, Topic.BACKUPS, what, begins=begins, again=begins, ends=ends)


KINDS: Mapping[str, Kind] = {
    conditions.AVAILABLE: Kind(1, Topic.INCIDENTS, "visitors are not served"),
    conditions.DATABASE_READY: Kind(2, Topic.INCIDENTS, "the database is not well"),
    conditions.CACHE_READY: Kind(2, Topic.INCIDENTS, "Redis is not well"),
    conditions.STALLED: Kind(3, Topic.INCIDENTS, "what is declared does not run", bad="True"),
    conditions.BACKUP_HEALTHY: _backups(2, "backups are not well", Event.BACKUP_FAILED, Event.BACKUP_RECOVERED),
    conditions.RESTORE_PROVED: _backups(3, "no backup is proved", Event.PROOF_MISSING, Event.PROOF_RECOVERED),
    upkeep.UPKEEP_DONE: Kind(3, Topic.MAINTENANCE, "the daily check found something"),
    conditions.RECOVERY_PROVED: _backups(3, "no recovery is proved", Event.PROOF_MISSING, Event.PROOF_RECOVERED),
}
_RELEASES: Mapping[ReleasePhase, tuple[Event, int]] = {
    ReleasePhase.COMPLETED: (Event.RELEASE_COMPLETED, 4),
    ReleasePhase.ROLLED_BACK: (Event.RELEASE_ROLLED_BACK, 2),
    ReleasePhase.REJECTED: (Event.RELEASE_REJECTED, 3),
    ReleasePhase.HELD: (Event.RELEASE_HELD, 2),
}
_WAITING = frozenset({ReleasePhase.PENDING, *_RELEASES, ReleasePhase.RETIRED, ReleasePhase.WITHDRAWN})


def status_after(seen: Observation, after: MemoAppStatus) -> NotificationsStatus | None:
    """What people were told and are being told after this pass; None where nothing is left of either.

    Args:
        seen: with the status as it was committed before.
        after: all else that is committed with it.
    """
    targets = seen.app.spec.notifications or []
    before = seen.app.status.notifications or NotificationsStatus()
    if not targets:
        return None
    box, failing, dropped = outbox.delivered(seen, before, targets)
    troubles, told, taken = _troubles(seen, after, before.troubles or (), box)
    maintenance, changed = changes(seen, after, before.maintenance or ())
    fresh = [*_released(seen, after), *told, *changed]
    kept = [item for item in box if item.id not in taken]
    found, more = outbox.filled(seen, kept, _addressed(targets, fresh))
    status = NotificationsStatus(
        troubles=troubles or None,
        maintenance=maintenance or None,
        outbox=found or None,
        failing=failing or None,
        dropped=((before.dropped or 0) + dropped + more) or None,
    )
    return status if status != NotificationsStatus() else None


def _addressed(targets: Iterable[Target], fresh: Iterable[Said]) -> Iterator[tuple[Target, Said]]:
    for item in fresh:
        for target in targets:
            named = item.target is None or item.target == target.name
            if named and (item.target is not None or (wants(target, item.topic, item.severity) and not _later(target))):
                yield target, item


def _later(target: Target) -> bool:
    """It is told of what lasts, and of nothing else."""
    return target.escalate_after is not None


def wants(target: Target, topic: Topic, severity: int) -> bool:
    """The target is told of such things."""
    return severity <= (target.min_severity or 4) and (target.topics is None or topic in target.topics)


def _released(seen: Observation, after: MemoAppStatus) -> Iterator[Said]:
    """What became of the release in this pass."""
    old, new = seen.app.status.release, after.release
    if new is None:
        return
    same = old is not None and (old.id, old.started_at) == (new.id, new.started_at)
    was = old.phase if same and old is not None else ReleasePhase.PENDING
    facts = {
        "version": new.version,
        "reason": new.reason or "",
        "message": new.message or "",
        "lasted": words.lasted(seen.now - datetime.fromisoformat(new.started_at)),
    }
    if was is ReleasePhase.PENDING and new.phase not in _WAITING:
        yield Said(Event.RELEASE_STARTED, Topic.RELEASES, 4, facts)
    if new.phase is not was and new.phase in _RELEASES:
        event, severity = _RELEASES[new.phase]
        yield Said(event, Topic.RELEASES, severity, facts)


@dataclass(frozen=True, slots=True)
class Bad:
    """A condition that is not as it should be."""

    key: str
    kind: Kind
    since: datetime
    reason: str
    message: str


def bad(after: MemoAppStatus) -> Iterator[Bad]:
    """What is not as it should be. What a person did on purpose is no trouble, nor is what a release already told."""
    hidden = after.maintenance is not None
    stalled = conditions.find(after.conditions, conditions.STALLED)
    why = stalled if stalled is not None and stalled.status.value == "True" else None
    for item in after.conditions:
        kind = KINDS.get(item.type)
        if kind is None or item.status.value != kind.bad or item.reason in _QUIET:
            continue
        if hidden and kind.topic is Topic.INCIDENTS:
            continue
        if item.type == upkeep.UPKEEP_DONE and item.reason != upkeep.CHECK_FAILED:
            continue
        if item.type == conditions.STALLED and item.reason in _told_already(after):
            continue
        since = datetime.fromisoformat(item.last_transition_time)
        also = f"; {why.reason}: {why.message}" if item.type == conditions.AVAILABLE and why is not None else ""
        yield Bad(item.type, kind, since, item.reason, f"{item.message}{also}"[:1024])


def _told_already(after: MemoAppStatus) -> set[str | None]:
    """Reasons that the message about the end of a release has named."""
    release = after.release
    return {release.reason, "Held"} if release is not None and release.phase in _OUTCOMES else set()


def _troubles(
    seen: Observation, after: MemoAppStatus, before: Iterable[TroubleStatus], box: Iterable[MessageStatus]
) -> tuple[list[TroubleStatus], list[Said], set[str]]:
    """What lasts, what is told of it, and messages that need not be sent any more."""
    known, now = {item.key: item for item in before}, {item.key: item for item in bad(after)}
    if conditions.AVAILABLE in now and conditions.STALLED not in known:
        now.pop(conditions.STALLED, None)  # one incident is told once, by what is gravest, and that names the other
    found: list[TroubleStatus] = []
    told: list[Said] = []
    for key, item in now.items():
        status, fresh = _lasting(seen, item, known.get(key))
        told += fresh
        found += [status] if status.told else []
    waiting = [*box]
    taken: set[str] = set()
    for key, old in known.items():
        if key not in now:
            over, gone = _over(seen, old, waiting)
            told += over
            taken |= gone
    return found, told, taken


def _lasting(seen: Observation, item: Bad, old: TroubleStatus | None) -> tuple[TroubleStatus, list[Said]]:
    since = datetime.fromisoformat(old.since) if old is not None else item.since
    entries = {each.target: each for each in old.told} if old is not None else {}
    fresh = []
    for target in seen.app.spec.notifications or ():
        if not wants(target, item.kind.topic, item.kind.severity):
            continue
        event = _due(seen.now, item, target, since, entries.get(target.name))
        if event is not None:
            entries[target.name] = ToldStatus(target=target.name, at=timestamp(seen.now))
            facts = _facts(seen, item.kind, since) | {"reason": item.reason, "message": item.message}
            fresh.append(Said(event, item.kind.topic, item.kind.severity, facts, item.key, target.name))
    names = {target.name for target in seen.app.spec.notifications or ()}
    told = [entries[name] for name in sorted(entries) if name in names]
    return TroubleStatus(key=item.key, severity=item.kind.severity, since=timestamp(since), told=told), fresh


def _due(now: datetime, item: Bad, target: Target, since: datetime, told: ToldStatus | None) -> Event | None:
    """What the target is told of it now."""
    if told is None:
        wait = max(PATIENCE, timedelta(seconds=seconds(target.escalate_after or "0s")))
        return item.kind.begins if now - since >= wait else None
    repeat = target.repeat_after or (REPEAT if item.kind.topic is Topic.INCIDENTS else _DAILY)
    again = datetime.fromisoformat(told.at) + timedelta(seconds=seconds(repeat))
    return item.kind.again if now >= again else None


def _over(seen: Observation, old: TroubleStatus, box: Iterable[MessageStatus]) -> tuple[list[Said], set[str]]:
    """Who was told is told that it is over; who was not yet, need not be told at all."""
    kind = KINDS[old.key]
    unsent = {item.target: item.id for item in box if item.key == old.key and item.event is kind.begins}
    gone = {item.id for item in box if item.key == old.key}
    facts = _facts(seen, kind, datetime.fromisoformat(old.since)) | {"until": timestamp(seen.now)}
    told = [
        Said(kind.ends, kind.topic, kind.severity, facts, old.key, each.target)
        for each in old.told
        if each.target not in unsent
    ]
    return told, gone


def _facts(seen: Observation, kind: Kind, since: datetime) -> dict[str, str]:
    return {"what": kind.what, "since": timestamp(since), "lasted": words.lasted(seen.now - since)}
