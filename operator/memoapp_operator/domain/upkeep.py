"""Regular work: the app is looked over, and Jobs that are over go, by schedule. What came of it is one condition. Pure.

The proof by restore and the disaster drill have schedules and conditions of their own; they count here too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from memoapp_operator.api.v1alpha1.gates import GateName
from memoapp_operator.api.v1alpha1.memoapp import Colour, MemoApp
from memoapp_operator.api.v1alpha1.upkeep import CheckStatus, PruneStatus, TurnStatus, Upkeep, UpkeepStatus

from . import conditions, database_gates, maintenance, resource_gates
from .conditions import Verdict, timestamp
from .drills import Turn, followed
from .durations import seconds
from .measurements import Measurement
from .measurements import Verdict as Says
from .observation import EndedJob, Observation
from .state import other
from .usage import DatabaseStats

UPKEEP_DONE = "UpkeepDone"
CHECK_FAILED = "CheckFailed"
RECHECK = timedelta(hours=1)
"""After a check that found something the next one is due, so that it is seen to be mended."""
_LOOKED_AT = (
    conditions.AVAILABLE,
    conditions.DATABASE_READY,
    conditions.CACHE_READY,
    conditions.BACKUP_HEALTHY,
    conditions.RESTORE_PROVED,
    conditions.RECOVERY_PROVED,
    conditions.NOTIFIED,
)
_PROOFS = (conditions.BACKUP_HEALTHY, conditions.RESTORE_PROVED, conditions.RECOVERY_PROVED)
"""What comes of the other schedules."""
_ON_PURPOSE = frozenset({"Maintenance", "Suspended"})
_FINDINGS, _LONGEST = 32, 512


def check_is_due(app: MemoApp, now: datetime) -> bool:
    """The app is looked over in this pass: the numbers for it are read."""
    declared = _declared(app).check
    if declared is None or app.spec.suspend or app.status.active is None:
        return False
    told = _known(app).check
    since = told.since if told is not None and told.schedule == _followed(app, declared.schedule) else None
    return followed(declared.schedule, _declared(app).time_zone, since, now).due or _is_due_again(told, now)


def _is_due_again(told: CheckStatus | None, now: datetime) -> bool:
    if told is None or told.at is None or not told.findings:
        return False
    return now - datetime.fromisoformat(told.at) >= RECHECK


def _declared(app: MemoApp) -> Upkeep:
    return app.spec.upkeep or Upkeep()


def _known(app: MemoApp) -> UpkeepStatus:
    return app.status.upkeep or UpkeepStatus()


def _followed(app: MemoApp, schedule: str) -> str:
    return f"{schedule} {_declared(app).time_zone}"


def status_after(seen: Observation, verdicts: Sequence[Verdict]) -> UpkeepStatus | None:
    """What is known of the regular work after this pass; None where none is declared.

    Args:
        seen: what was seen, with the numbers where a check is due.
        verdicts: the conditions of this pass.
    """
    if seen.app.spec.upkeep is None:
        return None
    before = _known(seen.app)
    return UpkeepStatus(check=_check(seen, before.check, verdicts), prune=_prune(seen, before.prune))


def _check(seen: Observation, before: CheckStatus | None, verdicts: Sequence[Verdict]) -> CheckStatus | None:
    declared = _declared(seen.app).check
    if declared is None:
        return None
    text, turn = _turn(seen, declared.schedule, before)
    at, found = (before.at, before.findings) if before is not None else (None, None)
    if check_is_due(seen.app, seen.now):
        at, found = timestamp(seen.now), [*findings(seen, verdicts)][:_FINDINGS] or None
    return CheckStatus(schedule=text, since=turn.since, next=turn.next, at=at, findings=found)


def _prune(seen: Observation, before: PruneStatus | None) -> PruneStatus | None:
    declared = _declared(seen.app).prune
    if declared is None:
        return None
    text, turn = _turn(seen, declared.schedule, before)
    at, removed = (before.at, before.removed) if before is not None else (None, None)
    if turn.due:
        at = timestamp(seen.now)
        removed = len(_older(seen.ended, datetime.fromisoformat(at) - _age(seen.app)))
    return PruneStatus(schedule=text, since=turn.since, next=turn.next, at=at, removed=removed)


def _turn(seen: Observation, schedule: str, before: TurnStatus | None) -> tuple[str, Turn]:
    """A schedule with its zone, and where it stands; one that was changed is followed from now on."""
    text = _followed(seen.app, schedule)
    since = before.since if before is not None and before.schedule == text else None
    return text, followed(schedule, _declared(seen.app).time_zone, since, seen.now)


def _age(app: MemoApp) -> timedelta:
    declared = _declared(app).prune
    return timedelta(seconds=seconds(declared.older_than)) if declared is not None else timedelta.max


def to_prune(app: MemoApp, ended: Iterable[EndedJob]) -> list[EndedJob]:
    """Jobs that go, by what is committed: those that had been over for long enough as the last pruning was due."""
    told = _known(app).prune
    declared = _declared(app).prune
    if told is None or told.at is None or declared is None:
        return []
    return _older(ended, datetime.fromisoformat(told.at) - _age(app))


def _older(ended: Iterable[EndedJob], before: datetime) -> list[EndedJob]:
    return [job for job in ended if job.at <= before]


def findings(seen: Observation, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """What is not as it should be, for people."""
    for verdict in verdicts:
        if verdict.type in _LOOKED_AT and verdict.status is False and verdict.reason not in _ON_PURPOSE:
            yield _shortened(f"{verdict.type}: {verdict.message or verdict.reason}")
        if verdict.type == conditions.STALLED and verdict.status:
            yield _shortened(f"{verdict.reason}: {verdict.message}")
    yield from map(_shortened, _beyond_limits(seen))
    yield from map(_shortened, _ended_pods(seen))


def _shortened(text: str) -> str:
    return text[:_LONGEST]


def _beyond_limits(seen: Observation) -> Iterator[str]:
    """Gates of database and resources that would fail for what serves."""
    gauged, active, gates = seen.gauged, seen.app.status.active, seen.app.spec.gates
    if gauged is None or active is None or maintenance.is_up(seen):
        return
    found: list[Measurement] = []
    if isinstance(gauged.database, DatabaseStats):
        if gauged.database.read_only:
            yield "the database takes no writes"
        # What statements took since the statistics were reset says nothing of today.
        reading = gauged.database
        found += [
            item
            for item in database_gates.measure(gates.database, database_gates.Seen(reading))
            if item.gate != GateName.SLOW_QUERY
        ]
    mine, rest = active.colour, other(active.colour)
    found += resource_gates.measure(gates.resources, _resources(seen, mine), mine, rest)
    yield from (item.text(mine.value, rest.value) for item in found if item.verdict is Says.FAIL)


def _resources(seen: Observation, colour: Colour) -> resource_gates.Seen:
    gauged, held = seen.gauged, seen.stored.get((seen.app.status.colours or {}).get(colour.value, ""))
    limits = resource_gates.limits_of(colour, held) if held is not None else {}
    usage = gauged.usage if gauged is not None else "nobody was asked"
    managed = seen.app.spec.database.managed is not None
    return resource_gates.Seen(seen.now, usage, limits, seen.volume, frozenset(), None, managed=managed)


def _ended_pods(seen: Observation) -> Iterator[str]:
    """Containers that ended and were started anew since the last check, or in the last day."""
    told = _known(seen.app).check
    since = told.at if told is not None and told.at is not None else timestamp(seen.now - timedelta(days=1))
    for item in sorted(seen.workloads.values(), key=lambda each: each.name):
        reasons = [why for when, why in item.ended if when > since]
        if len(reasons) > seen.app.spec.gates.pods.restarts:
            yield f"{item.name}: {len(reasons)} containers ended and were started anew, the last one by {reasons[-1]}"


def verdict(app: MemoApp, status: UpkeepStatus | None, verdicts: Iterable[Verdict]) -> Verdict | None:
    """Was all regular work done, and found nothing? None where none is declared.

    Args:
        app: what is declared.
        status: after this pass.
        verdicts: the other conditions of this pass.
    """
    declared = app.spec.upkeep
    if declared is None or status is None:
        return None
    parts = ((declared.check, status.check), (declared.prune, status.prune))
    wrong = [part.schedule for part, known in parts if part is not None and known is not None and known.next is None]
    if wrong:
        text = f"never comes: {', '.join(wrong)} in {declared.time_zone}"
        return Verdict(UPKEEP_DONE, False, "ScheduleInvalid", text)
    check = status.check
    if check is not None and check.findings:
        return Verdict(UPKEEP_DONE, False, CHECK_FAILED, f"at {check.at}: {'; '.join(check.findings)}"[:1024])
    bad = [item for item in verdicts if item.type in _PROOFS and item.status is False]
    if bad:
        return Verdict(UPKEEP_DONE, False, bad[0].reason, f"{bad[0].type}: {bad[0].message}"[:1024])
    if check is not None and check.at is None:
        return Verdict(UPKEEP_DONE, None, "NoCheckYet", f"the first check comes at {check.next}")
    return Verdict(UPKEEP_DONE, True, "Done", f"nothing was found at {check.at}" if check is not None else "")


def until_due(app: MemoApp, status: UpkeepStatus | None, now: datetime) -> float:
    """Seconds until the next of it is due; infinite where none is."""
    if status is None or app.spec.suspend:
        return float("inf")
    moments = [
        datetime.fromisoformat(part.next)
        for part in (status.check, status.prune)
        if part is not None and part.next is not None
    ]
    check = status.check
    if check is not None and check.findings and check.at is not None:
        moments.append(datetime.fromisoformat(check.at) + RECHECK)
    return max(0.1, min(((moment - now).total_seconds() for moment in moments), default=float("inf")))
