"""Gradual releases in a world with clients: steps, soak, a Prometheus, people, and what is told."""

from __future__ import annotations

import pytest
from memoapp_operator.domain.manifest import EVENT
from memoapp_operator.domain.queries import Answer

from tests.sim import apps, releases
from tests.sim.gradual import HOLDS, bad, gate, gradual, green, holding, reason, until
from tests.sim.runner import Simulation


async def test_clients_move_by_steps_and_it_takes_little_more_than_it_holds() -> None:
    sim = await gradual()
    seen: list[str] = []
    await until(sim, "Shifting 10%")
    began = sim.world.clock.seconds
    while sim.phase != "Completed":
        shown = sim.status["display"]["release"]
        seen += [shown] if shown not in seen else []
        await sim.run_for(0.5)
        assert sim.world.clock.seconds < began + 2 * HOLDS
    assert [shown for shown in seen if shown != "Shifting 100%"] == ["Shifting 10%", "Shifting 50%", "Soaking"]
    assert sim.world.clock.seconds - began <= HOLDS + 15
    assert green(sim) == {100}
    assert sim.watch.unserved == []
    assert {item["result"] for item in sim.status["history"]} == {"Completed"}


async def test_a_step_of_one_percent_with_two_pods() -> None:
    sim = await gradual(steps=[{"weight": 1, "hold": "20s"}])
    await holding(sim, 1)
    assert green(sim) == {1}
    assert len(sim.pods("green-backend")) == 2
    await until(sim, "Completed")


async def test_a_release_costs_few_writes_however_long_it_holds() -> None:
    sim = await gradual(steps=[{"weight": 10, "hold": "1h"}], soak="1h")
    await holding(sim, 10)
    await sim.run_for(60)
    before = sim.written
    await sim.run_for(3000)
    assert sim.written == before
    await until(sim, "Completed", most=9000)


QUERY = 'max(memo_queue_length{colour="green"})'
ASKED = {
    "prometheus": {
        "url": "http://prometheus",
        "queries": [{"name": "queue", "query": 'max(memo_queue_length{colour="$(colour)"})', "max": "10"}],
    }
}


@pytest.mark.parametrize(
    ("answer", "ends", "why"),
    [
        (Answer((3,)), "Completed", "None"),  # type: ignore[arg-type]
        (Answer((30,)), "RolledBack", "GateFailed"),  # type: ignore[arg-type]
        (Answer(()), "RolledBack", "GateInconclusive"),
        (None, "RolledBack", "GateError"),
    ],
)
async def test_a_gate_out_of_a_prometheus(answer: Answer | None, ends: str, why: str) -> None:
    def arrange(sim: Simulation) -> None:
        if answer is not None:
            sim.world.prometheus[QUERY] = answer

    sim = await gradual(arrange, gates=ASKED, deadline="2m")
    await until(sim, ends)
    assert reason(sim) == why
    named = gate(sim, "prometheus/queue") if ends == "RolledBack" else None
    assert named is None or named["verdict"] != "Pass"


async def test_one_that_is_only_watched_decides_nothing() -> None:
    sim = await gradual(bad(missing=30), gates={"dryRun": ["clientErrorPercent"]})
    await until(sim, "Completed")
    shown = gate(sim, "clientErrorPercent")
    assert (shown["verdict"], shown["dryRun"]) == ("Fail", True)


async def test_gates_that_contradict_each_other_hold() -> None:
    """One query wants more than there is, the other less: no version can pass both."""
    limits = ({"name": "more", "query": "x", "min": "5"}, {"name": "less", "query": "x", "max": "4"})
    gates = {"prometheus": {"url": "http://prometheus", "queries": list(limits)}, "failureLimit": 2}

    def arrange(sim: Simulation) -> None:
        sim.world.prometheus["x"] = Answer((4.5,))  # type: ignore[arg-type]

    sim = await gradual(arrange, gates=gates)
    await until(sim, "RolledBack")
    assert sim.status["release"]["message"].startswith("prometheus/")


async def test_held_by_a_gate_until_a_person_decides() -> None:
    sim = await gradual(bad(missing=5, above=10), onFailure="Hold")
    await until(sim, "Held")
    await sim.run_for(2)
    assert green(sim) == {10}
    sim.world.traffic.faults.clear()
    sim.order("retry")
    await until(sim, "Completed")


async def test_approved_by_hand_it_goes_on() -> None:
    sim = await gradual(approval="Manual")
    await until(sim, "Approving")
    await sim.run_for(300)
    assert (sim.phase, green(sim)) == ("Approving", {0})
    assert sim.condition("Ready")["reason"] == "Approving"
    sim.order("approve")
    await until(sim, "Completed")
    assert sim.status["orders"]["approve"] == "1"


@pytest.mark.parametrize("phase", ["Preparing", "Shifting 10%", "Soaking"])
async def test_given_up_by_hand(phase: str) -> None:
    sim = await gradual()
    await until(sim, phase)
    sim.order("abort")
    await until(sim, "RolledBack", "Rejected")
    assert (sim.colour, green(sim), reason(sim)) == ("blue", {0}, "AbortedByHand")
    assert sim.status["orders"]["abort"] == "1"


@pytest.mark.parametrize("phase", ["Preparing", "Shifting 10%", "Shifting 50%", "Soaking"])
async def test_a_new_spec_in_mid_release(phase: str) -> None:
    sim = await gradual()
    await until(sim, phase)
    sim.declare(apps.version("1.6.0"))
    await until(sim, "Withdrawn", "RollingBack", "Pending")
    await until(sim, "Completed")
    assert sim.status["active"]["version"] == "1.6.0"
    assert sim.watch.unserved == []
    assert "Withdrawn" in [item["result"] for item in sim.status["history"]]


async def test_one_that_was_sent_back_stays_that_in_the_history_when_the_spec_is_put_back() -> None:
    sim = await gradual(bad(errors=40))
    await until(sim, "RolledBack")
    sim.declare(apps.version(releases.OLD))
    await until(sim, "Withdrawn")
    await sim.run_for(60)
    newest = sim.status["history"][0]
    assert (newest["version"], newest["result"], newest["reason"]) == (releases.NEW, "RolledBack", "GateFailed")
    assert [item["result"] for item in sim.status["history"]] == ["RolledBack", "Completed"]


async def test_back_to_what_served_before_once_the_old_colour_is_gone() -> None:
    sim = await gradual(keepOld="0s")
    await until(sim, "Retired")
    sim.order("rollback")
    await until(sim, "Preparing")
    await until(sim, "Retired")
    assert sim.status["active"]["version"] == releases.OLD
    assert sim.ready == "RolledBackByHand"
    await sim.run_for(300)
    assert sim.status["active"]["version"] == releases.OLD
    sim.order("retry")
    await until(sim, "Preparing")
    await until(sim, "Retired")
    assert (sim.status["active"]["version"], sim.ready) == (releases.NEW, "True")


async def test_every_transition_is_one_event() -> None:
    sim = await gradual()
    await until(sim, "Completed")
    events = [item for item in sim.cluster.all(EVENT) if item["reason"].startswith("Release")]
    told = [item["reason"] for item in sorted(events, key=lambda item: item["firstTimestamp"])]
    assert told.count("ReleaseShifting") == 3
    assert told.count("ReleaseSoaking") == 1
    assert told.count("ReleasePreparing") == told.count("ReleaseCompleted") == 2


async def test_the_metrics_tell_phase_gates_and_ends() -> None:
    sim = await gradual(bad(errors=20))
    await until(sim, "RolledBack")
    await sim.run_for(5)
    text = sim.operators[0].metrics.text().decode()
    assert 'memoapp_release_phase{name="memo",namespace="prod",phase="RolledBack"} 1.0' in text
    assert 'memoapp_rollbacks_total{name="memo",namespace="prod"} 1.0' in text
    assert 'memoapp_gate_value{gate="serverErrorPercent",name="memo",namespace="prod"} 20.0' in text
    assert 'memoapp_gate_verdict{gate="serverErrorPercent",name="memo",namespace="prod",verdict="Fail"} 1.0' in text
