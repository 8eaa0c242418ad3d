"""Changes of the database and Redis: those that would replace a pod wait, those that would lose data are refused."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from memoapp_operator.domain.observation import ChildState
from memoapp_operator.domain.ownership import APPLIED_ANNOTATION, assess
from memoapp_operator.domain.restarts import TEMPLATE_ANNOTATION, other_major, restarts

from tests.unit.domain.building import UID

OWNER = {"apiVersion": "memoapp.dev/v1alpha1", "kind": "MemoApp", "name": "memo", "uid": UID, "controller": True}


def stateful(
    image: str = "docker.io/library/postgres:17.2", *, name: str = "database", template: str = "t1", **spec: Any
) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {
            "name": f"memo-{name}",
            "namespace": "prod",
            "annotations": {APPLIED_ANNOTATION: f"{image} {template} {spec}", TEMPLATE_ANNOTATION: template},
        },
        "spec": {"replicas": 1, **spec, "template": {"spec": {"containers": [{"name": name, "image": image}]}}},
    }


def live(manifest: dict[str, Any]) -> dict[str, Any]:
    found = deepcopy(manifest)
    found["metadata"] |= {"uid": "live-uid", "ownerReferences": [OWNER]}
    return found


def state(wanted: dict[str, Any], present: dict[str, Any]) -> tuple[ChildState, str]:
    found = assess(wanted, live(present), "memo", UID)
    return found.state, found.detail


def test_what_is_the_same_is_current() -> None:
    assert state(stateful(), stateful()) == (ChildState.CURRENT, "")


def test_another_template_waits_and_says_which_change_it_is() -> None:
    wanted = stateful("docker.io/library/postgres:17.4")
    assert state(wanted, stateful()) == (ChildState.WAITING, wanted["metadata"]["annotations"][APPLIED_ANNOTATION])


def test_a_template_that_says_less_waits_too() -> None:
    """A field that is to be removed differs in nothing that is wanted: its digest tells."""
    assert restarts(stateful(template="t2"), live(stateful()))
    assert state(stateful(template="t2"), stateful())[0] is ChildState.WAITING


def test_replicas_are_changed_at_once() -> None:
    assert state(stateful(replicas=0), stateful()) == (ChildState.DIFFERS, "")


def test_one_that_never_noted_its_template_is_compared_with_it() -> None:
    before = stateful()
    del before["metadata"]["annotations"][TEMPLATE_ANNOTATION]
    assert not restarts(stateful(template="t2"), live(before))
    assert restarts(stateful("docker.io/library/postgres:17.4"), live(before))


def test_a_deployment_never_waits() -> None:
    wanted = {**stateful("docker.io/library/postgres:17.4"), "kind": "Deployment"}
    assert state(wanted, {**stateful(), "kind": "Deployment"})[0] is ChildState.DIFFERS


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        ("postgres:17", "postgres:18", True),
        ("postgres:17.2", "postgres:16.9", True),
        ("registry:5000/postgres:17-alpine", "registry:5000/postgres:v18", True),
        ("postgres:17@sha256:1", "postgres:18@sha256:2", True),
        ("postgres:17", "postgres:17.4-bookworm", False),
        ("postgres:17", "other/postgres:17", False),
        ("postgres:17", "postgres@sha256:2", False),
        ("postgres:latest", "postgres:18", False),
        ("registry:5000/postgres", "registry:6000/postgres", False),
    ],
)
def test_another_major_is_refused_as_far_as_tags_tell(before: str, after: str, refused: bool) -> None:
    said = other_major(stateful(after), live(stateful(before)))
    assert (said is not None) is refused
    if refused:
        assert state(stateful(after), stateful(before)) == (ChildState.IMPOSSIBLE, said)


def test_redis_may_change_its_major() -> None:
    wanted, present = stateful("redis:8", name="redis"), stateful("redis:7", name="redis")
    assert state(wanted, present)[0] is ChildState.WAITING
