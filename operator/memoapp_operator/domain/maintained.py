"""Maintenance that people are told of: a day before, as it begins, if it takes longer, and as it ends. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from memoapp_operator.api.v1alpha1.memoapp import MemoAppStatus
from memoapp_operator.api.v1alpha1.notifications import Event, SeenRunStatus, Topic
from memoapp_operator.api.v1alpha1.tasks import RunPhase

from . import words
from .conditions import timestamp
from .maintenance import BY_HAND
from .outbox import Said
from .running import ENDED
from .windows import shown

if TYPE_CHECKING:
    from .observation import Observation


@dataclass(slots=True)
class _Told:
    """What is noted, and what is told."""

    noted: dict[str, SeenRunStatus]
    said: list[Said] = field(default_factory=list)


def changes(
    seen: Observation, after: MemoAppStatus, before: Iterable[SeenRunStatus]
) -> tuple[list[SeenRunStatus], list[Said]]:
    """What is noted of maintenance after this pass, and what is told of it."""
    told = _Told({item.window: item for item in before})
    _by_hand(seen, after, told)
    _announced(seen, told)
    _runs(seen, told)
    _forgotten(seen, told)
    return [told.noted[name] for name in sorted(told.noted)][:32], told.said


def _by_hand(seen: Observation, after: MemoAppStatus, told: _Told) -> None:
    page, old = after.maintenance, told.noted.get(BY_HAND)
    held = next((item for item in page.holders if item.name == BY_HAND), None) if page is not None else None
    if page is None or held is None:
        if old is not None:
            told.said.append(_said(seen, Event.MAINTENANCE_COMPLETED, old, ended=seen.now))
            del told.noted[BY_HAND]
        return
    if page.since is None:
        return
    fresh = SeenRunStatus(window=BY_HAND, start=old.start if old else page.since, until=held.until, begun=True)
    told.noted[BY_HAND] = fresh
    if old is None:
        told.said.append(_said(seen, Event.MAINTENANCE_STARTED, fresh, page.message or ""))
    elif old.until is not None and _time(held.until) > _time(old.until):
        told.said.append(_said(seen, Event.MAINTENANCE_LONGER, fresh, page.message or "", severity=3))


def _announced(seen: Observation, told: _Told) -> None:
    for window in seen.windows:
        span = window.following(seen.now) if window.announce is not None else None
        if span is None or window.announce is None or span.start - seen.now > window.announce:
            continue
        start, old = timestamp(span.start), told.noted.get(window.name)
        if old is None or (old.start != start and not old.begun):
            fresh = SeenRunStatus(window=window.name, start=start, until=timestamp(span.end))
            told.noted[window.name] = fresh
            told.said.append(_said(seen, Event.MAINTENANCE_ANNOUNCED, fresh, window.message, zone=window.zone))


def _runs(seen: Observation, told: _Told) -> None:
    for run in seen.runs:
        old = told.noted.get(run.window)
        mine = old if old is not None and old.start == run.start else None
        if run.begun and (mine is None or not mine.begun):
            mine = SeenRunStatus(window=run.window, start=run.start, until=run.ends, begun=True)
            told.said.append(_said(seen, Event.MAINTENANCE_STARTED, mine, run.message or ""))
        if mine is None:
            continue
        told.noted[run.window] = mine
        if run.begun and not mine.longer and mine.until is not None and seen.now >= _time(mine.until):
            told.noted[run.window] = mine.model_copy(update={"longer": True})
            told.said.append(_said(seen, Event.MAINTENANCE_LONGER, mine, "what is under way is waited for", severity=3))
        if run.phase in ENDED:
            good = run.phase is RunPhase.COMPLETED
            event = Event.MAINTENANCE_COMPLETED if good else Event.MAINTENANCE_FAILED
            told.said.append(_said(seen, event, mine, run.said or "", ended=seen.now, severity=4 if good else 2))
            del told.noted[run.window]


def _forgotten(seen: Observation, told: _Told) -> None:
    """What was announced and never came, or whose window is gone."""
    there = {run.window for run in seen.runs if run.phase not in ENDED}
    for name in [*told.noted]:
        item = told.noted[name]
        over = item.until is not None and _time(item.until) <= seen.now
        if name != BY_HAND and over and name not in there:
            del told.noted[name]


def _said(
    seen: Observation,
    event: Event,
    item: SeenRunStatus,
    message: str = "",
    *,
    ended: datetime | None = None,
    severity: int = 4,
    zone: str | None = None,
) -> Said:
    facts = {"window": item.window if item.window != BY_HAND else "by hand", "message": message}
    name = zone or next((window.zone for window in seen.windows if window.name == item.window), "Etc/UTC")
    facts["since"] = shown(_time(item.start), name)
    if item.until is not None:
        facts["until"] = shown(_time(item.until), name)
    if ended is not None:
        facts["lasted"] = words.lasted(ended - _time(item.start))
    return Said(event, Topic.MAINTENANCE, severity, facts)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
