"""The identity of a release changes with what makes a release, and with nothing else; how a revision is stored."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.manifest import CONFIG_MAP, SECRET
from memoapp_operator.domain.revision import Revision, copied_objects, parse
from memoapp_operator.render.children import revision, stored_revision
from memoapp_operator.render.context import Context, Credentials
from memoapp_operator.render.revision import copy_of

from tests.unit.render import apps

FULL = revision(apps.full())
IDS = {
    "full": "91d91ab53a",
    "backend only": "7b3633d9a6",
    "external": "bc7bb24139",
    "long name": "b097618c4d",
    "short name": "11b4277e04",
}
TIERS = st.sampled_from(["backend", "frontend"])
each_app = pytest.mark.parametrize("context", apps.EVERY_APP.values(), ids=apps.EVERY_APP)
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
    assert revision(changed).id != FULL.id


@apps.unhurried
@given(st.sampled_from(["1.4.1", "2.0.0", "nightly"]))
def test_another_version_is_another_revision(version: str) -> None:
    changed = revision(apps.with_spec(apps.full(), "version", version))
    assert changed.id != FULL.id
    assert changed.version == version


@apps.unhurried
@given(st.sampled_from(sorted(apps.COPIES)), st.text("0123456789abcdef", min_size=8, max_size=8))
def test_other_contents_of_what_pods_refer_to_are_another_revision(original: tuple[str, str], digest: str) -> None:
    copies = {**apps.COPIES, original: f"{original[1]}-x{digest}"}
    assert revision(replace(apps.full(), copies=copies)).id != FULL.id


@apps.unhurried
@given(st.sampled_from(["Secret", "ConfigMap"]), st.sampled_from(["memo-other", "memo-router-tls", "mail"]))
def test_copies_of_what_no_pod_refers_to_change_nothing(kind: str, name: str) -> None:
    copies = {**apps.COPIES, (kind, name): f"{name}-3d3d3d3d"}
    assert revision(replace(apps.full(), copies=copies)) == FULL


def test_redis_a_tier_less_or_other_pull_secrets_change_the_pods_and_so_the_revision() -> None:
    assert revision(apps.with_spec(apps.full(), "imagePullSecrets", [{"name": "other"}])).id != FULL.id
    for left_out in ("redis", "frontend"):
        without = apps.memoapp({**apps.spec_full(), left_out: None})
        assert revision(replace(apps.full(), app=without)).id != FULL.id


def test_the_name_that_a_frontend_calls_its_backend_by_is_part_of_the_revision() -> None:
    """It becomes a host alias of the pods: a changed one is another pod."""
    assert revision(apps.with_spec(apps.full(), "frontend.backendHost", "elsewhere")).id != FULL.id


@apps.unhurried
@given(
    replicas=st.tuples(st.integers(1, 100), st.integers(1, 100), st.integers(1, 20)),
    colours=st.sets(st.sampled_from(list(Colour))),
    weight=st.integers(0, 100),
    addresses=st.dictionaries(st.sampled_from(sorted(apps.ADDRESSES)), st.just("10.96.9.9")),
    suspend=st.booleans(),
)
def test_what_changes_in_place_is_no_revision(
    replicas: tuple[int, int, int], colours: set[Colour], weight: int, addresses: dict[str, str], suspend: bool
) -> None:
    context = apps.full()
    for path, number in zip(("backend.replicas", "frontend.replicas", "traffic.replicas"), replicas, strict=True):
        context = apps.with_spec(context, path, number)
    context = apps.with_spec(context, "database.managed.image", "docker.io/library/postgres:18")
    context = apps.with_spec(context, "traffic.ingress", {"host": "memo.example"})
    context = apps.with_spec(context, "release", {"keepOld": "1s", "deadline": "1s"})
    context = apps.with_spec(context, "suspend", suspend)
    context = apps.with_spec(context, "backend.autoscaling", {"maxReplicas": 7})
    held = {colour: found for colour, found in context.colours.items() if colour in colours}
    context = replace(context, colours=held, green_weight=weight, addresses=addresses, release="x", rejected="y z")
    assert revision(replace(context, credentials=Credentials(), agent_image="other", claims={}, replicas={})) == FULL


def test_a_quantity_written_otherwise_is_the_same_revision() -> None:
    same = {"requests": {"cpu": "1000m", "memory": "512Mi"}, "limits": {"cpu": 1, "memory": "1Gi"}}
    assert revision(apps.with_spec(apps.full(), "backend.resources", same)) == FULL


def test_no_new_operator_makes_a_release_of_what_was_declared_before() -> None:
    """These ids may never change: with them every app would be released anew by an upgrade of the operator."""
    found = {name: revision(context).id for name, context in apps.EVERY_APP.items()}
    assert found == IDS


def test_its_id_is_ten_hex_digits() -> None:
    assert len(FULL.id) == 10
    assert set(FULL.id) <= set("0123456789abcdef")


@each_app
def test_a_stored_revision_is_read_back_as_it_was(context: Context) -> None:
    declared = revision(context)
    kept = json.loads(json.dumps(stored_revision(context, declared, 7)))
    assert parse(kept) == replace(declared, name=kept["metadata"]["name"], number=7)
    assert kept["apiVersion"] == "apps/v1"
    assert kept["kind"] == "ControllerRevision"
    assert kept["metadata"]["name"].endswith("-r7")
    assert kept["metadata"]["ownerReferences"][0]["uid"] == apps.UID


@each_app
def test_a_stored_revision_holds_neither_colour_nor_alias_nor_replicas(context: Context) -> None:
    written = json.dumps(stored_revision(context, revision(context), 1))
    assert not [each for each in ("memoapp.dev/colour", "hostAliases", "replicas") if each in written]


def test_a_revision_says_what_is_asked_where() -> None:
    said = {component: {key: tier[key] for key in tier if key != "template"} for component, tier in FULL.tiers.items()}
    assert said == {
        "backend": {"port": 3003, "healthPath": "/api/up"},
        "frontend": {"port": 8088, "healthPath": "/up", "backendHost": "api"},
    }
    assert (FULL.entry, revision(apps.backend_only()).entry) == ("frontend", "backend")


@pytest.mark.parametrize("kind", [SECRET, CONFIG_MAP])
def test_a_copy_is_immutable_ours_and_goes_with_the_app(kind: Any) -> None:
    found = copy_of(apps.full(), kind, "memo-mail-1b1b1b1b")
    assert (found["kind"], found["metadata"]["name"], found["immutable"]) == (kind.kind, "memo-mail-1b1b1b1b", True)
    assert found["metadata"]["labels"]["memoapp.dev/app"] == "memo"
    assert [owner["uid"] for owner in found["metadata"]["ownerReferences"]] == [apps.UID]


# Every place in which a pod can name a Secret or a ConfigMap: a field of a tier, and what stands in it.
PLACES: dict[str, tuple[str, str, Any]] = {
    "env, Secret": (
        "env",
        "Secret",
        lambda name: [{"name": "V", "valueFrom": {"secretKeyRef": {"name": name, "key": "k"}}}],
    ),
    "env, ConfigMap": (
        "env",
        "ConfigMap",
        lambda name: [{"name": "V", "valueFrom": {"configMapKeyRef": {"name": name, "key": "k"}}}],
    ),
    "envFrom, Secret": ("envFrom", "Secret", lambda name: [{"secretRef": {"name": name}}]),
    "envFrom, ConfigMap": ("envFrom", "ConfigMap", lambda name: [{"configMapRef": {"name": name}}]),
    "volume, Secret": ("volumes", "Secret", lambda name: [{"name": "v", "secret": {"secretName": name}}]),
    "volume, ConfigMap": ("volumes", "ConfigMap", lambda name: [{"name": "v", "configMap": {"name": name}}]),
    "projected, Secret": (
        "volumes",
        "Secret",
        lambda name: [{"name": "v", "projected": {"sources": [{"secret": {"name": name}}]}}],
    ),
    "projected, ConfigMap": (
        "volumes",
        "ConfigMap",
        lambda name: [{"name": "v", "projected": {"sources": [{"configMap": {"name": name}}]}}],
    ),
}


def naming(place: str, copies: dict[tuple[str, str], str]) -> Revision:
    """The revision of a backend that names ``named`` in that place alone."""
    field, _, build = PLACES[place]
    spec = apps.spec_backend_only()
    spec["backend"] |= {"env": [{"name": "DATABASE_URL", "value": "x"}]}
    spec["backend"][field] = [*spec["backend"].get(field, []), *build("named")]
    context = apps.known(apps.memoapp(spec))
    return revision(replace(context, copies=copies))


@pytest.mark.parametrize("place", PLACES)
def test_pods_are_given_the_copy_in_every_place_that_can_name_an_object(place: str) -> None:
    kind = PLACES[place][1]
    found = naming(place, {(kind, "named"): "named-4e4e4e4e"})
    assert copied_objects(found) == {(kind, "named-4e4e4e4e")}
    assert '"named"' not in json.dumps(found.tiers)


@pytest.mark.parametrize("place", PLACES)
def test_the_copy_of_a_namesake_of_the_other_kind_is_not_taken(place: str) -> None:
    kind = PLACES[place][1]
    other = "ConfigMap" if kind == "Secret" else "Secret"
    assert copied_objects(naming(place, {(other, "named"): "named-4e4e4e4e"})) == {(kind, "named")}


@pytest.mark.parametrize("place", PLACES)
def test_an_optional_object_that_is_not_there_keeps_its_name_and_counts_once_it_comes(place: str) -> None:
    kind = PLACES[place][1]
    absent = naming(place, {})
    assert copied_objects(absent) == {(kind, "named")}
    assert naming(place, {(kind, "named"): "named-4e4e4e4e"}).id != absent.id


def test_nothing_but_a_reference_is_renamed() -> None:
    copies = {("Secret", "V"): "wrong-1", ("ConfigMap", "v"): "wrong-2", ("Secret", "memoapp-tmp"): "wrong-3"}
    for place in PLACES:
        assert "wrong" not in json.dumps(naming(place, copies).tiers)
