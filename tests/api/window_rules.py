"""What each CEL rule of maintenance windows and notifications takes and refuses."""

from __future__ import annotations

from typing import Any

from .cases import Cases

_TASKS = [{"name": "save", "backup": {}}]
_RESTART = [{"name": "fresh", "restartPods": {}}]


def _window(**changes: Any) -> dict[str, Any]:
    found = {"apps": {"names": ["memo"]}, "policy": "Allow", "schedule": "0 23 * * 6", "duration": "3h", **changes}
    return {key: value for key, value in found.items() if value is not None}


def _once(**changes: Any) -> dict[str, Any]:
    return _window(schedule=None, start="2026-12-20T00:00:00+01:00", **changes)


WINDOW_RULES: dict[str, Cases] = {
    "exactly one of names and selector": Cases(
        accept=({"names": ["memo"]}, {"selector": {}}), reject=({}, {"names": ["memo"], "selector": {}})
    ),
    "exactly one of schedule and start": Cases(
        accept=(_window(), _once()), reject=(_window(start="2026-12-20T00:00:00Z"), _window(schedule=None))
    ),
    "exceptDates are for a schedule": Cases(
        accept=(_window(exceptDates=["2026-12-26"]),), reject=(_once(exceptDates=["2026-12-26"]),)
    ),
    "lastStart is for policy Allow: a Deny begins nothing": Cases(
        accept=(_window(lastStart="1h"),), reject=(_window(lastStart="1h", policy="Deny"),)
    ),
    "underWay is for policy Deny: the end of an Allow ends no release": Cases(
        accept=(_window(underWay="Return", policy="Deny"),), reject=(_window(underWay="Finish"),)
    ),
    "from and to must differ: a whole day is no pause": Cases(
        accept=({"from": "22:00", "to": "06:00"}, {"from": "06:00", "to": "22:00"}),
        reject=({"from": "22:00", "to": "22:00"},),
    ),
    "announceBefore is for tasks: people are told before them": Cases(
        accept=(_window(tasks=_TASKS, announceBefore="24h"),), reject=(_window(announceBefore="24h"),)
    ),
    "tasks are for policy Allow: a Deny begins nothing": Cases(
        accept=(_window(tasks=_TASKS),), reject=(_window(tasks=_TASKS, policy="Deny"),)
    ),
    "page is for tasks: visitors see it from before them until after them": Cases(
        accept=(_window(tasks=_TASKS, page=True), _window(page=False)), reject=(_window(page=True),)
    ),
    "restartPods needs clients to measure it by: it is not for a window with a page": Cases(
        accept=(_window(tasks=_RESTART), _window(tasks=_TASKS, page=True)),
        reject=(_window(tasks=_RESTART, page=True),),
    ),
    "message is for the page": Cases(
        accept=(_window(tasks=_TASKS, page=True, message="a"),), reject=(_window(tasks=_TASKS, message="a"),)
    ),
    "watch is for tasks: the app is watched after them": Cases(
        accept=(_window(tasks=_TASKS, watch="5m"),), reject=(_window(watch="5m"),)
    ),
    "overrun is for tasks: what becomes of them at the end": Cases(
        accept=(_window(tasks=_TASKS, overrun="Undo"),), reject=(_window(overrun="Finish"),)
    ),
    "tests is for tasks: the app's tests come after them": Cases(
        accept=(_window(tasks=_TASKS, tests=True),), reject=(_window(tests=False),)
    ),
    (
        "exactly one of backup, restoreDrill, vacuumAnalyze, reindex, restartPods, updateDatabaseImage, "
        "updateRedisImage, pruneObjects and job"
    ): Cases(
        accept=({"name": "a", "backup": {}}, {"name": "a", "pruneObjects": {}}, {"name": "a", "job": {"image": "a"}}),
        reject=({"name": "a"}, {"name": "a", "backup": {}, "reindex": {}}),
    ),
    "In and NotIn need values": Cases(
        accept=(
            {"key": "tier", "operator": "In", "values": ["gold"]},
            {"key": "tier", "operator": "Exists"},
            {"key": "tier", "operator": "DoesNotExist", "values": []},
        ),
        reject=(
            {"key": "tier", "operator": "NotIn"},
            {"key": "tier", "operator": "In", "values": []},
        ),
    ),
    "it is at most 8784h, a year": Cases(accept=("8784h", "360h"), reject=("8784h1s", "8785h", "999999h999999h9h")),
}
