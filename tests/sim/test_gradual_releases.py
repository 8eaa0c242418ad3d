"""Gradual releases in a world with clients: steps, gates, and every way in which one does not go on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.counters import API, PAGE
from memoapp_operator.domain.manifest import EVENT
from memoapp_operator.domain.measurements import Verdict
from memoapp_operator.domain.queries import Answer

from tests.sim import apps, releases
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation
from tests.sim.traffic import Fault

GREEN = Colour.GREEN
STEPS = [{"weight": 10, "hold": "30s"}, {"weight": 50, "hold": "30s"}]
INTERVAL = 10.0
HOLDS = 30 + 30 + 60


async def gradual(
    arrange: Callable[[Simulation], None] = releases.nothing, gates: dict[str, Any] | None = None, **release: Any
) -> Simulation:
    """1.5.0 is declared, by steps of 10 and 50 percent and a soak of a minute, in a world that is arranged so."""
    sim = await releases.serving()
    arrange(sim)
    spec = apps.version(releases.NEW)
    spec["release"] = {"steps": STEPS, "soak": "60s", "keepOld": "10m", "deadline": "10m", **release}
    if gates is not None:
        spec["gates"] = gates
    sim.declare(spec)
    await until(sim, "Preparing")
    return sim


def bad(**how: Any) -> Callable[[Simulation], None]:
    """The new version answers so."""

    def arrange(sim: Simulation) -> None:
        sim.world.traffic.faults[GREEN] = Fault(**how)

    return arrange


def quiet(sim: Simulation) -> None:
    """Nobody asks for anything."""
    sim.world.traffic.rates = {PAGE: 0.0, API: 0.0}


async def until(sim: Simulation, *phases: str, most: float = 1500) -> float:
    """Seconds until the release is in one of these phases (``Shifting 10%`` counts as one)."""
    began = sim.world.clock.seconds
    while sim.world.clock.seconds < began + most:
        if sim.phase in phases or sim.status.get("display", {}).get("release") in phases:
            return sim.world.clock.seconds - began
        await sim.run_for(0.5)
    raise AssertionError(f"{phases} not reached within {most} s: {sim.phase} {sim.status['release']}")


async def holding(sim: Simulation, weight: int) -> None:
    """Until the step of that weight holds."""
    await until(sim, f"Shifting {weight}%")
    while not sim.status["release"].get("since"):
        await sim.run_for(0.5)


def green(sim: Simulation) -> set[int | None]:
    return {sim.world.routers.weight(pod) for pod in sim.pods("router").values()}


def reason(sim: Simulation) -> str:
    return str(sim.status["release"].get("reason"))


def gate(sim: Simulation, name: str) -> Any:
    return next(item for item in sim.status["release"]["gates"] if item["name"] == name)


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


@pytest.mark.parametrize("classes", [(API,), (PAGE,), (PAGE, API)])
async def test_errors_send_the_clients_back_within_two_intervals(classes: tuple[str, ...]) -> None:
    sim = await gradual(bad(errors=20, classes=classes))
    await until(sim, "Shifting 10%")
    await holding(sim, 10)
    took = await until(sim, "RollingBack", "RolledBack")
    assert took <= 2 * INTERVAL
    await until(sim, "RolledBack")
    assert green(sim) == {0}
    assert reason(sim) == "GateFailed"
    message = sim.status["release"]["message"]
    assert message.startswith("abortServerErrorPercent 20.0 > 5 on green (blue 0.0), ")
    assert sim.condition("Stalled")["status"] == "True"
    assert sim.condition("Available")["status"] == "True"


async def test_few_errors_send_them_back_after_the_failure_limit() -> None:
    sim = await gradual(bad(errors=2), steps=[{"weight": 50, "hold": "5m"}])
    await holding(sim, 50)
    took = await until(sim, "RollingBack", "RolledBack")
    assert 3 * INTERVAL <= took <= 5 * INTERVAL
    assert gate(sim, "serverErrorPercent")["failed"] == 4


async def test_errors_only_above_half_of_the_clients_are_found_there() -> None:
    sim = await gradual(bad(errors=30, above=50))
    await until(sim, "Shifting 50%")
    await until(sim, "Shifting 100%", "Soaking")
    took = await until(sim, "RollingBack", "RolledBack")
    assert took <= 3 * INTERVAL
    await until(sim, "RolledBack")
    assert (sim.colour, green(sim)) == ("blue", {0})


@pytest.mark.parametrize(("classes", "name"), [((API,), "responseTime.backend"), ((PAGE,), "responseTime.frontend")])
async def test_slow_answers_of_one_class_send_them_back(classes: tuple[str, ...], name: str) -> None:
    sim = await gradual(bad(slow_ms=3000, classes=classes))
    await until(sim, "RolledBack")
    assert gate(sim, name)["verdict"] == "Fail"
    assert sim.status["release"]["message"].startswith(f"{name} 100.0 > 5 on green (blue 0.0)")


async def test_many_client_errors_are_a_reason_too() -> None:
    sim = await gradual(bad(missing=10))
    await until(sim, "RolledBack")
    assert sim.status["release"]["message"].startswith("clientErrorPercent 1")


def as_bad(sim: Simulation) -> None:
    sim.world.traffic.faults = {GREEN: Fault(errors=8, missing=5), Colour.BLUE: Fault(errors=8, missing=5)}


async def test_an_old_colour_that_is_as_bad_is_no_reason_to_go_back() -> None:
    sim = await gradual(as_bad)
    sim.watch.judges_errors = False
    await until(sim, "Completed")
    await sim.run_for(120)
    assert sim.phase == "Completed"


async def test_a_silent_night_holds_and_is_inconclusive_at_the_deadline() -> None:
    sim = await gradual(quiet)
    await holding(sim, 10)
    await sim.run_for(600)
    assert green(sim) == {10}
    assert sim.condition("Ready")["reason"] == "Shifting"
    assert "serverErrorPercent Inconclusive" in sim.condition("Ready")["message"]
    await until(sim, "RolledBack")
    assert reason(sim) == "GateInconclusive"
    (entry,) = sim.status["rejected"]
    assert entry["attempts"] == 1
    await sim.run_for(3400)
    assert sim.phase == "RolledBack"
    sim.world.traffic.rates = {PAGE: 25.0, API: 25.0}
    await until(sim, "Completed")
    assert sim.status["active"]["version"] == releases.NEW
    assert "rejected" not in sim.status


async def test_probes_that_are_named_get_a_release_through_a_silent_night() -> None:
    sim = await gradual(quiet, probes={"paths": ["/", "/api/memos"]})
    await until(sim, "Completed")
    assert "measured by probes only" in gate(sim, "serverErrorPercent")["message"]


async def test_probes_that_fail_send_it_back() -> None:
    def arrange(sim: Simulation) -> None:
        quiet(sim)
        sim.world.codes["green"] = 500

    sim = await gradual(arrange, probes={"paths": ["/", "/api/memos"]})
    await until(sim, "RolledBack")
    assert reason(sim) == "GateFailed"


async def test_healthy_and_then_dying_in_the_soak() -> None:
    sim = await gradual()
    await until(sim, "Soaking")
    await sim.run_for(15)
    sim.world.behaviours[releases.BROKEN] = Behaviour.CRASHES
    took = await until(sim, "RollingBack", "RolledBack")
    assert took <= 2 * INTERVAL
    await until(sim, "RolledBack")
    assert (sim.colour, green(sim)) == ("blue", {0})


async def test_errors_while_the_old_colour_is_warm_send_the_clients_back() -> None:
    sim = await gradual()
    await until(sim, "Completed")
    await sim.run_for(60)
    sim.world.traffic.faults[GREEN] = Fault(errors=50)
    took = await until(sim, "RollingBack", "RolledBack")
    assert took <= 2 * INTERVAL + 1
    await until(sim, "RolledBack")
    assert [item["result"] for item in sim.status["history"]] == ["RolledBack", "Completed"]


async def test_an_old_colour_that_dies_in_mid_release_is_loud() -> None:
    sim = await gradual(steps=[{"weight": 10, "hold": "10m"}])
    await holding(sim, 10)
    sim.world.behaviours[apps.BACKEND] = Behaviour.CRASHES
    await until(sim, "Held", most=30)
    await sim.run_for(2)
    assert green(sim) == {100}
    assert sim.condition("Ready")["reason"] == "Held"
    assert sim.condition("Stalled")["status"] == "True"


async def test_counters_that_begin_anew_are_no_errors_and_no_pass() -> None:
    sim = await gradual()
    await holding(sim, 10)
    await sim.run_for(15)
    for pod in sim.pods("router").values():
        sim.world.traffic.start(pod["metadata"]["uid"], sim.world.clock.seconds)
    await until(sim, "Completed")


async def test_a_router_that_cannot_be_read_holds_the_release() -> None:
    sim = await gradual(steps=[{"weight": 10, "hold": "20s"}], gates={"errorLimit": 50})
    await holding(sim, 10)
    address = next(iter(sim.pods("router").values()))["status"]["podIP"]
    sim.world.routers.deaf.add(address)
    await sim.run_for(90)
    assert sim.status["traffic"] == {"blue": 90, "green": 10}
    assert gate(sim, "serverErrorPercent")["verdict"] == Verdict.ERROR
    sim.world.routers.deaf.clear()
    await until(sim, "Completed")


async def test_an_operator_that_slept_for_two_holds_measures_before_it_goes_on() -> None:
    sim = await gradual(steps=[{"weight": 10, "hold": "30s"}])
    await holding(sim, 10)
    sim.world.clock.advance_to(sim.world.clock.seconds + 90)
    sim.world.traffic.faults[GREEN] = Fault(errors=40)
    sim.restart()
    took = await until(sim, "RollingBack", "RolledBack", "Shifting 100%")
    assert sim.phase in {"RollingBack", "RolledBack"}
    assert took <= 2 * INTERVAL


@pytest.mark.parametrize("weight", [10, 50])
async def test_a_restarted_operator_goes_on_where_it_was(weight: int) -> None:
    sim = await gradual()
    await holding(sim, weight)
    sim.restart()
    await until(sim, "Completed")
    assert sim.watch.unserved == []


@pytest.mark.parametrize("seconds", [300, -60])
async def test_a_clock_that_jumps_moves_no_client_without_a_measurement(seconds: float) -> None:
    sim = await gradual(bad(errors=40), steps=[{"weight": 10, "hold": "2m"}])
    await holding(sim, 10)
    sim.world.clock.skew = seconds
    await until(sim, "RollingBack", "RolledBack", most=60)
    await until(sim, "RolledBack")
    assert green(sim) == {0}


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
