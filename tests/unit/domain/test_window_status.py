"""MaintenanceWindows as they stand: what kubectl shows, and what is wrong with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.maintenancewindow import (
    Apps,
    MaintenanceWindow,
    MaintenanceWindowStatus,
    Work,
)
from memoapp_operator.api.v1alpha1.memoapp import Metadata
from memoapp_operator.domain.conditions import READY, STALLED, find
from memoapp_operator.domain.window_status import APPS_FOUND, LOOKS, Sight, apps_text, selects, step, window_of
from memoapp_operator.domain.windows import may

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)  # a Friday
SATURDAY = {
    "apps": {"names": ["memo"]},
    "policy": "Allow",
    "schedule": "0 23 * * 6",
    "duration": "3h",
    "timeZone": "Europe/Berlin",
}
YEAR_END = {
    "apps": {"selector": {}},
    "policy": "Deny",
    "start": "2026-12-20T00:00:00+01:00",
    "duration": "360h",
    "timeZone": "Europe/Berlin",
}


def window(spec: dict[str, Any], status: MaintenanceWindowStatus | None = None, **changes: Any) -> MaintenanceWindow:
    declared = {key: value for key, value in {**spec, **changes}.items() if value is not None}
    metadata = {"name": "saturday", "namespace": "prod", "uid": "1", "generation": 2}
    found = MaintenanceWindow.model_validate({"metadata": metadata, "spec": declared})
    return found.model_copy(update={"status": status}) if status is not None else found


def app(name: str, **labels: str) -> Metadata:
    return Metadata(name=name, namespace="prod", uid=name, labels=labels)


def seen(found: MaintenanceWindow, now: datetime = NOW, apps: tuple[Metadata, ...] = (app("memo"),)) -> Sight:
    return Sight(found, apps, now)


def verdict(status: MaintenanceWindowStatus, name: str) -> tuple[str, str, str]:
    found = find(status.conditions, name)
    assert found is not None
    return found.status.value, found.reason, found.message


def shown(status: MaintenanceWindowStatus) -> tuple[str | None, ...]:
    display = status.display or {}
    return display.get("apps"), status.phase, display.get("next"), display.get("ends")


def test_before_inside_and_after() -> None:
    before, again = step(seen(window(SATURDAY)))
    times = ("2026-11-28 23:00 +0100", "2026-11-29 02:00 +0100")
    assert shown(before) == ("memo", "Scheduled", *times)
    assert (before.next_start, before.ends) == ("2026-11-28T22:00:00Z", "2026-11-29T01:00:00Z")
    assert again == LOOKS
    inside, _ = step(seen(window(SATURDAY, before), datetime(2026, 11, 28, 22, 0, tzinfo=UTC)))
    assert shown(inside) == ("memo", "Active", *times)
    after, _ = step(seen(window(SATURDAY, inside), datetime(2026, 11, 29, 1, 0, tzinfo=UTC)))
    assert shown(after) == ("memo", "Scheduled", "2026-12-05 23:00 +0100", "2026-12-06 02:00 +0100")


def test_one_that_comes_once_is_completed_and_keeps_its_times() -> None:
    before, _ = step(seen(window(YEAR_END)))
    assert shown(before) == ("*", "Scheduled", "2026-12-20 00:00 +0100", "2027-01-04 00:00 +0100")
    over, _ = step(seen(window(YEAR_END), datetime(2027, 2, 1, tzinfo=UTC)))
    assert shown(over) == ("*", "Completed", "2026-12-20 00:00 +0100", "2027-01-04 00:00 +0100")
    assert verdict(over, READY)[0] == "True"


def test_nothing_changes_at_rest_and_the_next_look_is_at_its_moments() -> None:
    status, _ = step(seen(window(SATURDAY)))
    for minutes in range(0, 60 * 30, 7):
        later = NOW + timedelta(minutes=minutes)
        assert step(seen(window(SATURDAY, status), later))[0] == status
    _, again = step(seen(window(SATURDAY, status), datetime(2026, 11, 28, 21, 59, 48, tzinfo=UTC)))
    assert again == pytest.approx(12)


@pytest.mark.parametrize(
    ("changes", "reason", "message"),
    [
        ({"timeZone": "Mars/Olympus"}, "UnknownTimeZone", "nobody knows the time zone Mars/Olympus"),
        ({"schedule": "0 25 * * 6"}, "ScheduleInvalid", "0 25 * * 6 is no schedule: "),
        ({"schedule": "0 23 31 2 *"}, "ScheduleInvalid", "0 23 31 2 * is no schedule: "),
        ({"exceptDates": ["2026-02-30"]}, "DateInvalid", "no such date: 2026-02-30"),
    ],
)
def test_one_that_cannot_be_read_says_why_and_lets_nothing_begin(
    changes: dict[str, Any], reason: str, message: str
) -> None:
    found = window(SATURDAY, **changes)
    status, _ = step(seen(found))
    assert status.phase == "Invalid"
    assert verdict(status, READY)[:2] == ("False", reason)
    assert verdict(status, READY)[2].startswith(message)
    assert verdict(status, STALLED)[:2] == ("True", reason)
    if reason != "DateInvalid":
        assert may(Work.RELEASES, [window_of(found)], NOW).start is None, "an Allow that never comes allows nothing"


def test_whom_it_concerns() -> None:
    apps = (app("memo", tier="gold"), app("other", tier="iron"), app("third"))
    found, _ = step(seen(window(SATURDAY), apps=apps))
    assert (found.apps, verdict(found, APPS_FOUND)[:2]) == (["memo"], ("True", "Found"))
    none, _ = step(seen(window(SATURDAY, apps={"names": ["memo", "gone"]}), apps=apps))
    assert verdict(none, APPS_FOUND) == ("False", "NotThere", "not there: gone")
    empty, _ = step(seen(window(SATURDAY, apps={"selector": {"matchLabels": {"tier": "tin"}}}), apps=apps))
    assert (empty.apps, verdict(empty, APPS_FOUND)[:2]) == (None, ("False", "SelectsNothing"))
    assert verdict(empty, READY)[0] == "True", "the window itself is well"


@pytest.mark.parametrize(
    ("selector", "selected", "text"),
    [
        ({}, {"memo", "other", "third"}, "*"),
        ({"matchLabels": {"tier": "gold"}}, {"memo"}, "tier=gold"),
        (
            {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["gold", "iron"]}]},
            {"memo", "other"},
            None,
        ),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["gold"]}]}, {"other", "third"}, None),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, {"memo", "other"}, "tier"),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, {"third"}, "!tier"),
        (
            {"matchLabels": {"tier": "gold"}, "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]},
            set(),
            "tier=gold,!tier",
        ),
    ],
)
def test_selectors_as_kubernetes_reads_them(selector: dict[str, Any], selected: set[str], text: str | None) -> None:
    apps = (app("memo", tier="gold"), app("other", tier="iron"), app("third"))
    found = Apps.model_validate({"selector": selector})
    assert {item.name for item in apps if selects(found, item)} == selected
    assert text is None or apps_text(found) == text


def test_many_names_are_cut_for_the_table() -> None:
    names = [f"app-{number:030}" for number in range(64)]
    status, _ = step(seen(window(SATURDAY, apps={"names": names})))
    assert len((status.display or {})["apps"]) == 200


def test_a_day_of_minutes_is_excepted_at_once() -> None:
    dates = [f"{year}-01-01" for year in range(2027, 2090)]
    status, _ = step(seen(window(SATURDAY, schedule="* * 1 1 *", exceptDates=dates, duration="1m")))
    assert (status.display or {})["next"] == "2090-01-01 00:00 +0100"


@given(st.integers(0, 4 * 366 * 24 * 60))
def test_the_phase_is_what_windows_answer(minutes: int) -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    status, again = step(seen(window(SATURDAY), now))
    allowed = may(Work.RELEASES, [window_of(window(SATURDAY))], now).start == now
    assert (status.phase == "Active") == allowed
    assert 0 < again <= LOOKS
