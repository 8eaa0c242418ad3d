"""Suspended: no pod runs anywhere, and everything else stays as it was."""

from __future__ import annotations

import pytest
from memoapp_operator.domain.manifest import Manifest, ref_of
from memoapp_operator.render.children import minted, render
from memoapp_operator.render.context import Context
from memoapp_operator.render.scale import scales

from tests.unit.render import apps

each_app = pytest.mark.parametrize("context", apps.EVERY_APP.values(), ids=apps.EVERY_APP)


def suspended(context: Context) -> Context:
    return apps.with_spec(context, "suspend", value=True)


def without_replicas(manifest: Manifest) -> Manifest:
    if manifest["kind"] not in {"Deployment", "StatefulSet"}:
        return manifest
    spec = {key: value for key, value in manifest["spec"].items() if key != "replicas"}
    return {**manifest, "spec": spec}


@each_app
def test_every_tier_router_and_store_has_no_pod(context: Context) -> None:
    found = [each for each in render(suspended(context)) if each["kind"] in {"Deployment", "StatefulSet"}]
    set_by_scale = scales(suspended(context))
    assert {set_by_scale.get(ref_of(each), each["spec"].get("replicas")) for each in found} == {0}
    assert len(found) == len(apps.pods(context))
    assert 0 not in {each["spec"]["replicas"] for each in render(context) if "replicas" in each.get("spec", {})}


@each_app
def test_there_is_no_budget_for_pods_that_do_not_run(context: Context) -> None:
    assert apps.of_kind(suspended(context), "PodDisruptionBudget") == []


@each_app
def test_nothing_else_changes_so_that_all_comes_back_as_it_was(context: Context) -> None:
    stays = [without_replicas(each) for each in render(context) if each["kind"] != "PodDisruptionBudget"]
    assert [without_replicas(each) for each in render(suspended(context))] == stays
    assert minted(suspended(context)) == minted(context)


@each_app
def test_volumes_and_passwords_stay(context: Context) -> None:
    for kind in ("PersistentVolumeClaim", "Secret"):
        assert apps.of_kind(suspended(context), kind) == apps.of_kind(context, kind)
