"""What the API server adds by itself, and how spec and status live side by side."""

from __future__ import annotations

from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import MemoApp, MemoAppSpec, MemoAppStatus

from tests.api.places import placed
from tests.api.samples import LEAST, MANAGED, MEMO_APP, SPECS, STATUS, memo_app
from tests.kube import ApiError, Kube, Object

pytestmark = pytest.mark.cluster

every_spec = pytest.mark.parametrize("spec", [LEAST, *SPECS.values()], ids=["least", *SPECS])


def dumped(model: MemoAppSpec | MemoAppStatus) -> dict[str, Any]:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


@every_spec
def test_the_defaults_of_the_api_server_are_those_of_the_models(
    kube: Kube, namespace: str, name: str, spec: Object
) -> None:
    stored = kube.apply(memo_app(name, namespace, spec))
    assert stored["spec"] == dumped(MemoAppSpec.model_validate(spec))
    assert stored["status"] == dumped(MemoAppStatus())


@every_spec
def test_the_operator_reads_what_the_api_server_stores(kube: Kube, namespace: str, name: str, spec: Object) -> None:
    stored = kube.create(memo_app(name, namespace, spec), dry_run=True)
    assert dumped(MemoApp.model_validate(stored).spec) == stored["spec"]


@every_spec
def test_an_unchanged_apply_changes_nothing(kube: Kube, namespace: str, name: str, spec: Object) -> None:
    app = memo_app(name, namespace, spec)
    written = kube.update_status({**kube.apply(app), "status": STATUS})
    assert kube.apply(app)["metadata"]["resourceVersion"] == written["metadata"]["resourceVersion"]


@every_spec
def test_before_there_is_a_status_one_apply_stores_its_default(
    kube: Kube, namespace: str, name: str, spec: Object
) -> None:
    """The default stands in what is read before it is stored: waiting tools need it, and it costs one write at most."""
    app = memo_app(name, namespace, spec)
    first, second, third = kube.apply(app), kube.apply(app), kube.apply(app)
    assert first["status"] == second["status"] == third["status"]
    assert second["metadata"]["resourceVersion"] == third["metadata"]["resourceVersion"]


def test_a_new_app_is_not_taken_for_ready(kube: Kube, namespace: str, name: str) -> None:
    """Tools that wait by kstatus take an object without observedGeneration and conditions for done."""
    stored = kube.create(memo_app(name, namespace, LEAST))
    assert stored["status"]["observedGeneration"] != stored["metadata"]["generation"]


def test_an_unchanged_status_changes_nothing(kube: Kube, namespace: str, name: str) -> None:
    first = kube.update_status({**kube.create(memo_app(name, namespace, LEAST)), "status": STATUS})
    second = kube.update_status(first)
    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_a_status_in_a_manifest_is_ignored(kube: Kube, namespace: str, name: str) -> None:
    stored = kube.create(memo_app(name, namespace, LEAST, STATUS))
    assert stored["status"] == dumped(MemoAppStatus())


def test_writing_the_spec_leaves_the_status(kube: Kube, namespace: str, name: str) -> None:
    written = kube.update_status({**kube.create(memo_app(name, namespace, LEAST)), "status": STATUS})
    changed = kube.update({**placed(written, ("spec", "version"), "1.5.0"), "status": {}})
    assert changed["spec"]["version"] == "1.5.0"
    assert changed["status"] == STATUS
    assert changed["metadata"]["generation"] == 2


def test_writing_the_status_leaves_the_spec(kube: Kube, namespace: str, name: str) -> None:
    stored = kube.create(memo_app(name, namespace, LEAST))
    written = kube.update_status({**placed(stored, ("spec", "version"), "1.5.0"), "status": STATUS})
    assert written["spec"]["version"] == "1.4.0"
    assert written["metadata"]["generation"] == 1


@pytest.mark.parametrize("status", [STATUS, {}], ids=["full", "least"])
def test_a_status_comes_back_as_it_was_written(kube: Kube, namespace: str, name: str, status: Object) -> None:
    model = MemoAppStatus.model_validate(status)
    kube.update_status({**kube.create(memo_app(name, namespace, LEAST)), "status": dumped(model)})
    stored = kube.get(MEMO_APP, name, namespace)
    assert stored["status"] == dumped(model)
    assert MemoApp.model_validate(stored).status == model


def test_a_stale_status_is_refused(kube: Kube, namespace: str, name: str) -> None:
    stale = kube.create(memo_app(name, namespace, LEAST))
    kube.update_status({**stale, "status": STATUS})
    with pytest.raises(ApiError) as caught:
        kube.update_status({**stale, "status": {}})
    assert caught.value.reason == "Conflict"


def test_another_manager_can_add_a_variable(kube: Kube, namespace: str, name: str) -> None:
    app = memo_app(name, namespace, MANAGED)
    kube.apply(app)
    other = memo_app(name, namespace, {"backend": {"env": [{"name": "OTHER", "value": "1"}]}})
    merged = kube.apply(other, manager="another", force=False)
    assert [entry["name"] for entry in merged["spec"]["backend"]["env"]] == [
        *(entry["name"] for entry in MANAGED["backend"]["env"]),
        "OTHER",
    ]
