"""What holds for every pod, whatever runs in it."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from memoapp_operator.render.context import Context

from tests.unit.render import apps
from tests.unit.render.standard import violations

each_app = pytest.mark.parametrize("context", apps.EVERY_APP.values(), ids=apps.EVERY_APP)


@each_app
def test_every_pod_meets_the_restricted_standard(context: Context) -> None:
    assert {name: violations(pod) for name, pod in apps.pods(context).items() if violations(pod)} == {}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("hostNetwork",), True),
        (("securityContext", "runAsNonRoot"), False),
        (("securityContext", "runAsUser"), 0),
        (("securityContext", "seccompProfile", "type"), "Unconfined"),
        (("containers", 0, "securityContext", "allowPrivilegeEscalation"), True),
        (("containers", 0, "securityContext", "capabilities"), {}),
        (("containers", 0, "securityContext", "capabilities", "add"), ["SYS_ADMIN"]),
        (("containers", 0, "securityContext", "privileged"), True),
        (("containers", 0, "ports", 0, "hostPort"), 80),
        (("containers", 0, "readinessProbe", "httpGet", "host"), "127.0.0.1"),
        (("volumes", 0), {"name": "node", "hostPath": {"path": "/"}}),
    ],
)
def test_the_check_of_the_standard_sees_each_breach(place: tuple[Any, ...], value: object) -> None:
    pod = deepcopy(apps.pods(apps.full())["memo-router"])
    inner: Any = pod
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    assert violations(pod)


@each_app
def test_every_container_asks_for_resources(context: Context) -> None:
    for pod in apps.pods(context).values():
        assert all(container["resources"]["requests"] for container in pod["containers"])


def test_containers_of_ours_have_a_limit_of_memory_by_default() -> None:
    found = apps.pods(apps.backend_only())
    ours = [container for name in ("memo-database", "memo-router") for container in found[name]["containers"]]
    assert len(ours) == 3
    assert all(container["resources"]["limits"]["memory"] for container in ours)


def test_what_a_person_says_of_resources_stands_alone() -> None:
    context = apps.released(apps.with_spec(apps.backend_only(), "backend.resources", {"limits": {"memory": "2048Mi"}}))
    (container,) = apps.pods(context)["memo-green-backend"]["containers"]
    assert container["resources"] == {"limits": {"memory": "2Gi"}}


def test_only_a_tier_with_a_service_account_of_its_own_gets_a_token() -> None:
    tokens = {name for name, pod in apps.pods(apps.full()).items() if pod["automountServiceAccountToken"]}
    assert tokens == {f"memo-{colour}-{tier}" for colour in ("blue", "green") for tier in ("backend", "frontend")}
    assert not [pod for pod in apps.pods(apps.external()).values() if pod["automountServiceAccountToken"]]


@each_app
def test_no_pod_gets_variables_of_other_services(context: Context) -> None:
    assert all(pod["enableServiceLinks"] is False for pod in apps.pods(context).values())


def test_pull_secrets_are_for_every_pod() -> None:
    assert all(pod["imagePullSecrets"] == [{"name": "memo-registry"}] for pod in apps.pods(apps.full()).values())


@each_app
def test_every_mount_has_its_volume_and_every_port_its_protocol(context: Context) -> None:
    for pod in apps.pods(context).values():
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        for container in pod["containers"]:
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes
            assert all(port["protocol"] == "TCP" for port in container["ports"])


@each_app
def test_no_deployment_ever_takes_a_pod_away_before_another_is_there(context: Context) -> None:
    for deployment in apps.of_kind(context, "Deployment"):
        rollout = deployment["spec"]["strategy"]["rollingUpdate"]
        assert rollout == {"maxUnavailable": 0, "maxSurge": 1}


@each_app
def test_what_is_served_drains_before_it_stops(context: Context) -> None:
    for deployment in apps.of_kind(context, "Deployment"):
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        hook = container["lifecycle"]["preStop"]
        assert hook.get("sleep") == {"seconds": 5} or hook["exec"]["command"][-1].startswith("sleep 5; ")
        assert "livenessProbe" not in container
