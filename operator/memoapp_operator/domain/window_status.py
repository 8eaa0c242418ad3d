"""A MaintenanceWindow as it stands: what it says, whom it concerns, and its status. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from cronsim import CronSim, CronSimError

from memoapp_operator.api.v1alpha1.maintenancewindow import (
    Apps,
    MaintenanceWindow,
    MaintenanceWindowSpec,
    MaintenanceWindowStatus,
    Operator,
    Requirement,
    Selector,
    UnderWay,
    WindowPhase,
)
from memoapp_operator.api.v1alpha1.memoapp import Metadata
from memoapp_operator.api.v1alpha1.tasks import RunPhase, RunStatus

from . import conditions, running, upgrading
from .conditions import Verdict, timestamp
from .cron import zone
from .decision import Note
from .durations import seconds
from .observation import Trouble
from .windows import Span, Window, shown

APPS_FOUND = "AppsFound"
TASKS_DONE = "TasksDone"
_GRAVITY = (
    RunPhase.FAILED,
    RunPhase.OVERRUN,
    RunPhase.ACTIVE,
    RunPhase.VERIFYING,
    RunPhase.QUEUED,
    RunPhase.COMPLETED,
)
LOOKS = 60.0
"""Most seconds between two looks: MemoApps come and go, and clocks jump."""
RUNS = 2.0
"""Seconds between two looks while a run is under way."""
_SHOWN = 200
_RUNS = 64
_KEPT = 1024


@dataclass(frozen=True, slots=True)
class Sight:
    """What one pass saw.

    Attributes:
        window: as it was read.
        apps: the MemoApps of its namespace.
        now: aware, UTC.
    """

    window: MaintenanceWindow
    apps: tuple[Metadata, ...]
    now: datetime

    @property
    def concerned(self) -> list[str]:
        """The MemoApps that it concerns."""
        return sorted(app.name for app in self.apps if selects(self.window.spec.apps, app))[:_KEPT]


def window_of(found: MaintenanceWindow) -> Window:
    """What decisions are made from. One that cannot be read never comes: what needs it waits."""
    spec = found.spec
    return Window(
        name=found.metadata.name,
        policy=spec.policy,
        duration=timedelta(seconds=seconds(spec.duration)),
        schedule=spec.schedule,
        zone=spec.time_zone,
        start=datetime.fromisoformat(spec.start).astimezone(UTC) if spec.start is not None else None,
        except_dates=frozenset(_dates(spec)),
        work=frozenset(spec.work) if spec.work is not None else None,
        last_start=_length(spec.last_start),
        under_way=spec.under_way or UnderWay.FINISH,
        announce=_length(spec.announce_before),
        message=spec.message or "",
        updates=upgrading.components(spec.tasks or ()),
    )


def _length(text: str | None) -> timedelta | None:
    return timedelta(seconds=seconds(text)) if text is not None else None


def _dates(spec: MaintenanceWindowSpec) -> Iterator[date]:
    for text in spec.except_dates or ():
        found = _date(text)
        if found is not None:
            yield found


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def selects(apps: Apps, app: Metadata) -> bool:
    """It concerns this MemoApp of its namespace."""
    if apps.selector is None:
        return app.name in (apps.names or ())
    return _matches(apps.selector, app.labels)


def _matches(selector: Selector, labels: Mapping[str, str]) -> bool:
    equal = all(labels.get(key) == value for key, value in (selector.match_labels or {}).items())
    return equal and all(_meets(item, labels) for item in selector.match_expressions or ())


def _meets(item: Requirement, labels: Mapping[str, str]) -> bool:
    """As in k8s.io/apimachinery/pkg/labels: NotIn also where the label is not there."""
    value = labels.get(item.key)
    match item.operator:
        case Operator.IN:
            return value in (item.values or ())
        case Operator.NOT_IN:
            return value not in (item.values or ())
        case Operator.EXISTS:
            return value is not None
        case _:
            return value is None


def trouble(spec: MaintenanceWindowSpec, now: datetime) -> Trouble | None:
    """Why it never comes as it is declared; None where it does."""
    if zone(spec.time_zone) is None:
        return Trouble("UnknownTimeZone", f"nobody knows the time zone {spec.time_zone}", stalls=True)
    if spec.schedule is not None:
        try:
            CronSim(spec.schedule, now.replace(tzinfo=None))
        except CronSimError as error:
            return Trouble("ScheduleInvalid", f"{spec.schedule} is no schedule: {error}", stalls=True)
    wrong = [text for text in spec.except_dates or () if _date(text) is None]
    if wrong:
        return Trouble("DateInvalid", f"no such date: {', '.join(wrong)}", stalls=True)
    return None


def due(seen: Sight) -> list[RunStatus]:
    """The runs of its tasks, before any of them goes on in this pass: those that are known, and those that begin.

    One whose window is under way begins once, as long as it may: a process that comes back later than `lastStart`
    begins none.
    """
    window, now = window_of(seen.window), seen.now
    span = window.at(now) if trouble(seen.window.spec, now) is None else None
    in_time = span is not None and (window.last_start is None or now - span.start <= window.last_start)
    known = {run.app: run for run in seen.window.status.runs or ()}
    wanted = {*seen.concerned} if seen.window.spec.tasks else set[str]()
    found: list[RunStatus] = []
    for name in sorted(wanted | known.keys()):
        run = known.get(name)
        fresh = run is None or (running.is_ended(run) and span is not None and run.window != timestamp(span.start))
        if fresh and span is not None and in_time and name in wanted:
            found.append(running.queued(seen.window, name, span, now))
        elif run is not None:
            found.append(_edited(window, run))
    return found[:_RUNS]


def _edited(window: Window, run: RunStatus) -> RunStatus:
    """The run with the end that its window has by now: a person may prolong it, or cut it short."""
    span = window.at(datetime.fromisoformat(run.window)) if not running.is_ended(run) else None
    if span is None or timestamp(span.start) != run.window or timestamp(span.end) == run.ends:
        return run
    ends = timestamp(span.end)
    return run.model_copy(update={"ends": ends, "page_until": ends if run.page_until is not None else None})


def step(seen: Sight, runs: Sequence[RunStatus] = ()) -> tuple[MaintenanceWindowStatus, float]:
    """The status after this pass, the same as before where nothing changed; and the seconds until the next pass.

    Args:
        seen: what was seen.
        runs: of its tasks, after this pass.
    """
    found, spec, now = seen.window, seen.window.spec, seen.now
    window = window_of(found)
    wrong = trouble(spec, now)
    phase, span = (WindowPhase.INVALID, None) if wrong is not None else _standing(window, now)
    apps, at_work = seen.concerned, [run for run in runs if not running.is_ended(run)]
    status = MaintenanceWindowStatus(
        observed_generation=found.metadata.generation,
        conditions=conditions.merge(
            found.status.conditions,
            (*_verdicts(phase, wrong), _found(spec.apps, apps), *_done(runs)),
            generation=found.metadata.generation,
            now=now,
        ),
        phase=_with_runs(phase, at_work),
        runs=[*runs] or None,
        next_start=timestamp(span.start) if span is not None else None,
        ends=timestamp(span.end) if span is not None else None,
        apps=apps or None,
        display=_display(spec, span),
    )
    moments = (span.start, span.end) if span is not None else ()
    left = min(((moment - now).total_seconds() for moment in moments if moment > now), default=LOOKS)
    return status, max(0.1, min(left, RUNS if at_work else LOOKS))


def _with_runs(phase: WindowPhase, at_work: Sequence[RunStatus]) -> WindowPhase:
    if not at_work:
        return phase
    if phase is not WindowPhase.ACTIVE:
        return WindowPhase.OVERRUN
    watched = all(run.phase is RunPhase.VERIFYING for run in at_work)
    return WindowPhase.VERIFYING if watched else WindowPhase.ACTIVE


def _done(runs: Sequence[RunStatus]) -> Iterator[Verdict]:
    """What came of the last runs, the worst first."""
    if not runs:
        return
    worst = min(runs, key=lambda run: (_GRAVITY.index(run.phase), run.app))
    text = f"{worst.app}: {worst.message}" if worst.message else ""
    match worst.phase:
        case RunPhase.FAILED | RunPhase.OVERRUN:
            yield Verdict(TASKS_DONE, status=False, reason=worst.phase.value, message=text)
        case RunPhase.COMPLETED:
            yield Verdict(TASKS_DONE, status=True, reason=worst.phase.value)
        case _:
            yield Verdict(TASKS_DONE, status=None, reason=worst.phase.value, message=text)


def notes(uid: str, before: Iterable[RunStatus], after: Iterable[RunStatus]) -> Iterator[Note]:
    """An Event for each run that begins, or ends."""
    known = {run.app: run for run in before}
    for run in after:
        old = known.get(run.app)
        same = old is not None and (old.window, old.phase) == (run.window, run.phase)
        if same or run.phase in {RunPhase.QUEUED, RunPhase.VERIFYING}:
            continue
        begun = run.phase is RunPhase.ACTIVE
        text = f"{run.app}: {'its tasks are begun' if begun else run.message or 'every task is done'}"
        key = hashlib.sha256(f"{uid}/{run.app}/{run.window}/{run.phase.value}".encode()).hexdigest()[:16]
        warning = run.phase in {RunPhase.FAILED, RunPhase.OVERRUN}
        yield Note(warning, "RunStarted" if begun else f"Run{run.phase.value}", text[:1024], key)


def _standing(window: Window, now: datetime) -> tuple[WindowPhase, Span | None]:
    under_way = window.at(now)
    if under_way is not None:
        return WindowPhase.ACTIVE, under_way
    following = window.following(now)
    if following is not None:
        return WindowPhase.SCHEDULED, following
    over = Span(window.start, window.start + window.duration) if window.start is not None else None
    return WindowPhase.COMPLETED, over


def _verdicts(phase: WindowPhase, wrong: Trouble | None) -> Iterator[Verdict]:
    if wrong is not None:
        yield Verdict(conditions.READY, status=False, reason=wrong.reason, message=wrong.message)
        yield Verdict(conditions.STALLED, status=True, reason=wrong.reason, message=wrong.message)
    else:
        yield Verdict(conditions.READY, status=True, reason=phase.value)
        yield Verdict(conditions.STALLED, status=False, reason=phase.value)
    yield Verdict(conditions.RECONCILING, status=False, reason=phase.value)


def _found(apps: Apps, found: list[str]) -> Verdict:
    absent = sorted({*(apps.names or ())} - {*found})
    if absent:
        return Verdict(APPS_FOUND, status=False, reason="NotThere", message=f"not there: {', '.join(absent)}"[:1024])
    if not found:
        return Verdict(APPS_FOUND, status=False, reason="SelectsNothing", message="no MemoApp has such labels")
    return Verdict(APPS_FOUND, status=True, reason="Found")


def _display(spec: MaintenanceWindowSpec, span: Span | None) -> dict[str, str]:
    times = {"next": shown(span.start, spec.time_zone), "ends": shown(span.end, spec.time_zone)} if span else {}
    return {"apps": _shortened(apps_text(spec.apps)), **times}


def apps_text(apps: Apps) -> str:
    """Whom it concerns, for people: names, ``*``, or ``tier=gold,!old`` as kubectl writes selectors."""
    if apps.selector is None:
        return ",".join(apps.names or ())
    return ",".join(_words(apps.selector)) or "*"


def _words(selector: Selector) -> Iterator[str]:
    yield from (f"{key}={value}" for key, value in sorted((selector.match_labels or {}).items()))
    for item in selector.match_expressions or ():
        values = f"({','.join(item.values or ())})"
        match item.operator:
            case Operator.IN:
                yield f"{item.key} in {values}"
            case Operator.NOT_IN:
                yield f"{item.key} notin {values}"
            case Operator.EXISTS:
                yield item.key
            case _:
                yield f"!{item.key}"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
