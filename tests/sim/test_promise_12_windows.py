"""Promise 12: what may disrupt people is done in maintenance windows, and waits for them, whatever happens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from memoapp_operator.domain.manifest import STATEFUL_SET

from tests.sim import apps, releases, stage
from tests.sim.faults import KillAfter
from tests.sim.runner import Simulation
from tests.sim.windows import NAME, SHORT, WINDOW, status_of, window

IN = 180.0
"""Seconds until the window begins."""


def declared(**release: Any) -> dict[str, Any]:
    return {**apps.version(releases.NEW), "release": {**SHORT, **release}}


async def waiting(starts_in: float = IN, minutes: float = 10) -> Simulation:
    """A new version that waits for a window."""
    sim = await releases.serving()
    window(sim, "Allow", starts_in, minutes)
    sim.declare(declared())
    await sim.run_for(30)
    assert (sim.phase, sim.ready) == ("Pending", "OutsideWindow")
    return sim


async def test_a_release_waits_for_its_window_without_a_write_and_begins_with_it() -> None:
    sim = await waiting()
    assert status_of(sim)["phase"] == "Scheduled"
    assert sim.condition("Ready")["message"].startswith("the release waits until ")
    written = sim.written
    sim.restart()
    await sim.run_for(IN - 35)
    assert sim.written == written
    await sim.run_for(10)
    assert sim.phase not in {"Pending", None}
    assert status_of(sim)["phase"] == "Active"
    await sim.until_rest()
    assert (sim.phase, sim.ready) == ("Completed", "True")


async def test_an_operator_that_was_away_as_it_began_begins_late_and_one_that_missed_it_does_not() -> None:
    late = await waiting()
    late.world.clock.advance_to(late.world.clock.seconds + IN + 60)
    late.restart()
    await late.run_for(60)
    assert late.phase != "Pending"
    missed = await waiting(minutes=3)
    missed.world.clock.advance_to(missed.world.clock.seconds + IN + 150)
    missed.restart()
    await missed.run_for(60)
    assert (missed.phase, missed.ready) == ("Pending", "OutsideWindow")
    assert missed.condition("Ready")["message"].startswith("the release waits for a time that never comes: ")


@pytest.mark.parametrize("change", ["deleted", "opened", "other app"])
async def test_a_window_that_is_changed_or_deleted_counts_at_once(change: str) -> None:
    sim = await waiting(3600)
    if change == "deleted":
        sim.cluster.remove(WINDOW)
    elif change == "opened":
        window(sim, "Allow", -60, 20)
    else:
        window(sim, "Allow", 3600, 20, apps={"names": ["another"]})
    await sim.run_for(60)
    assert sim.phase != "Pending"


async def test_a_person_lets_it_pass_and_the_next_one_waits_again() -> None:
    sim = await waiting(3600)
    sim.order("bypass")
    await sim.until_rest()
    assert sim.status["history"][0]["bypassed"]
    assert sim.status["active"]["version"] == releases.NEW
    sim.declare({**apps.version("1.9.0"), "release": SHORT})
    await sim.run_for(60)
    assert sim.ready == "OutsideWindow"


async def test_a_deny_that_returns_takes_the_clients_back_and_lets_it_begin_anew() -> None:
    sim = await releases.serving()
    sim.declare(declared(steps=[{"weight": 10, "hold": "2m"}], soak="10s"))
    while sim.phase != "Shifting":
        await sim.run_for(2)
    await sim.run_for(20)
    window(sim, "Deny", 5, 5, underWay="Return")
    await sim.run_for(60)
    assert (sim.phase, sim.ready, sim.colour) == ("Pending", "OutsideWindow", "blue")
    assert sim.status["traffic"] == {"blue": 100, "green": 0}
    entry = sim.status["history"][0]
    assert (entry["result"], entry["reason"]) == ("Withdrawn", "WindowDenied")
    assert "rejected" not in sim.status
    await sim.run_for(500)
    assert (sim.phase, sim.ready, sim.colour) == ("Completed", "True", "green")


async def test_a_deny_lets_what_is_under_way_finish() -> None:
    sim = await releases.serving()
    sim.declare(declared(steps=[{"weight": 10, "hold": "30s"}]))
    while sim.phase != "Shifting":
        await sim.run_for(2)
    window(sim, "Deny", 1, 30)
    await sim.run_for(60)
    assert (sim.phase, sim.colour) == ("Completed", "green")


async def test_a_restart_of_the_database_waits_for_the_window_and_comes_by_itself() -> None:
    spec = apps.full()
    sim = await stage.serving(spec)
    window(sim, "Allow", IN, 20)
    changed = apps.full()
    changed["database"]["managed"]["parameters"] = {"max_connections": "200"}
    before = sim.find(STATEFUL_SET, "memo-database")["spec"]["template"]
    sim.declare(changed)
    await sim.run_for(60)
    assert (sim.ready, sim.condition("Stalled")["status"]) == ("RestartPending", "False")
    assert "or let it wait until" in sim.condition("Ready")["message"]
    assert sim.find(STATEFUL_SET, "memo-database")["spec"]["template"] == before
    await sim.run_for(IN)
    await sim.until_rest()
    assert sim.ready == "True"
    assert sim.find(STATEFUL_SET, "memo-database")["spec"]["template"] != before


async def test_killed_at_any_write_around_its_beginning_it_ends_as_it_would_have() -> None:
    undisturbed = await waiting()
    began = undisturbed.written
    await undisturbed.run_for(IN)
    await undisturbed.until_rest(quiet=30)
    for number in range(began + 1, undisturbed.written + 1, 3):
        sim = await waiting()
        assert sim.written == began
        sim.cluster.faults = KillAfter(number)
        await sim.run_for(IN)
        await sim.until_rest(quiet=30)
        assert sim.operators[0].restarts == 1
        assert (sim.phase, sim.ready, sim.colour) == ("Completed", "True", "green")


async def test_a_window_at_rest_costs_no_write() -> None:
    sim = await releases.serving()
    window(sim, "Allow", 3600, 20)
    window(sim, "Deny", 7200, 20, "freeze", apps={"selector": {}})
    await sim.until_rest()
    written = sim.written
    await sim.run_for(300)
    sim.restart()
    await sim.run_for(120)
    assert sim.written == written
    assert status_of(sim, "freeze")["apps"] == ["memo"]
    assert NAME == "night"


async def test_a_clock_that_jumps_changes_what_is_shown_and_nothing_else() -> None:
    sim = await releases.serving()
    window(sim, "Allow", 3600, 20)
    await sim.until_rest()
    sim.world.clock.advance_to(sim.world.clock.seconds + timedelta(hours=1, minutes=5).total_seconds())
    await sim.run_for(70)
    assert status_of(sim)["phase"] == "Active"
    sim.world.clock.advance_to(sim.world.clock.seconds + timedelta(hours=1).total_seconds())
    await sim.run_for(70)
    assert status_of(sim)["phase"] == "Completed"
