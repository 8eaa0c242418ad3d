"""The gates of CPU, memory and disk."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.gates import Gates, ResourceGates
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.gates import Measured
from memoapp_operator.domain.measurements import Measurement, Verdict
from memoapp_operator.domain.observation import Volume
from memoapp_operator.domain.resource_gates import STALE, Seen, limits_of, measure, newest, unmeasured
from memoapp_operator.domain.revision import Revision
from memoapp_operator.domain.tally import counted
from memoapp_operator.domain.usage import ContainerUsage

from tests.unit.domain.building import NOW

GREEN, BLUE = Colour.GREEN, Colour.BLUE
MIB = 2**20


def used(colour: Colour, cpu: float, memory: float, tier: str = "backend", age: float = 5) -> ContainerUsage:
    moment = NOW - timedelta(seconds=age)
    return ContainerUsage(colour.value, tier, Fraction(str(cpu)), Fraction(memory * MIB), moment)


LIMITS = {(colour.value, "backend"): (Fraction(1), Fraction(100 * MIB)) for colour in Colour}
SEEN = Seen(NOW, (used(GREEN, 0.2, 50), used(BLUE, 0.2, 50)), LIMITS, Volume(1000, 500, 500))


def found(seen: Seen = SEEN, **spec: Any) -> dict[str, Measurement]:
    return {item.gate: item for item in measure(ResourceGates.model_validate(spec), seen, GREEN, BLUE)}


def of(*usage: ContainerUsage) -> Seen:
    return replace(SEEN, usage=usage)


def test_what_uses_little_passes() -> None:
    assert {item.verdict for item in found().values()} == {Verdict.PASS}


@pytest.mark.parametrize(
    ("gate", "within", "beyond"),
    [
        ("cpuPercent", used(GREEN, 0.8, 1), used(GREEN, 0.81, 1)),
        ("memoryPercent", used(GREEN, 0, 85), used(GREEN, 0, 86)),
    ],
)
def test_each_has_the_runbooks_limit(gate: str, within: ContainerUsage, beyond: ContainerUsage) -> None:
    assert found(of(within))[gate].verdict is Verdict.PASS
    assert found(of(used(GREEN, 0, 0), beyond))[gate].verdict is Verdict.FAIL


def test_the_volume_has_a_limit() -> None:
    assert found(replace(SEEN, volume=Volume(1000, 900, 100)))["diskPercent"].verdict is Verdict.PASS
    assert found(replace(SEEN, volume=Volume(1000, 950, 50)))["diskPercent"].verdict is Verdict.FAIL
    assert found(diskPercent=40)["diskPercent"].verdict is Verdict.FAIL


def test_what_both_colours_use_is_no_reason_to_go_back() -> None:
    assert found(of(used(GREEN, 0.9, 1), used(BLUE, 0.9, 1)))["cpuPercent"].verdict is Verdict.PASS
    assert found(of(used(GREEN, 0.95, 1), used(BLUE, 0.6, 1)))["cpuPercent"].verdict is Verdict.FAIL


def test_a_container_without_a_limit_has_no_share_of_it() -> None:
    free = replace(SEEN, limits={("green", "backend"): (None, Fraction(100 * MIB))})
    assert unmeasured(free, GREEN) == {"cpuPercent": "no container has a limit"}
    assert found(replace(free, skipped=frozenset({"cpuPercent"})))["cpuPercent"].verdict is Verdict.SKIPPED
    assert found(replace(free, skipped=frozenset({"cpuPercent"})), cpuPercent=80)["cpuPercent"].verdict is Verdict.ERROR


def test_without_metrics_server_both_are_lacking() -> None:
    absent = replace(SEEN, usage="metrics.k8s.io does not answer", volume=None)
    assert unmeasured(absent, GREEN).keys() == {"cpuPercent", "memoryPercent", "diskPercent"}
    assert {item.verdict for item in found(absent).values()} == {Verdict.ERROR}


def test_an_agent_that_does_not_answer_is_no_want_of_a_source() -> None:
    silent = replace(SEEN, volume=None, managed=True)
    assert unmeasured(silent, GREEN) == {}
    assert found(silent)["diskPercent"].verdict is Verdict.ERROR


def test_what_is_old_says_nothing_of_now() -> None:
    stale = of(used(GREEN, 0.1, 1, age=STALE + 1))
    assert found(stale)["cpuPercent"].verdict is Verdict.ERROR
    assert found(of(used(GREEN, 0.1, 1, age=STALE - 1)))["cpuPercent"].verdict is Verdict.PASS


def test_pods_that_are_too_young_say_nothing_yet() -> None:
    assert found(of(used(BLUE, 0.1, 1)))["cpuPercent"].verdict is Verdict.INCONCLUSIVE


def test_one_measurement_counts_once() -> None:
    busy = of(used(GREEN, 0.9, 1))
    first = found(busy)["cpuPercent"]
    moment = newest(busy, GREEN)
    assert moment is not None
    second = found(replace(busy, counted=moment))["cpuPercent"]
    third = found(replace(busy, counted=moment - timedelta(seconds=1)))["cpuPercent"]
    assert (first.again, second.again, third.again) == (False, True, False)
    gates = counted(None, Measured("s", regular=True, seconds=1, found=(first,)), Gates(), GREEN)
    gates = counted(gates, Measured("s", regular=True, seconds=1, found=(second,)), Gates(), GREEN)
    assert gates[0].failed == 1
    gates = counted(gates, Measured("s", regular=True, seconds=1, found=(third,)), Gates(), GREEN)
    assert gates[0].failed == 2


def test_limits_are_those_of_the_revision() -> None:
    container = {"resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}}
    backend = {"template": {"spec": {"containers": [container]}}}
    revision = Revision("r", "1", {"backend": backend, "frontend": {"template": {}}})
    assert limits_of(GREEN, revision) == {
        ("green", "backend"): (Fraction(1, 2), Fraction(2**30)),
        ("green", "frontend"): (None, None),
    }
