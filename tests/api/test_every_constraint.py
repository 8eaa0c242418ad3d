"""Every constraint of the CRD lets right values pass and stops wrong ones, in a real API server.

The constraints are read from the CRD, so a new one is tested, or turns these tests red, without being named here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.api.cases import Change
from tests.api.constraints import Constraint, of_crd
from tests.api.places import Place, at, placed, places, written
from tests.api.proofs import Proof, proof
from tests.api.samples import SAMPLED, Sampled
from tests.kube import ApiError, Kube, Object

pytestmark = pytest.mark.cluster

CONSTRAINTS = [(plural, constraint) for plural in SAMPLED for constraint in of_crd(plural)]
every_constraint = pytest.mark.parametrize(
    ("plural", "constraint"), CONSTRAINTS, ids=[f"{plural}-{constraint}" for plural, constraint in CONSTRAINTS]
)


class Bench:
    """Puts one value at one place of an object, and asks the API server what it thinks of it."""

    def __init__(self, kube: Kube, sampled: Sampled, namespace: str, name: str) -> None:
        self._kube = kube
        self._sampled = sampled
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
        app = self._sampled.made(name, self._namespace, parts.get("spec"))
        self._kube.create({key: value for key, value in app.items() if value is not None}, dry_run=True)

    def _change(self, before: Object, after: Object) -> None:
        with self._stored(before["spec"]) as stored:
            self._kube.update({**stored, "spec": after["spec"]}, dry_run=True)

    def _status(self, wanted: Object) -> None:
        with self._stored(self._sampled.least) as stored:
            self._kube.update_status({**stored, "status": wanted["status"]}, dry_run=True)

    @contextmanager
    def _stored(self, spec: Object) -> Iterator[Object]:
        """An object in the cluster, for as long as the block lasts."""
        stored = self._kube.create(self._sampled.made(self._name, self._namespace, spec))
        try:
            yield stored
        finally:
            self._kube.delete(self._sampled.kind, self._name, self._namespace)


@pytest.fixture
def bench(kube: Kube, plural: str, namespace: str, name: str) -> Bench:
    return Bench(kube, SAMPLED[plural], namespace, name)


def located(plural: str, constraint: Constraint) -> tuple[Object, Place, Proof]:
    """The first sample that has the constraint's path, the place in it, and the proof."""
    samples = SAMPLED[plural].samples
    sample, place = next((sample, place) for sample in samples for place in places(sample, constraint.path))
    return sample, place, proof(constraint, at(sample, place))


@every_constraint
def test_right_values_pass(bench: Bench, plural: str, constraint: Constraint) -> None:
    """In one of the samples that have its path: some values want others beside them."""
    _, _, shown = located(plural, constraint)
    assert shown.accept
    for value in shown.accept:
        refused: list[ApiError] = []
        for sample in SAMPLED[plural].samples:
            place = next(places(sample, constraint.path), None)
            if place is None:
                continue
            try:
                bench.put(sample, place, value)
            except ApiError as error:
                refused.append(error)
            else:
                break
        else:
            raise refused[0]


@every_constraint
def test_wrong_values_are_refused_for_that_reason(bench: Bench, plural: str, constraint: Constraint) -> None:
    sample, place, shown = located(plural, constraint)
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
