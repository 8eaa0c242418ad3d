"""A colour is rendered from its revision alone: whatever the spec says by now, what serves stays what it was."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from memoapp_operator.api.v1alpha1.memoapp import Colour
from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.render.children import render
from memoapp_operator.render.context import Context

from tests.unit.render import apps

# A field of the spec, and another value: each of them is a release, and touches no colour that runs.
CHANGES: dict[str, Any] = {
    "version": "9.9.9",
    "imagePullSecrets": [{"name": "other"}],
    "frontend.image": "docker.io/memoapp/other:1",
    "frontend.port": 9001,
    "frontend.healthPath": "/other",
    "frontend.backendHost": "other",
    "frontend.env": [],
    "frontend.securityContext": {"runAsUser": 1},
    "backend.image": "docker.io/memoapp/other:1",
    "backend.port": 9002,
    "backend.healthPath": "/other",
    "backend.command": ["/other"],
    "backend.resources": {"requests": {"cpu": "9"}},
    "backend.envFrom": [],
    "backend.volumes": [],
    "backend.volumeMounts": [],
    "redis": None,
    "frontend": None,
}


def of_colour(context: Context, colour: str) -> dict[str, Manifest]:
    """Every child of a colour, by kind and name."""
    return {
        f"{each['kind']}/{each['metadata']['name']}": each
        for each in render(context)
        if each["metadata"]["labels"].get("memoapp.dev/colour") == colour
    }


def changed(context: Context, path: str, value: Any) -> Context:
    if value is not None:
        return apps.with_spec(context, path, value)
    return replace(context, app=apps.memoapp({**apps.spec_full(), path: None}))


@pytest.mark.parametrize("path", CHANGES)
def test_another_spec_touches_no_child_of_a_colour_that_runs(path: str) -> None:
    before, after = apps.full(), changed(apps.full(), path, CHANGES[path])
    for colour in ("blue", "green"):
        assert len(of_colour(before, colour)) == 6
        assert of_colour(after, colour) == of_colour(before, colour)


@pytest.mark.parametrize("path", [path for path in CHANGES if path not in {"version", "redis", "frontend"}])
def test_the_same_change_reaches_the_colour_that_it_is_released_to(path: str) -> None:
    before = apps.full()
    after = apps.released(changed(before, path, CHANGES[path]))
    assert of_colour(after, "blue") == of_colour(before, "blue")
    assert of_colour(after, "green") != of_colour(before, "green")


@pytest.mark.parametrize("path", ["frontend.port", "frontend"])
def test_another_entry_in_the_spec_leaves_the_routers_way_to_what_runs(path: str) -> None:
    after = changed(apps.full(), path, CHANGES[path])
    assert apps.find(after, "ConfigMap", "memo-router") == apps.find(apps.full(), "ConfigMap", "memo-router")
    assert apps.find(after, "Deployment", "memo-router") == apps.find(apps.full(), "Deployment", "memo-router")


def test_policies_let_callers_to_the_old_ports_as_long_as_a_colour_listens_there() -> None:
    after = changed(apps.full(), "frontend", None)
    ports = [rule["ports"][0]["port"] for rule in apps.find(after, "NetworkPolicy", "memo-frontend")["spec"]["ingress"]]
    assert ports == [8087, 8088]
    both = apps.find(apps.full(), "NetworkPolicy", "memo-backend")["spec"]["ingress"]
    assert [rule["ports"][0]["port"] for rule in both] == [3003, 3007]


def test_a_changed_secret_touches_no_pod_before_it_is_released() -> None:
    copies = {**apps.COPIES, ("Secret", "memo-mail"): "memo-mail-99999999"}
    rotated = replace(apps.full(), copies=copies)
    for colour in ("blue", "green"):
        assert of_colour(rotated, colour) == of_colour(apps.full(), colour)
    released = of_colour(apps.released(rotated), "green")
    assert "memo-mail-99999999" in json.dumps(released)
    assert "memo-mail-1b1b1b1b" not in json.dumps(released)


def test_a_colour_without_a_frontend_is_reached_at_its_backend_beside_one_that_has_one() -> None:
    context = apps.full()
    bare = replace(context, app=apps.memoapp({**apps.spec_full(), "frontend": None}))
    mixed = replace(context, colours={**context.colours, Colour.GREEN: apps.held(bare, 2)})
    text = apps.find(mixed, "ConfigMap", "memo-router")["data"]["haproxy.cfg"]
    assert "server service 10.96.1.2:8087" in text
    assert "server service 10.96.2.1:3003" in text
    assert "Deployment/memo-green-frontend" not in apps.names_of(mixed)


@pytest.mark.parametrize("colour", ["blue", "green"])
def test_a_deployment_names_the_revision_that_it_came_from(colour: str) -> None:
    named = {
        each["metadata"]["annotations"]["memoapp.dev/revision-name"]
        for each in of_colour(apps.full(), colour).values()
        if each["kind"] == "Deployment"
    }
    assert named == {"memo-r1" if colour == "blue" else "memo-r2"}
