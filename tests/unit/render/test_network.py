"""Who may talk to whom: a table of flows, evaluated against the rendered policies as Kubernetes does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from memoapp_operator.domain.manifest import Manifest
from memoapp_operator.render.context import Context

from tests.unit.render import apps


@dataclass(frozen=True)
class Peer:
    """A pod, or, without labels, something outside the cluster."""

    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()


def of(component: str, app: str = "memo", namespace: str = "prod") -> Peer:
    return Peer(namespace, (("app.kubernetes.io/component", component), ("memoapp.dev/app", app)))


OPERATOR = Peer("memoapp-system", (("app.kubernetes.io/name", "memoapp-operator"),))
IMPOSTOR = Peer("prod", OPERATOR.labels)
NEIGHBOUR = Peer("memoapp-system", (("app.kubernetes.io/name", "other"),))
STRANGER = Peer("prod", (("run", "shell"),))
OUTSIDE = Peer()
ROUTER, FRONTEND, BACKEND = of("router"), of("frontend"), of("backend")
DATABASE, REDIS = of("database"), of("redis")
EVERYBODY = {
    "operator": OPERATOR,
    "impostor": IMPOSTOR,
    "neighbour": NEIGHBOUR,
    "stranger": STRANGER,
    "outside": OUTSIDE,
    "router": ROUTER,
    "frontend": FRONTEND,
    "backend": BACKEND,
    "database": DATABASE,
    "redis": REDIS,
    "other app's router": of("router", app="other"),
    "other app's backend": of("backend", app="other"),
    "backend of the same app elsewhere": of("backend", namespace="test"),
}

# Port by target, and who alone may reach it.
ALLOWED: dict[tuple[str, int], set[str]] = {
    ("router", 8080): set(EVERYBODY),
    ("router", 9999): {"operator"},
    ("router", 8081): set(),
    ("frontend", 8088): {"router", "operator"},
    ("frontend", 8087): {"router", "operator"},
    ("frontend", 3003): set(),
    ("backend", 3003): {"router", "frontend", "operator"},
    ("backend", 3007): {"router", "frontend", "operator"},
    ("backend", 22): set(),
    ("database", 5432): {"backend", "operator"},
    ("database", 9188): {"operator"},
    ("redis", 6379): {"backend", "operator"},
}


def allowed(context: Context, target: Peer, port: int, caller: Peer) -> bool:
    """Source: the NetworkPolicy API; a pod that no policy selects is open to all."""
    selecting = [each["spec"] for each in apps.of_kind(context, "NetworkPolicy") if selects(each["spec"], target)]
    governing = [spec for spec in selecting if "Ingress" in spec["policyTypes"]]
    return not governing or any(admits(rule, port, caller) for spec in governing for rule in spec["ingress"])


def silent(context: Context, pod: Peer) -> bool:
    """True where the pod may open no connection at all."""
    selecting = [each["spec"] for each in apps.of_kind(context, "NetworkPolicy") if selects(each["spec"], pod)]
    return any("Egress" in spec["policyTypes"] for spec in selecting) and not any(
        "egress" in each for each in selecting
    )


def selects(spec: Manifest, pod: Peer) -> bool:
    return matches(spec["podSelector"], dict(pod.labels))


def admits(rule: Manifest, port: int, caller: Peer) -> bool:
    ports = [each["port"] for each in rule["ports"] if each["protocol"] == "TCP"]
    return port in ports and ("from" not in rule or any(fits(peer, caller) for peer in rule["from"]))


def fits(peer: Manifest, caller: Peer) -> bool:
    if not caller.labels:
        return False
    namespace = {"kubernetes.io/metadata.name": caller.namespace}
    here = matches(peer["namespaceSelector"], namespace) if "namespaceSelector" in peer else caller.namespace == "prod"
    return here and matches(peer["podSelector"], dict(caller.labels))


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    return bool(selector["matchLabels"].items() <= labels.items())


@pytest.mark.parametrize(("target", "port"), ALLOWED)
@pytest.mark.parametrize("caller", EVERYBODY)
def test_a_flow_is_open_to_those_in_the_table_and_nobody_else(target: str, port: int, caller: str) -> None:
    wanted = caller in ALLOWED[target, port]
    assert allowed(apps.full(), of(target), port, EVERYBODY[caller]) is wanted


@pytest.mark.parametrize(
    ("component", "wanted"),
    [("database", True), ("redis", True), ("backend", False), ("frontend", False), ("router", False)],
)
def test_only_the_data_may_call_nobody(component: str, wanted: bool) -> None:
    assert silent(apps.full(), of(component)) is wanted


def test_the_policies_of_one_app_do_not_govern_another() -> None:
    assert allowed(apps.full(), of("database", app="other"), 5432, STRANGER)


def test_without_a_frontend_the_router_reaches_the_backend() -> None:
    assert allowed(apps.backend_only(), BACKEND, 3001, ROUTER)
    assert not allowed(apps.backend_only(), BACKEND, 3001, STRANGER)
