"""The identity of a release changes with what makes a release, and with nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.render.children import revision
from memoapp_operator.render.context import Credentials

from tests.unit.render import apps

FULL = revision(apps.full())
TIERS = st.sampled_from(["backend", "frontend"])
# A field of a tier, and values that a person might change it to.
RELEASED: dict[str, st.SearchStrategy[Any]] = {
    "image": st.sampled_from(["docker.io/memoapp/next:1", "docker.io/memoapp/next@sha256:0"]),
    "port": st.integers(4000, 5000),
    "healthPath": st.sampled_from(["/healthy", "/ok"]),
    "command": st.lists(st.text("abc", min_size=1), min_size=1, max_size=3),
    "args": st.lists(st.text("abc", min_size=1), min_size=1, max_size=3),
    "env": st.lists(st.builds(lambda name: {"name": name, "value": "v"}, st.text("ABC", min_size=1)), max_size=1),
    "envFrom": st.just([{"secretRef": {"name": "other"}}]),
    "resources": st.just({"requests": {"cpu": "7"}}),
    "securityContext": st.just({"runAsUser": 4711}),
    "serviceAccountName": st.just("other"),
    "nodeSelector": st.just({"disk": "fast"}),
    "affinity": st.just({"nodeAffinity": {}}),
    "tolerations": st.just([{"operator": "Exists"}]),
    "volumes": st.just([]),
    "volumeMounts": st.just([]),
}


@apps.unhurried
@given(TIERS, st.sampled_from(sorted(RELEASED)), st.data())
def test_a_changed_pod_is_another_revision(tier: str, field: str, data: st.DataObject) -> None:
    changed = apps.with_spec(apps.full(), f"{tier}.{field}", data.draw(RELEASED[field]))
    assert revision(changed) != FULL


@apps.unhurried
@given(st.sampled_from(["1.4.1", "2.0.0", "nightly"]))
def test_another_version_is_another_revision(version: str) -> None:
    assert revision(apps.with_spec(apps.full(), "version", version)) != FULL


@apps.unhurried
@given(TIERS, st.text(min_size=1))
def test_other_contents_of_a_reference_are_another_revision(tier: str, digest: str) -> None:
    references = {**apps.full().references, tier: f"{digest}-other"}
    assert revision(replace(apps.full(), references=references)) != FULL


def test_redis_or_other_pull_secrets_change_the_pods_and_so_the_revision() -> None:
    assert revision(apps.with_spec(apps.full(), "imagePullSecrets", [{"name": "other"}])) != FULL
    without = apps.memoapp({**apps.spec_full(), "redis": None})
    assert revision(replace(apps.full(), app=without)) != FULL


@apps.unhurried
@given(
    replicas=st.tuples(st.integers(1, 100), st.integers(1, 100), st.integers(1, 20)),
    colours=st.lists(st.sampled_from(list(Colour)), unique=True).map(tuple),
    weight=st.integers(0, 100),
    addresses=st.dictionaries(st.sampled_from(sorted(apps.ADDRESSES)), st.just("10.96.9.9")),
)
def test_what_changes_in_place_is_no_revision(
    replicas: tuple[int, int, int], colours: tuple[Colour, ...], weight: int, addresses: dict[str, str]
) -> None:
    context = apps.full()
    for path, number in zip(("backend.replicas", "frontend.replicas", "traffic.replicas"), replicas, strict=True):
        context = apps.with_spec(context, path, number)
    context = apps.with_spec(context, "database.managed.image", "docker.io/library/postgres:18")
    context = replace(context, colours=colours, green_weight=weight, addresses=addresses, release="other")
    assert revision(replace(context, credentials=Credentials(), agent_image="other", claims={})) == FULL


def test_a_quantity_written_otherwise_is_the_same_revision() -> None:
    same = {"requests": {"cpu": "1000m", "memory": "512Mi"}, "limits": {"cpu": 1, "memory": "1Gi"}}
    assert revision(apps.with_spec(apps.full(), "backend.resources", same)) == FULL


def test_the_backend_host_is_a_host_alias_and_changes_in_place() -> None:
    assert revision(apps.with_spec(apps.full(), "frontend.backendHost", "elsewhere")) == FULL


def test_it_is_ten_hex_digits() -> None:
    assert len(FULL) == 10
    assert set(FULL) <= set("0123456789abcdef")
