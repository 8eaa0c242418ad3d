"""The maintenance page by hand: at once, until its end, and what it means for releases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import MaintenanceStatus
from memoapp_operator.api.v1alpha1.memoapp import ReleasePhase as Phase
from memoapp_operator.domain.conditions import AVAILABLE, READY, find
from memoapp_operator.domain.decide import PROGRESS_INTERVAL, decide
from memoapp_operator.domain.maintenance import end_of, message_of
from memoapp_operator.domain.observation import Observation
from memoapp_operator.domain.orders import ROLLBACK_ANNOTATION

from tests.unit.domain.building import NOW, R2, R3, RESYNC, committed, onward, phase_of, serving, with_spec
from tests.unit.domain.moves import at, at_step, measuring, ordered

UNTIL = "2026-03-01T13:00:00Z"
ENDS = int((NOW + timedelta(hours=1)).timestamp())
PAGE = {"until": "2026-03-01T14:00:00+01:00", "message": "The database moves."}


def shown(seen: Observation, ends: int | None = ENDS) -> Observation:
    """The same sight in the next pass, and every router shows the page until then."""
    return committed(seen, pages=dict.fromkeys(seen.routers, ends))


def hidden(seen: Observation, **page: Any) -> Observation:
    """The same sight, and a person has put the page up."""
    return with_spec(seen, maintenance={**PAGE, **page})


def page_of(seen: Observation) -> MaintenanceStatus | None:
    return decide(seen, resync=RESYNC).status.maintenance


def condition(seen: Observation, name: str) -> tuple[str, str]:
    found = find(decide(seen, resync=RESYNC).status.conditions, name)
    assert found is not None
    return found.status.value, found.reason


def test_it_is_held_at_once_and_until_its_end() -> None:
    seen = hidden(serving())
    told = page_of(seen)
    assert told is not None
    assert (told.until, told.since, told.message) == (UNTIL, None, "The database moves.")
    assert [(item.name, item.until) for item in told.holders] == [("spec", UNTIL)]
    assert (end_of(told), message_of(told)) == (ENDS, "The database moves.")
    assert decide(seen, resync=RESYNC).again == PROGRESS_INTERVAL
    up = shown(seen)
    assert page_of(up) == told.model_copy(update={"since": "2026-03-01T12:00:00Z"})
    again = shown(up)
    assert page_of(again) == page_of(up), "and nothing changes any more"
    assert decide(again, resync=RESYNC).again == RESYNC
    assert condition(again, AVAILABLE) == ("False", "Maintenance")
    assert condition(again, READY)[0] == "True", "what is declared is so"
    over = replace(again, now=NOW + timedelta(hours=1))
    assert page_of(over) is None
    assert condition(committed(over), AVAILABLE)[0] == "True"


def test_it_falls_in_every_router_before_it_is_gone_from_the_status() -> None:
    up = shown(shown(hidden(serving())))
    taken = with_spec(up)
    told = page_of(taken)
    assert told is not None
    assert (told.holders, end_of(told), message_of(told)) == ([], 0, "")
    assert page_of(committed(taken, pages=dict.fromkeys(up.routers, 0))) is None


@pytest.mark.parametrize("until", ["2026-03-01T12:00:00Z", "2025-01-01T00:00:00Z"])
def test_an_end_that_is_over_shows_nothing(until: str) -> None:
    assert page_of(hidden(serving(), until=until)) is None


def test_no_release_begins_behind_it_and_the_way_back_is_open() -> None:
    up = shown(shown(hidden(serving())))
    new = replace(up, declared=R2)
    assert decide(new, resync=RESYNC).status.release == up.app.status.release
    assert condition(new, READY) == ("False", "Maintenance")
    at_once = replace(hidden(serving()), declared=R2)
    assert decide(at_once, resync=RESYNC).status.release == serving().app.status.release, "also in its first pass"
    warm = shown(shown(hidden(at(Phase.COMPLETED))))
    back = committed(ordered(replace(warm, declared=R2), ROLLBACK_ANNOTATION))
    assert phase_of(back) is Phase.ROLLING_BACK


def test_behind_it_nothing_is_turned_back_by_itself() -> None:
    warm = shown(shown(hidden(at(Phase.COMPLETED))))
    away = replace(warm, workloads={name: replace(item, ready=0) for name, item in warm.workloads.items()})
    assert phase_of(committed(away)) is Phase.COMPLETED


def test_a_step_under_way_is_not_judged_without_clients_and_its_deadline_counts_no_such_time() -> None:
    step = at_step(10)
    up = committed(with_spec(step, release={"steps": [{"weight": 10, "hold": "30s"}]}, maintenance=PAGE))
    release = up.app.status.release
    assert release is not None
    assert (release.phase, release.deadline) == (Phase.SHIFTING, None)
    late = replace(measuring(up), now=NOW + timedelta(minutes=50))
    assert phase_of(committed(late)) is Phase.SHIFTING
    down = committed(with_spec(late, release={"steps": [{"weight": 10, "hold": "30s"}]}))
    fallen = committed(replace(down, pages=dict.fromkeys(down.routers, 0)))
    after = committed(fallen).app.status.release
    assert after is not None
    assert after.deadline is not None
    assert phase_of(onward(onward(fallen, declared=R2), declared=R2)) is not None


def test_a_first_version_comes_up_behind_it() -> None:
    seen = hidden(replace(serving(), declared=R3))
    blank = seen.app.model_copy(update={"status": type(seen.app.status)()})
    fresh = replace(seen, app=blank)
    assert decide(fresh, resync=RESYNC).status.release is not None
