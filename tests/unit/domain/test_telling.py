"""Who is told what, when, and in which words; and that nothing is lost on the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.memoapp import Condition, MemoAppStatus, ReleaseStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.api.v1alpha1.notifications import Event, MessageStatus, QuietHours, Target
from memoapp_operator.api.v1alpha1.tasks import RunPhase
from memoapp_operator.domain import outbox, telling, words
from memoapp_operator.domain.conditions import timestamp
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.observation import KnownRun, Observation
from memoapp_operator.domain.windows import Window

from tests.unit.domain.building import NOW, RESYNC, committed, serving, with_spec
from tests.unit.domain.moves import OPEN, at

MINUTE = timedelta(minutes=1)
OPS: dict[str, Any] = {"name": "ops", "urlSecretRef": {"name": "chat", "key": "url"}}
BOSS = {**OPS, "name": "boss", "escalateAfter": "15m"}


def told(*targets: dict[str, Any], seen: Observation | None = None, **changes: Any) -> Observation:
    """An app that is well, and who is told of it."""
    found = with_spec(seen or serving(), notifications=list(targets or (OPS,)))
    return replace(found, **changes)


def condition(type_: str, status: str, reason: str = "NoReadyPods", since: datetime = NOW) -> Condition:
    return Condition.model_validate(
        {
            "type": type_,
            "status": status,
            "reason": reason,
            "message": "no pod is ready",
            "lastTransitionTime": timestamp(since),
        }
    )


def after(seen: Observation, *conditions: Condition, **changes: Any) -> MemoAppStatus:
    """What is committed besides: these conditions."""
    return seen.app.status.model_copy(update={"conditions": [*conditions], **changes})


def passed(seen: Observation, status: MemoAppStatus, minutes: float = 0, **changes: Any) -> Observation:
    """The next pass, with what was told committed, so many minutes later."""
    found = status.model_copy(update={"notifications": telling.status_after(seen, status)})
    app = seen.app.model_copy(update={"status": found})
    return replace(seen, app=app, now=seen.now + minutes * MINUTE, **changes)


def box(seen: Observation) -> list[MessageStatus]:
    found = seen.app.status.notifications
    return list(found.outbox or ()) if found is not None else []


def events(seen: Observation) -> list[tuple[str, Event]]:
    return [(item.target, item.event) for item in box(seen)]


def taken(seen: Observation) -> Observation:
    """Every message was taken."""
    return replace(seen, sent={item.id: "" for item in box(seen)})


DOWN = condition("Available", "False")
UP = condition("Available", "True", "Serving")


def test_without_targets_nothing_is_kept() -> None:
    assert telling.status_after(serving(), after(serving(), DOWN)) is None


def test_what_lasts_is_told_after_a_minute_and_again_and_when_it_is_over() -> None:
    seen = told()
    soon = passed(seen, after(seen, DOWN), 0.5)
    assert events(soon) == []
    assert telling.status_after(soon, after(soon, DOWN)) is None
    late = passed(replace(soon, now=NOW + MINUTE), after(soon, DOWN))
    assert events(late) == [("ops", Event.INCIDENT_ALERT)]
    (message,) = box(late)
    assert message.title == "INCIDENT ALERT: memo: visitors are not served"
    assert "Severity: P1\nApp: memo in prod, version 1.4.0" in message.text
    assert "NoReadyPods" in message.text
    again = passed(taken(late), after(late, DOWN), 29)
    assert events(again) == []
    update = passed(replace(again, sent={}, now=NOW + 31 * MINUTE), after(again, DOWN))
    assert events(update) == [("ops", Event.INCIDENT_UPDATE)]
    assert "Since: 2026-03-01T12:00:00Z, for 31 min" in box(update)[0].text
    over = passed(taken(update), after(update, UP))
    assert events(over) == [("ops", Event.INCIDENT_RESOLVED)]
    assert "It lasted 31 min, from 2026-03-01T12:00:00Z until 2026-03-01T12:31:00Z." in box(over)[0].text
    rest = passed(taken(over), after(over, UP))
    assert rest.app.status.notifications is None, "and nothing is left of it"


def test_what_is_over_before_it_was_sent_is_told_to_nobody() -> None:
    seen = replace(told(), now=NOW + MINUTE)
    alert = passed(seen, after(seen, DOWN))
    assert events(alert) == [("ops", Event.INCIDENT_ALERT)]
    over = passed(alert, after(alert, UP))
    assert (events(over), over.app.status.notifications) == ([], None)


def test_escalation_comes_later_and_learns_of_the_end() -> None:
    seen = replace(told(OPS, BOSS), now=NOW + MINUTE)
    first = passed(seen, after(seen, DOWN))
    assert events(first) == [("ops", Event.INCIDENT_ALERT)]
    later = passed(replace(taken(first), now=NOW + 15 * MINUTE), after(first, DOWN))
    assert events(later) == [("boss", Event.INCIDENT_ALERT)]
    over = passed(taken(later), after(later, UP))
    assert sorted(events(over)) == [("boss", Event.INCIDENT_RESOLVED), ("ops", Event.INCIDENT_RESOLVED)]
    released = replace(told(BOSS), now=NOW)
    done = passed(released, after(released, UP, release=_release(Phase.ROLLED_BACK)))
    assert events(done) == [], "what does not last is not escalated"


@pytest.mark.parametrize(
    ("changes", "heard"),
    [
        ({}, True),
        ({"minSeverity": 2}, True),
        ({"minSeverity": 1}, False),
        ({"topics": ["Backups"]}, False),
        ({"topics": ["Incidents"]}, True),
    ],
)
def test_a_target_hears_what_it_wants_to_hear(changes: dict[str, Any], heard: bool) -> None:
    seen = replace(told({**OPS, **changes}), now=NOW + MINUTE)
    found = passed(seen, after(seen, condition("DatabaseReady", "False", "NotReachable")))
    assert bool(events(found)) == heard


@pytest.mark.parametrize("reason", ["Maintenance", "Suspended", "NotYetServing"])
def test_what_a_person_did_on_purpose_is_no_trouble(reason: str) -> None:
    assert not [*telling.bad(after(told(), condition("Available", "False", reason)))]


def test_behind_the_page_incidents_are_expected_and_backups_are_not() -> None:
    hidden = with_spec(told(), notifications=[OPS], maintenance={"until": "2026-03-01T13:00:00Z"})
    status = decide(hidden, resync=RESYNC).status
    down = status.model_copy(update={"conditions": [DOWN, condition("BackupHealthy", "False", "BackupOverdue")]})
    assert [item.key for item in telling.bad(down)] == ["BackupHealthy"]


def test_a_release_that_went_back_is_not_told_twice() -> None:
    stalled = condition("Stalled", "True", "GateFailed")
    rolled = after(told(), stalled, release=_release(Phase.ROLLED_BACK, "GateFailed"))
    assert not [*telling.bad(rolled)]
    assert [item.key for item in telling.bad(after(told(), stalled))] == ["Stalled"]


def test_an_incident_is_told_once_by_what_is_gravest_and_says_why() -> None:
    seen, why = told(), condition("Stalled", "True", "CrashLoopBackOff", since=NOW - 2 * MINUTE)
    down = condition("Available", "False", since=NOW - 2 * MINUTE)
    once = passed(seen, after(seen, down, why))
    (message,) = box(once)
    assert (message.key, message.event) == ("Available", Event.INCIDENT_ALERT)
    assert "no pod is ready; CrashLoopBackOff: no pod is ready" in message.text
    later = passed(once, after(once, condition("Available", "True"), why), sent={message.id: ""})
    assert [item.key for item in box(later) if item.event is Event.INCIDENT_ALERT] == ["Stalled"], "that one lasts"


def test_what_was_told_as_stalled_before_is_not_taken_for_over() -> None:
    seen, why = told(), condition("Stalled", "True", "CrashLoopBackOff", since=NOW - 2 * MINUTE)
    first = passed(seen, after(seen, why))
    down = condition("Available", "False", since=NOW - 2 * MINUTE)
    both = passed(first, after(first, why, down))
    assert Event.INCIDENT_RESOLVED not in {item.event for item in box(both)}


def _release(phase: Phase, reason: str | None = None) -> ReleaseStatus:
    release = at(Phase.COMPLETED).app.status.release
    assert release is not None
    return release.model_copy(update={"phase": phase, "reason": reason, "started_at": timestamp(NOW - 5 * MINUTE)})


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        ((Phase.PENDING, Phase.PREPARING, Phase.SHIFTING, Phase.COMPLETED), ["ReleaseStarted", "ReleaseCompleted"]),
        ((Phase.PREPARING, Phase.REJECTED), ["ReleaseRejected"]),
        ((Phase.SHIFTING, Phase.ROLLING_BACK, Phase.ROLLED_BACK), ["ReleaseRolledBack"]),
        ((Phase.SHIFTING, Phase.HELD, Phase.ROLLING_BACK), ["ReleaseHeld"]),
        ((Phase.COMPLETED, Phase.RETIRED), []),
        ((Phase.COMPLETED, Phase.ROLLING_BACK, Phase.ROLLED_BACK), ["ReleaseRolledBack"]),
        ((Phase.PREPARING, Phase.WITHDRAWN), []),
    ],
)
def test_each_end_of_a_release_is_told_once(phases: tuple[Phase, ...], expected: list[str]) -> None:
    seen = told()
    seen = replace(seen, app=seen.app.model_copy(update={"status": after(seen, UP, release=_release(phases[0]))}))
    for phase in (*phases[1:], phases[-1]):
        seen = passed(seen, after(seen, UP, release=_release(phase, "GateFailed")))
    assert [event.value for _, event in events(seen)] == expected


def test_a_message_that_was_not_taken_is_tried_again_later_and_given_up_after_a_day() -> None:
    seen = replace(told(), now=NOW + MINUTE)
    first = passed(seen, after(seen, DOWN))
    (message,) = box(first)
    failed = passed(replace(first, sent={message.id: "it did not answer"}), after(first, DOWN))
    (again,) = box(failed)
    assert (again.attempts, again.after) == (1, "2026-03-01T12:01:15Z")
    status = failed.app.status.notifications
    assert status is not None
    assert [(item.target, item.message) for item in status.failing or ()] == [("ops", "it did not answer")]
    assert outbox.due(status, failed.now) == ()
    assert outbox.until_due(status, failed.now) == pytest.approx(15)
    assert [item.id for item in outbox.due(status, NOW + 2 * MINUTE)] == [message.id]
    verdicts = {item.type: item.reason for item in decide(replace(failed, sent={}), resync=RESYNC).status.conditions}
    assert verdicts["Notified"] == "TargetFailing"
    well = passed(replace(failed, sent={message.id: ""}), after(failed, DOWN))
    assert well.app.status.notifications is not None
    assert well.app.status.notifications.failing is None
    old = passed(replace(failed, sent={}, now=NOW + timedelta(days=1, minutes=2)), after(failed, UP))
    assert old.app.status.notifications is not None
    assert old.app.status.notifications.dropped == 1
    assert message.id not in {item.id for item in box(old)}


def test_a_target_that_is_gone_takes_its_messages_along() -> None:
    seen = replace(told(), now=NOW + MINUTE)
    first = passed(seen, after(seen, DOWN))
    other = with_spec(first, notifications=[{**OPS, "name": "another"}])
    assert {name for name, _ in events(passed(other, after(other, DOWN)))} == {"another"}


def test_there_is_an_end_to_the_outbox_and_the_gravest_stays() -> None:
    target = Target.model_validate(OPS)
    items = [
        (target, outbox.Said(Event.RELEASE_STARTED, telling.Topic.RELEASES, 4, {"version": str(number)}))
        for number in range(100)
    ]
    grave = (target, outbox.Said(Event.INCIDENT_ALERT, telling.Topic.INCIDENTS, 1, {"what": "down"}))
    found, dropped = outbox.filled(told(), [], [grave, *items])
    assert (len(found), dropped) == (64, 37)
    assert found[0].event is Event.INCIDENT_ALERT


def test_one_target_gets_one_at_a_time_the_gravest_first() -> None:
    target = Target.model_validate(OPS)
    some = [
        (target, outbox.Said(Event.RELEASE_STARTED, telling.Topic.RELEASES, 4)),
        (target, outbox.Said(Event.INCIDENT_ALERT, telling.Topic.INCIDENTS, 1)),
        (Target.model_validate(BOSS), outbox.Said(Event.RELEASE_HELD, telling.Topic.RELEASES, 2)),
    ]
    found, _ = outbox.filled(told(), [], some)
    status = telling.NotificationsStatus(outbox=found)
    assert sorted((item.target, item.event) for item in outbox.due(status, NOW)) == [
        ("boss", Event.RELEASE_HELD),
        ("ops", Event.INCIDENT_ALERT),
    ]


NIGHT = QuietHours.model_validate({"from": "22:00", "to": "06:00", "timeZone": "Europe/Berlin"})


@pytest.mark.parametrize(
    ("now", "ends"),
    [
        ("2026-11-27T20:59:00+00:00", None),
        ("2026-11-27T21:00:00+00:00", "2026-11-28T05:00:00+00:00"),
        ("2026-11-28T04:59:00+00:00", "2026-11-28T05:00:00+00:00"),
        ("2026-11-28T05:00:00+00:00", None),
        ("2026-10-24T23:00:00+00:00", "2026-10-25T05:00:00+00:00"),  # the clock goes back in that night
    ],
)
def test_quiet_hours_are_those_of_a_clock(now: str, ends: str | None) -> None:
    found = outbox.quiet_until(NIGHT, datetime.fromisoformat(now))
    assert found == (datetime.fromisoformat(ends) if ends is not None else None)


def test_at_night_only_the_gravest_is_told_and_the_rest_in_the_morning_if_it_still_is_so() -> None:
    night = {**OPS, "quietHours": {"from": "11:00", "to": "13:00"}}
    seen = replace(told(night), now=NOW + MINUTE)
    both = passed(seen, after(seen, DOWN, condition("DatabaseReady", "False", "NotReachable")))
    assert {item.key: item.after for item in box(both)} == {
        "Available": None,
        "DatabaseReady": "2026-03-01T13:00:00Z",
    }
    over = passed(both, after(both, DOWN))
    assert {item.key for item in box(over)} == {"Available"}, "it is well again: nobody is told in the morning"


@given(st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1)))  # noqa: DTZ001 -- UTC
def test_quiet_hours_end_within_a_day_and_outside_of_themselves(moment: datetime) -> None:
    now = moment.replace(tzinfo=UTC)
    end = outbox.quiet_until(NIGHT, now)
    if end is not None:
        assert now < end <= now + timedelta(hours=9)
        assert outbox.quiet_until(NIGHT, end) is None


def test_words_of_ones_own_and_nothing_of_a_template_is_run() -> None:
    own = {**OPS, "templates": [{"event": "IncidentAlert", "title": "$app: ${what}", "text": "$unknown $$5 $message"}]}
    title, text = words.said(Event.INCIDENT_ALERT, Target.model_validate(own), {"app": "memo", "what": "down"})
    assert (title, text) == ("memo: down", "$unknown $5")
    default = words.said(Event.RELEASE_HELD, Target.model_validate(own), {"app": "memo", "version": "1"})
    assert default[0] == "Release held: memo 1"


def test_every_event_has_words_that_name_only_what_is_known() -> None:
    for event in Event:
        title, text = words.said(event, Target.model_validate(OPS), dict.fromkeys(words.FACTS, "x"))
        assert title
        assert "$" not in title + text


@pytest.mark.parametrize(
    ("time", "text"), [(40, "40 s"), (61, "1 min"), (7500, "2 h 5 min"), (90000, "1 d 1 h"), (-5, "0 s")]
)
def test_how_long_it_lasted(time: int, text: str) -> None:
    assert words.lasted(timedelta(seconds=time)) == text


WINDOW = Window(
    "night",
    OPEN[0].policy,
    timedelta(hours=2),
    start=NOW + timedelta(hours=30),
    zone="Europe/Berlin",
    announce=timedelta(hours=24),
    message="The disks are changed.",
)


def run(phase: RunPhase, **changes: Any) -> KnownRun:
    start = timestamp(NOW + timedelta(hours=30))
    ends = timestamp(NOW + timedelta(hours=32))
    known = {"begun": phase in {RunPhase.ACTIVE, RunPhase.VERIFYING}, "start": start, "ends": ends, "phase": phase}
    return KnownRun("night", **{**known, **changes})


def test_maintenance_is_announced_begins_takes_longer_and_is_over() -> None:
    seen = told(windows=(WINDOW,))
    early = passed(seen, after(seen, UP), 7 * 60)
    assert events(early) == []
    day = passed(early, after(early, UP), 60)
    assert events(day) == [("ops", Event.MAINTENANCE_ANNOUNCED)]
    assert box(day)[0].title == "Maintenance announced: memo, 2026-03-02 19:00 +0100"
    assert box(day)[0].text.endswith("until 2026-03-02 21:00 +0100.\nThe disks are changed.")
    begins = replace(taken(day), now=NOW + timedelta(hours=30, minutes=1), runs=(run(RunPhase.ACTIVE),))
    active = passed(begins, after(begins, UP))
    assert events(active) == [("ops", Event.MAINTENANCE_STARTED)]
    same = passed(taken(active), after(active, UP))
    assert events(same) == []
    late = passed(replace(same, sent={}, now=NOW + timedelta(hours=32)), after(same, UP))
    assert events(late) == [("ops", Event.MAINTENANCE_LONGER)]
    again = passed(taken(late), after(late, UP))
    assert events(again) == []
    over = replace(again, sent={}, runs=(run(RunPhase.COMPLETED),), now=NOW + timedelta(hours=33))
    done = passed(over, after(over, UP))
    assert events(done) == [("ops", Event.MAINTENANCE_COMPLETED)]
    assert box(done)[0].text.endswith("is over, after 3 h 0 min.")
    assert passed(taken(done), after(done, UP)).app.status.notifications is None


@pytest.mark.parametrize("phase", [RunPhase.FAILED, RunPhase.OVERRUN])
def test_maintenance_that_did_not_do_its_work_says_why(phase: RunPhase) -> None:
    seen = told(windows=(WINDOW,), runs=(run(RunPhase.ACTIVE),), now=NOW + timedelta(hours=31))
    active = passed(seen, after(seen, UP))
    over = replace(taken(active), runs=(run(phase, said="tidy: exit code 1"),))
    done = passed(over, after(over, UP))
    (message,) = box(done)
    assert (message.event, message.severity) == (Event.MAINTENANCE_FAILED, 2)
    assert message.text.endswith("tidy: exit code 1")


def test_the_page_by_hand_is_told_too() -> None:
    page = {"until": "2026-03-01T13:00:00Z", "message": "The database moves."}
    seen = with_spec(told(), notifications=[OPS], maintenance=page)
    shown = committed(seen, pages=dict.fromkeys(seen.routers, int((NOW + timedelta(hours=1)).timestamp())))
    up = committed(shown)
    assert events(up) == [("ops", Event.MAINTENANCE_STARTED)]
    assert box(up)[0].text.endswith("is over by 2026-03-01 13:00 +0000.\nThe database moves.")
    longer = with_spec(taken(up), notifications=[OPS], maintenance={**page, "until": "2026-03-01T14:00:00Z"})
    longer = replace(longer, pages=dict.fromkeys(seen.routers, int((NOW + timedelta(hours=2)).timestamp())))
    told_longer = committed(longer)
    assert events(told_longer) == [("ops", Event.MAINTENANCE_LONGER)]
    down = with_spec(taken(told_longer), notifications=[OPS])
    gone = committed(replace(down, pages=dict.fromkeys(seen.routers, 0)))
    assert ("ops", Event.MAINTENANCE_COMPLETED) in events(gone)
