"""What people meet first: names, mistakes in a manifest, and what cannot be changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.places import Place, placed
from tests.api.samples import BACKED, EXTERNAL, LEAST, MANAGED, memo_app
from tests.kube import ApiError, Kube, Object

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("good", ["m", "memo", "memo-2", "m" * 63])
def test_a_name_of_1_to_63_characters_is_accepted(kube: Kube, namespace: str, good: str) -> None:
    kube.create(memo_app(good, namespace, LEAST), dry_run=True)


@pytest.mark.parametrize("bad", ["m" * 64, "9abc", "a.b"])
def test_a_name_that_children_could_not_bear_is_refused(kube: Kube, namespace: str, bad: str) -> None:
    with pytest.raises(ApiError, match=r"metadata\.name must be a DNS-1035 label"):
        kube.create(memo_app(bad, namespace, LEAST), dry_run=True)


@pytest.mark.parametrize(
    ("place", "field"),
    [
        (("spec", "bogus"), "spec.bogus"),
        (("spec", "backend", "replica"), "spec.backend.replica"),
        (("spec", "backend", "env", 0, "valueForm"), "spec.backend.env[0].valueForm"),
        (("spec", "database", "managed", "storage", "class"), "spec.database.managed.storage.class"),
        (("spec", "traffic", "ingress", "path"), "spec.traffic.ingress.path"),
        (("spec", "release", "keepold"), "spec.release.keepold"),
    ],
    ids=str,
)
def test_an_unknown_field_is_refused(kube: Kube, namespace: str, name: str, place: Place, field: str) -> None:
    app = placed(memo_app(name, namespace, MANAGED), place, "x")
    with pytest.raises(ApiError) as caught:
        kube.create(app, dry_run=True)
    assert caught.value.code == 400
    assert f'unknown field "{field}"' in caught.value.message


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("spec", "version"), 1.4),
        (("spec", "backend"), "registry.example/memo:1"),
        (("spec", "backend", "replicas"), "2"),
        (("spec", "backend", "port"), "http"),
        (("spec", "backend", "env"), "A=b"),
        (("spec", "database", "managed", "storage", "size"), 10),
        (("spec", "database", "managed", "parameters", "max_connections"), 200),
        (("spec", "release", "keepOld"), 30),
        (("spec", "suspend"), "true"),
    ],
    ids=str,
)
def test_a_mistyped_field_is_refused(kube: Kube, namespace: str, name: str, place: Place, value: Any) -> None:
    app = placed(memo_app(name, namespace, MANAGED), place, value)
    with pytest.raises(ApiError, match="must be of type") as caught:
        kube.create(app, dry_run=True)
    assert caught.value.code == 422


@pytest.mark.parametrize("tier", ["frontend", "backend", "traffic"])
@pytest.mark.parametrize("replicas", [-1, 0, 101, 1_000_000, 2**31, 2**63 - 1, 1.5])
def test_absurd_replicas_are_refused(kube: Kube, namespace: str, name: str, tier: str, replicas: float) -> None:
    app = placed(memo_app(name, namespace, MANAGED), ("spec", tier, "replicas"), replicas)
    with pytest.raises(ApiError, match=f"spec.{tier}.replicas"):
        kube.create(app, dry_run=True)


@pytest.mark.parametrize("quantity", [-1, "-1", "-100m", 0.5, "much", ""])
def test_a_quantity_is_never_negative_nor_nonsense(kube: Kube, namespace: str, name: str, quantity: Any) -> None:
    app = placed(memo_app(name, namespace, MANAGED), ("spec", "backend", "resources", "limits", "cpu"), quantity)
    with pytest.raises(ApiError, match=r"limits\.cpu"):
        kube.create(app, dry_run=True)


def test_an_old_colour_need_not_be_kept(kube: Kube, namespace: str, name: str) -> None:
    spec = {**LEAST, "release": {"keepOld": "0s"}}
    stored = kube.create(memo_app(name, namespace, spec), dry_run=True)
    assert stored["spec"]["release"] == {
        "soak": "0s",
        "approval": "Automatic",
        "onFailure": "Rollback",
        "keepOld": "0s",
        "deadline": "30m",
        "backupMaxAge": "1h",
    }


@pytest.mark.parametrize(
    ("field", "text", "message"),
    [
        ("deadline", "0s", "deadline must be more than 0"),
        ("deadline", "8760h", "it is at most 168h"),
        ("keepOld", "8760h", "it is at most 168h"),
        ("keepOld", "7d", "should match"),
        ("keepOld", "", "should match"),
        ("keepOld", "99999999999999h", "should match"),
    ],
)
def test_absurd_durations_are_refused(
    kube: Kube, namespace: str, name: str, field: str, text: str, message: str
) -> None:
    app = memo_app(name, namespace, {**LEAST, "release": {field: text}})
    with pytest.raises(ApiError, match=rf"spec\.release\.{field}.*{message}"):
        kube.create(app, dry_run=True)


@pytest.mark.parametrize("service", ["database", "redis"])
@pytest.mark.parametrize(
    "choice",
    [{}, {"managed": {}, "external": {"secretRef": {"name": "elsewhere"}}}, {"managed": None}],
    ids=["neither", "both", "null"],
)
def test_exactly_one_of_managed_and_external(
    kube: Kube, namespace: str, name: str, service: str, choice: Object
) -> None:
    app = memo_app(name, namespace, {**LEAST, service: choice})
    with pytest.raises(ApiError, match="exactly one of managed and external must be set"):
        kube.create(app, dry_run=True)


STORAGE: Place = ("spec", "database", "managed", "storage")


@pytest.mark.parametrize(
    ("before", "place", "after", "message"),
    [
        (MANAGED, ("spec", "database"), EXTERNAL["database"], "managed cannot become external"),
        (EXTERNAL, ("spec", "database"), LEAST["database"], "managed cannot become external"),
        (MANAGED, ("spec", "redis"), EXTERNAL["redis"], "managed cannot become external"),
        (MANAGED, (*STORAGE, "size"), "19Gi", "a volume can grow but not shrink"),
        (MANAGED, STORAGE, {"storageClassName": "fast"}, "a volume can grow but not shrink"),
        (MANAGED, ("spec", "redis", "managed", "storage", "size"), "1Gi", "a volume can grow but not shrink"),
        (MANAGED, ("spec", "database", "name"), "other", "name is immutable"),
        (MANAGED, ("spec", "database", "user"), "other", "user is immutable"),
        (MANAGED, (*STORAGE, "storageClassName"), "slow", "storageClassName is immutable"),
        (MANAGED, STORAGE, {"size": "20Gi"}, "storageClassName is immutable"),
        (LEAST, (*STORAGE, "storageClassName"), "fast", "storageClassName is immutable"),
    ],
    ids=str,
)
def test_what_holds_data_cannot_be_changed(
    kube: Kube, namespace: str, name: str, before: Object, place: Place, after: Any, message: str
) -> None:
    stored = kube.create(memo_app(name, namespace, before))
    with pytest.raises(ApiError, match=message):
        kube.update(placed(stored, place, after))


@pytest.mark.parametrize(
    ("before", "place", "after"),
    [
        (MANAGED, (*STORAGE, "size"), "21Gi"),
        (MANAGED, ("spec", "version"), "1.5.0"),
        (BACKED, ("spec", "database", "deletionPolicy"), "Retain"),
        (MANAGED, ("spec", "database", "managed", "parameters"), {}),
        (EXTERNAL, ("spec", "database", "external", "secretRef", "name"), "elsewhere"),
        (EXTERNAL, ("spec", "redis"), None),
        (LEAST, ("spec", "suspend"), True),
        (MANAGED, ("spec", "suspend"), False),
        (MANAGED, ("spec", "traffic", "ingress"), None),
        (MANAGED, ("spec", "traffic", "ingress", "host"), "other.example"),
        (LEAST, ("spec", "release", "keepOld"), "0s"),
        (MANAGED, ("spec", "release", "deadline"), "168h"),
    ],
    ids=str,
)
def test_everything_else_can_be_changed(
    kube: Kube, namespace: str, name: str, before: Object, place: Place, after: Any
) -> None:
    stored = kube.create(memo_app(name, namespace, before))
    changed = kube.update(placed(stored, place, after))
    assert changed["metadata"]["generation"] == 2
