"""Regular work: looked over each day, Jobs that are over gone each night, and one condition that tells of all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.upkeep import CheckStatus, PruneStatus, UpkeepStatus
from memoapp_operator.domain import plan, upkeep
from memoapp_operator.domain.conditions import RESTORE_PROVED, Verdict, find, timestamp
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.observation import EndedJob, Observation, Volume
from memoapp_operator.domain.telling import bad
from memoapp_operator.domain.usage import DatabaseStats, Gauged

from tests.unit.domain.building import GAUGED, NOW, decided, serving, settled, with_spec

UPKEEP = {"check": {"schedule": "0 7 * * *"}, "prune": {"schedule": "30 3 * * *"}}
SEVEN = datetime.fromisoformat("2026-03-02T07:00:00Z")
FULL = Gauged(DatabaseStats(connections=95, most=100), "no metrics-server", {})


def declared(upkept: dict[str, Any] | None = None, **changes: Any) -> Observation:
    """Known to the operator since noon, and well."""
    seen = with_spec(serving(), upkeep=UPKEEP if upkept is None else upkept)
    return replace(seen, app=decided(seen), **changes)


def checked(seen: Observation, **changes: Any) -> Observation:
    """The pass at seven."""
    seen = replace(seen, **{"now": SEVEN, "gauged": GAUGED, **changes})
    return replace(seen, app=decided(seen))


def told(seen: Observation) -> UpkeepStatus:
    assert seen.app.status.upkeep is not None
    return seen.app.status.upkeep


def condition(seen: Observation) -> tuple[str, str, str]:
    found = find(seen.app.status.conditions, upkeep.UPKEEP_DONE)
    assert found is not None
    return found.status.value, found.reason, found.message


def test_without_it_nothing_is_said() -> None:
    assert decided(serving()).status.upkeep is None
    assert find(decided(serving()).status.conditions, upkeep.UPKEEP_DONE) is None


def test_it_is_looked_over_when_its_time_comes_and_not_before() -> None:
    seen = declared()
    assert condition(seen) == ("Unknown", "NoCheckYet", "the first check comes at 2026-03-02T07:00:00Z")
    early = replace(seen, now=SEVEN - timedelta(seconds=1))
    assert not plan.wants_numbers(early)
    assert told(replace(early, app=decided(early))).check == told(seen).check, "nothing is written meanwhile"
    assert plan.wants_numbers(replace(seen, now=SEVEN))
    after = checked(seen)
    found = told(after).check
    assert found is not None
    assert (found.at, found.findings, found.next) == (timestamp(SEVEN), None, "2026-03-03T07:00:00Z")
    assert condition(after) == ("True", "Done", "nothing was found at 2026-03-02T07:00:00Z")
    assert decided(replace(after, now=SEVEN + timedelta(minutes=5))).status == after.app.status
    assert not plan.wants_numbers(replace(after, now=SEVEN + timedelta(minutes=5)))


def test_the_pass_comes_as_it_is_due() -> None:
    seen = replace(declared(), now=SEVEN - timedelta(seconds=7))
    assert decide(seen, resync=30).again == 7
    assert decide(checked(declared()), resync=30).again == 30


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"gauged": FULL}, "connectionsPercent: "),
        ({"gauged": Gauged(DatabaseStats(5, 100, read_only=True), "none")}, "the database takes no writes"),
        ({"volume": Volume(size=100, used=95, available=5)}, "diskPercent: 95"),
        ({"cache": None}, "CacheReady: "),
        (
            {
                "workloads": {
                    **serving().workloads,
                    "router": replace(settled("router")["router"], ended=(("2026-03-02T06:00:00Z", "OOMKilled"),)),
                }
            },
            "router: 1 containers ended and were started anew, the last one by OOMKilled",
        ),
    ],
)
def test_what_it_finds(changes: dict[str, Any], finding: str) -> None:
    seen = checked(declared(), **changes)
    found = told(seen).check
    assert found is not None
    assert found.findings is not None
    assert any(text.startswith(finding) for text in found.findings), found.findings
    assert condition(seen)[:2] == ("False", "CheckFailed")
    assert finding in condition(seen)[2]
    assert upkeep.UPKEEP_DONE in {item.key for item in bad(seen.app.status)}


def test_what_was_before_the_last_check_was_told_then() -> None:
    ended = {"router": replace(settled("router")["router"], ended=(("2026-03-01T06:00:00Z", "OOMKilled"),))}
    seen = checked(declared(), workloads={**serving().workloads, **ended})
    assert told(seen).check is not None
    assert condition(seen)[0] == "True"


def test_after_a_finding_it_looks_again_within_the_hour() -> None:
    seen = checked(declared(), gauged=FULL)
    assert decide(replace(seen, gauged=None), resync=7200).again == 3600
    soon = replace(seen, now=SEVEN + timedelta(minutes=59))
    assert not upkeep.check_is_due(soon.app, soon.now)
    later = replace(seen, now=SEVEN + timedelta(hours=1), gauged=GAUGED)
    assert plan.wants_numbers(later)
    mended = replace(later, app=decided(later))
    assert condition(mended)[0] == "True"
    assert told(mended).check == CheckStatus(
        schedule="0 7 * * * Etc/UTC",
        since=timestamp(SEVEN),
        next="2026-03-03T07:00:00Z",
        at=timestamp(SEVEN + timedelta(hours=1)),
    )


def test_what_a_person_did_on_purpose_is_no_finding() -> None:
    verdicts = [Verdict("Available", False, "Maintenance"), Verdict("Available", None, "RoutersNotReached")]
    assert [*upkeep.findings(replace(declared(), gauged=GAUGED), verdicts)] == []


def test_a_check_that_was_due_while_nobody_looked_comes_once() -> None:
    seen = checked(declared(), now=SEVEN + timedelta(days=3, hours=1))
    found = told(seen).check
    assert found is not None
    assert (found.at, found.next) == ("2026-03-05T08:00:00Z", "2026-03-06T07:00:00Z")


@pytest.mark.parametrize(
    "upkept",
    [
        {"check": {"schedule": "0 7 31 2 *"}},
        {"check": {}, "timeZone": "Mars/Olympus"},
        {"prune": {"schedule": "61 1 * * *"}},
    ],
)
def test_one_that_never_comes_is_told(upkept: dict[str, Any]) -> None:
    status, reason, message = condition(declared(upkept))
    assert (status, reason) == ("False", "ScheduleInvalid")
    assert message.startswith("never comes: ")


def test_the_proofs_count_too() -> None:
    seen = checked(declared())
    missing = Verdict(RESTORE_PROVED, False, "ProofMissing", "the last proof is of last year")
    found = upkeep.verdict(seen.app, told(seen), [missing])
    assert found == Verdict(upkeep.UPKEEP_DONE, False, "ProofMissing", "RestoreProved: the last proof is of last year")


NIGHT = datetime.fromisoformat("2026-03-02T03:30:00Z")
JOBS = (
    EndedJob("old", "1", NIGHT - timedelta(hours=24)),
    EndedJob("young", "2", NIGHT - timedelta(hours=23)),
)


def test_jobs_that_are_over_for_long_enough_go_in_the_night() -> None:
    seen = declared(ended=JOBS)
    assert upkeep.to_prune(seen.app, JOBS) == []
    before = replace(seen, now=NIGHT - timedelta(seconds=1))
    assert told(replace(before, app=decided(before))).prune == told(seen).prune
    after = replace(seen, now=NIGHT)
    after = replace(after, app=decided(after))
    found = told(after).prune
    assert found == PruneStatus(
        schedule="30 3 * * * Etc/UTC",
        since=timestamp(NIGHT),
        next="2026-03-03T03:30:00Z",
        at=timestamp(NIGHT),
        removed=1,
    )
    assert upkeep.to_prune(after.app, JOBS) == [JOBS[0]], "killed in between, they go all the same"
    noon = decided(replace(after, now=NOW + timedelta(days=1)))
    assert upkeep.to_prune(noon, JOBS) == [JOBS[0]], "the young one waits for the next night"
