"""Events: one for each transition that a person would want to read about, and the same one however often it is told."""

from __future__ import annotations

from dataclasses import replace

from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.decide import decide
from memoapp_operator.domain.decision import Note
from memoapp_operator.domain.observation import Observation, Probe
from memoapp_operator.domain.orders import ABORT_ANNOTATION, APPROVE_ANNOTATION, RETRY_ANNOTATION, ROLLBACK_ANNOTATION

from tests.unit.domain.building import LATER, R2, R3, RESYNC, STALL, committed, healthy, onward, serving, unsettled
from tests.unit.domain.moves import at, crashing, first, ordered


def notes(seen: Observation) -> tuple[Note, ...]:
    return decide(seen, resync=RESYNC).notes


def reasons(seen: Observation) -> list[str]:
    return [note.reason for note in notes(seen)]


def stalled() -> Observation:
    return serving(workloads={**serving().workloads, **unsettled("blue-backend", 2, STALL)}, now=LATER)


def down() -> Observation:
    return serving(database=Probe(healthy=False, reason="NotReachable", message="refused"), now=LATER)


def test_a_first_pass_tells_of_the_release_and_of_what_answers() -> None:
    assert reasons(healthy()) == ["ReleaseStarted", "CacheReady", "DatabaseReady"]


def test_what_is_not_yet_there_is_no_news_at_first() -> None:
    seen = healthy(workloads={}, database=None, cache=None, routers={})
    assert reasons(seen) == ["ReleaseStarted"]


def test_a_completed_release_is_told_with_its_version_and_revision() -> None:
    (completed, available) = notes(first(Phase.PREPARING))
    assert (completed.reason, completed.message) == ("ReleaseCompleted", "version 1.4.0, revision rev-1, blue")
    assert (available.reason, available.warning) == ("Available", False)


def test_every_phase_of_a_release_is_told_once_with_its_revision() -> None:
    seen, told = serving(declared=R2), []
    for _ in range(6):
        told += [note for note in notes(seen) if note.reason.startswith("Release")]
        seen = onward(seen)
    assert [note.reason for note in told] == [
        "ReleaseStarted",
        "ReleasePreparing",
        "ReleaseShifting",
        "ReleaseCompleted",
    ]
    assert [note.message.removeprefix("version 1.5.0, revision rev-2, green") for note in told] == [
        "",
        "",
        ": 100% of the clients",
        "",
    ]
    assert not any(note.warning for note in told)


def test_a_rejection_is_a_warning_with_its_reason() -> None:
    (told, *_) = notes(crashing(at(Phase.PREPARING)))
    assert (told.warning, told.reason) == (True, "ReleaseRejected")
    assert told.message == f"version 1.5.0, revision rev-2, green: {STALL.reason}: {STALL.message}"


def test_a_way_back_is_told_as_it_begins_and_as_it_ends() -> None:
    begun = notes(replace(at(Phase.SHIFTING), declared=R3))
    assert [(note.warning, note.reason) for note in begun] == [(True, "ReleaseRollingBack")]
    ended = notes(onward(at(Phase.ROLLING_BACK)))
    assert (True, "ReleaseRolledBack") in [(note.warning, note.reason) for note in ended]


def test_a_steady_app_tells_nothing() -> None:
    assert notes(replace(serving(), now=LATER)) == ()
    assert notes(committed(stalled())) == ()
    assert notes(committed(down())) == ()


def test_a_stall_is_a_warning_with_its_reason_and_message() -> None:
    (note,) = notes(stalled())
    assert (note.warning, note.reason, note.message) == (True, STALL.reason, STALL.message)


def test_a_database_that_went_and_came_back_is_told_twice() -> None:
    (lost,) = notes(down())
    assert (lost.warning, lost.reason, lost.message) == (True, "DatabaseNotReady", "refused")
    (back,) = notes(replace(committed(down()), database=healthy().database))
    assert (back.warning, back.reason) == (False, "DatabaseReady")


def test_an_outage_is_a_warning() -> None:
    gone = {name: item for name, item in serving().workloads.items() if name != "router"}
    (note,) = notes(serving(workloads=gone))
    assert (note.warning, note.reason) == (True, "Unavailable")
    assert "router" in note.message


def test_the_same_transition_has_the_same_key() -> None:
    for seen in (healthy(), committed(healthy()), stalled(), down()):
        assert [note.key for note in notes(seen)] == [note.key for note in notes(seen)]


def test_keys_tell_notes_apart() -> None:
    found = [note.key for seen in (healthy(), committed(healthy()), stalled(), down()) for note in notes(seen)]
    assert len(found) == len(set(found))


def test_the_same_trouble_on_another_day_is_another_event() -> None:
    (first,) = notes(stalled())
    recovered = replace(committed(stalled()), workloads=serving().workloads)
    again = replace(committed(recovered), workloads=stalled().workloads, now=LATER.replace(day=2))
    (second,) = notes(again)
    assert first.reason == second.reason
    assert first.key != second.key


def test_the_same_transition_of_another_app_is_another_event() -> None:
    seen = healthy()
    app = seen.app.model_copy(update={"metadata": seen.app.metadata.model_copy(update={"uid": "another"})})
    assert not {note.key for note in notes(seen)} & {note.key for note in notes(replace(seen, app=app))}


def test_an_order_that_changes_nothing_is_told_too_once() -> None:
    for annotation, reason in (
        (ROLLBACK_ANNOTATION, "RollbackIgnored"),
        (APPROVE_ANNOTATION, "ApproveIgnored"),
        (ABORT_ANNOTATION, "AbortIgnored"),
    ):
        seen = ordered(at(Phase.REJECTED), annotation)
        assert reasons(seen) == [reason]
        assert reasons(onward(seen)) == []
    assert reasons(ordered(at(Phase.COMPLETED), RETRY_ANNOTATION)) == ["RetryIgnored"]


def test_an_order_that_is_carried_out_is_told_by_what_it_does() -> None:
    assert "RollbackIgnored" not in reasons(ordered(at(Phase.COMPLETED), ROLLBACK_ANNOTATION))
    assert "RetryIgnored" not in reasons(ordered(at(Phase.REJECTED), RETRY_ANNOTATION))
