"""Every constraint of the CRD lets right values pass and stops wrong ones, in a real API server.

The constraints are read from the CRD, so a new one is tested, or turns these tests red, without being named here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.api.constraints import Constraint, of_crd
from tests.api.places import Place, at, placed, places, written
from tests.api.proofs import Proof, proof
from tests.api.rules import Change
from tests.api.samples import LEAST, MEMO_APP, SAMPLES, memo_app
from tests.kube import ApiError, Kube, Object

pytestmark = pytest.mark.cluster

CONSTRAINTS = of_crd("memoapps")
every_constraint = pytest.mark.parametrize("constraint", CONSTRAINTS, ids=str)


class Bench:
    """Puts one value at one place of a MemoApp, and asks the API server what it thinks of it."""

    def __init__(self, kube: Kube, namespace: str, name: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._name = name

    def put(self, sample: Object, place: Place, value: Any) -> None:
        """ApiError where the API server refuses it. At the root the value is the object's name, or its parts."""
        if not place:
            parts = value if isinstance(value, dict) else sample
            self._create(parts, value if isinstance(value, str) else self._name)
        elif isinstance(value, Change):
            self._change(placed(sample, place, value.before), placed(sample, place, value.after))
        elif place[0] == "status":
            self._status(placed(sample, place, value))
        else:
            self._create(placed(sample, place, value), self._name)

    def _create(self, parts: Object, name: str) -> None:
        app = memo_app(name, self._namespace, parts.get("spec"))
        self._kube.create({key: value for key, value in app.items() if value is not None}, dry_run=True)

    def _change(self, before: Object, after: Object) -> None:
        with self._stored(before["spec"]) as stored:
            self._kube.update({**stored, "spec": after["spec"]}, dry_run=True)

    def _status(self, wanted: Object) -> None:
        with self._stored(LEAST) as stored:
            self._kube.update_status({**stored, "status": wanted["status"]}, dry_run=True)

    @contextmanager
    def _stored(self, spec: Object) -> Iterator[Object]:
        """A MemoApp in the cluster, for as long as the block lasts."""
        stored = self._kube.create(memo_app(self._name, self._namespace, spec))
        try:
            yield stored
        finally:
            self._kube.delete(MEMO_APP, self._name, self._namespace)


@pytest.fixture
def bench(kube: Kube, namespace: str, name: str) -> Bench:
    return Bench(kube, namespace, name)


def located(constraint: Constraint) -> tuple[Object, Place, Proof]:
    """The first sample that has the constraint's path, the place in it, and the proof."""
    sample, place = next((sample, place) for sample in SAMPLES for place in places(sample, constraint.path))
    return sample, place, proof(constraint, at(sample, place))


@every_constraint
def test_right_values_pass(bench: Bench, constraint: Constraint) -> None:
    sample, place, shown = located(constraint)
    assert shown.accept
    for value in shown.accept:
        bench.put(sample, place, value)


@every_constraint
def test_wrong_values_are_refused_for_that_reason(bench: Bench, constraint: Constraint) -> None:
    sample, place, shown = located(constraint)
    assert shown.reject
    for value in shown.reject:
        with pytest.raises(ApiError) as caught:
            bench.put(sample, place, value)
        blames(caught.value, (written(place) + shown.blamed).removeprefix("."), shown.message)


def blames(error: ApiError, field: str, message: str) -> None:
    """The error names that field with that message, and nothing that is not around or inside it."""
    assert error.code == 422, error
    named = [cause for cause in error.causes if cause["field"] == (field or "<nil>")]
    assert any(message in cause["message"] for cause in named), error.causes
    blamed = {cause["field"] for cause in error.causes} - {"<nil>"}
    assert all(name.startswith(field) or field.startswith(name) for name in blamed), error.causes
