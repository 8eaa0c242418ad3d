"""How many pods a tier of a colour has, by the spec, by an autoscaler and while a release is under way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.manifest import DEPLOYMENT, Manifest, Ref
from memoapp_operator.render.children import render
from memoapp_operator.render.context import Context
from memoapp_operator.render.scale import autoscalers, replicas, scales

from tests.unit.render import apps

AUTOSCALING = {"minReplicas": 2, "maxReplicas": 6, "cpuPercent": 70}


def scaled(live: dict[str, int] | None = None, **changes: Any) -> Context:
    """Blue serves, green runs too, and the backend has an autoscaler."""
    context = replace(apps.full(), **{"serving": Colour.BLUE, "replicas": live or {}, **changes})
    return apps.with_spec(context, "backend.autoscaling", AUTOSCALING)


def backend(context: Context, colour: Colour) -> int:
    return replicas(context, colour, "backend")


def hpa(context: Context) -> Manifest:
    (found,) = autoscalers(context)
    return found


def test_a_deployment_is_made_with_its_pods_and_applied_with_as_many_as_there_are() -> None:
    """Left out, the field would fall back to one pod; set to anything else, an autoscaler would be fought."""

    def applied(context: Context) -> dict[str, int]:
        found = [each for each in render(context) if each["kind"] == "Deployment"]
        return {each["metadata"]["name"]: each["spec"]["replicas"] for each in found}

    assert applied(apps.full())["memo-blue-backend"] == 3
    assert applied(replace(apps.full(), replicas={"blue-backend": 7}))["memo-blue-backend"] == 7
    assert applied(replace(apps.full(), replicas={"blue-backend": 0}))["memo-blue-backend"] == 0


def test_every_deployment_of_a_colour_that_runs_has_its_number() -> None:
    names = [f"memo-{colour}-{tier}" for colour in Colour for tier in ("backend", "frontend")]
    assert scales(apps.full()) == {Ref(DEPLOYMENT, name): 3 for name in names}


def test_replicas_change_in_both_colours_as_the_spec_says() -> None:
    after = apps.with_spec(apps.full(), "backend.replicas", 7)
    assert [backend(after, colour) for colour in Colour] == [7, 7]


@pytest.mark.parametrize(("live", "wanted"), [({"blue-frontend": 5}, 5), ({"blue-frontend": 0}, 1), ({}, 1)])
def test_a_tier_that_the_spec_has_no_more_keeps_its_pods_while_its_colour_runs(
    live: dict[str, int], wanted: int
) -> None:
    context = replace(apps.full(), app=apps.memoapp({**apps.spec_full(), "frontend": None}), replicas=live)
    assert scales(context)[Ref(DEPLOYMENT, "memo-blue-frontend")] == wanted


@pytest.mark.parametrize(("live", "wanted"), [(0, 2), (1, 2), (4, 4), (9, 9)])
def test_an_autoscaler_owns_the_number_and_no_pod_of_it_is_taken_away(live: int, wanted: int) -> None:
    for colour in Colour:
        assert backend(scaled({f"{colour}-backend": live}), colour) == wanted


def test_a_new_colour_comes_up_with_as_many_pods_as_the_serving_one_really_has() -> None:
    context = scaled({"blue-backend": 5, "green-backend": 1}, floors={"backend": 5, "frontend": 3})
    assert [backend(context, colour) for colour in Colour] == [5, 5]


def test_the_autoscaler_is_that_of_the_colour_that_serves() -> None:
    for colour in Colour:
        found = hpa(scaled(serving=colour))
        name = f"memo-{colour}-backend"
        assert found["metadata"]["name"] == name
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
        assert found["spec"]["scaleTargetRef"] == target
        assert (found["spec"]["minReplicas"], found["spec"]["maxReplicas"]) == (2, 6)
        (metric,) = found["spec"]["metrics"]
        assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}


def test_while_a_release_is_under_way_it_takes_no_pod_of_the_serving_colour_away() -> None:
    found = hpa(scaled(floors={"backend": 8}))
    assert (found["spec"]["minReplicas"], found["spec"]["maxReplicas"]) == (8, 8)


def test_there_is_none_before_anything_serves_while_suspended_or_where_none_is_declared() -> None:
    assert autoscalers(replace(scaled(), serving=None)) == ()
    assert autoscalers(apps.with_spec(scaled(), "suspend", value=True)) == ()
    assert autoscalers(replace(apps.full(), serving=Colour.BLUE)) == ()
    assert autoscalers(replace(scaled(), colours={})) == ()


def test_suspended_an_autoscaled_tier_has_no_pod_and_comes_back_with_the_least() -> None:
    assert backend(apps.with_spec(scaled({"blue-backend": 5}), "suspend", value=True), Colour.BLUE) == 0
    assert backend(scaled({"blue-backend": 0}), Colour.BLUE) == 2


def test_what_scales_between_two_pods_and_more_has_a_budget() -> None:
    names = [each["metadata"]["name"] for each in apps.of_kind(scaled(), "PodDisruptionBudget")]
    assert "memo-blue-backend" in names
