"""Promise 2, as far as gates go: a version that is bad, or of which nothing is known, gets no more clients.

release_invariants.py looks at it with every step of every test here.
"""

from __future__ import annotations

import pytest
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.counters import API, PAGE
from memoapp_operator.domain.measurements import Verdict

from tests.sim import apps, releases
from tests.sim.gradual import GREEN, INTERVAL, bad, gate, gradual, green, holding, quiet, reason, until
from tests.sim.kubelet import Behaviour
from tests.sim.runner import Simulation
from tests.sim.traffic import Fault


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


@pytest.mark.parametrize("phase", ["Soaking", "Completed"])
@pytest.mark.parametrize("steps", [[{"weight": 10, "hold": "30s"}], None])
async def test_a_restarted_operator_still_knows_how_bad_the_old_colour_was(phase: str, steps: object) -> None:
    """With all clients on the new one there is nothing left to compare with but what was noted."""
    sim = await gradual(as_bad, steps=steps)
    sim.watch.judges_errors = False
    await until(sim, phase)
    await sim.run_for(INTERVAL + 2)
    sim.restart()
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


async def test_a_router_that_cannot_be_read_for_good_sends_back_all_others() -> None:
    sim = await gradual(steps=[{"weight": 10, "hold": "20s"}])
    await holding(sim, 10)
    deaf, *others = sim.pods("router").values()
    sim.world.routers.deaf.add(deaf["status"]["podIP"])
    # errorLimit (5) errors in a row, and one more.
    await until(sim, "RollingBack", most=8 * INTERVAL)
    assert reason(sim) == "GateError"
    await sim.run_for(300)
    assert [sim.world.routers.weight(pod) for pod in others] == [0]
    # It may still send clients to the new colour, so that one stays; and people are told.
    assert sim.world.routers.weight(deaf) == 10
    assert sim.phase == "RollingBack"
    assert len(sim.pods("green-backend")) == 2
    assert sim.condition("Stalled")["reason"] == "RoutersNotReached"
    assert deaf["metadata"]["name"] in sim.condition("Ready")["message"]
    assert sim.condition("Ready")["status"] == "False"
    assert sim.watch.unserved == []
    sim.world.routers.deaf.clear()
    await until(sim, "RolledBack", most=60)
    assert green(sim) == {0}
    assert sim.status["rejected"][0]["retryAt"]


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
