"""People are told of a release, and of an incident and its end."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.app import App, condition_of
from tests.e2e.ears import Ears
from tests.e2e.elsewhere import secret
from tests.kube import Kube
from tools.testbed import sample

MakeApp = Callable[..., App]


def test_people_are_told(kube: Kube, namespace: str, memoapp: MakeApp, images: dict[str, str]) -> None:
    ears = Ears(kube, namespace, images["backend"])
    targets = [
        {"name": "ops", "urlSecretRef": {"name": "chat", "key": "url"}},
        {"name": "away", "urlSecretRef": {"name": "chat", "key": "away"}, "minSeverity": 1},
    ]
    spec = {**sample.small(images), "notifications": targets}
    app = memoapp("memo", spec)
    app.eventually(app.read, lambda found: condition_of(found, "Notified").get("reason") == "TargetFailing", within=120)
    message = condition_of(app.read(), "Notified")["message"]
    assert message == "ops: Secret/chat is not there"
    secret(kube, namespace, "chat", url=ears.url, away="json://127.0.0.1:1/hook")
    app.ready()
    app.eventually(ears.titles, lambda titles: "Release completed: memo 1.0.0" in titles, within=120)
    assert set(ears.titles()) <= {"Release started: memo 1.0.0", "Release completed: memo 1.0.0"}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none", "namespace": namespace}}
    kube.create({**quota, "spec": {"hard": {"pods": "0"}}})
    for pod in kube.list("v1/Pod", namespace, "app.kubernetes.io/component=backend"):
        kube.delete("v1/Pod", pod["metadata"]["name"], namespace)
    alert = "INCIDENT ALERT: memo: visitors are not served"
    app.eventually(ears.titles, lambda titles: alert in titles, within=180)
    (told,) = [item for item in ears.heard() if item["title"] == alert]
    assert told["message"].startswith(f"Severity: P1\nApp: memo in {namespace}, version 1.0.0\n")
    app.shows("Notified", "False", "TargetFailing")
    assert condition_of(app.read(), "Notified")["message"] == "away: it did not take the message"
    kube.delete("v1/ResourceQuota", "none", namespace)
    for item in kube.list("apps/v1/ReplicaSet", namespace, "app.kubernetes.io/component=backend"):
        # Its controller waits longer after each refusal, by now for minutes: a change wakes it.
        touched = {"metadata": {"annotations": {"tests.memoapp.dev/touched": "true"}}}
        kube.patch("apps/v1/ReplicaSet", item["metadata"]["name"], namespace, body=touched)
    resolved = "INCIDENT RESOLVED: memo: visitors are not served"
    app.eventually(ears.titles, lambda titles: resolved in titles, within=240)
