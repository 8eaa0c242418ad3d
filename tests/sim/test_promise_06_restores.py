"""Promise 6: live data is not touched before a backup was checked and restored beside it, and comes back by an undo."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.domain.manifest import CONFIG_MAP, JOB, Ref

from tests.sim import apps, restores, saving
from tests.sim.restores import change, data_holder, delete, is_gone, live, phase, restore, status
from tests.sim.runner import Simulation

WHILE = 600.0
BACKUP = "prod/memo/2026/01/by-hand/"
PHASES = ["Assessing", "BackingUp", "Restoring", "Announcing", "Swapping", "Checking", "Reopening"]


def steps(sim: Simulation, name: str = "back") -> list[str]:
    return [item["name"] for item in status(sim, name)["steps"]]


async def test_a_restore_takes_its_place_and_the_old_database_stays() -> None:
    sim = await restores.restored()
    told, server = status(sim), sim.world.server
    assert (told["phase"], live(sim)) == ("Completed", BACKUP)
    assert server.held[told["kept"]] == "live"
    assert steps(sim) == PHASES
    assert all("finishedAt" in item for item in told["steps"])
    assert told["loss"] | {"at": ""} == {"at": "", "minutes": 42, "rows": 118, "back": 3, "tables": 2}
    assert told["display"]["recovery"]
    assert told["downtimeSeconds"] < 10
    assert saving.phase_of(sim, "back-before") == "Verified"
    assert saving.phase_of(sim) == "Proved"
    assert data_holder(sim) == ""
    assert "maintenance" not in sim.status
    assert sim.ready == "True"
    assert server.swaps == 1


async def test_without_consent_it_says_what_would_be_lost_and_does_nothing() -> None:
    sim = await restores.saved()
    restore(sim, dataLoss=None)
    await sim.until_rest()
    told = status(sim)
    assert (told["phase"], told["reason"]) == ("ConsentNeeded", "ConsentNeeded")
    assert told["message"].startswith("up to 118 rows in 2 tables, written in 42 minutes, would be lost")
    assert (live(sim), saving.names(sim), data_holder(sim)) == ("live", ["by-hand"], "")
    assert sim.world.clock.now().isoformat()[:19] >= told["loss"]["at"][:19]
    committed = [write for write in sim.cluster.log if str(write.ref) == "MemoRestore/back" and write.verb == "status"]
    assert len(committed) == 2, "Assessing, and ConsentNeeded with the loss in words"
    writes = sim.written
    await sim.run_for(WHILE)
    assert sim.written == writes
    sim.world.agents.loss["rows"] = 250
    change(sim, dataLoss="Accept")
    await sim.until_rest()
    assert (phase(sim), live(sim), status(sim)["loss"]["rows"]) == ("Completed", BACKUP, 250)


async def test_the_page_is_up_before_anything_is_renamed_and_falls_after() -> None:
    sim = await restores.saved()
    seen: list[tuple[str, list[int]]] = []
    swap = sim.world.server.swap

    def watched(live: str, fresh: str, kept: str) -> None:
        held = [steering.until for steering in sim.world.routers._held.values()]
        seen.append((str(sim.status["maintenance"]["holders"][0]["name"]), held))
        swap(live, fresh, kept)

    sim.world.server.swap = watched  # type: ignore[method-assign]
    restore(sim)
    await sim.until_rest()
    ((holder, pages),) = seen
    assert holder == "restore/back"
    assert len(pages) == 2
    assert all(page > 0 for page in pages)
    assert {steering.until for steering in sim.world.routers._held.values()} == {0}
    state = sim.cluster.find(Ref(CONFIG_MAP, "memo-router-state"))
    assert state is not None
    assert "maintenance 0" in state["data"]["state.map"]


async def test_a_router_that_does_not_show_the_page_stops_it_before_anything_is_renamed() -> None:
    sim = await restores.saved()
    pod = next(iter(sim.pods("router").values()))
    sim.world.routers.deaf.add(pod["status"]["podIP"])
    restore(sim)
    await sim.run_for(200)
    assert (phase(sim), status(sim)["reason"], live(sim)) == ("Failed", "PageNotShown", "live")
    assert set(sim.world.server.held) == {"postgres", "memo_app"}
    assert data_holder(sim) == ""


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("assess", ("NotVerified", "database.dump was altered")),
        ("assess", ("RightsMissing", "the user has not CREATEDB")),
        ("restore", ("NotProved", "table public.memos has other rows")),
        ("restore", ("ServerFailed", "No space left on device")),
        ("take", ("DestinationFull", "no space left")),
    ],
)
async def test_any_failure_before_the_swap_changes_nothing(task: str, said: tuple[str, str]) -> None:
    sim = await restores.saved()
    sim.world.agents.failing[task] = said
    restore(sim)
    await sim.until_rest()
    told = status(sim)
    assert (told["phase"], live(sim)) == ("Failed", "live")
    assert said[0] in told["reason"] + told["message"]
    assert said[1] in told["message"]
    assert set(sim.world.server.held) == {"postgres", "memo_app"}
    assert (data_holder(sim), sim.world.server.swaps, "maintenance" in sim.status) == ("", 0, False)
    assert sim.ready == "True"
    expected = {"NotProved": "NotProved"}.get(said[0], "Verified")
    assert saving.phase_of(sim) == expected


async def test_connections_that_do_not_end_change_nothing() -> None:
    sim = await restores.saved()
    sim.world.server.stubborn = True
    restore(sim)
    await sim.run_for(200)
    assert (phase(sim), status(sim)["reason"], live(sim)) == ("Failed", "SwapFailed", "live")
    assert sim.world.server.closed == set()
    assert set(sim.world.server.held) == {"postgres", "memo_app"}


@pytest.mark.parametrize("swapped", [False, True])
async def test_a_server_that_is_away_in_the_middle_is_waited_for(swapped: bool) -> None:
    """Whether both were renamed is not known until it is back."""
    sim = await restores.saved()
    server, swap = sim.world.server, sim.world.server.swap

    def cut(live: str, fresh: str, kept: str) -> None:
        if swapped:
            swap(live, fresh, kept)
        server.away = True

    server.swap = cut  # type: ignore[method-assign]
    restore(sim)
    await sim.run_for(150)
    assert (phase(sim), server.away) == ("Swapping", True)
    server.swap, server.away = swap, False  # type: ignore[method-assign]
    await sim.until_rest()
    expected = ("Completed", BACKUP) if swapped else ("Failed", "live")
    assert (phase(sim), live(sim)) == expected
    assert (server.closed, data_holder(sim)) == (set(), "")
    assert len(server.held) == (3 if swapped else 2)


async def test_a_swap_that_nobody_saw_is_taken_back_where_it_was_given_up() -> None:
    sim = await restores.saved()
    server = sim.world.server
    server.stubborn = True
    restore(sim)
    while phase(sim) != "Discarding":
        await sim.run_for(1)
    server.stubborn = False
    told = status(sim)
    server.restore(told["database"], BACKUP)
    server.swap("memo_app", told["database"], told["kept"])
    await sim.until_rest()
    assert (phase(sim), live(sim)) == ("Failed", "live")
    assert set(server.held) == {"postgres", "memo_app"}


async def test_an_app_that_is_not_healthy_on_it_gets_the_old_database_back() -> None:
    sim = await restores.saved()
    swap = sim.world.server.swap

    def poisoned(live: str, fresh: str, kept: str) -> None:
        swap(live, fresh, kept)
        healthy = sim.world.server.held["memo_app"] == "live"
        sim.world.health_codes = {} if healthy else {"backend": 500}

    sim.world.server.swap = poisoned  # type: ignore[method-assign]
    restore(sim)
    await sim.run_for(500)
    told = status(sim)
    assert (told["phase"], told["reason"], live(sim)) == ("Failed", "NotHealthy", "live")
    assert "/api/health answers 500" in told["message"]
    assert steps(sim) == [*PHASES[:-1], "Returning", "Discarding"]
    assert set(sim.world.server.held) == {"postgres", "memo_app"}
    assert (sim.world.server.swaps, data_holder(sim)) == (2, "")
    assert sim.ready == "True"


async def test_two_restores_come_one_after_the_other() -> None:
    sim = await restores.saved()
    restore(sim)
    restore(sim, "second")
    at_work: list[set[str]] = []
    for _ in range(120):
        await sim.run_for(1)
        idle = {None, "Pending", "Completed"}
        at_work.append({name for name in ("back", "second") if phase(sim, name) not in idle})
    assert max(map(len, at_work)) == 1
    assert (phase(sim), phase(sim, "second")) == ("Completed", "Completed")
    assert sim.world.server.swaps == 2


async def test_a_release_and_a_restore_wait_for_one_another() -> None:
    sim = await restores.saved()
    sim.world.agents.stuck.add("restore")
    restore(sim)
    await sim.run_for(60)
    assert phase(sim) == "Restoring"
    sim.declare({**saving.spec(saving.NEW)})
    await sim.run_for(60)
    assert sim.status["release"]["phase"] == "Preflight"
    assert "the restore back is at work on the data" in sim.condition("Ready")["message"]
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert (phase(sim), sim.status["release"]["phase"], sim.status["release"]["version"]) == (
        "Completed",
        "Completed",
        saving.NEW,
    )


async def test_a_release_under_way_is_finished_first() -> None:
    sim = await restores.saved()
    sim.declare({**saving.spec(saving.NEW, release={"approval": "Manual"})})
    await sim.run_for(60)
    assert sim.status["release"]["phase"] == "Approving"
    restore(sim)
    await sim.run_for(120)
    assert (phase(sim), status(sim)["reason"]) == ("BackingUp", "Waiting")
    assert "the release of 1.5.0, which is Approving" in status(sim)["message"]
    sim.order("approve")
    await sim.until_rest()
    assert (phase(sim), sim.status["release"]["phase"]) == ("Completed", "Completed")


async def test_pods_that_are_not_ready_meanwhile_turn_no_release_back() -> None:
    """The old colour is warm, and the app is not well while connections end: that is no new version's doing."""
    sim = await restores.saved()
    sim.declare({**saving.spec(saving.NEW, release={"keepOld": "1h"})})
    await sim.until_rest()
    version = sim.status["active"]["version"]
    swap = sim.world.server.swap

    def slow(live: str, fresh: str, kept: str) -> None:
        swap(live, fresh, kept)
        for pod in sim.pods(f"{sim.colour}-backend").values():
            sim.world.unready.add(pod["metadata"]["name"])

    sim.world.server.swap = slow  # type: ignore[method-assign]
    restore(sim)
    await sim.run_for(180)
    assert phase(sim) == "Checking"
    assert sim.status["release"]["phase"] in {"Completed", "Retired"}
    sim.world.unready.clear()
    await sim.until_rest()
    assert (phase(sim), sim.status["active"]["version"]) == ("Completed", version)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ({"backup": "nobody"}, "BackupNotFound"),
        ({"undoOf": "nobody"}, "RestoreNotFound"),
    ],
)
async def test_a_source_that_is_not_there_is_waited_for(source: dict[str, Any], reason: str) -> None:
    sim = await restores.saved()
    restore(sim, source=source)
    await sim.run_for(60)
    assert (phase(sim), status(sim)["reason"]) == ("Pending", reason)
    conditions = {item["type"]: item["status"] for item in status(sim)["conditions"]}
    assert conditions == {"Ready": "False", "Reconciling": "False", "Stalled": "True"}


async def test_a_backup_by_its_place_needs_no_record() -> None:
    sim = await restores.saved()
    location = saving.backup(sim)["status"]["location"]  # type: ignore[index]
    saving.delete(sim)
    await sim.until_rest()
    restore(sim, source={"location": location})
    await sim.until_rest()
    assert (phase(sim), live(sim)) == ("Completed", BACKUP)


@pytest.mark.parametrize("stuck", ["assess", "take", "restore"])
async def test_one_that_is_deleted_before_the_swap_leaves_nothing(stuck: str) -> None:
    sim = await restores.saved()
    sim.world.agents.stuck.add(stuck)
    restore(sim)
    await sim.run_for(60)
    delete(sim)
    sim.world.agents.stuck.clear()
    await sim.until_rest()
    assert is_gone(sim)
    assert set(sim.world.server.held) == {"postgres", "memo_app"}
    assert (live(sim), data_holder(sim), sim.world.server.swaps) == ("live", "", 0)
    assert [job["metadata"]["name"] for job in sim.cluster.all(JOB) if "back" in job["metadata"]["name"]] in (
        [],
        ["back-before-take"],
    )


async def test_an_agent_that_ends_without_a_word_works_again() -> None:
    sim = await restores.saved()
    sim.world.agents.silent_restores = 2
    restore(sim)
    await sim.until_rest()
    assert (phase(sim), live(sim)) == ("Completed", BACKUP)
    assert status(sim)["attempt"] > 2


async def test_an_operator_that_never_comes_back_leaves_a_page_that_falls_by_itself() -> None:
    """What the routers hold names the end; their own clocks compare it (see the tests of a real HAProxy)."""
    sim = await restores.saved()
    sim.world.server.stubborn = True
    restore(sim)
    while phase(sim) != "Swapping":
        await sim.run_for(1)
    ends = {steering.until for steering in sim.world.routers._held.values()}
    assert len(ends) == 1
    left = ends.pop() - sim.world.clock.now().timestamp()
    assert 600 < left <= 900


async def test_a_suspended_app_is_not_restored_in_place() -> None:
    sim = await restores.saved()
    sim.declare({**apps.version(saving.OLD), "backup": {}, "suspend": True})
    await sim.until_rest()
    restore(sim)
    await sim.run_for(120)
    assert (phase(sim), status(sim)["reason"]) == ("Pending", "Suspended")
