"""What stands around a MemoApp when something that was waited for does not come."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from tests.kube import ApiError, Kube, Object

OPERATOR_NAMESPACE = "memoapp-system"
OPERATOR_LABELS = "app.kubernetes.io/name=memoapp-operator"
LINES = 40


def report(kube: Kube, namespace: str, name: str) -> str:
    """Pods, Events and the operator's last words about the app, as text."""
    parts = [
        ("status", _status(kube, namespace, name)),
        ("pods", _pods(kube, namespace)),
        ("events", _events(kube, namespace)),
        ("operator", _operator(kube, f"{namespace}/{name}")),
    ]
    return "\n".join(f"--- {title}\n" + "\n".join(lines) for title, lines in parts)


def _status(kube: Kube, namespace: str, name: str) -> list[str]:
    found = kube.find("memoapp.dev/v1alpha1/MemoApp", name, namespace) or {}
    status = {"generation": (found.get("metadata") or {}).get("generation"), **(found.get("status") or {})}
    return yaml.safe_dump(status, width=200).splitlines()


def _pods(kube: Kube, namespace: str) -> Iterator[str]:
    for pod in kube.list("v1/Pod", namespace):
        status = pod["status"]
        states = [str(item.get("state")) for item in status.get("containerStatuses") or []]
        yield f"{pod['metadata']['name']}: {status.get('phase')} {' '.join(states)}"


def _events(kube: Kube, namespace: str) -> list[str]:
    found = sorted(kube.list("v1/Event", namespace), key=lambda item: item["metadata"]["creationTimestamp"])
    return [f"{_about(item)}: {item['type']} {item['reason']} {item.get('message')}" for item in found[-LINES:]]


def _about(event: Object) -> str:
    return f"{event['involvedObject']['kind']}/{event['involvedObject']['name']}"


def _operator(kube: Kube, app: str) -> Iterator[str]:
    for pod in kube.list("v1/Pod", OPERATOR_NAMESPACE, labels=OPERATOR_LABELS):
        name = pod["metadata"]["name"]
        try:
            lines = log_of(kube, name).splitlines()
        except ApiError as error:
            lines = [str(error)]
        about = [line for line in lines if app in line or '"app"' not in line]
        yield from (f"{name}: {line}" for line in about[-LINES:])


def log_of(kube: Kube, pod: str) -> str:
    """The log of an operator's pod."""
    return kube.text(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods/{pod}/log")
