"""People are told, at least once, whatever becomes of the operator; and a target that is away holds nothing up."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sim import apps, releases, stage
from tests.sim.faults import KillAfter, KillBefore
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation

CHAT, PAGER = "json://chat.example/hook", "json://pager.example/hook"
TARGETS: list[dict[str, Any]] = [
    {"name": "ops", "urlSecretRef": {"name": "people", "key": "chat"}},
    {"name": "on-call", "urlSecretRef": {"name": "people", "key": "pager"}, "minSeverity": 1, "escalateAfter": "5m"},
]


def spec(version: str = releases.OLD, **changes: Any) -> dict[str, Any]:
    return {**apps.version(version), "notifications": TARGETS, **changes}


async def serving() -> Simulation:
    sim = await stage.serving(apps.version(releases.OLD))
    sim.cluster.put(apps.secret("people", chat=CHAT, pager=PAGER))
    sim.declare(spec())
    await sim.until_rest()
    return sim


async def test_a_release_is_told_and_rest_costs_nothing() -> None:
    sim = await serving()
    sim.declare(spec(releases.NEW))
    await sim.until_rest()
    await sim.run_for(60)
    assert sim.world.people.titles(CHAT) == ["Release started: memo 1.5.0", "Release completed: memo 1.5.0"]
    assert sim.world.people.titles(PAGER) == []
    assert "notifications" not in sim.status
    assert sim.condition("Notified")["status"] == "True"
    written = sim.written
    await sim.run_for(300)
    sim.restart()
    await sim.run_for(60)
    assert sim.written == written


async def test_an_incident_is_told_escalated_and_resolved() -> None:
    sim = await serving()
    image = apps.version(releases.OLD)["backend"]["image"]
    sim.world.behaviours[image] = Behaviour.CRASHES
    await sim.run_for(120)
    assert "INCIDENT ALERT: memo: visitors are not served" in sim.world.people.titles(CHAT)
    assert sim.world.people.titles(PAGER) == []
    await sim.run_for(300)
    assert sim.world.people.titles(PAGER) == ["INCIDENT ALERT: memo: visitors are not served"]
    del sim.world.behaviours[image]
    await sim.run_for(600)
    for url in (CHAT, PAGER):
        assert "INCIDENT RESOLVED: memo: visitors are not served" in sim.world.people.titles(url)


async def test_a_target_that_is_away_holds_nothing_up_and_gets_it_later() -> None:
    sim = await serving()
    sim.world.people.deaf.add(CHAT)
    sim.declare(spec(releases.NEW))
    await sim.run_for(120)
    assert (sim.phase, sim.colour) == ("Completed", "green")
    assert (sim.condition("Notified")["status"], sim.condition("Ready")["status"]) == ("False", "True")
    assert sim.condition("Notified")["message"] == "ops: it did not take the message"
    sim.world.people.deaf.clear()
    await sim.run_for(600)
    assert sim.world.people.titles(CHAT) == ["Release started: memo 1.5.0", "Release completed: memo 1.5.0"]
    assert sim.condition("Notified")["status"] == "True"


async def test_a_secret_that_is_missing_is_named_and_no_url_ever() -> None:
    sim = await stage.serving(apps.version(releases.OLD))
    sim.declare(spec(releases.NEW))
    await sim.run_for(90)
    assert sim.condition("Notified")["message"] == "ops: Secret/people is not there"
    sim.cluster.put(apps.secret("people", chat=CHAT, pager=PAGER))
    await sim.run_for(300)
    assert len(sim.world.people.told) == 2
    assert CHAT not in str(sim.app)


@pytest.mark.parametrize("fault", [KillBefore, KillAfter])
async def test_killed_at_any_write_everything_is_told_at_least_once(fault: Any) -> None:
    undisturbed = await serving()
    began = undisturbed.written
    undisturbed.declare(spec(releases.NEW))
    await undisturbed.until_rest()
    told = undisturbed.world.people.titles(CHAT)
    assert len(told) == 2
    for number in range(began + 1, undisturbed.written + 1, 2):
        sim = await serving()
        sim.cluster.faults = fault(number)
        sim.declare(spec(releases.NEW))
        await sim.until_rest(quiet=30)
        await sim.run_for(60)
        titles = sim.world.people.titles(CHAT)
        assert [*dict.fromkeys(titles)] == told
        assert len(titles) <= len(told) + 1, "once more only for the one that was between send and mark"
        assert "notifications" not in sim.status
