"""Promise 7: spec is never written by the operator, and GitOps tools see no drift."""

from __future__ import annotations

import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memoapp_operator.domain.manifest import POD, Manifest

from tests.sim import apps, stage

NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=12)
KEYS = st.builds("{}.example/{}".format, NAMES, NAMES) | st.sampled_from(
    ["argocd.argoproj.io/instance", "app.kubernetes.io/instance", "kustomize.toolkit.fluxcd.io/name"]
)
PAIRS = st.dictionaries(KEYS, st.text(string.ascii_letters, min_size=1, max_size=20), max_size=4)


@pytest.mark.parametrize("shape", apps.SHAPES.values(), ids=apps.SHAPES)
async def test_of_the_memoapp_itself_only_the_status_is_written(shape: apps.Shape) -> None:
    """Field by field it is checked at each write of every test here: see invariants.py."""
    sim = await stage.serving(shape())
    assert {write.verb for write in sim.writes() if write.ref == apps.APP} == {"status", "note"}
    assert sim.app["spec"] == shape()
    assert set(sim.app["metadata"]) == {
        *("name", "namespace", "uid"),
        *("creationTimestamp", "generation", "resourceVersion"),
    }
    assert sim.app["metadata"]["generation"] == 1


@settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(labels=PAIRS, annotations=PAIRS)
async def test_no_label_and_no_annotation_of_the_memoapp_reaches_a_child(
    labels: dict[str, str], annotations: dict[str, str]
) -> None:
    sim = stage.simulation()
    sim.declare(apps.backend_only(), labels=labels, annotations=annotations)
    await sim.until_rest(quiet=1)
    assert sim.ready == "True"
    for child in (*sim.children().values(), *sim.cluster.all(POD)):
        metadata = child["metadata"]
        assert not {*metadata.get("labels", {})} & {*labels, *annotations}
        assert not {*metadata.get("annotations", {})} & {*labels, *annotations}


async def test_labels_and_annotations_that_change_cause_no_write() -> None:
    sim = await stage.serving(apps.full())
    written = sim.written
    sim.declare(apps.full(), labels={"team": "blue"}, annotations={"argocd.argoproj.io/sync-wave": "3"})
    await sim.run_for(60)
    assert sim.written == written


async def test_fields_that_others_own_stay_theirs() -> None:
    """An annotation by kubectl rollout, a label by a cost tool, a sidecar by a mesh."""
    sim = await stage.serving(apps.full())
    written = sim.written

    def annotate(deployment: Manifest) -> None:
        deployment["metadata"]["labels"]["cost-centre"] = "42"
        template = deployment["spec"]["template"]
        template["metadata"].setdefault("annotations", {})["kubectl.kubernetes.io/restartedAt"] = "now"
        template["spec"]["containers"].append({"name": "mesh", "image": "mesh.example/proxy:1"})

    sim.cluster.edit(apps.deployment("memo-blue-backend"), annotate)
    await sim.until_rest()
    assert not [write for write in sim.writes(written) if write.verb not in {"status", "note"}]
    found = sim.find(*apps.place(apps.deployment("memo-blue-backend")))
    assert [each["name"] for each in found["spec"]["template"]["spec"]["containers"]] == ["backend", "mesh"]
